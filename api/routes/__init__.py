from typing import Final

from api.routes.alerts import AlertController
from api.routes.audit import AuditController
from api.routes.calls import CallController
from api.routes.campaigns import CampaignController
from api.routes.contacts import ContactController
from api.routes.dnc import DncController
from api.routes.docs import DocsController
from api.routes.floor import FloorController
from api.routes.health import HealthController
from api.routes.prompts import PromptController
from api.routes.query import QueryController
from api.routes.recordings import RecordingController
from api.routes.report_rules import ReportRulesController
from api.routes.reports import ReportController
from api.routes.rollups import RollupController
from api.routes.saved_reports import SavedReportController
from api.routes.sign_in import SignInController
from api.routes.trunks import TrunkController
from api.routes.verdict_audits import VerdictAuditController

CONTROLLERS: Final = (
    CampaignController,
    ContactController,
    QueryController,
    ReportController,
    ReportRulesController,
    CallController,
    RecordingController,
    SavedReportController,
    RollupController,
    FloorController,
    AlertController,
    AuditController,
    TrunkController,
    PromptController,
    DncController,
    VerdictAuditController,
    HealthController,
    DocsController,
    SignInController,
)
