"""The state of the figures' sums, and facts that people change after the call."""

import secrets
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter
from litestar.response import Stream

from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool, Settings
from api.idempotency import answer_once
from api.person_export import export_person, stream_file
from api.person_sound import ErasedPersonView, erase_sound
from api.routes.dnc import number_of
from campaigns.dispositions import Disposition
from campaigns.late_changes import LateChanges
from campaigns.rollups import SQL
from campaigns.snowflake import SLOTS_PER_CAMPAIGN

MAX_WRONG: int = 100

AttemptId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class WrongSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A month of a campaign whose sums did not agree with the facts."""

    campaign_id: int | None
    """Null: the sums over all campaigns."""
    month: date
    checked_time: datetime
    differences: int
    """Rows that did not agree."""
    wrong_days: list[date]


class RollupState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the figures are proven. A report is exact whatever stands here, unless `wrong` names its days."""

    is_proven: bool
    """Everything was recounted at least once, and nothing disagreed."""
    outbox_rows: int
    """Changes that are not added up yet; reports read them with the sums."""
    slices_checked: int
    oldest_check_time: datetime | None
    newest_check_time: datetime | None
    wrong: list[WrongSlice]
    """At most 100; repaired by: obzvon rollups rebuild"""


class NewDisposition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the call meant; null takes it back. `refused` puts the number on the do-not-call list."""

    disposition: Disposition | None


class DispositionView(msgspec.Struct, frozen=True, kw_only=True):
    """What was and what is."""

    attempt_id: str
    old_disposition: Disposition | None
    disposition: Disposition | None


ZIP_TYPE: Final = "application/zip"


class PersonToErase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number, and the country to read it by if it brings none."""

    number: str
    default_country: str = "RU"


class RollupController(Controller):
    """`/v1/rollups`, `/v1/attempts/{attempt_id}/disposition`, `/v1/contacts/erase` and `/v1/contacts/export`."""

    path = "/v1"
    tags = ("reports",)

    @get("/rollups", operation_id="get_rollups", **needs("reports:read"))
    async def state(self, pool: Pool) -> RollupState:
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            row = await connection.fetchrow(SQL["rollup_state"])
            waiting = await connection.fetchrow(SQL["next_unchecked"])
            wrong = await connection.fetch(SQL["list_wrong_checks"], MAX_WRONG)
        assert row is not None
        return RollupState(
            is_proven=row["slices_wrong"] == 0 and waiting is None,
            outbox_rows=row["outbox_rows"],
            slices_checked=row["slices_checked"],
            oldest_check_time=row["oldest_check_time"],
            newest_check_time=row["newest_check_time"],
            wrong=[
                WrongSlice(
                    campaign_id=each["shard_key"] // SLOTS_PER_CAMPAIGN or None,
                    month=each["month"],
                    checked_time=each["checked_time"],
                    differences=each["differences"],
                    wrong_days=each["wrong_days"],
                )
                for each in wrong
            ],
        )

    @post(
        "/attempts/{attempt_id:int}/disposition",
        operation_id="set_disposition",
        **needs("contacts:write"),
        dto=CheckedBody[NewDisposition],
        return_dto=None,
        status_code=HTTPStatus.OK,
    )
    async def set_disposition(
        self,
        request: ApiRequest,
        attempt_id: AttemptId,
        data: JSONBody[NewDisposition],
        pool: Pool,
        clock: Clock,
    ) -> Response[DispositionView]:
        """Set what a call meant, later. Figures follow at once; who did it is kept."""

        async def work() -> DispositionView:
            changed = await LateChanges(pool, secrets.token_bytes).set_disposition(
                attempt_id, data.disposition, changed_by=request.auth.owner, now=clock()
            )
            return DispositionView(
                attempt_id=str(changed.attempt_id),
                old_disposition=changed.old_disposition,
                disposition=changed.disposition,
            )

        return await answer_once(
            request, pool, clock(), work, status=HTTPStatus.OK, body=await request.body()
        )

    @post(
        "/contacts/erase",
        operation_id="erase_person",
        **needs("admin"),
        dto=CheckedBody[PersonToErase],
        return_dto=None,
        status_code=HTTPStatus.OK,
    )
    async def erase(
        self, request: ApiRequest, data: JSONBody[PersonToErase], pool: Pool, clock: Clock
    ) -> Response[ErasedPersonView]:
        """
        Forget a person (GDPR art. 17, 152-FZ art. 21): number, fields and keys pressed go from every row, facts stay without them;
        the sound of their calls is deleted, here and in its copies, but for what is held.
        """
        number = number_of(data.number, data.default_country, "number")

        async def work() -> ErasedPersonView:
            erased = await LateChanges(pool, secrets.token_bytes).erase_person(
                number, changed_by=request.auth.owner, now=clock()
            )
            return await erase_sound(pool, request.app.state.get("keeper"), erased, request.auth.owner)

        return await answer_once(
            request, pool, clock(), work, status=HTTPStatus.OK, body=await request.body()
        )

    @post(
        "/contacts/export",
        operation_id="export_person",
        media_type=ZIP_TYPE,
        **needs("admin", {HTTPStatus.OK: ResponseSpec(bytes, media_type=ZIP_TYPE, generate_examples=False)}),
        dto=CheckedBody[PersonToErase],
        return_dto=None,
        status_code=HTTPStatus.OK,
    )
    async def export(
        self,
        request: ApiRequest,
        data: JSONBody[PersonToErase],
        pool: Pool,
        settings: Settings,
        clock: Clock,
    ) -> Stream:
        """Give everything about a person, with the sound of their calls (GDPR art. 15, 152-FZ art. 14)."""
        number = number_of(data.number, data.default_country, "number")
        file = await export_person(pool, settings, number, actor=request.auth.owner, now=clock())
        headers = {"Content-Disposition": 'attachment; filename="person.zip"', "Cache-Control": "no-store"}
        return Stream(stream_file(file), media_type=ZIP_TYPE, headers=headers)
