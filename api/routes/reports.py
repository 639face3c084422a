"""The report of a campaign, attempts and live streams."""

from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus

from litestar import Controller, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from analytics.attempts import attempts_page
from analytics.report import CampaignReport, campaign_report
from api.auth import needs
from api.dependencies import ApiRequest, Clock, Hub, Pool, Readers, Store
from api.errors import FieldProblem, invalid_request
from api.schemas.attempts import AttemptPage, attempt_page
from api.schemas.live import LiveSnapshot
from api.schemas.parameters import CampaignId, Cursor, From, Limit, OfCampaign, OfResult, To


class ReportController(Controller):
    """Reads only."""

    path = "/v1"
    tags = ("reports",)

    @get(
        "/campaigns/{campaign_id:int}/report",
        operation_id="get_campaign_report",
        **needs("reports:read"),
    )
    async def report(
        self,
        campaign_id: CampaignId,
        store: Store,
        readers: Readers,
        clock: Clock,
        from_time: From = None,
        to_time: To = None,
    ) -> CampaignReport:
        campaign = await store.get_campaign(campaign_id)
        check_period(from_time, to_time)
        return await campaign_report(
            readers.sums,
            campaign_id,
            time_zone=campaign.time_zone,
            now=clock(),
            from_time=from_time,
            to_time=to_time,
            kept=readers.kept,
        )

    @get("/attempts", operation_id="list_attempts", **needs("reports:read"))
    async def attempts(
        self,
        request: ApiRequest,
        store: Store,
        pool: Pool,
        campaign: OfCampaign = None,
        result: OfResult = None,
        from_time: From = None,
        to_time: To = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> AttemptPage:
        check_period(from_time, to_time)
        if campaign is not None:
            await store.get_campaign(campaign)
        attempts, next_cursor = await attempts_page(
            pool,
            campaign_id=campaign,
            result=result,
            from_time=from_time,
            to_time=to_time,
            cursor=cursor,
            limit=limit,
        )
        return attempt_page(attempts, next_cursor, shows_numbers=request.auth.may("numbers:read"))

    @get(
        "/campaigns/{campaign_id:int}/live",
        operation_id="watch_campaign",
        **needs(
            "reports:read",
            {
                HTTPStatus.OK: ResponseSpec(
                    LiveSnapshot, media_type="text/event-stream", generate_examples=False
                )
            },
        ),
    )
    async def live(self, campaign_id: CampaignId, store: Store, hub: Hub) -> Stream:
        await store.get_campaign(campaign_id)  # an unknown one is a 404, not an empty stream
        return event_stream(hub.stream(campaign_id))


def event_stream(events: AsyncIterator[bytes]) -> Stream:
    return Stream(
        events,
        media_type="text/event-stream",
        # proxies must neither keep nor gather what is live
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


def check_period(from_time: datetime | None, to_time: datetime | None) -> None:
    """Raise `ApiError` for a time without an offset, and for a period without an instant."""
    problems = [
        FieldProblem(name, "wrong_type", {"expected": "datetime"})
        for name, instant in (("from", from_time), ("to", to_time))
        if instant is not None and instant.tzinfo is None
    ]
    if not problems and from_time is not None and to_time is not None and from_time >= to_time:
        problems = [FieldProblem("to", "not_after_from")]
    if problems:
        raise invalid_request(*problems, status=HTTPStatus.BAD_REQUEST)
