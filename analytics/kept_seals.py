"""
Bitmaps that were read once and are kept, so that a page that asks again has only what is new sent to it.

Nothing is believed because it is kept: which seals hold is asked of the database in the snapshot of each question (docs/rollups.md,
"Distinct numbers"). A seal that is made anew has another mark, so what was kept under the old one is never taken for it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from pyroaring import BitMap

from analytics.database import Connection, statement
from analytics.plan import Kind

MAX_BYTES: Final = 64_000_000
"""As counted here; the process grows by half as much again. The days and months of 10,000,000 attempts in 200 campaigns and 90 days are 49 MB."""
NUMBERS: Final = 0
"""The dimension of seals that tell nothing apart; their one value is empty."""
OVERHEAD_BYTES: Final = 300
"""Of a bitmap in memory, beside its numbers."""

Bitmaps = dict[Kind, dict[str, BitMap]]
"""By kind and value."""


class Seal(msgspec.Struct, frozen=True):
    """A seal that holds, and by `attempts`, `changes` and `sealed_time` which one of its day or month it is."""

    shard_key: int
    day: date
    """Of a month its first."""
    is_month: bool
    attempts: int
    changes: int
    sealed_time: datetime
    dim: int = NUMBERS
    """Of `stats`: whose values it tells apart."""


class KeptSeals:
    """Bitmaps by seal, those that were asked for least recently given up first. For one database."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[Seal, Bitmaps] = OrderedDict()
        self._sizes: dict[Seal, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def bitmaps(
        self, connection: Connection, seals: Sequence[Seal], kinds: Sequence[Kind]
    ) -> Mapping[Seal, Bitmaps]:
        """Return the bitmaps of these kinds, of each of these seals, which hold in the connection's snapshot. Do not change them."""
        found: dict[Seal, Bitmaps] = {}
        missing: list[Seal] = []
        for seal in seals:
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
                parts = {kind: dict(zip(row["value_texts"], row[kind], strict=True)) for kind in kinds}
                found[seal] = self._keep(seal, parts)
        return found

    def _keep(self, seal: Seal, parts: Mapping[Kind, Mapping[str, bytes]]) -> Bitmaps:
        bitmaps = self._kept.get(seal, {}) | {
            kind: {value: BitMap.deserialize(serialized) for value, serialized in values.items()}
            for kind, values in parts.items()
        }
        size = sum(
            len(serialized) + OVERHEAD_BYTES for values in parts.values() for serialized in values.values()
        )
        self._bytes += size
        self._kept[seal] = bitmaps
        self._kept.move_to_end(seal)
        self._sizes[seal] = self._sizes.get(seal, 0) + size
        while self._bytes > self._max_bytes:
            oldest, _ = self._kept.popitem(last=False)
            self._bytes -= self._sizes.pop(oldest)
        return bitmaps
