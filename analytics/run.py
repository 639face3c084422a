"""Answering a query: a few statements on one snapshot, read-only and cut off when they take too long."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from analytics.comparison import Key, place_of
from analytics.database import Connection, Pool, statement
from analytics.dimensions import DIMENSIONS
from analytics.distinct import distinct_numbers
from analytics.errors import QueryTimedOut
from analytics.metric import Metric
from analytics.metrics import METRICS, measures_of
from analytics.optimize import campaigns_of, optimize
from analytics.plan import SEALED_KINDS, plan, sealed_measures, source_of, sources
from analytics.query import MAX_ROWS, Query, Span
from analytics.result import (
    DimensionValue,
    Measures,
    MetricInfo,
    QueryResult,
    Row,
    Warning_,
    figures,
    nothing,
    shown,
)
from analytics.sql import Statement, compose_rows, compose_totals

TIMEOUT_SECONDS: Final = 15.0
IDLE_MS: Final = 5_000
"""How long a reader may think between two statements of one snapshot."""


async def run_query(pool: Pool, query: Query, *, timeout_seconds: float = TIMEOUT_SECONDS) -> QueryResult:
    """
    Answer a query that `analytics.build` has checked.

    All statements read one snapshot, so totals are the sums of their parts while calls are being settled.

    Raises:
        QueryTimedOut: a statement took longer than `timeout_seconds`.
    """
    async with reading(pool, timeout_seconds) as connection:
        return await Answer(connection, optimize(query)).result()


@contextlib.asynccontextmanager
async def reading(pool: Pool, timeout_seconds: float) -> AsyncIterator[Connection]:
    """
    Lend a connection that sees one snapshot, writes nothing and gives up in time.

    Raises:
        QueryTimedOut: a statement took longer than `timeout_seconds`.
    """
    try:
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(f"SET LOCAL statement_timeout = {int(timeout_seconds * 1000)}")
            # Planning a view over many months costs more than reading it: once for a connection is enough.
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            # a snapshot held open keeps vacuum from the leads that were claimed meanwhile
            await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}")
            yield connection
    except asyncpg.QueryCanceledError as error:
        raise QueryTimedOut(str(error)) from error


class Answer:
    """One query on one snapshot."""

    def __init__(self, connection: Connection, query: Query) -> None:
        self._connection = connection
        self._query = query
        self._zone = ZoneInfo(query.time_zone)
        self._measures = [measure.name for measure in measures_of(query.metrics)]
        self._shards: list[int] | None = None

    async def result(self) -> QueryResult:
        query = self._query
        self._shards = await shards_of(self._connection, query)
        by_measure = sources(plan(query))
        totals = await self.totals(query.period)
        past_totals = await self.totals(query.compare) if query.compare else None
        total = figures(query, totals, past_totals)
        rows, row_count = await self.rows() if query.dimensions else ([Row(dimensions={}, metrics=total)], 1)
        return QueryResult(
            query=query,
            metrics=[
                MetricInfo(name=name, unit=METRICS[name].unit, source=source_of(name, by_measure))
                for name in query.metrics
            ],
            generated_time=query.now,
            rows=rows,
            totals=total,
            row_count=row_count,
            warnings=list(warnings_of(query, row_count)),
        )

    async def totals(self, period: Span) -> Measures:
        sealed = sealed_measures(self._query)
        others = [name for name in self._measures if name not in {measure.name for measure in sealed}]
        # what the bitmaps tell is not asked of the facts
        query = msgspec.structs.replace(self._query, metrics=tuple(others)) if sealed else self._query
        found: Measures = {}
        if others or not sealed:
            rows = await self.fetch(compose_totals(query, period, self._shards))
            found = self.measures(rows[0], others)
        return {**found, **await self.distinct(period, sealed)}

    async def distinct(self, period: Span, sealed: Sequence[Metric]) -> Measures:
        """Count distinct numbers by the bitmaps of days."""
        if not sealed:
            return {}
        from_day, to_day = (
            None if instant is None else instant.astimezone(self._zone).date()
            for instant in (period.from_time, period.to_time)
        )
        kinds = {measure.name: SEALED_KINDS[measure.name] for measure in sealed}
        counted = await distinct_numbers(
            self._connection, self._shards, from_day, to_day, list(dict.fromkeys(kinds.values()))
        )
        return {name: counted.counts[kind] for name, kind in kinds.items()}

    async def rows(self) -> tuple[list[Row], int]:
        query = self._query
        found = await self.fetch(compose_rows(query, query.period, self._shards))
        keys = [self.key(row) for row in found]
        names = [await self.names(index, keys) for index in range(len(query.dimensions))]
        past = await self.past() if query.compare else None
        rows = []
        for key, row in zip(keys, found, strict=True):
            before = None
            if past is not None:
                before = past.get(place_of(query, query.period, key)) or nothing(self._measures)
            rows.append(
                Row(
                    dimensions={
                        name: DimensionValue(value=shown(name, value, self._zone), name=known.get(value))
                        for name, value, known in zip(query.dimensions, key, names, strict=True)
                    },
                    metrics=figures(query, self.measures(row), before),
                )
            )
        return rows, found[0]["row_count"] if found else await self.count_rows()

    async def count_rows(self) -> int:
        """How many groups there are, when the page asked for lies behind the last."""
        first = msgspec.structs.replace(self._query, limit=1, offset=0)
        rows = await self.fetch(compose_rows(first, first.period, self._shards)) if self._query.offset else []
        return rows[0]["row_count"] if rows else 0

    async def past(self) -> dict[Key, Measures]:
        """Return the groups of the compared period by their place in it."""
        query, period = self._query, self._query.compare
        assert period is not None
        every = msgspec.structs.replace(query, limit=MAX_ROWS, offset=0)
        return {
            place_of(query, period, self.key(row)): self.measures(row)
            for row in await self.fetch(compose_rows(every, period, self._shards))
        }

    async def names(self, index: int, keys: Sequence[Key]) -> Mapping[Any, str]:
        kind = DIMENSIONS[self._query.dimensions[index]].names
        if kind is None:
            return {}
        ids = sorted({key[index] for key in keys if key[index] is not None})
        rows = await self._connection.fetch(statement(f"names_of_{kind}"), ids)
        return {row["id"]: row["name"] for row in rows}

    async def fetch(self, composed: Statement) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(composed.text, *composed.arguments)
        return rows

    def key(self, row: asyncpg.Record) -> Key:
        return tuple(row[f"d{index}"] for index in range(len(self._query.dimensions)))

    def measures(self, row: asyncpg.Record, names: Sequence[str] | None = None) -> Measures:
        return {
            name: whole_or_quantile(name, row[name]) for name in (self._measures if names is None else names)
        }


def whole_or_quantile(name: str, value: Any) -> float | None:
    if METRICS[name].kind != "quantile":
        return int(value)
    return None if value is None else float(value)


async def usual_zone(pool: Pool) -> str:
    """Return the time zone that most campaigns have; without one, UTC."""
    zone: str | None = await pool.fetchval(statement("usual_zone"))
    return zone or "UTC"


async def shards_of(connection: Connection, query: Query) -> list[int] | None:
    """Return the shards of the campaigns that the filter names; None = it names none, so it may be any."""
    campaigns = campaigns_of(query.filter)
    if campaigns is None:
        return None
    rows = await connection.fetch(statement("shards_of_campaigns"), list(campaigns))
    return [row["shard_key"] for row in rows]


def warnings_of(query: Query, row_count: int) -> list[Warning_]:
    found = []
    is_bounded = query.period.from_time is not None or query.period.to_time is not None
    lead_metrics = [
        name for name in query.metrics if any(measure.facts == "leads" for measure in measures_of([name]))
    ]
    if is_bounded and lead_metrics:
        found.append(Warning_(code="base_is_now", params={"metrics": lead_metrics}))
    if query.compare is not None and row_count > MAX_ROWS:
        found.append(Warning_(code="comparison_incomplete", params={"limit": MAX_ROWS}))
    return found
