"""Numbers that must not be called."""

import base64
import binascii
from http import HTTPStatus

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.auth import needs
from api.body import CheckedBody
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.errors import ApiError, FieldProblem, invalid_request
from api.idempotency import answer_once
from api.schemas.campaigns import DncNumberView, DncPage, NewDncNumber, dnc_view
from api.schemas.parameters import Cursor, Limit
from campaigns.numbers import E164, Rejection, is_country, normalise

ANY_COUNTRY = "ZZ"
"""No country has this code (ISO 3166 leaves it to users), so a number has to bring its own."""


class DncController(Controller):
    """`/v1/dnc`."""

    path = "/v1/dnc"
    tags = ("dnc",)

    @post(
        operation_id="add_dnc_number",
        **needs("contacts:write"),
        dto=CheckedBody[NewDncNumber],
        return_dto=None,
        status_code=HTTPStatus.CREATED,
    )
    async def add(
        self, request: ApiRequest, data: JSONBody[NewDncNumber], pool: Pool, store: Store, clock: Clock
    ) -> Response[DncNumberView]:
        number = number_of(data.number, data.default_country, "number")

        async def work() -> DncNumberView:
            entry = await store.add_dnc(number, "api", clock())
            return dnc_view(entry)

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get(operation_id="list_dnc_numbers", **needs("numbers:read"))
    async def list_numbers(self, store: Store, cursor: Cursor = None, limit: Limit = 100) -> DncPage:
        entries = await store.list_dnc(read_cursor(cursor or ""), limit + 1)
        return DncPage(
            items=[dnc_view(entry) for entry in entries[:limit]],
            next_cursor=cursor_after(entries[limit - 1].number) if len(entries) > limit else None,
        )

    @delete(
        "/{number:str}",
        operation_id="remove_dnc_number",
        **needs("admin"),
        status_code=HTTPStatus.NO_CONTENT,
    )
    async def remove(self, number: FromPath[str], store: Store) -> None:
        """Only `admin`: a refusal is the callee's word."""
        await store.remove_dnc(number_of(number, ANY_COUNTRY, "number"))


def number_of(raw: str, default_country: str, field: str) -> E164:
    if not (is_country(default_country) or default_country == ANY_COUNTRY):
        raise invalid_request(
            FieldProblem("default_country", "not_a_country", {"value": default_country[:20]})
        )
    number = normalise(raw, default_country)
    if isinstance(number, Rejection):
        raise invalid_request(FieldProblem(field, "not_a_number"))
    return number


def cursor_after(number: str) -> str:
    return base64.urlsafe_b64encode(number.encode()).decode()


def read_cursor(cursor: str) -> str:
    try:
        number = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "cursor_invalid") from error
    if number and not (number[0] == "+" and number[1:].isdigit()):
        raise ApiError(HTTPStatus.BAD_REQUEST, "cursor_invalid")
    return number
