"""What a node survives: the database away, a lost COMMIT, another node's death and its own. Every call is a real one."""

import asyncio
import functools
from datetime import timedelta
from pathlib import Path

import pytest

from campaigns.database import Pool
from campaigns.node import NodeDeclaredDead
from campaigns.spool import Spool, SpoolBusy
from dialer.testing.truth import compare
from tests.postgres.campaign_rows import NOW, add_campaign, add_run, begin_attempt, number_of
from tests.postgres.commit_proxy import cut_at_first_commit
from tests.postgres.dialing import (
    BUSY,
    LISTENS,
    carrier,
    is_finished,
    recorded,
    running_node,
    settings_of,
    until,
)
from tests.postgres.outage import database_away


async def test_calls_go_on_while_the_database_is_away_and_no_new_ones_start(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS) as (far_end, truth):
        campaign_id = await add_campaign(
            pool, leads=8, trunk_host=far_end.address[0], trunk_port=far_end.address[1], max_concurrent_calls=4,
            key_wait_seconds=1.0,
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)):

            async def four_are_up() -> bool:
                return sum(row.sip_status == 200 for row in truth.values()) == 4

            async def four_are_over() -> bool:
                return sum(row.ended_by is not None for row in truth.values()) == 4

            await until(four_are_up)
            async with database_away(database):
                await until(four_are_over)
                await asyncio.sleep(1.0)
                assert len(truth) == 4
                assert (tmp_path / "test.jsonl").stat().st_size > 0
            await pool.expire_connections()
            await until(lambda: is_finished(pool, campaign_id))
    assert compare(truth, await recorded(pool)) == []
    assert len(truth) == 8
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE result <> 'answered'") == 0


async def test_a_node_takes_over_from_a_dead_one_without_redialing_its_calls(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):
        campaign_id = await add_campaign(
            pool, leads=3, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            retry_rules={"unknown": {"delay_seconds": 0, "max_attempts": 9}},
        )  # fmt: skip
        await add_run(pool, 1, heartbeat_time=NOW - timedelta(seconds=60))
        await begin_attempt(pool, campaign_id, 0, run_id=1, attempt_id=10)
        await pool.execute("UPDATE shards SET run_id = 1, lease_until = $1", NOW - timedelta(seconds=50))
        async with running_node(
            settings_of(database, tmp_path, dead_after_seconds=1.0, heartbeat_seconds=0.2)
        ):
            await until(lambda: is_finished(pool, campaign_id))
    assert truth.numbers == [number_of(1), number_of(2)]
    lost = await pool.fetchrow("SELECT result, reason FROM attempts WHERE attempt_id = 10")
    assert lost is not None
    assert tuple(lost.values()) == ("unknown", "node_lost")


async def test_a_node_that_was_declared_dead_stops_claiming_and_leaves(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, _):
        await add_campaign(
            pool,
            leads=500,
            trunk_host=far_end.address[0],
            trunk_port=far_end.address[1],
            max_calls_per_second=20.0,
        )

        async def is_dialing() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM attempts"))

        async def run_until_somebody_ends_the_run() -> None:
            async with running_node(settings_of(database, tmp_path)):
                await until(is_dialing)
                await pool.execute("UPDATE node_runs SET ended_time = $1", NOW)
                await asyncio.sleep(20.0)

        with pytest.raises(ExceptionGroup) as caught:
            await run_until_somebody_ends_the_run()
    assert caught.group_contains(NodeDeclaredDead)
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE settled_time IS NULL") == 0
    assert await pool.fetchval("SELECT count(*) FROM leads WHERE status = 'pending'") > 0


async def test_what_the_last_life_spooled_is_settled_before_it_is_taken_for_lost(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    from tests.campaigns.settlements import settlement  # noqa: PLC0415

    campaign_id = await add_campaign(pool, leads=1)
    await add_run(pool, 1, heartbeat_time=NOW - timedelta(seconds=60))
    await begin_attempt(pool, campaign_id, 0, run_id=1, attempt_id=10)
    spool = Spool(tmp_path, "test")
    spool.append([settlement(10, campaign_id=campaign_id, shard_key=campaign_id * 256, started_time=NOW)])
    spool.close()
    async with running_node(settings_of(database, tmp_path, dead_after_seconds=1.0, heartbeat_seconds=0.2)):
        await until(lambda: is_finished(pool, campaign_id))
    assert await pool.fetchval("SELECT result FROM attempts") == "busy"
    assert await pool.fetchval("SELECT last_reason FROM leads") == "busy"


async def test_a_second_node_of_the_same_name_on_this_machine_does_not_start(
    database: str, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, "test")
    with pytest.raises(ExceptionGroup) as caught:
        async with running_node(settings_of(database, tmp_path)):
            await asyncio.sleep(20.0)
    assert caught.group_contains(SpoolBusy)
    spool.close()


@pytest.mark.parametrize("commit_arrives", [True, False])
async def test_a_commit_that_nobody_heard_of_dials_nobody_twice_and_nobody_too_little(
    pool: Pool, database: str, tmp_path: Path, *, commit_arrives: bool
) -> None:
    """The line is cut at the begin of the first batch; whether it was committed, the node cannot know."""
    async with (
        carrier(BUSY) as (far_end, truth),
        cut_at_first_commit(database, tmp_path, commit_arrives=commit_arrives) as proxy,
    ):
        campaign_id = await add_campaign(
            pool, leads=3, trunk_host=far_end.address[0], trunk_port=far_end.address[1]
        )
        async with running_node(settings_of(proxy, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert truth.numbers == [number_of(0), number_of(1), number_of(2)]
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE settled_time IS NULL") == 0
    results = [attempt.result for attempt in await recorded(pool)]
    assert results.count("busy") == 3
    # As many as the cut batch had; none where it was rolled back.
    assert (results.count("failed") > 0) == commit_arrives
    assert len(results) == 3 + results.count("failed")


async def test_two_nodes_share_the_campaigns_and_dial_nobody_twice(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):
        host, port = far_end.address
        campaign_ids = [
            await add_campaign(pool, leads=10, trunk_host=host, trunk_port=port, status="draft")
            for _ in range(2)
        ]
        async with (
            running_node(settings_of(database, tmp_path, node_name="one")),
            running_node(settings_of(database, tmp_path, node_name="two")),
        ):

            async def both_beat() -> bool:
                return bool(await pool.fetchval("SELECT count(*) FROM node_runs") == 2)

            await until(both_beat)
            await pool.execute("UPDATE campaigns SET status = 'running'")
            await pool.execute("NOTIFY campaign_control")
            for campaign_id in campaign_ids:
                await until(functools.partial(is_finished, pool, campaign_id))
    assert await pool.fetchval("SELECT count(DISTINCT run_id) FROM attempts") == 2
    assert (
        await pool.fetchval(
            "SELECT max(calls) FROM (SELECT count(*) AS calls FROM attempts GROUP BY campaign_id, contact_id)"
        )
        == 1
    )
    assert len(truth) == 20
    assert compare(truth, await recorded(pool)) == []
