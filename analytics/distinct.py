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
from analytics.kept_seals import Bitmaps, KeptSeals, Seal, Union, days_without
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
        return sum(
            len(parts[0]) if len(parts) == 1 else len(BitMap().union(*parts))
            for parts in self._bitmaps.values()
        ) + len(self._texts)

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
        connection, shards, from_day, to_day, kinds, lambda _: (), takes_months=True, by_shard=True, kept=kept
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
    by_shard: bool = False,
    kept: KeptSeals | None = None,
) -> dict[tuple[Any, ...], DistinctNumbers]:
    """
    Count the numbers of groups of days; days without attempts are in none. With `takes_months` all days of a month are in one
    group, that of its first; with `by_shard` all days of a shard are, whichever is asked for.

    A number that two shards of a group know counts twice: a campaign's shards have none in common, and the sums over all
    campaigns (`ALL_CAMPAIGNS`) are one shard.
    """
    found, places = await number_groups(
        connection,
        shard_keys,
        from_day,
        to_day,
        kinds,
        group,
        takes_months=takes_months,
        by_shard=by_shard,
        kept=kept,
    )
    return {
        key: DistinctNumbers(
            counts={kind: len(of_kind) for kind, of_kind in numbers.items()},
            sealed_days=places[key, True],
            fact_days=places[key, False],
        )
        for key, numbers in found.items()
    }


class Numbered(msgspec.Struct):
    """What seals tell of groups, and what they do not."""

    groups: defaultdict[tuple[Any, ...], dict[Kind, Numbers]]
    places: Counter[tuple[tuple[Any, ...], bool]]
    """How many days, or whole months, of a group are sealed and how many are not."""
    unsealed: list[tuple[int, list[date]]]
    """Days by shard, to be read from facts."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What numbers are asked for."""

    shard_keys: list[int]
    from_day: date | None
    to_day: date | None
    takes_months: bool
    columns: Mapping[Kind, Kind]
    """Kinds, and what they are sealed as."""
    group: Group
    kept: KeptSeals

    @property
    def kinds(self) -> list[Kind]:
        """What is read of seals."""
        return list(dict.fromkeys(self.columns.values()))

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.shard_keys, self.from_day, self.to_day, self.takes_months


async def number_groups(
    connection: Connection,
    shard_keys: Sequence[int],
    from_day: date | None,
    to_day: date | None,
    kinds: Sequence[Kind],
    group: Group,
    *,
    takes_months: bool,
    by_shard: bool = False,
    kept: KeptSeals | None = None,
) -> tuple[dict[tuple[Any, ...], dict[Kind, Numbers]], Counter[tuple[tuple[Any, ...], bool]]]:
    """Return the numbers that `distinct_groups` counts, and how many days, or months, of a group were read from seals and how many not."""
    asked = Asked(
        shard_keys=list(shard_keys),
        from_day=from_day,
        to_day=to_day,
        takes_months=takes_months,
        columns={kind: SEALED_AS.get(kind, kind) for kind in kinds},
        group=group,
        kept=KeptSeals() if kept is None else kept,
    )
    found = Numbered(defaultdict(lambda: {kind: Numbers() for kind in kinds}), Counter(), [])
    if by_shard:
        await add_shards(connection, asked, found)
    else:
        await add_days(connection, asked, found)
    for shard_key, its_days in found.unsealed:
        facts = await connection.fetch(statement("distinct_facts"), shard_key, its_days)
        for day, of_day in itertools.groupby(sorted(facts, key=itemgetter("day")), key=itemgetter("day")):
            add_facts(found.groups[group(Day(shard_key, day))], shard_key, list(of_day))
    return found.groups, found.places


async def add_days(connection: Connection, asked: Asked, found: Numbered) -> Mapping[Seal, Bitmaps]:
    """Add the seals that hold and can be read, one by one, and return what they say."""
    rows = await connection.fetch(statement("distinct_days"), *asked.arguments)
    seals = [Seal(*row.values()) for row in rows]
    bitmaps = await asked.kept.bitmaps(connection, seals, asked.kinds)
    for seal in seals:
        key = asked.group(Day(seal.shard_key, seal.day))
        of_seal = bitmaps.get(seal)
        found.places[key, of_seal is not None] += 1
        if of_seal is not None:
            for kind, column in asked.columns.items():
                found.groups[key][kind].add(seal.shard_key, of_seal[column][""])
    found.unsealed += days_without(seals, bitmaps)
    return bitmaps


async def add_shards(connection: Connection, asked: Asked, found: Numbered) -> None:
    """Add what the seals that hold of each shard have together; where that was asked for before, they are not looked at one by one."""
    missing: dict[int, Union] = {}
    for shard_key, unsealed, *marks in await connection.fetch(statement("distinct_marks"), *asked.arguments):
        union = Union(shard_key, asked.from_day, asked.to_day, asked.takes_months, *marks)
        bitmaps = asked.kept.union(union, asked.kinds)
        if bitmaps is None:
            missing[shard_key] = union
            continue
        key = asked.group(Day(shard_key, date.min))
        for kind, column in asked.columns.items():
            found.groups[key][kind].add(shard_key, bitmaps[column])
        found.places[key, True] += union.seals
        if unsealed:
            found.places[key, False] += len(unsealed)
            found.unsealed.append((shard_key, unsealed))
    if not missing:
        return
    read = await add_days(connection, msgspec.structs.replace(asked, shard_keys=list(missing)), found)
    parts: defaultdict[int, list[Bitmaps]] = defaultdict(list)
    for seal, of_seal in read.items():
        parts[seal.shard_key].append(of_seal)
    for shard_key, union in missing.items():
        # one that could not be read is tried again
        if 0 < len(parts[shard_key]) == union.seals:
            asked.kept.keep_union(union, parts[shard_key], asked.kinds)


def add_facts(found: dict[Kind, Numbers], shard_key: int, rows: Sequence[asyncpg.Record]) -> None:
    for kind, numbers in found.items():
        true_of = [row for row in rows if row[kind]]
        numbers.add(shard_key, BitMap([row["id"] for row in true_of if row["id"] is not None]))
        numbers.add_texts([row["number"] for row in true_of if row["id"] is None])
