"""
The calls behind a figure: `/calls?query=...`, where the query is the body of `POST /v1/query/calls`.

So a figure's link says exactly what it counts, and page and API list the same calls.
"""

from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Response, get

from analytics.calls import CallsRequest, build_calls, calls_page
from analytics.cursor import InvalidCursor
from analytics.dimensions import DIMENSIONS
from analytics.errors import QueryRefused
from analytics.query import Filter
from analytics.run import usual_zone
from api.auth import requires
from api.catalogue import Language, text
from api.dependencies import ApiRequest, Clock, Pool, Readers
from api.errors import ApiError, field_problem, invalid_request
from api.figures_in_words import exact_moment
from api.page_view import language_of, problem_details, render
from api.schemas.attempts import AttemptView, attempt_view

ROWS: Final = 100


class CallsPageController(Controller):
    """`/calls`."""

    include_in_schema = False

    @get("/calls", guards=[requires("reports:read")])
    async def calls(self, request: ApiRequest, pool: Pool, readers: Readers, clock: Clock) -> Response[str]:
        language = language_of(request)
        asked, problem = CallsRequest(), None
        usual = await usual_zone(pool)
        items: list[AttemptView] = []
        next_page = None
        try:
            asked = read_query(request.query_params.get("query", "{}"), request.query_params.get("cursor"))
            found, next_cursor = await calls_page(
                readers.facts, build_calls(asked, clock(), default_zone=usual), readers.kept
            )
        except (QueryRefused, ApiError, InvalidCursor) as error:
            problem = problem_details(request, error)
        else:
            shows_numbers = request.auth.may("numbers:read")
            items = [attempt_view(attempt, shows_numbers=shows_numbers) for attempt in found]
            if next_cursor is not None:
                query = request.query_params.get("query", "{}")
                next_page = f"/calls?{urlencode({'query': query, 'cursor': next_cursor})}"
        zone = usual if problem is not None or asked.time_zone is None else asked.time_zone
        return render(
            request,
            "calls.html",
            metric=text(f"metrics.{asked.metric}.title", language),
            conditions=conditions(asked, language),
            zone=zone,
            items=items,
            next_page=next_page,
            problem=problem,
            time=lambda at: exact_moment(at, ZoneInfo(zone), language),
            section="reports",
        )


def read_query(query: str, cursor: str | None) -> CallsRequest:
    """Return the request that an address carries. Raises `ApiError` for what is none."""
    try:
        asked = msgspec.json.decode(query, type=CallsRequest)
    except msgspec.MsgspecError as error:
        raise invalid_request(field_problem("query", str(error))) from error
    return msgspec.structs.replace(asked, cursor=cursor, limit=ROWS)


def conditions(asked: CallsRequest, language: Language) -> list[str]:
    """Say what the calls have in common."""
    period = asked.period
    spans = [text(f"reports.period.{period.name}", language)] if period.name else []
    spans += [day for day in (period.from_time, period.to_time) if day]
    said = [" – ".join(spans)] if spans else []
    said += [
        f"{title(name, language)}: {value_words(name, value, language)}" for name, value in asked.at.items()
    ]
    return said + filter_words(asked.filter, language)


def filter_words(node: Filter | None, language: Language) -> list[str]:
    if node is None:
        return []
    if node.dimension is None:
        return [words for inner in node.filters for words in filter_words(inner, language)]
    values = ", ".join(value_words(node.dimension, value, language) for value in node.values)
    return [f"{title(node.dimension, language)} {node.op} {values}".strip()]


def title(dimension: str, language: Language) -> str:
    return text(f"dimensions.{dimension}.title", language) if dimension in DIMENSIONS else dimension[:60]


def value_words(dimension: str, value: str | int | None, language: Language) -> str:
    if value is None:
        return text("reports.none", language)
    if dimension in {"result", "disposition", "answered_by"}:
        return text(f"pages.{dimension}.{value}", language)
    if dimension == "weekday":
        return text(f"reports.weekday.{value}", language)
    return str(value)[:100]
