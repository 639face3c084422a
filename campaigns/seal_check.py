"""
Proving seals as `campaigns.rollups` proves sums: a seal that holds says what its day's facts say, that of a month what its days' seals say.

Whoever reads believes a seal while the attempts and changes of its day are what they were. Facts that were changed behind the back of
the product, or bitmaps that were damaged, change neither.
"""

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import TypeVar

import asyncpg
from pyroaring import BitMap

from campaigns import attribution_seals, callback_seals, number_seals
from campaigns.attribution_seals import Values, values_of
from campaigns.bitmaps import UnreadableBitmap, deserialized
from campaigns.database import Connection
from campaigns.number_seals import KINDS, DayToSeal
from campaigns.rollup_statements import MONTHS, TOTALS_SHARD

T = TypeVar("T")


async def check_seals(
    connection: Connection, shard_key: int, first: date, last: date, now: datetime, *, repair: bool
) -> Counter[date]:
    """
    Return how many seals of days from `first`, that of a month, to before `last`, and of the month, say something else; with
    `repair` make those anew.

    Seals that do not hold are the sealer's. Each day is one snapshot; callbacks, of which there are few, are one for all days.
    """
    found: Counter[date] = Counter()
    days = await connection.fetch(number_seals.SQL["sealed_days"], shard_key, first, last)
    for day in [row["day"] for row in days]:
        if repair and shard_key == TOTALS_SHARD:
            await connection.execute(number_seals.SQL["learn_numbers"], day)
        # another process made it anew meanwhile: then it is not ours to mend
        with contextlib.suppress(asyncpg.SerializationError):
            async with connection.transaction(isolation="repeatable_read"):
                found[day] += await _check_day(connection, DayToSeal(shard_key, day), now, repair=repair)
    if days:
        with contextlib.suppress(asyncpg.SerializationError):
            async with connection.transaction(isolation="repeatable_read"):
                found[first] += await _check_month(
                    connection, DayToSeal(shard_key, first), now, repair=repair
                )
    with contextlib.suppress(asyncpg.SerializationError):
        async with connection.transaction(isolation="repeatable_read"):
            wrong_days = await callback_seals.wrong_seals(connection, shard_key, first, last, now)
            if repair and wrong_days:
                await callback_seals.seal_anew(connection, shard_key, wrong_days, now)
            found.update(wrong_days)
    return +found


async def _check_day(connection: Connection, part: DayToSeal, now: datetime, *, repair: bool) -> int:
    wrong = 0
    place = (part.shard_key, part.day)
    seal = await connection.fetchrow(number_seals.SQL["day_seal"], *place)
    if seal is not None:
        numbers = await number_seals.numbers_of_day(connection, part)
        # a number without an id is in no seal of all campaigns
        if numbers is None or numbers != readable(numbers_of, seal):
            wrong += 1
            if repair and numbers is not None:
                await number_seals.keep(connection, number_seals.SQL["keep_seal"], part, seal, numbers, now)
    seals = await connection.fetch(attribution_seals.SQL["day_seals"], *place)
    found = await attribution_seals.values_of_day(connection, part) if seals else None
    if found is None:
        return wrong + len(seals)
    return wrong + await _check_values(connection, part, seals, found, 0, now, repair=repair)


async def _check_month(connection: Connection, part: DayToSeal, now: datetime, *, repair: bool) -> int:
    wrong = 0
    place = (part.shard_key, part.day)
    state = await connection.fetchrow(number_seals.SQL["month_now"], *place)
    assert state is not None
    seal = await connection.fetchrow(number_seals.SQL["month_seal"], *place)
    if seal is not None and holds(seal, state):
        numbers = await of_days(number_seals.numbers_of_month(connection, *place))
        if numbers is not None and numbers != readable(numbers_of, seal):
            wrong += 1
            if repair:
                await number_seals.keep(
                    connection, number_seals.SQL["keep_month_seal"], part, seal, numbers, now
                )
    rows = await connection.fetch(attribution_seals.SQL["month_seals"], *place)
    seals = [row for row in rows if holds(row, state)]
    found = await of_days(attribution_seals.values_of_month(connection, *place)) if seals else None
    if found is None:
        return wrong
    return wrong + await _check_values(connection, part, seals, found, MONTHS, now, repair=repair)


async def _check_values(
    connection: Connection,
    part: DayToSeal,
    seals: list[asyncpg.Record],
    found: Mapping[int, Values],
    added_to_dim: int,
    now: datetime,
    *,
    repair: bool,
) -> int:
    wrong = 0
    for seal in seals:
        dim = seal["dim"]
        if found[dim] != readable(values_of, seal):
            wrong += 1
            if repair:
                await attribution_seals.keep(connection, part, dim + added_to_dim, seal, found[dim], now)
    return wrong


def holds(seal: asyncpg.Record, state: asyncpg.Record) -> bool:
    return (seal["attempts"], seal["changes"]) == (state["attempts"], state["changes"])


def readable(read: Callable[[asyncpg.Record], T], seal: asyncpg.Record) -> T | None:
    """Read a seal; None = its bitmaps are none."""
    try:
        return read(seal)
    except UnreadableBitmap:
        return None


async def of_days(read: Awaitable[T | None]) -> T | None:
    """Read what the seals of a month's days say; None = one of them is unreadable, and a difference of its own."""
    try:
        return await read
    except UnreadableBitmap:
        return None


def numbers_of(seal: asyncpg.Record) -> dict[str, BitMap]:
    return {kind: deserialized(seal[kind]) for kind in KINDS}
