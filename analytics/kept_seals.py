"""
Bitmaps that were read once and are kept, so that a page that asks again has only what is new sent to it.

Nothing is believed because it is kept: which seals hold is asked of the database in the snapshot of each question (docs/rollups.md,
"Distinct numbers"). A seal that is made anew has another mark, so what was kept under the old one is never taken for it. Damaged bytes
are as good as no seal: the facts of those days are read, until `obzvon rollups rebuild` has mended them.
"""

import calendar
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import asyncpg
import msgspec
import structlog
from pyroaring import BitMap

from analytics.database import Connection, statement
from analytics.plan import Kind

log = structlog.get_logger()

MAX_BYTES: Final = 64_000_000
"""As counted here; the process grows by half as much again. The days and months of 10,000,000 attempts in 200 campaigns and 90 days are 49 MB."""
NUMBERS: Final = 0
"""The dimension of seals that tell nothing apart; their one value is empty."""
OVERHEAD_BYTES: Final = 300
"""Of a bitmap in memory, beside its numbers."""
UNREADABLE: Final = (ValueError, IndexError)
"""What pyroaring raises for bytes that are no bitmap, and values and bitmaps that differ in number."""

Bitmaps = dict[Kind, dict[str, BitMap]]
"""By kind and value."""


class Seal(msgspec.Struct, frozen=True):
    """The seal of a day or month that holds, and by `attempts`, `changes` and `sealed_time` which one it is."""

    shard_key: int
    day: date
    """Of a month its first."""
    is_month: bool
    attempts: int
    changes: int
    sealed_time: datetime | None
    """None = none holds."""
    dim: int = NUMBERS
    """Of `stats`: whose values it tells apart."""

    def days(self) -> list[date]:
        """Return its day, or all of its month."""
        if not self.is_month:
            return [self.day]
        _, count = calendar.monthrange(self.day.year, self.day.month)
        return [self.day.replace(day=number) for number in range(1, count + 1)]


def days_without(seals: Sequence[Seal], read: Collection[Seal]) -> list[tuple[int, list[date]]]:
    """
    Return days that facts must tell, by shard: those without a seal together, as they are the last; those of a seal that cannot be
    read alone, as they may be any.
    """
    last: defaultdict[int, list[date]] = defaultdict(list)
    for seal in seals:
        if seal.sealed_time is None:
            last[seal.shard_key].append(seal.day)
    unreadable = [seal for seal in seals if seal.sealed_time is not None and seal not in read]
    return [*last.items(), *((seal.shard_key, seal.days()) for seal in unreadable)]


class Union(msgspec.Struct, frozen=True):
    """
    All seals that hold of a shard in a range of days, by their marks added up: `changes` of a day and times of sealing only grow, so none
    of them is another while their sums are the same.
    """

    shard_key: int
    from_day: date | None
    to_day: date | None
    takes_months: bool
    seals: int
    attempts: int
    changes: int
    days: int
    """The days themselves, as numbers, added up."""
    sealed_us: int
    """The times of sealing, in microseconds, added up."""


class KeptSeals:
    """Bitmaps by seal, and what unions of them gave, those that were asked for least recently given up first. For one database."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Seal | Union, Bitmaps] = OrderedDict()
        self._sizes: dict[Seal | Union, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def bitmaps(
        self, connection: Connection, seals: Sequence[Seal], kinds: Sequence[Kind]
    ) -> Mapping[Seal, Bitmaps]:
        """
        Return the bitmaps of these kinds, of each of these seals that holds in the connection's snapshot and can be read. Do not change
        them.
        """
        found: dict[Seal, Bitmaps] = {}
        missing: list[Seal] = []
        for seal in seals:
            if seal.sealed_time is None:
                continue
            kept = self._kept.get(seal)
            if kept is None or not kept.keys() >= set(kinds):
                missing.append(seal)
            else:
                self._kept.move_to_end(seal)
                found[seal] = kept
        for name, some in (
            ("seal_bitmaps", [seal for seal in missing if seal.dim == NUMBERS]),
            ("attribution_bitmaps", [seal for seal in missing if seal.dim != NUMBERS]),
        ):
            if not some:
                continue
            rows = await connection.fetch(
                statement(name),
                [seal.shard_key for seal in some],
                [seal.day for seal in some],
                [seal.is_month for seal in some],
                [seal.dim for seal in some],
                list(kinds),
            )
            by_place = {(seal.shard_key, seal.day, seal.is_month, seal.dim): seal for seal in some}
            for row in rows:
                seal = by_place[row["shard_key"], row["day"], row["is_month"], row["dim"]]
                try:
                    bitmaps = bitmaps_of(row, kinds)
                except UNREADABLE as error:
                    log.error(  # noqa: TRY400 - of bytes, not of code
                        "seal.unreadable",
                        shard_key=seal.shard_key,
                        day=seal.day.isoformat(),
                        is_month=seal.is_month,
                        dim=seal.dim,
                        error=str(error),
                    )
                else:
                    size = sum(len(each) + OVERHEAD_BYTES for kind in kinds for each in row[kind])
                    found[seal] = self._keep(seal, bitmaps, size)
        return found

    def union(self, union: Union, kinds: Sequence[Kind]) -> Mapping[Kind, BitMap] | None:
        """Return the numbers of these kinds that the seals of a union have together; None = not known here. Do not change them."""
        kept = self._kept.get(union)
        if kept is None or not kept.keys() >= set(kinds):
            return None
        self._kept.move_to_end(union)
        return {kind: kept[kind][""] for kind in kinds}

    def keep_union(self, union: Union, parts: Sequence[Bitmaps], kinds: Sequence[Kind]) -> None:
        """Unite the bitmaps of all its seals, for those who ask again."""
        kept = self._kept.get(union, {})
        made = {
            kind: {"": BitMap().union(*(part[kind][""] for part in parts))}
            for kind in kinds
            if kind not in kept
        }
        self._keep(union, made, sum(bytes_of(each[""]) + OVERHEAD_BYTES for each in made.values()))

    def _keep(self, seal: Seal | Union, read: Bitmaps, size: int) -> Bitmaps:
        bitmaps = self._kept.get(seal, {}) | read
        self._bytes += size
        self._kept[seal] = bitmaps
        self._kept.move_to_end(seal)
        self._sizes[seal] = self._sizes.get(seal, 0) + size
        while self._bytes > self._max_bytes:
            oldest, _ = self._kept.popitem(last=False)
            self._bytes -= self._sizes.pop(oldest)
        return bitmaps


def bitmaps_of(row: asyncpg.Record, kinds: Sequence[Kind]) -> Bitmaps:
    return {
        kind: dict(zip(row["value_texts"], map(BitMap.deserialize, row[kind]), strict=True)) for kind in kinds
    }


def bytes_of(bitmap: BitMap) -> int:
    told = bitmap.get_statistics()
    return (
        told["n_bytes_array_containers"] + told["n_bytes_run_containers"] + told["n_bytes_bitset_containers"]
    )
