"""
Sealing how many requests to be called back were answered within 24 hours, so that a report over months looks at none of them.

As with bitmaps of numbers (`campaigns.number_seals`) a seal tells by `attempts` and `changes` whether it still holds; here
those of three days, as the call that answers a request may lie after midnight, and a clock may have moved.
"""

import itertools
from collections.abc import Sequence
from datetime import date, datetime
from operator import itemgetter
from pathlib import Path
from typing import Final

from campaigns.database import Connection
from campaigns.rollup_statements import TOTALS_SHARD
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
DAYS_PER_TURN: Final = 1000


async def seal_callbacks(connection: Connection, now: datetime, limit: int = DAYS_PER_TURN) -> int:
    """Seal days whose requests are all done or missed; return how many were sealed."""
    rows = await connection.fetch(SQL["callbacks_to_seal"], now, limit)
    sealed = 0
    of_shard = itemgetter("shard_key")
    for shard_key, days in itertools.groupby(sorted(rows, key=of_shard), key=of_shard):
        sealed += await seal_days_of(connection, shard_key, [row["day"] for row in days], now)
    return sealed


async def seal_days_of(connection: Connection, shard_key: int, days: Sequence[date], now: datetime) -> int:
    """Seal days of one shard; of `TOTALS_SHARD`, over all campaigns."""
    shards = await shards_within(connection, shard_key)
    status = await connection.execute(SQL["seal_callbacks"], shard_key, shards, list(days), now)
    return int(status.split()[-1])


async def wrong_seals(
    connection: Connection, shard_key: int, first: date, last: date, now: datetime
) -> list[date]:
    """Return the days from `first` to before `last` whose seals hold and do not say what the facts say."""
    shards = await shards_within(connection, shard_key)
    rows = await connection.fetch(SQL["wrong_callback_seals"], shard_key, shards, first, last, now)
    return [row["day"] for row in rows]


async def seal_anew(connection: Connection, shard_key: int, days: Sequence[date], now: datetime) -> None:
    """Drop the seals of these days, and seal those whose requests are all done or missed."""
    await connection.execute(SQL["drop_callback_seals"], shard_key, days)
    await seal_days_of(connection, shard_key, days, now)


async def shards_within(connection: Connection, shard_key: int) -> list[int]:
    """Return the shards whose facts count for a shard: its own, or all."""
    if shard_key != TOTALS_SHARD:
        return [shard_key]
    return [row["shard_key"] for row in await connection.fetch(SQL["every_shard"])]
