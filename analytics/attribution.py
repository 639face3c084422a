"""
How many different numbers by source, ad or keyword, exactly, in any range of the campaigns' days: bitmaps of each value of sealed
days and months (`campaigns.attribution_seals`), facts for the others.

As in `analytics.distinct` a contact is a number within a campaign, and over all campaigns numbers have ids of their own.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from analytics.database import Connection, statement
from analytics.distinct import SEALED_AS, Day, Numbers, add_facts
from analytics.kept_seals import KeptSeals, Seal, days_without
from analytics.plan import Kind

Group = Callable[[Day, str | None], tuple[Any, ...]]
"""What a value of a day counts under."""


async def attributed_numbers(
    connection: Connection,
    shard_keys: Sequence[int],
    from_day: date | None,
    to_day: date | None,
    kinds: Sequence[Kind],
    dim: int,
    group: Group,
    *,
    takes_months: bool,
    kept: KeptSeals | None = None,
) -> dict[tuple[Any, ...], dict[Kind, int]]:
    """
    Count the numbers of groups of values of `dim` (of `stats`: source, ad, keyword) and days in [from_day, to_day), by what happened to
    them at least once in it. With `takes_months` all days of a month are in one group, that of its first.

    Exact while calls are being settled: run it in a repeatable-read transaction.
    """
    columns = list(dict.fromkeys(SEALED_AS.get(kind, kind) for kind in kinds))
    rows = await connection.fetch(
        statement("attribution_days"), list(shard_keys), from_day, to_day, takes_months, dim
    )
    seals = [Seal(*row.values()) for row in rows]
    keeper = KeptSeals() if kept is None else kept
    bitmaps = await keeper.bitmaps(connection, seals, columns)
    found: defaultdict[tuple[Any, ...], dict[Kind, Numbers]] = defaultdict(
        lambda: {kind: Numbers() for kind in kinds}
    )
    for seal, of_seal in bitmaps.items():
        day = Day(seal.shard_key, seal.day)
        for kind in kinds:
            for value, ids in of_seal[SEALED_AS.get(kind, kind)].items():
                found[group(day, value or None)][kind].add(day.shard_key, ids)
    place = itemgetter("day", "value")
    for shard_key, its_days in days_without(seals, bitmaps):
        facts = await connection.fetch(statement("attribution_facts"), shard_key, its_days, dim)
        for (of_day, value), of_value in itertools.groupby(sorted(facts, key=place), key=place):
            add_facts(found[group(Day(shard_key, of_day), value or None)], shard_key, list(of_value))
    return {key: {kind: len(of_kind) for kind, of_kind in numbers.items()} for key, numbers in found.items()}
