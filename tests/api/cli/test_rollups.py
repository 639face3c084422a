"""`obzvon rollups`: what is broken on purpose is found, named and repaired."""

from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.main import main
from campaigns.database import Pool, open_pool
from tests.conftest import run_apart
from tests.postgres.analytics.facts import add_attempt, add_campaign


def on(database: str, work: Any) -> Any:
    async def run() -> Any:
        pool = await open_pool(database)
        try:
            return await work(pool)
        finally:
            await pool.close()

    return run_apart(run())


@pytest.fixture
def with_calls(database: str) -> str:
    async def fill(pool: Pool) -> None:
        for name in ("one", "two"):
            campaign_id = await add_campaign(pool, name)
            for started in ("2026-10-31T20:59:00Z", "2026-10-31T21:00:00Z", "2026-11-23T09:00:00Z"):
                await add_attempt(pool, campaign_id, started, result="answered", talk_ms=40_000)

    on(database, fill)
    return database


def run(database: str, *arguments: str) -> Any:
    return CliRunner().invoke(main, ["rollups", *arguments], env={"DATABASE_URL": database})


def test_figures_that_agree_are_proven(with_calls: str) -> None:
    result = run(with_calls, "check")
    assert result.exit_code == 0, result.output
    assert "agrees" in result.output


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE stats SET attempts = attempts + 1 WHERE shard_key = 256 AND dim = 3",
        "DELETE FROM stats WHERE shard_key = 256",
        "DELETE FROM stats",
        "UPDATE stats SET talk_ms_sum = 7 WHERE shard_key = 0",
        "UPDATE stats SET attempts = attempts + 1 WHERE shard_key = 256 AND dim = 103",
        "UPDATE stats SET talks = talks + 1 WHERE shard_key = 0 AND dim = 110",
        "DELETE FROM stats WHERE dim > 100",
        "INSERT INTO stats SELECT shard_key, dim, bucket_time + interval '1 day', value || 'x', "
        + ", ".join(["1"] * 25)
        + " FROM stats WHERE shard_key <> 0 AND dim = 10",
        "UPDATE attempts SET disposition = 'order'",
    ],
)
def test_what_differs_is_found_named_and_repaired(with_calls: str, damage: str) -> None:
    assert run(with_calls, "check").exit_code == 0  # and the outbox is added up

    async def break_it(pool: Pool) -> None:
        assert await pool.execute(damage) != "UPDATE 0"

    on(with_calls, break_it)
    found = run(with_calls, "check")
    assert found.exit_code == 1
    assert "2026-1" in found.output
    repaired = run(with_calls, "rebuild")
    assert repaired.exit_code == 0, repaired.output
    assert "repaired" in repaired.output
    assert run(with_calls, "check").exit_code == 0


def test_one_campaign_and_a_period_are_checked_alone(with_calls: str) -> None:
    assert run(with_calls, "check").exit_code == 0

    async def break_it(pool: Pool) -> None:
        await pool.execute(
            "UPDATE stats SET attempts = 9 WHERE shard_key = 256 AND bucket_time < '2026-11-01'"
        )

    on(with_calls, break_it)
    assert (
        run(with_calls, "check", "--campaign", "2").exit_code == 1
    )  # the totals are looked at with every campaign
    assert run(with_calls, "check", "--from", "2026-12-01").exit_code == 0
    assert run(with_calls, "check", "--campaign", "1", "--to", "2026-10-31").exit_code == 1
