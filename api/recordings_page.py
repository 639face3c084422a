"""The list of recordings and what people do with one; the player itself stands on the page of its call."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_date
from litestar import Controller, Response, get, post
from litestar.params import FromPath, PathParameter
from litestar.response import Redirect

from api.auth import requires
from api.dependencies import ApiRequest, Clock, Keeper, Pool, Store
from api.errors import field_problem, invalid_request
from api.figures_in_words import LOCALES, exact_moment
from api.page_view import ProblemText, language_of, problem_text, render
from api.recording_list import recordings_listed
from api.schemas.parameters import CampaignId
from api.schemas.recordings import RecordingView, recording_view
from api.trunk_pages import texts_of
from campaigns.models import CampaignPatch
from campaigns.recordings import RecordingFilter, RecordingStore

SECTION: Final = "recordings"
ROWS: Final = 50
MAX_CAMPAIGNS: Final = 200
MAX_WHY: Final = 500
KINDS: Final[dict[str, RecordingFilter]] = {
    "all": RecordingFilter(),
    "held": RecordingFilter(is_held=True),
    "copied": RecordingFilter(copy_state="copied"),
    "copy_failed": RecordingFilter(copy_state="failed"),
    "broken": RecordingFilter(state="broken"),
    "deleted": RecordingFilter(state="deleted"),
}
RecordingId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class RecordingPageController(Controller):
    """`/recordings`."""

    include_in_schema = False
    path = "/recordings"

    @get(guards=[requires("recordings:listen")])
    async def recordings(self, request: ApiRequest, pool: Pool, store: Store) -> Response[str]:
        return await list_page(request, pool, store)

    @post("/policy/{campaign_id:int}", guards=[requires("campaigns:write")], status_code=HTTPStatus.OK)
    async def choose(
        self, request: ApiRequest, campaign_id: CampaignId, store: Store, clock: Clock
    ) -> Redirect:
        """Set what a campaign records, from its page."""
        sent = await texts_of(request)
        try:
            patch = msgspec.convert(
                {"recording": sent.get("recording"), "recording_days": sent.get("recording_days")},
                CampaignPatch,
                strict=False,
            )
        except msgspec.ValidationError as error:
            raise invalid_request(field_problem("recording", str(error))) from error
        await store.patch_campaign(campaign_id, patch, clock(), actor=request.auth.owner)
        return Redirect(f"/campaigns/{campaign_id}", status_code=303)

    @post(
        "/{recording_id:int}/{action:str}", guards=[requires("recordings:write")], status_code=HTTPStatus.OK
    )
    async def act(
        self,
        request: ApiRequest,
        recording_id: RecordingId,
        action: FromPath[Literal["hold", "release", "delete", "copy"]],
        pool: Pool,
        store: Store,
        keeper: Keeper,
        clock: Clock,
    ) -> Response[str] | Redirect:
        sent = await texts_of(request)
        recordings, actor = RecordingStore(pool), request.auth.owner
        try:
            if action == "hold":
                why = sent.get("why", "").strip()[:MAX_WHY] or "-"
                await recordings.hold(recording_id, why, actor=actor, now=clock())
            elif action == "release":
                await recordings.release(recording_id, actor=actor, now=clock())
            elif action == "copy":
                await keeper.copy_again(recording_id)
            else:
                await keeper.delete(recording_id, "asked", actor=actor)
        except Exception as error:  # noqa: BLE001 - every problem is shown above the list
            return await list_page(request, pool, store, problem_text(request, error)[1])
        back = sent.get("back", "")
        return Redirect(back if is_call_page(back) else "/recordings", status_code=303)


def is_call_page(path: str) -> bool:
    """Tell whether a path is that of a call: no form leads elsewhere."""
    head, _, key = path.partition("/calls/")
    return head == "" and key.isascii() and key.isdigit()


async def list_page(
    request: ApiRequest, pool: Pool, store: Store, problem: ProblemText | None = None
) -> Response[str]:
    asked = request.query_params
    kind = asked.get("kind", "all") if asked.get("kind") in KINDS else "all"
    campaign_text = asked.get("campaign_id", "")
    campaign_id = int(campaign_text) if campaign_text.isdecimal() and len(campaign_text) < 8 else None
    which = msgspec.structs.replace(KINDS[kind], campaign_id=campaign_id)
    rows, cursor = await recordings_listed(pool, which, asked.get("cursor"), ROWS)
    language = language_of(request)
    zones = {str(row.recording_id): ZoneInfo(row.time_zone) for row in rows}

    def local(item: RecordingView) -> str:
        at: datetime = item.started_time
        return exact_moment(at, zones[item.recording_id], language)

    query = {"kind": kind, **({"campaign_id": campaign_id} if campaign_id else {}), "cursor": cursor}
    return render(
        request,
        "recordings.html",
        HTTPStatus.OK if problem is None else HTTPStatus.CONFLICT,
        items=[recording_view(row, shows_numbers=request.auth.may("numbers:read")) for row in rows],
        kinds=list(KINDS),
        kind=kind,
        campaigns=await store.newest_campaigns(MAX_CAMPAIGNS),
        campaign_id=campaign_id,
        local=local,
        day=lambda day: format_date(day, "medium", locale=LOCALES[language]),
        length=clock_of,
        may_change=request.auth.may("recordings:write"),
        next_page=None if cursor is None else f"/recordings?{urlencode(query)}",
        problem=problem,
        section=SECTION,
    )


def clock_of(milliseconds: int) -> str:
    """Write a length as M:SS."""
    seconds = round(milliseconds / 1000)
    return f"{seconds // 60}:{seconds % 60:02}"
