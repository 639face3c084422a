"""Bitmaps that were read are not read again while their seal is the same, and never believed when it is not."""

from datetime import UTC, date, datetime

import pytest

from analytics.distinct import distinct_numbers
from analytics.kept_seals import KeptSeals
from campaigns.database import Connection, Pool
from campaigns.number_seals import seal_days, seal_months
from campaigns.rollups import fold_outbox
from tests.postgres.analytics.facts import add_attempt, add_campaign

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 13, tzinfo=UTC)
DAYS = ("2026-10-12", "2026-10-13", "2026-11-02")
NOTHING = b":0\x00\x00\x00\x00\x00\x00"
"""An empty bitmap, as nobody would seal it."""


async def add_history(pool: Pool) -> list[int]:
    """Two numbers a day, one of them every day; October is sealed as a month."""
    campaign_id = await add_campaign(pool, time_zone="UTC")
    for index, day in enumerate(DAYS):
        for number in (0, index + 1):
            await add_attempt(pool, campaign_id, f"{day}T09:00:00Z", f"+7900000000{number}", "busy")
    async with pool.acquire() as connection:
        await seal(connection, NOW)
    return [campaign_id * 256]


async def seal(connection: Connection, now: datetime) -> None:
    await fold_outbox(connection)
    await seal_days(connection, now)
    await seal_months(connection, now)


async def dialed(connection: Connection, shards: list[int] | None, kept: KeptSeals) -> int:
    counted = await distinct_numbers(connection, shards, None, date(2026, 11, 24), ["dialed"], kept)
    assert counted.fact_days == 0
    return counted.counts["dialed"]


@pytest.mark.parametrize("of_all", [False, True])
async def test_what_was_read_is_not_sent_again_until_its_seal_is_made_anew(
    pool: Pool, *, of_all: bool
) -> None:
    shards = await add_history(pool)
    asked = None if of_all else shards
    kept = KeptSeals()
    async with pool.acquire() as connection:
        assert await dialed(connection, asked, kept) == 4
        assert len(kept) == 2  # October and a day of November
        for table in ("number_seals", "number_month_seals"):
            await connection.execute(f"UPDATE {table} SET dialed = $1", NOTHING)
        assert await dialed(connection, asked, kept) == 4
        assert await dialed(connection, asked, KeptSeals()) == 0, "without it the database is asked"
        await connection.execute("UPDATE number_seals SET attempts = 0")
        await connection.execute("UPDATE number_month_seals SET attempts = 0")
        await seal(connection, LATER)
        assert await dialed(connection, asked, kept) == 4
        assert len(kept) == 4, "of another hour is another seal, whatever it says"


async def test_a_kind_that_was_not_asked_for_is_read_when_it_is(pool: Pool) -> None:
    shards = await add_history(pool)
    kept = KeptSeals()
    async with pool.acquire() as connection:
        assert await dialed(connection, shards, kept) == 4
        counted = await distinct_numbers(connection, shards, None, None, ["dialed", "answered"], kept)
    assert counted.counts == {"dialed": 4, "answered": 0}
    assert len(kept) == 2


async def test_no_more_is_kept_than_allowed_and_the_answer_is_the_same(pool: Pool) -> None:
    shards = await add_history(pool)
    async with pool.acquire() as connection:
        for max_bytes, expected in ((0, 0), (400, 1), (1_000, 2)):
            kept = KeptSeals(max_bytes)
            assert [await dialed(connection, shards, kept) for _ in range(3)] == [4, 4, 4]
            assert len(kept) == expected
