"""When the bases run dry, as a part of the lists report: the live floor's own figures (`analytics.dry_time`) at this moment."""

from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.params import QueryParameter

from analytics.run import usual_zone
from api.auth import requires
from api.catalogue import Language, text
from api.dependencies import ApiRequest, Hub, Pool
from api.figures_in_words import NO_DATA, moment
from api.page_view import language_of, render
from api.schemas.floor import FloorCampaign

IN_WORK: Final = frozenset({"running", "paused"})


@get("/reports/lists/dry-time", guards=[requires("reports:read")], include_in_schema=False)
async def dry_time_page(
    request: ApiRequest, hub: Hub, pool: Pool, campaign: Annotated[int | None, QueryParameter()] = None
) -> Response[str]:
    """Answer the card alone; the page of the report puts it in its place."""
    floor = await hub.floor.snapshot()
    zone, language = ZoneInfo(await usual_zone(pool)), language_of(request)
    rows = [row for row in floor.campaigns if row.status in IN_WORK and campaign in {None, row.campaign_id}]
    return render(
        request,
        "dry_time.html",
        address=f"{request.url.path}{f'?campaign={campaign}' if campaign is not None else ''}",
        rows=rows,
        counted=moment(floor.time, zone, language),
        dry=lambda row: dry_words(row, floor.time, zone, language),
    )


def dry_words(row: FloorCampaign, now: datetime, zone: tzinfo, language: Language) -> str:
    """Say when nobody is left to call, as the floor does."""
    if row.dry_minutes is None:
        is_far = row.leads is not None and row.calls_per_minute > 0 and row.status == "running"
        return text("floor.script.dry_in_day", language) if is_far else NO_DATA
    if row.dry_minutes == 0:
        return text("floor.script.dry_now", language)
    at = now + timedelta(minutes=row.dry_minutes)
    return text("floor.script.dry_at", language, time=moment(at, zone, language))
