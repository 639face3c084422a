"""
Sealing a closed day: bitmaps of its contacts, so that distinct numbers of any range of days are a union and no recount.

A seal keeps `attempts` and `changes` of its day as they stood in the snapshot it was made of. Whoever reads compares them with
`stats_now`: `changes` grows with every write of a fact, in the statement that writes it, so equal means unchanged. A late
change unseals a day by itself; nothing in the hot path knows of seals.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from pyroaring import BitMap

from campaigns.database import Connection
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
KINDS: Final = ("dialed", "settled", "answered", "person", "target", "success")
TOTALS_SHARD: Final = 0
DAYS_PER_TURN: Final = 50


class DayToSeal(msgspec.Struct, frozen=True):
    """A closed day of a shard; of `TOTALS_SHARD`, the day over all campaigns."""

    shard_key: int
    day: date


async def seal_days(connection: Connection, now: datetime, limit: int = DAYS_PER_TURN) -> int:
    """Seal some closed days; return how many were sealed. Days with an attempt under way wait."""
    rows = await connection.fetch(SQL["days_to_seal"], now, limit)
    sealed = 0
    for row in rows:
        sealed += await seal_day(connection, DayToSeal(row["shard_key"], row["day"]), now)
    return sealed


async def seal_day(connection: Connection, part: DayToSeal, now: datetime) -> bool:
    """Seal one day from its facts, or leave it because an attempt of it is under way."""
    is_total = part.shard_key == TOTALS_SHARD
    if is_total:
        await connection.execute(SQL["learn_numbers"], part.day)
    async with connection.transaction(isolation="repeatable_read"):
        state = await connection.fetchrow(SQL["day_now"], part.shard_key, part.day)
        assert state is not None
        if state["attempts"] != state["settled"]:
            return False
        row = await (
            connection.fetchrow(SQL["numbers_of_day"], part.day)
            if is_total
            else connection.fetchrow(SQL["contacts_of_day"], part.shard_key, part.day)
        )
        assert row is not None
        if is_total and row["unknown"]:
            return False  # a number came between learning and looking; the next turn has it
        await connection.execute(
            SQL["keep_seal"],
            part.shard_key,
            part.day,
            state["attempts"],
            state["changes"],
            *(bitmap(row[kind]) for kind in KINDS),
            now,
        )
    return True


def bitmap(ids: list[Any] | None) -> bytes:
    """Return the ids as a roaring bitmap in its portable format."""
    made = BitMap(ids or [])
    made.run_optimize()
    return bytes(made.serialize())
