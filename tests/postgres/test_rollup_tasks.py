"""The tasks that keep the figures, as they run in the API process, on a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from analytics.distinct import distinct_numbers
from campaigns import rollup_tasks
from campaigns.database import Pool
from campaigns.rollup_tasks import RollupTasks
from campaigns.rollups import SQL
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.outage import database_away

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
STARTED = "2026-11-23T10:00:00Z"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks wait seconds between turns; here they need not."""
    for name in ("ROLL_SECONDS", "SEAL_SECONDS", "CHECK_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(rollup_tasks, name, 0.05)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_what_settled_is_added_up_sealed_and_proven(pool: Pool, database: str) -> None:
    campaign_id = await add_campaign(pool)
    for number in ("+79000000001", "+79000000002", "+79000000002"):
        await add_attempt(pool, campaign_id, STARTED, number, "answered", talk_ms=40_000)
    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(lambda: pool.fetchval("SELECT count(*) = 0 FROM outbox"))
        await until(lambda: pool.fetchval("SELECT count(*) = 2 FROM number_seals"))
        await until(lambda: pool.fetchval("SELECT count(*) = 2 FROM rollup_checks WHERE differences = 0"))
    assert (
        await pool.fetchval("SELECT attempts FROM stats WHERE shard_key = $1 AND dim = 1", campaign_id * 256)
        == 3
    )
    async with pool.acquire() as connection:
        counted = await distinct_numbers(connection, None, None, None)
    assert (counted.counts["dialed"], counted.sealed_days, counted.fact_days) == (2, 1, 0)


async def test_a_difference_is_found_and_kept_until_it_is_repaired(pool: Pool, database: str) -> None:
    campaign_id = await add_campaign(pool)
    await add_attempt(pool, campaign_id, STARTED)
    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(lambda: pool.fetchval("SELECT count(*) = 0 FROM outbox"))
        await pool.execute("UPDATE stats SET attempts = 5 WHERE dim = 3")
        await pool.execute("DELETE FROM rollup_checks")
        await until(lambda: pool.fetchval("SELECT count(*) = 1 FROM rollup_checks WHERE differences = 1"))


async def test_while_another_process_holds_the_lease_nothing_is_done_twice(pool: Pool, database: str) -> None:
    assert await pool.fetchval(SQL["take_task"], "roll", 99, NOW, NOW + timedelta(seconds=15)) == "roll"
    assert await pool.fetchval(SQL["take_task"], "roll", 1, NOW, NOW + timedelta(seconds=15)) is None
    # the other one is silent: its lease runs out
    later = NOW + timedelta(seconds=16)
    assert await pool.fetchval(SQL["take_task"], "roll", 1, later, later + timedelta(seconds=15)) == "roll"


async def test_the_tasks_outlive_an_outage_of_the_database(pool: Pool, database: str) -> None:
    campaign_id = await add_campaign(pool)
    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(lambda: pool.fetchval("SELECT holder = 1 FROM rollup_tasks WHERE task = 'roll'"))
        async with database_away(database):
            await asyncio.sleep(0.3)
        await pool.expire_connections()
        await add_attempt(pool, campaign_id, STARTED)
        await until(lambda: pool.fetchval("SELECT count(*) = 0 FROM outbox"))
