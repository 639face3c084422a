"""The tasks that keep the figures, as they run in the API process, on a real database."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from analytics.distinct import distinct_numbers
from campaigns import rollup_tasks
from campaigns.database import Pool
from campaigns.niceness import NICENESS
from campaigns.rollup_tasks import RollupTasks
from campaigns.rollups import SQL, check_slice, slices_of
from tests.layers import not_available
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


async def test_who_seals_and_checks_goes_last_and_who_adds_up_does_not(
    pool: Pool, database: str, request: pytest.FixtureRequest
) -> None:
    if not parse_qs(urlsplit(database).query).get("host"):
        not_available(request.config, "postgres", "the server of DATABASE_URL is not on a unix socket")
    usual = os.getpriority(os.PRIO_PROCESS, await pool.fetchval("SELECT pg_backend_pid()"))
    last = max(usual, NICENESS)

    async def ranks() -> dict[str, int]:
        rows = await pool.fetch(
            "SELECT application_name, pid FROM pg_stat_activity "
            "WHERE application_name LIKE 'obzvon rollups %' AND datname = current_database()"
        )
        return {
            row["application_name"].split()[-1]: os.getpriority(os.PRIO_PROCESS, row["pid"]) for row in rows
        }

    async def all_have_their_rank() -> bool:
        return await ranks() == {"roll": usual, "seal": last, "check": last}

    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(all_have_their_rank)


async def test_a_difference_is_found_and_kept_until_it_is_repaired(pool: Pool, database: str) -> None:
    campaign_id = await add_campaign(pool)
    await add_attempt(pool, campaign_id, STARTED)
    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(lambda: pool.fetchval("SELECT count(*) = 0 FROM outbox"))
        await pool.execute("UPDATE stats SET attempts = 5 WHERE dim = 3")
        await pool.execute("DELETE FROM rollup_checks")
        await until(lambda: pool.fetchval("SELECT count(*) = 1 FROM rollup_checks WHERE differences = 1"))


async def test_a_month_with_a_damaged_seal_is_told_of_left_and_mended_and_holds_up_no_other(
    pool: Pool, database: str
) -> None:
    damaged, sound = [await add_campaign(pool, f"campaign {index}") for index in range(2)]
    for campaign_id in (damaged, sound):
        for day in ("2026-10-05", "2026-10-06"):
            await add_attempt(pool, campaign_id, f"{day}T10:00:00Z", "+79000000001")

    async def months_sealed(table: str = "number_month_seals") -> set[int]:
        where = "WHERE dim = 106" if table == "attribution_seals" else ""
        return {row["shard_key"] for row in await pool.fetch(f"SELECT shard_key FROM {table} {where}")}

    async def is_said_to_be_wrong() -> object:
        return await pool.fetchval(
            "SELECT wrong_days = ARRAY[date '2026-10-05'] AND NOT is_repaired FROM rollup_checks WHERE shard_key = $1",
            damaged * 256,
        )

    async def both_kinds_of_months_are_sealed() -> bool:
        return (
            await months_sealed()
            == await months_sealed("attribution_seals")
            == {0, damaged * 256, sound * 256}
        )

    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(both_kinds_of_months_are_sealed)
        await until(lambda: pool.fetchval("SELECT count(*) = 3 FROM rollup_checks WHERE differences = 0"))
    await pool.execute(
        "UPDATE number_seals SET dialed = substring(dialed FOR 5) WHERE shard_key = $1 AND day = '2026-10-05'",
        damaged * 256,
    )
    await pool.execute("DELETE FROM number_month_seals")
    with capture_logs() as logs:
        async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
            await until(is_said_to_be_wrong)
            await until(lambda: pool.fetchval("SELECT count(*) = 2 FROM number_month_seals"))
            assert await months_sealed() == {0, sound * 256}
    said = [each for each in logs if each["event"] == "seal.unreadable"]
    assert {(each["shard_key"], each["month"]) for each in said} == {(damaged * 256, "2026-10-01")}
    async with pool.acquire() as connection:
        for part in await slices_of(connection):
            await check_slice(connection, part, NOW, repair=True)
    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(both_kinds_of_months_are_sealed)
    await pool.execute(
        "UPDATE attribution_seals SET person = ARRAY['\\x3a300000ffff'::bytea] WHERE shard_key = $1 AND day = '2026-10-05' AND dim = 6",
        damaged * 256,
    )
    await pool.execute("DELETE FROM attribution_seals WHERE dim > 100")
    async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
        await until(is_said_to_be_wrong)
        await until(lambda: pool.fetchval("SELECT count(*) = 2 FROM attribution_seals WHERE dim = 106"))
        assert await months_sealed("attribution_seals") == {0, sound * 256}


async def test_a_bug_in_one_turn_does_not_end_a_task(
    pool: Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0

    async def fold(_connection: object) -> int:
        nonlocal turns
        turns += 1
        raise ValueError("a bug")

    monkeypatch.setattr(rollup_tasks, "fold_outbox", fold)

    async def tried_again() -> bool:
        return turns > 1

    with capture_logs() as logs:
        async with RollupTasks(database, holder=1, wall_clock=lambda: NOW).running():
            await until(tried_again)
    assert ("rollups.crashed", "roll") in {(each["event"], each.get("task")) for each in logs}


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
