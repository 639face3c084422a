from datetime import timedelta

from campaigns.database import Pool
from campaigns.recovery import recover_dead_runs
from tests.postgres.campaign_rows import NOW, add_campaign, add_run, begin_attempt

LATER = NOW + timedelta(seconds=20)
SILENT_SINCE = LATER - timedelta(seconds=10)


async def recover(pool: Pool) -> set[int]:
    async with pool.acquire() as connection:
        return await recover_dead_runs(connection, silent_since=SILENT_SINCE, now=LATER)


async def test_a_dead_nodes_open_attempts_become_unknown_and_their_leads_are_not_redialed(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=3)
    await add_run(pool, 1)
    await begin_attempt(pool, campaign_id, 0, run_id=1, attempt_id=10)
    await begin_attempt(pool, campaign_id, 1, run_id=1, attempt_id=11)
    await pool.execute("UPDATE attempts SET settled_time = $1, result = 'busy' WHERE attempt_id = 11", NOW)
    assert await recover(pool) == {campaign_id}
    rows = await pool.fetch("SELECT result, reason, fault, ended_by FROM attempts ORDER BY attempt_id")
    assert [tuple(row.values()) for row in rows] == [
        ("unknown", "node_lost", "indeterminate", None),
        ("busy", None, None, None),
    ]
    leads = await pool.fetch(
        "SELECT status, due_time, open_attempt_id, last_reason FROM leads ORDER BY contact_id"
    )
    assert tuple(leads[0].values()) == ("finished", None, None, "unknown")
    assert [row["status"] for row in leads] == ["finished", "dialing", "pending"]


async def test_the_dead_run_is_ended_and_its_shards_are_free(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await add_run(pool, 1)
    await pool.execute("UPDATE shards SET run_id = 1, lease_until = $1", LATER + timedelta(hours=1))
    await recover(pool)
    assert await pool.fetchval("SELECT ended_time FROM node_runs WHERE run_id = 1") == LATER
    assert await pool.fetchval("SELECT run_id FROM shards WHERE campaign_id = $1", campaign_id) is None
    assert await recover(pool) == set()


async def test_a_beating_run_keeps_its_attempts(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=1)
    await add_run(pool, 1, heartbeat_time=LATER - timedelta(seconds=1))
    await begin_attempt(pool, campaign_id, 0, run_id=1, attempt_id=10)
    assert await recover(pool) == set()
    assert await pool.fetchval("SELECT result FROM attempts") is None


async def test_a_run_that_another_node_is_recovering_is_left_to_it(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=1)
    await add_run(pool, 1)
    await begin_attempt(pool, campaign_id, 0, run_id=1, attempt_id=10)
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM node_runs FOR UPDATE")
        assert await recover(pool) == set()
    assert await recover(pool) == {campaign_id}
