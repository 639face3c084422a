"""The calls behind a figure, page by page, newest first."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from analytics.attempts import Attempt
from analytics.build import build_query, name_problems
from analytics.call_pages import CallsBehind
from analytics.cursor import cursor_after, read_cursor
from analytics.database import Pool
from analytics.dimensions import DIMENSIONS, Dimension
from analytics.errors import QueryProblem, QueryRefused
from analytics.kept_seals import KeptSeals
from analytics.metrics import METRICS, attempts_behind
from analytics.optimize import optimize
from analytics.query import Filter, Period, Query, QueryRequest, QuerySettings
from analytics.run import TIMEOUT_SECONDS, reading

MAX_CALLS: int = 1000


class CallsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure: a metric, the dimension values of its row, and what the query said."""

    metric: str = "attempts"
    at: dict[str, str | int | None] = {}
    """Values by dimension, as the row has them."""
    filter: Filter | None = None
    period: Period = Period(name="all")
    time_zone: str | None = None
    settings: QuerySettings = QuerySettings()
    cursor: str | None = None
    limit: int = 100


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request."""

    query: Query
    metric: str
    at: dict[str, Any]
    cursor: str | None


def build_calls(request: CallsRequest, now: datetime, *, default_zone: str = "UTC") -> CallsQuery:
    """
    Resolve and check.

    Raises:
        QueryRefused: naming every problem.
    """
    problems: list[QueryProblem] = []
    try:
        query = build_query(
            QueryRequest(
                metrics=[request.metric],
                filter=request.filter,
                period=request.period,
                time_zone=request.time_zone,
                settings=request.settings,
                limit=request.limit,
            ),
            now,
            default_zone=default_zone,
            max_rows=MAX_CALLS,
        )
    except QueryRefused as error:
        query = None
        problems += [
            msgspec.structs.replace(problem, field="metric") if problem.field == "metrics.0" else problem
            for problem in error.problems
        ]
    if request.metric in METRICS and not attempts_behind(request.metric)[0]:
        problems.append(QueryProblem("metric", "metric_without_calls", {"value": request.metric}))
    at: dict[str, Any] = {}
    for name, value in request.at.items():
        unknown = list(name_problems("dimensions", [name], DIMENSIONS))
        if unknown:
            problems.append(QueryProblem(f"at.{name[:60]}", unknown[0].code, unknown[0].params))
            continue
        try:
            at[name] = stored_value(DIMENSIONS[name], value)
        except (ValueError, OverflowError, TypeError):
            shown = str(value)[:60]
            problems.append(
                QueryProblem(f"at.{name}", "not_a_dimension_value", {"value": shown, "name": name})
            )
    if problems or query is None:
        raise QueryRefused(*problems)
    return CallsQuery(query=optimize(query), metric=request.metric, at=at, cursor=request.cursor)


def stored_value(dimension: Dimension, value: str | int | None) -> Any:
    """Return what the database compares with. Raises `ValueError` or `TypeError` for what no row has."""
    if value is None:
        return None
    if dimension.type == "integer":
        if not isinstance(value, int):
            raise TypeError(value)
        return value
    if not isinstance(value, str):
        raise TypeError(value)
    if dimension.type == "date":
        return date.fromisoformat(value)
    if dimension.type == "instant":
        instant = datetime.fromisoformat(value)
        return instant if instant.tzinfo is not None else instant.replace(tzinfo=ZoneInfo("UTC"))
    return value


async def calls_page(
    pool: Pool, calls: CallsQuery, kept: KeptSeals | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> tuple[list[Attempt], str | None]:
    """
    Return a page of attempts and the cursor of the next, None on the last. Numbers are whole: mask them. `kept` is what was read
    from this database before.

    Raises:
        InvalidCursor: the cursor is not one of ours.
        QueryTimedOut: it took longer than `timeout_seconds`.
    """
    before = read_cursor(calls.cursor) if calls.cursor is not None else None
    async with reading(pool, timeout_seconds) as connection:
        rows = await CallsBehind(connection, calls.query, calls.metric, calls.at, kept).page(before)
    limit = calls.query.limit
    attempts = [msgspec.convert(dict(row), Attempt) for row in rows[:limit]]
    return attempts, cursor_after(attempts[-1].started_time, attempts[-1].attempt_id) if len(
        rows
    ) > limit else None


async def every_page(
    pool: Pool, calls: CallsQuery, kept: KeptSeals | None = None
) -> AsyncIterator[list[Attempt]]:
    """Give all pages one after another. Each is a short statement of its own: a slow reader holds no snapshot open."""
    while True:
        attempts, cursor = await calls_page(pool, calls, kept)
        yield attempts
        if cursor is None:
            return
        calls = msgspec.structs.replace(calls, cursor=cursor)
