"""Traces of real calls to the simulated carrier, kept by a real node in a real database."""

import asyncio
from datetime import timedelta
from pathlib import Path

from campaigns.call_trace import CHANNEL, find_trace, request_trace
from campaigns.database import Connection, Pool
from campaigns.trace_policy import TracePolicy
from campaigns.trace_writer import STATEMENTS
from tests.postgres.analytics.facts import add_attempt
from tests.postgres.campaign_rows import NOW, add_campaign, number_of
from tests.postgres.dialing import (
    BUSY,
    CONGESTED_ONCE,
    RINGS,
    carrier,
    is_finished,
    running_node,
    settings_of,
    until,
)

KEEP_TROUBLES = TracePolicy(share=0.0)


async def test_a_trouble_is_kept_and_an_ordinary_call_is_not(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    async with carrier(BUSY, CONGESTED_ONCE) as (far_end, _):
        campaign_id = await add_campaign(pool, leads=2, trunk_port=far_end.address[1])
        async with running_node(settings_of(database, tmp_path, traces=KEEP_TROUBLES)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()

    attempts = {row["result"]: row for row in await pool.fetch("SELECT * FROM attempts")}
    congested, busy = attempts["congested"], attempts["busy"]
    trace = await find_trace(pool, congested["attempt_id"])
    assert trace is not None
    assert trace.is_complete
    assert trace.call_id == congested["call_id"]
    assert abs(trace.started_time - congested["started_time"]) < timedelta(seconds=5)
    assert [
        entry.first_line.split(" ")[1 if entry.direction == "received" else 0] for entry in trace.records
    ][-2:] == ["503", "ACK"]
    assert trace.records[0].remote == far_end.address
    assert trace.local[0] == "127.0.0.1"
    assert number_of(1).encode() in trace.records[0].data
    assert await find_trace(pool, busy["attempt_id"]) is None


async def test_a_live_call_shows_what_it_has_said_so_far(database: str, pool: Pool, tmp_path: Path) -> None:
    async with carrier(RINGS) as (far_end, _):
        await add_campaign(pool, leads=1, trunk_port=far_end.address[1])
        async with running_node(settings_of(database, tmp_path, traces=KEEP_TROUBLES, drain_seconds=0.0)):
            await until(lambda: pool.fetchval("SELECT attempt_id FROM attempts"))
            attempt_id = await pool.fetchval("SELECT attempt_id FROM attempts")
            await asyncio.sleep(0.3)
            trace = await request_trace(pool, attempt_id)
            nobody = await request_trace(pool, attempt_id + 1)
            await pool.execute("SELECT pg_notify($1, 'no number')", CHANNEL)

    assert nobody is None
    assert trace is not None
    assert not trace.is_complete
    assert trace.records[0].first_line.startswith("INVITE")
    assert not any("CANCEL" in entry.cseq for entry in trace.records)


async def test_a_database_without_the_table_costs_traces_and_no_outcome(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    await pool.execute("ALTER TABLE call_traces RENAME TO elsewhere")
    async with carrier(CONGESTED_ONCE) as (far_end, _):
        campaign_id = await add_campaign(pool, leads=1, trunk_port=far_end.address[1])
        async with running_node(settings_of(database, tmp_path, traces=KEEP_TROUBLES)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()

    assert await pool.fetchval("SELECT result FROM attempts") == "congested"
    assert await pool.fetchval("SELECT count(*) FROM elsewhere") == 0


async def test_the_table_is_pruned_by_age_and_by_number(pool: Pool) -> None:
    await add_campaign(pool)
    ids = [await add_attempt(pool, 1, NOW.isoformat()) for _ in range(4)]
    await pool.execute(
        STATEMENTS["write_traces"],
        256,
        NOW,
        ids,
        [NOW] * 4,
        ["a", "b", "c", "d"],
        [NOW - timedelta(days=8), NOW - timedelta(days=2), NOW - timedelta(days=1), NOW],
        [True] * 4,
        [b""] * 4,
    )

    pruned = await pool.fetchval(STATEMENTS["prune_traces"], NOW - timedelta(days=7), 2)

    assert pruned == 2
    rows = await pool.fetch("SELECT attempt_id FROM call_traces ORDER BY attempt_id")
    assert [row[0] for row in rows] == ids[2:]


async def test_a_whole_trace_is_not_replaced_by_an_unfinished_one(pool: Pool) -> None:
    await add_campaign(pool)
    attempt_id = await add_attempt(pool, 1, NOW.isoformat())
    for is_complete, messages in ((False, b"half"), (True, b"whole"), (False, b"late")):
        await pool.execute(
            STATEMENTS["write_traces"], 256, NOW, [attempt_id], [NOW], ["a"], [NOW], [is_complete], [messages]
        )

    row = await pool.fetchrow("SELECT messages, is_complete FROM call_traces")
    assert row is not None
    assert tuple(row) == (b"whole", True)


async def write_one(pool: Pool | Connection, attempt_id: int) -> None:
    await pool.execute(
        STATEMENTS["write_traces"], 256, NOW, [attempt_id], [NOW], ["a"], [NOW], [True], [b"INVITE"]
    )


async def test_a_trace_that_comes_after_its_person_was_erased_is_not_kept(pool: Pool) -> None:
    await add_campaign(pool)
    erased = await add_attempt(pool, 1, NOW.isoformat(), "erased-00000000-0000-4000-8000-000000000000")
    known = await add_attempt(pool, 1, NOW.isoformat(), number_of(2))
    for attempt_id in (erased, known):
        await write_one(pool, attempt_id)
    assert [row[0] for row in await pool.fetch("SELECT attempt_id FROM call_traces")] == [known]


async def test_a_trace_waits_for_an_erasure_that_is_under_way(pool: Pool) -> None:
    """The writer has begun before the erasure is committed: it must see it all the same."""
    await add_campaign(pool)
    attempt_id = await add_attempt(pool, 1, NOW.isoformat(), number_of(1))
    async with pool.acquire() as eraser, pool.acquire() as writer:
        erasure = eraser.transaction()
        await erasure.start()
        await eraser.execute("UPDATE attempts SET number = 'erased-1' WHERE attempt_id = $1", attempt_id)
        await eraser.execute("DELETE FROM call_traces")
        pid = await writer.fetchval("SELECT pg_backend_pid()")
        writing = asyncio.create_task(write_one(writer, attempt_id), name="writing")
        await until(
            lambda: pool.fetchval("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", pid)
        )
        await erasure.commit()
        await writing
    assert await pool.fetchval("SELECT count(*) FROM call_traces") == 0
