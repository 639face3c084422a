"""
Keeping `stats` up to date and proving it: what the tasks of `campaigns.rollup_tasks` and the command `obzvon rollups` do.

Each function is one or a few statements; killed between any two of them, the figures of `stats_now` are what they were.
"""

import contextlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from campaigns import rollup_statements
from campaigns.database import Connection
from campaigns.rollup_statements import TOTALS_SHARD
from campaigns.seal_check import check_seals
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
FOLD_ROWS: Final = 20_000
"""About as many outbox rows as one statement should take: less than a second of work."""
SLICE_ATTEMPTS: Final = 50_000
"""A month with more attempts is checked day by day, so that no statement runs for long."""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The days of one calendar month of one shard; `TOTALS_SHARD` = the sums over all campaigns."""

    shard_key: int
    month: date

    def days(self) -> list[date]:
        """Return the first day of the month, every further one, and the first of the next."""
        first, days = self.month.replace(day=1), []
        while (first.year, first.month) == (self.month.year, self.month.month):
            days.append(first)
            first += timedelta(days=1)
        return [*days, first]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a recount of a slice found."""

    differences: int
    """Rows of `stats`, and seals that hold, that did not agree with the facts."""
    wrong_days: tuple[date, ...]


async def fold_outbox(connection: Connection, rows: int = FOLD_ROWS) -> int:
    """Add up what settled since the last time; return how many changes that were. A backlog goes in several statements."""
    waiting = await connection.fetchval(SQL["count_outbox"])
    slices = waiting // rows + 1
    folded = 0
    for number in range(slices if waiting else 0):
        folded += await connection.fetchval(rollup_statements.FOLD_OUTBOX, slices, number)
    return folded


async def slices_of(connection: Connection, campaign_id: int | None = None) -> list[Slice]:
    """Return every slice of a campaign; of all campaigns, with the totals last."""
    shards = [row["shard_key"] for row in await connection.fetch(SQL["list_shards"], campaign_id)]
    slices = [
        Slice(shard_key=shard_key, month=row["month"])
        for shard_key in shards
        for row in await connection.fetch(SQL["fact_months"], shard_key)
    ]
    months = sorted({each.month for each in slices})
    return [*slices, *(Slice(shard_key=TOTALS_SHARD, month=month) for month in months)]


async def check_slice(connection: Connection, part: Slice, now: datetime, *, repair: bool) -> Verdict:
    """
    Recount a slice from its facts and keep the verdict; with `repair`, add to `stats` what was missing and make anew the seals that
    were wrong.

    Dialing, settling and adding up go on meanwhile.
    """
    days = part.days()
    attempts = await connection.fetchval(SQL["attempts_of_month"], part.shard_key, part.month)
    bounds = days if attempts > SLICE_ATTEMPTS else [days[0], days[-1]]
    found: Counter[date] = Counter()
    for first, last in itertools.pairwise(bounds):
        found += await _recount(connection, part.shard_key, first, last, repair=repair)
    found += await _recount_months(connection, part.shard_key, days[0], days[-1], repair=repair)
    # after the sums: a day that they unseal is the sealer's
    found += await check_seals(connection, part.shard_key, days[0], days[-1], now, repair=repair)
    verdict = Verdict(differences=found.total(), wrong_days=tuple(sorted(found)))
    await connection.execute(
        SQL["keep_verdict"],
        part.shard_key,
        part.month,
        now,
        verdict.differences,
        list(verdict.wrong_days),
        repair and verdict.differences > 0,
    )
    return verdict


async def check_all(
    connection: Connection,
    slices: list[Slice],
    now: Callable[[], datetime],
    *,
    repair: bool,
    on_slice: Callable[[Slice, Verdict], Awaitable[None]],
) -> None:
    """Check slice by slice and tell each verdict as it comes."""
    for part in slices:
        await on_slice(part, await check_slice(connection, part, now(), repair=repair))


async def _recount(
    connection: Connection, shard_key: int, first: date, last: date, *, repair: bool
) -> Counter[date]:
    """Compare days with the facts; those over all campaigns with what the campaigns' add up to."""
    bounds = [midnight(first), midnight(last)]
    if shard_key == TOTALS_SHARD:
        text = rollup_statements.REPAIR_TOTALS if repair else rollup_statements.CHECK_TOTALS
        return await _differences(connection, text, bounds, repair=repair)
    text = rollup_statements.REPAIR if repair else rollup_statements.CHECK
    return await _differences(connection, text, [shard_key, *bounds], repair=repair)


async def _recount_months(
    connection: Connection, shard_key: int, first: date, last: date, *, repair: bool
) -> Counter[date]:
    """Compare rows of whole months with those of their days."""
    text = rollup_statements.REPAIR_MONTHS if repair else rollup_statements.CHECK_MONTHS
    return await _differences(connection, text, [shard_key, midnight(first), midnight(last)], repair=repair)


async def _differences(
    connection: Connection, text: str, arguments: list[Any], *, repair: bool
) -> Counter[date]:
    async with contextlib.AsyncExitStack() as stack:
        if repair:
            await stack.enter_async_context(connection.transaction())
            await connection.execute(SQL["lock_repair"])
        rows = await connection.fetch(text, *arguments)
    return Counter({row["day"]: row["differences"] for row in rows})


def midnight(day: date) -> datetime:
    """Return what `stats` writes for a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
