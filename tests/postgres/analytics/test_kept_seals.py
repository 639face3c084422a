"""Bitmaps that were read are not read again while their seal is the same, and never believed when it is not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.distinct import distinct_groups, distinct_numbers
from analytics.kept_seals import KeptSeals
from campaigns.database import Connection, Pool
from campaigns.late_changes import SQL as LATE
from campaigns.number_seals import seal_days, seal_months
from campaigns.rollups import fold_outbox
from tests.postgres.analytics.facts import add_attempt, add_campaign

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 13, tzinfo=UTC)
DAYS = ("2026-10-12", "2026-10-13", "2026-11-02")
NOTHING = b":0\x00\x00\x00\x00\x00\x00"
"""An empty bitmap, as nobody would seal it."""


async def add_history(pool: Pool, name: str = "autumn") -> list[int]:
    """Two numbers a day, one of them every day; October is sealed as a month."""
    campaign_id = await add_campaign(pool, name, time_zone="UTC")
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
        assert len(kept) == 3  # October, a day of November, and what they have together
        for table in ("number_seals", "number_month_seals"):
            await connection.execute(f"UPDATE {table} SET dialed = $1", NOTHING)
        assert await dialed(connection, asked, kept) == 4
        assert await dialed(connection, asked, KeptSeals()) == 0, "without it the database is asked"
        await connection.execute("UPDATE number_seals SET attempts = 0")
        await connection.execute("UPDATE number_month_seals SET attempts = 0")
        await seal(connection, LATER)
        assert await dialed(connection, asked, kept) == 4
        assert len(kept) == 6, "of another hour is another seal, whatever it says"


async def test_a_kind_that_was_not_asked_for_is_read_when_it_is(pool: Pool) -> None:
    shards = await add_history(pool)
    kept = KeptSeals()
    async with pool.acquire() as connection:
        assert await dialed(connection, shards, kept) == 4
        counted = await distinct_numbers(connection, shards, None, None, ["dialed", "answered"], kept)
    assert counted.counts == {"dialed": 4, "answered": 0}
    assert len(kept) == 4, "without a last day it is another range"


async def test_no_more_is_kept_than_allowed_and_the_answer_is_the_same(pool: Pool) -> None:
    shards = await add_history(pool)
    async with pool.acquire() as connection:
        for max_bytes, expected in ((0, 0), (400, 1), (700, 2), (1_000, 3)):
            kept = KeptSeals(max_bytes)
            assert [await dialed(connection, shards, kept) for _ in range(3)] == [4, 4, 4]
            assert len(kept) == expected


async def test_what_seals_have_together_is_looked_at_anew_when_one_of_them_is_another(pool: Pool) -> None:
    """A disposition set late, before it is added up, after, and sealed anew: by campaign as by days, whatever is kept."""
    campaigns = [await add_history(pool, name) for name in ("first", "second")]
    shards = [shard_key for its_shards in campaigns for shard_key in its_shards]
    kept = KeptSeals()

    async def check(connection: Connection, successes: int, fact_days: int) -> None:
        for _ in range(2):
            said = [
                await distinct_groups(
                    connection,
                    shards,
                    date(2026, 10, 1),
                    date(2026, 11, 24),
                    ["dialed", "success"],
                    lambda day: (day.shard_key,),
                    takes_months=takes_months,
                    by_shard=by_shard,
                    kept=kept,
                )
                for by_shard, takes_months in ((True, True), (True, False), (False, False))
            ]
            for found in said:
                assert {key: numbers.counts for key, numbers in found.items()} == {
                    (shards[0],): {"dialed": 4, "success": successes},
                    (shards[1],): {"dialed": 4, "success": 0},
                }
            assert said[1][shards[0],].fact_days == said[2][shards[0],].fact_days == fact_days

    async with pool.acquire() as connection:
        await check(connection, 0, 0)
        for count, day in enumerate(DAYS, 1):
            found = await connection.fetch(
                "SELECT shard_key, started_time, attempt_id FROM attempts WHERE shard_key = $1 AND started_time::date = $2 LIMIT 1",
                shards[0],
                date.fromisoformat(day),
            )
            await connection.execute(LATE["set_disposition"], *found[0].values(), "order", LATER)
            successes = await connection.fetchval(
                "SELECT count(DISTINCT contact_id) FROM attempts WHERE disposition = 'order'"
            )
            await check(connection, successes, 1)
            await fold_outbox(connection)
            await check(connection, successes, 1)
            await seal(connection, LATER + timedelta(minutes=count))
            await check(connection, successes, 0)


async def test_what_seals_have_together_is_not_kept_where_one_cannot_be_read(pool: Pool) -> None:
    shards = await add_history(pool)
    kept = KeptSeals()
    async with pool.acquire() as connection:
        whole = await connection.fetchval(
            "SELECT dialed FROM number_seals WHERE day = '2026-11-02' AND shard_key <> 0"
        )
        await connection.execute("UPDATE number_seals SET dialed = 'no bitmap'")
        for _ in range(2):
            counted = await distinct_numbers(connection, shards, None, date(2026, 11, 24), ["dialed"], kept)
            assert (counted.counts["dialed"], counted.fact_days) == (4, 1)
        assert len(kept) == 1, "the month"
        await connection.execute("UPDATE number_seals SET dialed = $1 WHERE day = '2026-11-02'", whole)
        assert await dialed(connection, shards, kept) == 4
        assert len(kept) == 3
