"""
The supervisor's pages: the list of campaigns and the live page of one.

The server draws words and forms; the page's script fills in the figures from the live stream and the report of the API.
Forms work without the script, too: then the answer is the page itself.
"""

from http import HTTPStatus
from typing import Any, Final, Literal, get_args

from litestar import Controller, Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from analytics.overview import CampaignOverview, overview
from analytics.report import RESULTS, campaign_report
from analytics.trunks import trunk_states
from api.alert_pages import AlertPageController
from api.answer_pages import AnswerPageController
from api.audit_pages import AuditPageController
from api.auth import requires
from api.call_page import CallPageController
from api.calls_page import CallsPageController
from api.campaign_trunks_page import CampaignTrunksPageController
from api.catalogue import Language
from api.dependencies import ApiRequest, Clock, Hub, Pool, Readers, Store
from api.dry_time_page import dry_time_page
from api.floor_page import floor_page
from api.page_view import (
    LANGUAGE_COOKIE,
    ProblemText,
    json_in_html,
    language_of,
    problem_page,
    problem_text,
    raw_texts,
    render,
)
from api.recordings_page import RecordingPageController
from api.report_pages import ReportPageController
from api.saved_report_pages import SavedReportPageController
from api.schemas.contacts import ImportView, import_view
from api.schemas.parameters import CampaignId
from api.static import serve_static
from api.trunk_pages import TrunkPageController, verdict
from api.upload import open_upload
from campaigns.classifier_stops import ClassifierStops
from campaigns.contact_import import ContactImport
from campaigns.dispositions import Disposition
from campaigns.models import Action, Campaign, Status

MAX_CAMPAIGNS: Final = 200
MAX_SHOWN_REJECTIONS: Final = 500
YEAR_SECONDS: Final = 365 * 86_400

ACTIONS: Final[dict[Status, tuple[Action, ...]]] = {
    "draft": ("start",),
    "running": ("pause", "stop"),
    "paused": ("resume", "stop"),
    "stopped": ("start",),
    "finished": ("start",),
}
"""The buttons; each is a legal move of the store, and one way to a status is enough."""

SCRIPT_TEXTS: Final = {
    "live": "pages.live.live",
    "connecting": "pages.live.connecting",
    "lost": "pages.live.lost",
    "of_numbers": "pages.share.of_numbers",
    "of_attempts": "pages.share.of_attempts",
    "of_answered": "pages.share.of_answered",
    "answered": "pages.hours.answered",
    "not_answered": "pages.hours.not_answered",
    "under_way": "pages.calls.under_way",
    **{f"disposition.{name}": f"pages.disposition.{name}" for name in get_args(Disposition)},
    **{f"status.{status}": f"pages.status.{status}" for status in get_args(Status)},
    **{f"result.{result}": f"pages.result.{result}" for result in RESULTS},
}
"""What the page's script says: its name for a sentence, and the catalogue's."""


class CampaignLine:
    """A campaign in the list."""

    def __init__(self, campaign: Campaign, figures: CampaignOverview) -> None:
        self.campaign = campaign
        self.total, self.done = figures.total, figures.done
        self.attempts, self.answered = figures.attempts, figures.answered


class PageController(Controller):
    """Pages for people; programs use `/v1`."""

    include_in_schema = False

    @get("/")
    async def home(self) -> Redirect:
        return Redirect("/campaigns")

    @get("/campaigns", guards=[requires("reports:read")])
    async def campaigns(self, request: ApiRequest, pool: Pool, store: Store) -> Response[str]:
        newest = await store.newest_campaigns(MAX_CAMPAIGNS)
        figures = await overview(pool, [campaign.campaign_id for campaign in newest])
        items = [CampaignLine(campaign, figures[campaign.campaign_id]) for campaign in newest]
        return render(request, "campaigns.html", items=items, section="campaigns")

    @get("/campaigns/{campaign_id:int}", guards=[requires("reports:read")])
    async def campaign(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        pool: Pool,
        readers: Readers,
        store: Store,
        hub: Hub,
        clock: Clock,
    ) -> Response[str]:
        return await campaign_page(request, campaign_id, pool, readers, store, hub, clock)

    @get("/campaigns/{campaign_id:int}/controls", guards=[requires("reports:read")])
    async def controls(self, request: ApiRequest, campaign_id: CampaignId, store: Store) -> Response[str]:
        return controls_part(request, await store.get_campaign(campaign_id))

    @post(
        "/campaigns/{campaign_id:int}/{action:str}",
        guards=[requires("campaigns:write")],
        status_code=HTTPStatus.OK,
    )
    async def act(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        action: FromPath[Literal["start", "pause", "resume", "stop"]],
        store: Store,
        clock: Clock,
    ) -> Response[str] | Redirect:
        problem = None
        try:
            campaign = await store.set_status(campaign_id, action, clock(), actor=request.auth.owner)
        except Exception as error:  # noqa: BLE001 - every problem is shown where the button was
            _, problem = problem_text(request, error)
            campaign = await store.get_campaign(campaign_id)
        if not is_partial(request) and problem is None:
            return Redirect(f"/campaigns/{campaign_id}", status_code=303)
        return controls_part(request, campaign, problem)

    @post(
        "/campaigns/{campaign_id:int}/contacts",
        guards=[requires("contacts:write")],
        status_code=HTTPStatus.OK,
        request_max_body_size=None,  # streamed: memory does not grow with the file
    )
    async def upload(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        pool: Pool,
        readers: Readers,
        store: Store,
        hub: Hub,
        clock: Clock,
    ) -> Response[str]:
        report, problem = None, None
        try:
            await store.get_campaign(campaign_id)
            upload = await open_upload(request, ())
            imported = await ContactImport(pool).run(
                campaign_id, upload.chunks, upload.file_name or "upload.csv", clock()
            )
            report = import_view(imported, language_of(request))
        except Exception as error:  # noqa: BLE001 - every problem is shown under the form
            _, problem = problem_text(request, error)
        if not is_partial(request):
            return await campaign_page(
                request, campaign_id, pool, readers, store, hub, clock, report, problem
            )
        return render(
            request, "import_result.html", report=report, problem=problem, shown=MAX_SHOWN_REJECTIONS
        )

    @get("/language/{language:str}")
    async def choose(
        self,
        language: FromPath[Language],
        next_path: FromQuery[str] = "/campaigns",
    ) -> Redirect:
        # only a path of ours: "//elsewhere" and "/\elsewhere" would lead away
        is_ours = next_path.startswith("/") and next_path[1:2] not in {"/", "\\"}
        cookie = Cookie(
            LANGUAGE_COOKIE, value=language, path="/", samesite="lax", httponly=True, max_age=YEAR_SECONDS
        )
        return Redirect(next_path if is_ours else "/campaigns", cookies=[cookie])


async def campaign_page(
    request: Request[Any, Any, Any],
    campaign_id: int,
    pool: Pool,
    readers: Readers,
    store: Store,
    hub: Hub,
    clock: Clock,
    report: ImportView | None = None,
    problem: ProblemText | None = None,
) -> Response[str]:
    campaign = await store.get_campaign(campaign_id)
    language = language_of(request)
    used = [await store.get_trunk(use.trunk_id) for use in campaign.trunks]
    states = await trunk_states(pool, [trunk.trunk_id for trunk in used], clock())
    data = {
        "campaign_id": campaign_id,
        "language": language,
        "time_zone": campaign.time_zone,
        "live_url": f"/v1/campaigns/{campaign_id}/live",
        "report_url": f"/v1/campaigns/{campaign_id}/report",
        "controls_url": f"/campaigns/{campaign_id}/controls",
        "snapshot": await hub.snapshot(campaign_id),
        "report": await campaign_report(
            readers.sums, campaign_id, time_zone=campaign.time_zone, now=clock(), kept=readers.kept
        ),
        "texts": raw_texts(language, SCRIPT_TEXTS),
    }
    return render(
        request,
        "campaign.html",
        campaign=campaign,
        window={
            "start": clock_time(campaign.window_start_minute),
            "end": clock_time(campaign.window_end_minute),
        },
        trunks=[(trunk, verdict(trunk, states[trunk.trunk_id])) for trunk in used],
        actions=ACTIONS[campaign.status],
        stop=await ClassifierStops(pool).open_stop(campaign_id),
        answers=False,
        report=report,
        problem=problem,
        shown=MAX_SHOWN_REJECTIONS,
        data=json_in_html(data),
        section="campaigns",
    )


def controls_part(
    request: Request[Any, Any, Any], campaign: Campaign, problem: ProblemText | None = None
) -> Response[str]:
    return render(
        request,
        "controls.html",
        campaign=campaign,
        actions=ACTIONS[campaign.status],
        answers=request.method == "POST",
        problem=problem,
    )


def is_partial(request: Request[Any, Any, Any]) -> bool:
    """Tell whether htmx asks, which puts the answer into the page that is there."""
    return request.headers.get("hx-request") == "true"


def clock_time(minute_of_day: int) -> str:
    return f"{minute_of_day // 60:02}:{minute_of_day % 60:02}"


page_router: Final = Router(
    "/",
    route_handlers=[
        PageController,
        CallPageController,
        floor_page,
        dry_time_page,
        ReportPageController,
        SavedReportPageController,
        CallsPageController,
        RecordingPageController,
        TrunkPageController,
        AlertPageController,
        CampaignTrunksPageController,
        AnswerPageController,
        AuditPageController,
        serve_static,
    ],
    exception_handlers={Exception: problem_page},
)
