"""
Sealing a closed day: bitmaps of its contacts, so that distinct numbers of any range of days are a union and no recount.

A seal keeps `attempts` and `changes` of its day as they stood in the snapshot it was made of. Whoever reads compares them with
`stats_now`: `changes` grows with every write of a fact, in the statement that writes it, so equal means unchanged. A late
change unseals a day by itself; nothing in the hot path knows of seals. A month whose days are sealed gets a seal of its own, for long ranges;
one that the reconciler found wrong waits until that is mended.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import structlog
from pyroaring import BitMap

from campaigns.bitmaps import UnreadableBitmap, deserialized, serialized
from campaigns.database import Connection
from campaigns.rollup_statements import TOTALS_SHARD
from campaigns.statements import load_statements

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
KINDS: Final = ("dialed", "settled", "answered", "person", "target", "success")
DAYS_PER_TURN: Final = 50
MONTHS_PER_TURN: Final = 10


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
    if part.shard_key == TOTALS_SHARD:
        await connection.execute(SQL["learn_numbers"], part.day)
    async with connection.transaction(isolation="repeatable_read"):
        state = await connection.fetchrow(SQL["day_now"], part.shard_key, part.day)
        assert state is not None
        if state["attempts"] != state["settled"]:
            return False
        numbers = await numbers_of_day(connection, part)
        if numbers is None:
            return False  # a number came between learning and looking; the next turn has it
        await keep(connection, SQL["keep_seal"], part, state, numbers, now)
    return True


async def numbers_of_day(connection: Connection, part: DayToSeal) -> dict[str, BitMap] | None:
    """Return who was dialed on a day, by kind, from its facts; None = one of them has no id yet."""
    row = await connection.fetchrow(SQL["numbers_of_day"], part.shard_key, part.day)
    assert row is not None
    return None if row["unknown"] else {kind: BitMap(row[kind] or []) for kind in KINDS}


async def seal_months(connection: Connection, now: datetime, limit: int = MONTHS_PER_TURN) -> int:
    """Seal some closed months whose days are sealed; return how many were."""
    rows = await connection.fetch(SQL["months_to_seal"], now, limit)
    sealed = 0
    for row in rows:
        async with going_on_without(connection, row["shard_key"], row["month"]):
            sealed += await seal_month(connection, row["shard_key"], row["month"], now)
    return sealed


@contextlib.asynccontextmanager
async def going_on_without(connection: Connection, shard_key: int, month: date) -> AsyncIterator[None]:
    """Leave a month a day of which has bitmaps that cannot be read: say so, and have the reconciler look at it next."""
    try:
        yield
    except UnreadableBitmap as error:
        log.error("seal.unreadable", shard_key=shard_key, month=month.isoformat(), error=str(error))  # noqa: TRY400 - of bytes, not of code
        await connection.execute(SQL["look_again"], shard_key, month)


async def seal_month(connection: Connection, shard_key: int, month: date, now: datetime) -> bool:
    """Seal the month that begins with `month` from the seals of its days, or leave it because one of them does not hold."""
    async with connection.transaction(isolation="repeatable_read"):
        state = await connection.fetchrow(SQL["month_now"], shard_key, month)
        assert state is not None
        numbers = await numbers_of_month(connection, shard_key, month)
        if numbers is None:
            return False
        await keep(connection, SQL["keep_month_seal"], DayToSeal(shard_key, month), state, numbers, now)
    return True


async def numbers_of_month(connection: Connection, shard_key: int, month: date) -> dict[str, BitMap] | None:
    """
    Return what the seals of a month's days say together; None = one of them does not hold.

    Raises:
        UnreadableBitmap: one of them was damaged.
    """
    days = await connection.fetch(SQL["seals_of_month"], shard_key, month)
    if not all(day["is_sealed"] for day in days):
        return None
    return {kind: BitMap().union(*(deserialized(day[kind]) for day in days)) for kind in KINDS}


async def keep(
    connection: Connection,
    statement: str,
    part: DayToSeal,
    state: asyncpg.Record,
    numbers: Mapping[str, BitMap],
    now: datetime,
) -> None:
    await connection.execute(
        statement,
        part.shard_key,
        part.day,
        state["attempts"],
        state["changes"],
        *(serialized(numbers[kind]) for kind in KINDS),
        now,
    )
