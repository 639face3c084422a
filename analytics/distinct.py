"""
How many different numbers, exactly, in any range of the campaigns' days: bitmaps of sealed days, facts for the others.

Within a campaign a contact is a number. Over all campaigns the same number may stand in several bases: there the sealed
bitmaps hold ids of numbers, and a number that has no id yet is told apart by its text.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, Final

import asyncpg
import msgspec
from pyroaring import BitMap

from analytics.database import Connection, statement
from analytics.kept_seals import KeptSeals, Seal, days_without
from analytics.plan import Kind

KINDS: Final[tuple[Kind, ...]] = ("dialed", "settled", "answered", "person", "target", "success")
SEALED_AS: Final[Mapping[Kind, Kind]] = {"settled": "dialed"}
"""A day with an attempt under way is not sealed."""
ALL_CAMPAIGNS: Final = 0
"""The shard that holds the sums, and the seals, over all campaigns."""


class Numbers:
    """A set of numbers, those of each shard apart: contact ids, number ids, and texts that have no id yet."""

    def __init__(self) -> None:
        self._bitmaps: defaultdict[int, list[BitMap]] = defaultdict(list)
        self._texts: set[str] = set()

    def __len__(self) -> int:
        return sum(len(BitMap().union(*parts)) for parts in self._bitmaps.values()) + len(self._texts)

    def united(self) -> tuple[dict[int, BitMap], set[str]]:
        """Return the ids of each shard, and the texts."""
        return {shard: BitMap().union(*parts) for shard, parts in self._bitmaps.items()}, self._texts

    def add(self, shard_key: int, ids: BitMap) -> None:
        self._bitmaps[shard_key].append(ids)

    def add_texts(self, texts: Sequence[str]) -> None:
        self._texts.update(texts)


class DistinctNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """Different numbers in a range of days, by what happened to them at least once in it."""

    counts: dict[Kind, int]
    sealed_days: int
    """Days, and whole months, that were read from bitmaps; the others from facts."""
    fact_days: int


class Day(msgspec.Struct, frozen=True):
    """One day of a shard, on its campaign's clock."""

    shard_key: int
    day: date


Group = Callable[[Day], tuple[Any, ...]]
"""What a day counts under."""


async def distinct_numbers(
    connection: Connection,
    shard_keys: Sequence[int] | None,
    from_day: date | None,
    to_day: date | None,
    kinds: Sequence[Kind] = KINDS,
    kept: KeptSeals | None = None,
) -> DistinctNumbers:
    """
    Count the numbers of one campaign's shards (None = over all campaigns) on its days in [from_day, to_day).

    Exact while calls are being settled: run it in a repeatable-read transaction.
    """
    shards = [ALL_CAMPAIGNS] if shard_keys is None else list(shard_keys)
    groups = await distinct_groups(
        connection, shards, from_day, to_day, kinds, lambda _: (), takes_months=True, kept=kept
    )
    return groups.get((), DistinctNumbers(counts=dict.fromkeys(kinds, 0), sealed_days=0, fact_days=0))


async def distinct_groups(
    connection: Connection,
    shard_keys: Sequence[int],
    from_day: date | None,
    to_day: date | None,
    kinds: Sequence[Kind],
    group: Group,
    *,
    takes_months: bool,
    kept: KeptSeals | None = None,
) -> dict[tuple[Any, ...], DistinctNumbers]:
    """
    Count the numbers of groups of days; days without attempts are in none. With `takes_months` all days of a month are in one
    group, that of its first.

    A number that two shards of a group know counts twice: a campaign's shards have none in common, and the sums over all
    campaigns (`ALL_CAMPAIGNS`) are one shard.
    """
    found, is_sealed = await number_groups(
        connection, shard_keys, from_day, to_day, kinds, group, takes_months=takes_months, kept=kept
    )
    places = Counter((group(each), sealed) for each, sealed in is_sealed.items())
    return {
        key: DistinctNumbers(
            counts={kind: len(of_kind) for kind, of_kind in numbers.items()},
            sealed_days=places[key, True],
            fact_days=places[key, False],
        )
        for key, numbers in found.items()
    }


async def number_groups(
    connection: Connection,
    shard_keys: Sequence[int],
    from_day: date | None,
    to_day: date | None,
    kinds: Sequence[Kind],
    group: Group,
    *,
    takes_months: bool,
    kept: KeptSeals | None = None,
) -> tuple[dict[tuple[Any, ...], dict[Kind, Numbers]], dict[Day, bool]]:
    """Return the numbers that `distinct_groups` counts, and which days, or months, were read from their seals."""
    rows = await connection.fetch(
        statement("distinct_days"), list(shard_keys), from_day, to_day, takes_months
    )
    found: defaultdict[tuple[Any, ...], dict[Kind, Numbers]] = defaultdict(
        lambda: {kind: Numbers() for kind in kinds}
    )
    seals = [Seal(*row.values()) for row in rows]
    columns = {kind: SEALED_AS.get(kind, kind) for kind in kinds}
    keeper = KeptSeals() if kept is None else kept
    bitmaps = await keeper.bitmaps(connection, seals, list(dict.fromkeys(columns.values())))
    for seal, of_seal in bitmaps.items():
        numbers = found[group(Day(seal.shard_key, seal.day))]
        for kind, column in columns.items():
            numbers[kind].add(seal.shard_key, of_seal[column][""])
    for shard_key, its_days in days_without(seals, bitmaps):
        facts = await connection.fetch(statement("distinct_facts"), shard_key, its_days)
        for day, of_day in itertools.groupby(sorted(facts, key=itemgetter("day")), key=itemgetter("day")):
            add_facts(found[group(Day(shard_key, day))], shard_key, list(of_day))
    return found, {Day(seal.shard_key, seal.day): seal in bitmaps for seal in seals}


def add_facts(found: dict[Kind, Numbers], shard_key: int, rows: Sequence[asyncpg.Record]) -> None:
    for kind, numbers in found.items():
        true_of = [row for row in rows if row[kind]]
        numbers.add(shard_key, BitMap([row["id"] for row in true_of if row["id"] is not None]))
        numbers.add_texts([row["number"] for row in true_of if row["id"] is None])
