"""Answering a query: a few statements on one snapshot, read-only and cut off when they take too long."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from analytics.attribution import attributed_numbers
from analytics.binds import SLOTS
from analytics.callbacks import callback_groups
from analytics.comparison import Key, place_of
from analytics.database import Connection, Pool, statement
from analytics.dimensions import DIMENSIONS
from analytics.distinct import ALL_CAMPAIGNS, Day, distinct_groups
from analytics.errors import QueryTimedOut
from analytics.kept_seals import KeptSeals
from analytics.known import known_numbers
from analytics.metric import Metric
from analytics.metrics import METRICS, measures_of
from analytics.optimize import campaigns_of, optimize
from analytics.plan import (
    SEALED_CALLBACKS,
    SEALED_KINDS,
    SEALED_KNOWN,
    SEALED_VALUES,
    plan,
    sealed_groups,
    sealed_measures,
    source_of,
    sources,
)
from analytics.query import MAX_ROWS, Query, Span
from analytics.result import (
    DimensionValue,
    Measures,
    MetricInfo,
    Number,
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


async def run_query(
    pool: Pool, query: Query, kept: KeptSeals | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> QueryResult:
    """
    Answer a query that `analytics.build` has checked.

    All statements read one snapshot, so totals are the sums of their parts while calls are being settled. `kept` is what was read
    from this database before.

    Raises:
        QueryTimedOut: a statement took longer than `timeout_seconds`.
    """
    async with reading(pool, timeout_seconds) as connection:
        return await Answer(connection, optimize(query), kept).result()


@contextlib.asynccontextmanager
async def reading(pool: Pool, timeout_seconds: float) -> AsyncIterator[Connection]:
    """
    Lend a connection that sees one snapshot, writes nothing and gives up in time.

    Raises:
        QueryTimedOut: a statement took longer than `timeout_seconds`, or no connection was free for so long.
    """
    try:
        async with pool.acquire(timeout=timeout_seconds) as connection:
            # In one message: each one that is answered costs both processes a wake-up, as much as reading a few sums.
            await connection.execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                f"SET LOCAL statement_timeout = {int(timeout_seconds * 1000)};"
                # Planning a view over many months costs more than reading it: once for a connection is enough.
                "SET LOCAL plan_cache_mode = force_generic_plan;"
                # a snapshot held open keeps vacuum from the leads that were claimed meanwhile
                f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}"
            )
            try:
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
    except (asyncpg.QueryCanceledError, TimeoutError) as error:
        raise QueryTimedOut(str(error)) from error


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the groups of a query."""

    groups: list[tuple[Key, Measures]]
    measures: Sequence[str]
    offset: int
    row_count: int | None
    """Groups there are in all; None = not known, as the page is empty."""

    @property
    def is_whole(self) -> bool:
        return self.offset == 0 and len(self.groups) == (self.row_count or 0)

    def sums(self) -> Measures:
        """Add up what can be added; groups have no attempt in common."""
        return {
            name: sum(measures[name] or 0 for _, measures in self.groups)
            for name in self.measures
            if METRICS[name].is_additive
        }


class Answer:
    """One query on one snapshot."""

    def __init__(self, connection: Connection, query: Query, kept: KeptSeals | None = None) -> None:
        self._connection = connection
        self._kept = kept
        self._query = query
        self._zone = ZoneInfo(query.time_zone)
        self._measures = [measure.name for measure in measures_of(query.metrics)]
        self._shards: list[int] | None = None

    async def result(self) -> QueryResult:
        query = self._query
        self._shards = await shards_of(self._connection, query)
        by_measure = sources(plan(query))
        page = await self.groups(query, query.period) if query.dimensions else None
        past_page = await self.past_groups() if query.dimensions and query.compare else None
        totals = await self.totals(query.period, page)
        past_totals = await self.totals(query.compare, past_page) if query.compare else None
        total = figures(query, totals, past_totals)
        return QueryResult(
            query=query,
            metrics=[
                MetricInfo(name=name, unit=METRICS[name].unit, source=source_of(name, by_measure))
                for name in query.metrics
            ],
            generated_time=query.now,
            rows=await self.rows(page, past_page) if page else [Row(dimensions={}, metrics=total)],
            totals=total,
            row_count=(row_count := 1 if page is None else await self.count_rows(page)),
            warnings=list(warnings_of(query, row_count)),
        )

    async def totals(self, period: Span, page: Page | None) -> Measures:
        """Measure everything at once; what a page of all groups adds up to is not asked again."""
        known = page.sums() if page is not None and page.is_whole else {}
        wanted = tuple(name for name in self._measures if name not in known)
        if not wanted:
            return known
        query = msgspec.structs.replace(self._query, metrics=wanted)
        sealed = sealed_measures(query)
        asked, others = self.without(query, sealed)
        found = {**known}
        if others or not sealed:
            rows = await self.fetch(compose_totals(asked, period, self._shards))
            found |= self.measures(rows[0], others)
        counted = await self.sealed(period, sealed, ()) if sealed else {}
        return {**found, **counted.get((), nothing([measure.name for measure in sealed]))}

    def without(self, query: Query, sealed: Sequence[Metric]) -> tuple[Query, list[str]]:
        """Return the query for what the bitmaps do not tell, and the names of its measures."""
        told = {measure.name for measure in sealed}
        others = [measure.name for measure in measures_of(query.metrics) if measure.name not in told]
        # groups are found by their attempts when nothing else is asked of them
        return (
            msgspec.structs.replace(query, metrics=tuple(others or ["attempts"])) if sealed else query
        ), others

    async def sealed(
        self, period: Span, sealed: Sequence[Metric], dimensions: Sequence[str]
    ) -> Mapping[Key, Measures]:
        """Count distinct numbers and callbacks by the seals of days; a group that is left out has nothing."""
        from_day, to_day = (
            None if instant is None else instant.astimezone(self._zone).date()
            for instant in (period.from_time, period.to_time)
        )
        kinds = {
            measure.name: SEALED_KINDS[measure.name] for measure in sealed if measure.name in SEALED_KINDS
        }
        known = {
            measure.name: SEALED_KNOWN[measure.name] for measure in sealed if measure.name in SEALED_KNOWN
        }
        callbacks = [measure.name for measure in sealed if measure.name in SEALED_CALLBACKS]
        shards = self._shards
        if shards is None:
            shards = [ALL_CAMPAIGNS]
            if "campaign" in dimensions:
                shards = [row["shard_key"] for row in await self._connection.fetch(statement("every_shard"))]

        def group(day: Day, value: str | None = None) -> Key:
            return tuple(value if name in SEALED_VALUES else group_of(name, day) for name in dimensions)

        none = nothing([measure.name for measure in sealed])
        told: defaultdict[Key, dict[str, Number | None]] = defaultdict(lambda: dict(none))
        by_month = set(dimensions) <= {"campaign", "month", *SEALED_VALUES}
        by_shard = set(dimensions) <= {"campaign"}
        where = (self._connection, shards, from_day, to_day)
        if kinds:
            asked = list(dict.fromkeys(kinds.values()))
            dims = [SEALED_VALUES[name] for name in dimensions if name in SEALED_VALUES]
            if dims:
                counts_of = await attributed_numbers(
                    *where, asked, dims[0], group, takes_months=by_month, kept=self._kept
                )
            else:
                numbers = await distinct_groups(
                    *where, asked, group, takes_months=by_month, by_shard=by_shard, kept=self._kept
                )
                counts_of = {key: found.counts for key, found in numbers.items()}
            for key, found in counts_of.items():
                told[key] |= {name: found[kind] for name, kind in kinds.items()}
        if known:
            asked = list(known.values())
            counts_of = await known_numbers(
                *where, asked, group, takes_months=by_month, by_shard=by_shard, kept=self._kept
            )
            for key, found in counts_of.items():
                told[key] |= {name: found[kind] for name, kind in known.items()}
        if callbacks:
            counts = await callback_groups(*where, self._query.now, group, by_day=not by_shard)
            for key, counted in counts.items():
                told[key] |= {name: counted[name] for name in callbacks}
        return told

    async def groups(self, query: Query, period: Span) -> Page:
        sealed = sealed_groups(query)
        asked, others = self.without(query, sealed)
        rows = await self.fetch(compose_rows(asked, period, self._shards))
        counted = await self.sealed(period, sealed, query.dimensions) if sealed and rows else {}
        none = nothing([measure.name for measure in sealed])
        return Page(
            groups=[
                (key, {**self.measures(row, others), **counted.get(key, none)})
                for key, row in zip(map(self.key, rows), rows, strict=True)
            ],
            measures=self._measures,
            offset=query.offset,
            row_count=rows[0]["row_count"] if rows else None,
        )

    async def past_groups(self) -> Page:
        """Return the groups of the compared period, whichever page is asked for."""
        assert self._query.compare is not None
        every = msgspec.structs.replace(self._query, limit=MAX_ROWS, offset=0)
        return await self.groups(every, self._query.compare)

    async def rows(self, page: Page, past_page: Page | None) -> list[Row]:
        query = self._query
        keys = [key for key, _ in page.groups]
        names = [await self.names(index, keys) for index in range(len(query.dimensions))]
        past = None
        if past_page is not None:
            assert query.compare is not None
            past = {place_of(query, query.compare, key): measures for key, measures in past_page.groups}
        rows = []
        for key, present in page.groups:
            before = None
            if past is not None:
                before = past.get(place_of(query, query.period, key)) or nothing(self._measures)
            rows.append(
                Row(
                    dimensions={
                        name: DimensionValue(value=shown(name, value, self._zone), name=known.get(value))
                        for name, value, known in zip(query.dimensions, key, names, strict=True)
                    },
                    metrics=figures(query, present, before),
                )
            )
        return rows

    async def count_rows(self, page: Page) -> int:
        """How many groups there are, also when the page asked for lies behind the last."""
        if page.row_count is not None or page.offset == 0:
            return page.row_count or 0
        first = msgspec.structs.replace(self._query, limit=1, offset=0)
        asked, _ = self.without(first, sealed_groups(first))
        rows = await self.fetch(compose_rows(asked, first.period, self._shards))
        return rows[0]["row_count"] if rows else 0

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

    def measures(self, row: asyncpg.Record, names: Sequence[str]) -> Measures:
        return {name: whole_or_quantile(name, row[name]) for name in names}


def group_of(name: str, day: Day) -> int | date:
    """Return what a day of a shard counts under, as `analytics.dimensions` has it."""
    match name:
        case "campaign":
            return day.shard_key // SLOTS
        case "week":
            return day.day - timedelta(days=day.day.weekday())
        case "month":
            return day.day.replace(day=1)
        case _:
            return day.day


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
