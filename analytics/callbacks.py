"""
How many requests to be called back were answered within 24 hours, wait, or were missed, on any of the campaigns' days: counts of
sealed days (`campaigns.callback_seals`), facts for the others.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from analytics.database import Connection, statement
from analytics.distinct import ALL_CAMPAIGNS, Day, Group

NAMES: Final = ("callbacks_done", "callbacks_due", "callbacks_missed")


async def callback_groups(
    connection: Connection,
    shard_keys: Sequence[int],
    from_day: date | None,
    to_day: date | None,
    now: datetime,
    group: Group,
    *,
    by_day: bool = True,
) -> dict[tuple[Any, ...], dict[str, int]]:
    """
    Count by groups of days; days without requests are in none. `ALL_CAMPAIGNS` alone = over all campaigns. Without `by_day` all
    days of a shard are in one group.

    Exact while calls are being settled: run it in a repeatable-read transaction.
    """
    days = await connection.fetch(statement("callback_counts"), list(shard_keys), from_day, to_day, by_day)
    unsealed = [Day(row["shard_key"], row["day"]) for row in days if row["done"] is None]
    facts = await facts_of(connection, unsealed, now)
    found: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for shard_key, of_day, requests, sealed in days:
        day = Day(shard_key, of_day)
        done, due = (sealed, 0) if sealed is not None else facts[day]
        sums = found[group(day)]
        sums[0] += done
        sums[1] += due
        sums[2] += requests - done - due
    return {key: dict(zip(NAMES, sums, strict=True)) for key, sums in found.items()}


async def facts_of(connection: Connection, days: Sequence[Day], now: datetime) -> dict[Day, tuple[int, int]]:
    """Return done and due of each of these days."""
    if not days:
        return {}
    shards = {each.shard_key for each in days}
    if ALL_CAMPAIGNS in shards:
        shards = {row["shard_key"] for row in await connection.fetch(statement("every_shard"))}
    rows = await connection.fetch(
        statement("callback_facts"), sorted(shards), sorted({each.day for each in days}), now
    )
    found = dict.fromkeys(days, (0, 0))
    for row in rows:
        for day in (Day(row["shard_key"], row["day"]), Day(ALL_CAMPAIGNS, row["day"])):
            if day in found:
                done, due = found[day]
                found[day] = done + row["done"], due + row["due"]
    return found
