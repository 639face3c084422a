"""
Sealing who was called by source, ad and keyword: for each value of a closed day, and of a closed month, bitmaps as those of
`campaigns.number_seals`, so that distinct numbers by source of any range of days are a union and no recount.

A seal holds while the attempts and changes of its whole day are what they were: a late change unseals all values of the day. A
day is sealed after its numbers, which have ids by then.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

import asyncpg
from pyroaring import BitMap

from campaigns import number_seals
from campaigns.bitmaps import by_value, serialized
from campaigns.database import Connection
from campaigns.number_seals import DayToSeal, going_on_without
from campaigns.rollup_statements import MONTHS
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
DIMS: Final = (6, 7, 8)
"""Source, ad and keyword, by their numbers in `stats`."""
KINDS: Final = ("dialed", "answered", "person", "target", "success")
"""In a sealed day everything dialed is settled."""
DAYS_PER_TURN: Final = 1000
MONTHS_PER_TURN: Final = 50

Values = Mapping[str, Mapping[str, BitMap]]
"""By value and kind."""


async def seal_days(connection: Connection, now: datetime, limit: int = DAYS_PER_TURN) -> int:
    """Seal some days whose numbers are sealed; return how many were."""
    rows = await connection.fetch(SQL["days_to_seal"], limit)
    sealed = 0
    for row in rows:
        sealed += await seal_day(connection, DayToSeal(row["shard_key"], row["day"]), now)
    return sealed


async def seal_day(connection: Connection, part: DayToSeal, now: datetime) -> bool:
    """Seal one day from its facts, or leave it because an attempt of it is under way, or a number of it has no id."""
    async with connection.transaction(isolation="repeatable_read"):
        state = await connection.fetchrow(number_seals.SQL["day_now"], part.shard_key, part.day)
        assert state is not None
        if state["attempts"] != state["settled"]:
            return False
        found = await values_of_day(connection, part)
        if found is None:
            return False
        for dim, values in found.items():
            await keep(connection, part, dim, state, values, now)
    return True


async def values_of_day(connection: Connection, part: DayToSeal) -> dict[int, Values] | None:
    """Return who was dialed on a day, by dimension and value, from its facts; None = one of them has no id yet."""
    rows = await connection.fetch(SQL["numbers_of_day"], part.shard_key, part.day)
    if any(row["unknown"] for row in rows):
        return None
    found: dict[int, dict[str, dict[str, BitMap]]] = {dim: {} for dim in DIMS}
    for row in rows:
        found[row["dim"]][row["value"]] = {kind: BitMap(row[kind] or []) for kind in KINDS}
    return dict(found)


async def seal_months(connection: Connection, now: datetime, limit: int = MONTHS_PER_TURN) -> int:
    """Seal some closed months whose days are sealed; return how many were."""
    rows = await connection.fetch(SQL["months_to_seal"], limit)
    sealed = 0
    for row in rows:
        async with going_on_without(connection, row["shard_key"], row["month"]):
            sealed += await seal_month(connection, row["shard_key"], row["month"], now)
    return sealed


async def seal_month(connection: Connection, shard_key: int, month: date, now: datetime) -> bool:
    """Seal the month that begins with `month` from the seals of its days, or leave it because one of them does not hold."""
    async with connection.transaction(isolation="repeatable_read"):
        state = await connection.fetchrow(number_seals.SQL["month_now"], shard_key, month)
        assert state is not None
        found = await values_of_month(connection, shard_key, month)
        if found is None:
            return False
        for dim, values in found.items():
            await keep(connection, DayToSeal(shard_key, month), dim + MONTHS, state, values, now)
    return True


async def values_of_month(connection: Connection, shard_key: int, month: date) -> dict[int, Values] | None:
    """
    Return what the seals of a month's days say together, by dimension and value; None = one of them does not hold.

    Raises:
        UnreadableBitmap: one of them was damaged.
    """
    found: dict[int, Values] = {}
    for dim in DIMS:
        days = await connection.fetch(SQL["seals_of_month"], shard_key, month, dim)
        if not all(day["is_sealed"] for day in days):
            return None
        parts: defaultdict[str, defaultdict[str, list[BitMap]]] = defaultdict(lambda: defaultdict(list))
        for day in days:
            for value, numbers in values_of(day).items():
                for kind in KINDS:
                    parts[value][kind].append(numbers[kind])
        found[dim] = {
            value: {kind: BitMap().union(*of_kind) for kind, of_kind in kinds.items()}
            for value, kinds in parts.items()
        }
    return found


def values_of(seal: asyncpg.Record) -> Values:
    """Read a row of `attribution_seals`, or raise `UnreadableBitmap`."""
    kinds = {kind: by_value(seal["value_texts"], seal[kind]) for kind in KINDS}
    return {value: {kind: kinds[kind][value] for kind in KINDS} for value in seal["value_texts"]}


async def keep(
    connection: Connection,
    part: DayToSeal,
    dim: int,
    state: asyncpg.Record,
    values: Values,
    now: datetime,
) -> None:
    await connection.execute(
        SQL["keep_seal"],
        part.shard_key,
        dim,
        part.day,
        state["attempts"],
        state["changes"],
        list(values),
        *([serialized(numbers[kind]) for numbers in values.values()] for kind in KINDS),
        now,
    )
