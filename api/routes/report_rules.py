"""How calls are judged and what they cost: settings of reports, apart from those of dialing."""

from litestar import Controller, get, put
from litestar.params import JSONBody

from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool
from api.schemas.parameters import CampaignId, TrunkId
from campaigns.report_rules import CampaignRules, ReportRules, TrunkPrices


class ReportRulesController(Controller):
    """`/v1/campaigns/{campaign_id}/report-rules` and `/v1/trunks/{trunk_id}/prices`."""

    path = "/v1"
    tags = ("reports",)

    @get(
        "/campaigns/{campaign_id:int}/report-rules",
        operation_id="get_report_rules",
        **needs("campaigns:read"),
    )
    async def rules(self, campaign_id: CampaignId, pool: Pool) -> CampaignRules:
        return await ReportRules(pool).campaign_rules(campaign_id)

    @put(
        "/campaigns/{campaign_id:int}/report-rules",
        operation_id="set_report_rules",
        **needs("campaigns:write"),
        dto=CheckedBody[CampaignRules],
        return_dto=None,
    )
    async def set_rules(
        self,
        request: ApiRequest,
        campaign_id: CampaignId,
        data: JSONBody[CampaignRules],
        pool: Pool,
        clock: Clock,
    ) -> CampaignRules:
        """Holds for calls that settle from now on; `machine_counts_as_success` for all, as it only says how to read."""
        await ReportRules(pool).set_campaign_rules(campaign_id, data, actor=request.auth.owner, now=clock())
        return data

    @get("/trunks/{trunk_id:int}/prices", operation_id="get_trunk_prices", **needs("campaigns:read"))
    async def prices(self, trunk_id: TrunkId, pool: Pool) -> TrunkPrices:
        return await ReportRules(pool).trunk_prices(trunk_id)

    @put(
        "/trunks/{trunk_id:int}/prices",
        operation_id="set_trunk_prices",
        **needs("campaigns:write"),
        dto=CheckedBody[TrunkPrices],
        return_dto=None,
    )
    async def set_prices(
        self, request: ApiRequest, trunk_id: TrunkId, data: JSONBody[TrunkPrices], pool: Pool, clock: Clock
    ) -> TrunkPrices:
        """Holds for calls that settle from now on."""
        await ReportRules(pool).set_trunk_prices(trunk_id, data, actor=request.auth.owner, now=clock())
        return data
