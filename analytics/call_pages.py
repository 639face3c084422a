"""
Finding the newest calls behind a figure in a table of any size: first where they are, by sums and bitmaps, then they themselves
(docs/adr/0037).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from analytics.attempts import Attempt
from analytics.call_places import EVERYONE, ONE_DAY, Known, Place, Stretch, next_stretch, places_of
from analytics.call_sql import compose_call_days, compose_calls
from analytics.database import Connection, statement
from analytics.distinct import ALL_CAMPAIGNS
from analytics.kept_seals import KeptSeals
from analytics.known_calls import KnownNumbers, asks_for_known, known_of
from analytics.metrics import KNOWN_NUMBER, REQUESTED, WAITING, attempts_behind
from analytics.optimize import campaigns_of
from analytics.period import Days, days_of
from analytics.query import Query
from analytics.sql import Statement

Position = tuple[datetime, int]
"""Time and id of an attempt."""
COMMON_SHARE: Final = 0.3
"""Where so many of a day's numbers are known, more calls are read and those of other numbers left out here ..."""
MORE: Final = 1.5
"""... so many times more than it should take; elsewhere the server is told the numbers."""
GROWTH: Final = 4
"""Where too few of the calls in a stretch met all conditions, the next one is to hold so many times more."""


class Found(msgspec.Struct):
    """The calls of a page so far."""

    rows: list[asyncpg.Record]
    before: Position | None
    """Where the page goes on."""


class CallsBehind:
    """The calls behind one figure, on one snapshot."""

    def __init__(
        self,
        connection: Connection,
        query: Query,
        metric: str,
        at: dict[str, Any],
        kept: KeptSeals | None = None,
    ) -> None:
        self._connection = connection
        self._query = query
        self._metric = metric
        self._at = at
        self._kept = kept
        self._shards: list[int] = []
        self._knows: KnownNumbers | None = None

    async def page(self, before: Position | None) -> list[asyncpg.Record]:
        """Return the newest calls before a position, one more than the query's limit if there are so many."""
        self._shards, is_of_all = await self._asked_shards()
        wanted = self._query.limit + 1
        counts = await self._counts(is_of_all=is_of_all)
        found = Found([], before)
        # what is looked up among all calls before the period is looked up once
        factor = sum(counts.values()) if self._knows is None and reads_before(self._metric) else 1
        while len(found.rows) < wanted:
            upto = None if found.before is None else found.before[0]
            stretch = next_stretch(counts, upto, (wanted - len(found.rows)) * factor)
            if stretch.days:
                await self._read(stretch, found, wanted)
            if stretch.from_time is None:
                break
            if len(found.rows) < wanted:
                found.before = (stretch.from_time, 0)
            factor *= GROWTH
        return found.rows

    async def _asked_shards(self) -> tuple[list[int], bool]:
        """Return the shards that may hold such calls, and whether they are those of all campaigns."""
        campaigns = campaigns_of(self._query.filter)
        of_row = self._at.get("campaign")
        if of_row is not None:
            campaigns = (of_row,) if campaigns is None or of_row in campaigns else ()
        if campaigns is None:
            rows = await self._connection.fetch(statement("every_shard"))
        else:
            rows = await self._connection.fetch(statement("shards_of_campaigns"), list(campaigns))
        return [row["shard_key"] for row in rows], campaigns is None

    async def _counts(self, *, is_of_all: bool) -> Counter[date]:
        """Tell about how many calls each day has."""
        between = days_of(self._query, self._at, waits_since(self._query, self._metric))
        if asks_for_known(self._query, self._metric):
            self._knows = await known_of(self._connection, self._query, self._metric, between, self._kept)
            return self._knows.counts()
        counts: Counter[date] = Counter()
        for row in await self._days(self._metric, [ALL_CAMPAIGNS] if is_of_all else self._shards, between):
            if may_have(self._query, self._at, row["day"]):
                counts[row["day"]] += row["calls"]
        return counts

    async def _days(self, metric: str, shards: Sequence[int], between: Days) -> list[asyncpg.Record]:
        return await self._fetch(compose_call_days(self._query, metric, self._at, shards, between))

    async def _read(self, stretch: Stretch, found: Found, wanted: int) -> None:
        """Add what a stretch has, until the page is full."""
        between = (min(stretch.days), max(stretch.days) + ONE_DAY)
        days = set(stretch.days)
        metric = self._metric if self._knows is None else "attempts"
        some = [
            (row["shard_key"], row["day"])
            for row in await self._days(metric, self._shards, between)
            if row["day"] in days
        ]
        upto = None if found.before is None else found.before[0]
        places = places_of(some, stretch, upto)
        if self._knows is None:
            found.rows += await self._calls(found.before, places, wanted - len(found.rows))
        elif (share := self._knows.share(days)) < COMMON_SHARE:
            only = self._knows.of(days)
            found.rows += await self._calls(found.before, places, wanted - len(found.rows), only)
        else:
            await self._pick(found, places, days, wanted, share)

    async def _pick(
        self, found: Found, places: list[Place], days: set[date], wanted: int, share: float
    ) -> None:
        """Read all numbers' calls of a stretch and keep those of known ones."""
        assert self._knows is not None
        while len(found.rows) < wanted:
            limit = round((wanted - len(found.rows)) / share * MORE)
            rows = await self._calls(found.before, places, limit, EVERYONE)
            found.rows += (await self._knows.among(rows, days))[: wanted - len(found.rows)]
            if len(rows) < limit:
                return
            found.before = (rows[-1]["started_time"], rows[-1]["attempt_id"])

    async def _calls(
        self, before: Position | None, places: Sequence[Place], limit: int, only: Known | None = None
    ) -> list[asyncpg.Record]:
        query = msgspec.structs.replace(self._query, limit=limit)
        return await self._fetch(
            compose_calls(query, self._metric, self._at, before, places, Attempt.__struct_fields__, only)
        )

    async def _fetch(self, composed: Statement) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(composed.text, *composed.arguments)
        return rows


def waits_since(query: Query, metric: str) -> datetime | None:
    """Return the time before which nobody waits any more to be called back, if the figure is of those who do."""
    _, condition = attempts_behind(metric)
    if condition is None or not condition.startswith(f"{REQUESTED} AND {WAITING}"):
        return None
    return query.now - timedelta(hours=query.settings.callback_hours)


def reads_before(metric: str) -> bool:
    """Tell whether every statement that looks for its calls reads what came before the period."""
    return KNOWN_NUMBER in (attempts_behind(metric)[1] or "")


def may_have(query: Query, at: Mapping[str, Any], day: date) -> bool:
    """Tell whether calls of a row may lie on a day of the campaigns' clocks."""
    weekday = at.get("weekday")
    return weekday is None or query.clock != "campaign" or day.isoweekday() == weekday
