"""The claim and begin statements by themselves: who gets which lead, and who gets none."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import campaigns
from campaigns.database import Pool
from campaigns.statements import load_statements
from tests.postgres.campaign_rows import NOW, add_campaign, add_leads, add_run, number_of

STATEMENTS = load_statements(Path(campaigns.__file__).with_name("claim.sql"))
EPOCH = NOW - timedelta(days=1)
RUN = 5


async def own(pool: Pool, campaign_id: int, run_id: int = RUN) -> int:
    shard_key = campaign_id * 256
    await pool.execute(
        "UPDATE shards SET run_id = $2, lease_until = $3 WHERE shard_key = $1",
        shard_key,
        run_id,
        NOW + timedelta(seconds=10),
    )
    return shard_key


async def claim(
    connection: Any, shard_key: int, *, limit: int = 10, now: Any = NOW, floor: Any = EPOCH
) -> list[Any]:
    return list(await connection.fetch(STATEMENTS["claim_leads"], shard_key, RUN, now, floor, limit))


async def begin(connection: Any, shard_key: int, leads: list[Any], first_attempt_id: int) -> None:
    await connection.execute(
        STATEMENTS["begin_attempts"],
        shard_key,
        NOW,
        shard_key // 256,
        RUN,
        [1] * len(leads),
        ["+74950000000"] * len(leads),
        [first_attempt_id + index for index in range(len(leads))],
        [lead["contact_id"] for lead in leads],
        [lead["number"] for lead in leads],
        [lead["attempts_made"] + 1 for lead in leads],
        [f"call {first_attempt_id + index}" for index in range(len(leads))],
        [{"policy": 1}] * len(leads),
        [None if lead["failover"] is None else lead["failover"]["attempt_id"] for lead in leads],
    )


async def test_leads_come_in_the_order_of_their_due_time_and_not_before_it(pool: Pool) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=3))
    await pool.execute("UPDATE leads SET due_time = $1 WHERE contact_id = 0", NOW + timedelta(seconds=1))
    assert [lead["contact_id"] for lead in await claim(pool, shard_key)] == [1, 2]
    assert [lead["contact_id"] for lead in await claim(pool, shard_key, limit=1)] == [1]


async def test_a_begun_lead_is_not_claimed_again_and_its_attempt_is_written(pool: Pool) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=2))
    leads = await claim(pool, shard_key, limit=1)
    await begin(pool, shard_key, leads, 100)
    assert [lead["contact_id"] for lead in await claim(pool, shard_key)] == [1]
    row = await pool.fetchrow(
        "SELECT number, attempt_number, call_id, run_id, gate, settled_time FROM attempts"
    )
    assert row is not None
    assert tuple(row.values()) == (number_of(0), 1, "call 100", RUN, {"policy": 1}, None)
    lead = await pool.fetchrow(
        "SELECT status, due_time, attempts_made, open_attempt_id FROM leads WHERE contact_id = 0"
    )
    assert lead is not None
    assert tuple(lead.values()) == ("dialing", None, 1, 100)


async def test_a_refused_number_is_marked_for_the_gate(pool: Pool) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=2))
    await pool.execute("INSERT INTO dnc_numbers VALUES ($1, 'api', NULL, $2)", number_of(1), NOW)
    assert [lead["is_in_dnc"] for lead in await claim(pool, shard_key)] == [False, True]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE campaigns SET status = 'paused'",
        "UPDATE shards SET run_id = 6",
        "UPDATE shards SET run_id = NULL",
        "UPDATE shards SET lease_until = lease_until - interval '10 seconds'",
    ],
)
async def test_nothing_is_claimed_of_a_paused_campaign_or_a_shard_that_is_not_ours(
    pool: Pool, change: str
) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=1))
    await pool.execute(change)
    assert await claim(pool, shard_key) == []


async def test_blocked_leads_wait_or_are_closed(pool: Pool) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=3))
    opening = NOW + timedelta(hours=8)
    await pool.execute(
        STATEMENTS["block_leads"], shard_key, [0, 1], ["calling_window", "dnc"], [opening, None]
    )
    rows = await pool.fetch(
        "SELECT status, due_time, last_reason, attempts_made FROM leads ORDER BY contact_id LIMIT 2"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("pending", opening, "calling_window", 0),
        ("blocked", None, "dnc", 0),
    ]
    assert [lead["contact_id"] for lead in await claim(pool, shard_key)] == [2]


async def test_ten_claimers_at_once_never_get_one_lead_twice(pool: Pool) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=200))
    await add_run(pool, RUN)

    async def worker(index: int) -> list[int]:
        taken: list[int] = []
        async with pool.acquire() as connection:
            for batch in range(200):
                async with connection.transaction():
                    leads = await claim(connection, shard_key, limit=7)
                    await begin(connection, shard_key, leads, index * 1_000_000 + batch * 1000)
                if not leads:
                    return taken
                taken += [lead["contact_id"] for lead in leads]
        return taken

    taken = [contact_id for part in await asyncio.gather(*map(worker, range(10))) for contact_id in part]
    assert len(taken) == len(set(taken))
    # Whoever was skipped while locked is still due or was taken: none is lost.
    rest = await pool.fetchval("SELECT count(*) FROM leads WHERE status = 'pending'")
    assert len(taken) + rest == 200
    assert await pool.fetchval("SELECT count(*) FROM attempts") == len(taken)


async def test_a_begin_that_is_rolled_back_leaves_the_lead_due(pool: Pool) -> None:
    shard_key = await own(pool, await add_campaign(pool, leads=1))
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await begin(connection, shard_key, await claim(connection, shard_key), 100)
        await transaction.rollback()
    assert len(await claim(pool, shard_key)) == 1
    assert await pool.fetchval("SELECT count(*) FROM attempts") == 0


async def test_a_claim_reads_the_due_index_and_not_the_whole_base(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    await add_leads(pool, campaign_id, 20_000)
    await pool.execute("ANALYZE leads")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = await connection.fetch(
            "EXPLAIN " + STATEMENTS["claim_leads"], campaign_id * 256, RUN, NOW, EPOCH, 50
        )
    plan = "\n".join(row[0] for row in rows)
    assert "leads_due" in plan
    assert "Seq Scan on leads" not in plan
