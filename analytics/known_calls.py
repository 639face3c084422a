"""The numbers of each day that had been tried before the period, so that their calls are found without reading what came before."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import asyncpg
from pyroaring import BitMap

from analytics.call_places import Known
from analytics.database import Connection, statement
from analytics.distinct import ALL_CAMPAIGNS, Numbers, number_groups
from analytics.kept_seals import KeptSeals
from analytics.known import dialed_before
from analytics.metrics import KNOWN_NUMBER, METRICS, attempts_behind
from analytics.optimize import campaigns_of
from analytics.period import Days
from analytics.plan import SEALED_KNOWN, Kind
from analytics.query import Query

KINDS: Final[Mapping[str | None, Kind]] = {METRICS[name].where: kind for name, kind in SEALED_KNOWN.items()}
"""Of conditions on attempts that ask for known numbers: which numbers of a day may meet them."""


class KnownNumbers:
    """Which numbers of which days are known: ids of all numbers, or contacts of one campaign."""

    def __init__(
        self, connection: Connection, within: Mapping[date, Numbers], before: Numbers, *, is_of_all: bool
    ) -> None:
        self._connection = connection
        self._is_of_all = is_of_all
        ids, texts = before.united()
        self._ids: defaultdict[date, BitMap] = defaultdict(BitMap)
        self._texts: defaultdict[date, set[str]] = defaultdict(set)
        self._sizes: Counter[date] = Counter()
        for day, numbers in within.items():
            its_ids, its_texts = numbers.united()
            for shard_key, of_shard in its_ids.items():
                self._ids[day] |= of_shard & ids.get(shard_key, BitMap())
            self._texts[day] = its_texts & texts
            self._sizes[day] = len(numbers)

    def counts(self) -> Counter[date]:
        """Return how many of a day's numbers are known: it has as many calls or more."""
        counted = Counter({day: len(self._ids[day]) + len(self._texts[day]) for day in self._sizes})
        return +counted

    def share(self, days: Iterable[date]) -> float:
        """Return how many of the numbers of days are known, of all."""
        counts, every = self.counts(), list(days)
        return sum(counts[day] for day in every) / max(1, sum(self._sizes[day] for day in every))

    def of(self, days: Iterable[date]) -> Known:
        every = list(days)
        ids = BitMap().union(*(self._ids[day] for day in every))
        texts = set[str]().union(*(self._texts[day] for day in every))
        return Known(is_of_all=self._is_of_all, ids=ids.to_array(), texts=sorted(texts))

    async def among(self, rows: list[asyncpg.Record], days: Iterable[date]) -> list[asyncpg.Record]:
        """Return the attempts, of these days, that went to known numbers."""
        every = list(days)
        ids = BitMap().union(*(self._ids[day] for day in every))
        if not self._is_of_all:
            return [row for row in rows if row["contact_id"] in ids]
        texts = set[str]().union(*(self._texts[day] for day in every))
        named = await self._connection.fetch(
            statement("ids_of_numbers"), list({row["number"] for row in rows})
        )
        texts |= {row["number"] for row in named if row["number_id"] in ids}
        return [row for row in rows if row["number"] in texts]


def asks_for_known(query: Query, metric: str) -> bool:
    """Tell whether a figure counts calls to known numbers that bitmaps of days tell: of one campaign or of all, on whole days of their clocks."""
    _, condition = attempts_behind(metric)
    campaigns = campaigns_of(query.filter)
    return (
        condition in KINDS
        and KNOWN_NUMBER in (condition or "")
        and query.clock == "campaign"
        and (campaigns is None or len(campaigns) == 1)
    )


async def known_of(
    connection: Connection, query: Query, metric: str, days: Days, kept: KeptSeals | None
) -> KnownNumbers:
    """Read the numbers of days of the period that had been tried before it."""
    campaigns = campaigns_of(query.filter)
    shards = [ALL_CAMPAIGNS]
    if campaigns is not None:
        rows = await connection.fetch(statement("shards_of_campaigns"), list(campaigns))
        shards = [row["shard_key"] for row in rows]
    kind = KINDS[attempts_behind(metric)[1]]
    start = query.period.from_time
    if start is None:
        return KnownNumbers(connection, {}, Numbers(), is_of_all=campaigns is None)
    first_day = start.astimezone(ZoneInfo(query.time_zone)).date()
    before = await dialed_before(connection, shards, first_day, kept)
    within, _ = await number_groups(
        connection, shards, *days, [kind], lambda day: (day.day,), takes_months=False, kept=kept
    )
    return KnownNumbers(
        connection,
        {key[0]: numbers[kind] for key, numbers in within.items()},
        before or Numbers(),
        is_of_all=campaigns is None,
    )
