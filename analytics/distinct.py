"""
How many different numbers, exactly, in any range of the campaigns' days: bitmaps of sealed days, facts for the others.

Within a campaign a contact is a number. Over all campaigns the same number may stand in several bases: there the sealed
bitmaps hold ids of numbers, and a number that has no id yet is told apart by its text.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec
from pyroaring import BitMap

from analytics.database import Connection, statement
from analytics.plan import Kind

KINDS: Final[tuple[Kind, ...]] = ("dialed", "settled", "answered", "person", "target", "success")
ALL_CAMPAIGNS: Final = 0
"""The shard that holds the sums, and the seals, over all campaigns."""


class Numbers:
    """A set of numbers, those of each shard apart: contact ids, number ids, and texts that have no id yet."""

    def __init__(self) -> None:
        self._bitmaps: defaultdict[int, BitMap] = defaultdict(BitMap)
        self._texts: set[str] = set()

    def __len__(self) -> int:
        return sum(map(len, self._bitmaps.values())) + len(self._texts)

    def add_bitmap(self, shard_key: int, data: bytes) -> None:
        self._bitmaps[shard_key] |= BitMap.deserialize(data)

    def add_ids(self, shard_key: int, ids: Sequence[int]) -> None:
        self._bitmaps[shard_key].update(ids)

    def add_texts(self, texts: Sequence[str]) -> None:
        self._texts.update(texts)


class DistinctNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """Different numbers in a range of days, by what happened to them at least once in it."""

    counts: dict[Kind, int]
    sealed_days: int
    """Days that were read from bitmaps; the others from facts."""
    fact_days: int


async def distinct_numbers(
    connection: Connection,
    shard_keys: Sequence[int] | None,
    from_day: date | None,
    to_day: date | None,
    kinds: Sequence[Kind] = KINDS,
) -> DistinctNumbers:
    """
    Count the numbers of one campaign's shards (None = over all campaigns) on its days in [from_day, to_day).

    Exact while calls are being settled: run it in a repeatable-read transaction.
    """
    shards = [ALL_CAMPAIGNS] if shard_keys is None else list(shard_keys)
    found: dict[Kind, Numbers] = {kind: Numbers() for kind in kinds}
    unsealed: defaultdict[int, list[date]] = defaultdict(list)
    sealed_days = 0
    for row in await connection.fetch(statement("distinct_days"), shards, from_day, to_day, list(kinds)):
        if not row["is_sealed"]:
            unsealed[row["shard_key"]].append(row["day"])
            continue
        sealed_days += 1
        for kind, numbers in found.items():
            numbers.add_bitmap(row["shard_key"], row[kind])
    for shard_key, days in unsealed.items():
        rows = await connection.fetch(statement("distinct_facts"), shard_key or None, days)
        for kind, numbers in found.items():
            true_of = [row for row in rows if row[kind]]
            numbers.add_ids(shard_key, [row["id"] for row in true_of if row["id"] is not None])
            numbers.add_texts([row["number"] for row in true_of if row["id"] is None])
    return DistinctNumbers(
        counts={kind: len(numbers) for kind, numbers in found.items()},
        sealed_days=sealed_days,
        fact_days=sum(map(len, unsealed.values())),
    )
