"""
How many numbers of a range of days had been called before it: those that its bitmaps, or facts, have in common with the bitmaps of
all days before it (`analytics.distinct`). Nothing is kept for this but what distinct numbers need.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from analytics.database import Connection
from analytics.distinct import Group, Numbers, number_groups
from analytics.kept_seals import KeptSeals
from analytics.plan import Kind


async def dialed_before(
    connection: Connection, shard_keys: Sequence[int], day: date, kept: KeptSeals | None
) -> Numbers | None:
    """Return the numbers that these shards had dialed before a day; None = there was no call."""
    found, _ = await number_groups(
        connection,
        shard_keys,
        None,
        day,
        ["dialed"],
        lambda _: (),
        takes_months=True,
        by_shard=True,
        kept=kept,
    )
    return found[()]["dialed"] if found else None


async def known_numbers(
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
) -> dict[tuple[Any, ...], dict[Kind, int]]:
    """
    Count by groups of days in [from_day, to_day) the numbers to which this happened in it, and that one of these shards had dialed
    before `from_day`; nothing came before a range without a beginning. `ALL_CAMPAIGNS` alone = over all campaigns.

    Exact while calls are being settled: run it in a repeatable-read transaction.
    """
    if from_day is None:
        return {}
    before = await dialed_before(connection, shard_keys, from_day, kept)
    if before is None:
        return {}
    ids, texts = before.united()

    def known(numbers: Numbers) -> int:
        its_ids, its_texts = numbers.united()
        of_both = its_ids.keys() & ids.keys()
        return sum(its_ids[shard].intersection_cardinality(ids[shard]) for shard in of_both) + len(
            its_texts & texts
        )

    within, _ = await number_groups(
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
        key: {kind: known(of_kind) for kind, of_kind in numbers.items()} for key, numbers in within.items()
    }
