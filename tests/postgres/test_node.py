"""A node at work. Every call here is a real one: SIP and RTP over loopback to the simulated carrier."""

import asyncio
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.database import Pool
from dialer.testing.truth import compare
from tests.postgres.campaign_rows import NOW, add_campaign, number_of
from tests.postgres.dialing import (
    BUSY,
    CONGESTED_ONCE,
    HANGS_UP,
    LISTENS,
    PRESSES_1,
    PRESSES_9,
    RINGS,
    add_prompt,
    carrier,
    is_finished,
    recorded,
    running_node,
    settings_of,
    until,
)


async def test_a_campaign_is_dialed_to_its_end_and_agrees_with_the_carrier(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS, HANGS_UP, PRESSES_1, PRESSES_9, BUSY) as (far_end, truth):
        prompt_id = await add_prompt(pool)
        campaign_id = await add_campaign(
            pool, leads=15, trunk_host=far_end.address[0], trunk_port=far_end.address[1], prompt_id=prompt_id,
            key_wait_seconds=0.5,
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    attempts = await recorded(pool)
    assert compare(truth, attempts) == []
    assert [attempt.result for attempt in attempts].count("answered") == 12
    assert {attempt.disposition for attempt in attempts} == {None, "callback_requested", "refused"}
    refused = await pool.fetch("SELECT number FROM dnc_numbers ORDER BY number")
    assert [row["number"] for row in refused] == [number_of(3), number_of(8), number_of(13)]
    heard = await pool.fetchval(
        "SELECT min(message_played_ms) FROM attempts WHERE ended_by = 'us' AND digits = ''"
    )
    assert heard == 500


async def test_facts_of_a_call_are_stored_with_their_times(pool: Pool, database: str, tmp_path: Path) -> None:
    async with carrier(HANGS_UP) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool),
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    row = await pool.fetchrow("SELECT * FROM attempts")
    assert row is not None
    assert (
        row["started_time"]
        <= row["ringing_time"]
        <= row["answered_time"]
        <= row["ended_time"]
        <= row["settled_time"]
    )
    assert row["early_media_time"] is None
    talked: timedelta = row["ended_time"] - row["answered_time"]
    assert abs(talked / timedelta(milliseconds=1) - row["talk_ms"]) <= 1
    assert row["pdd_ms"] >= 0
    assert row["gate"]["passed"] == ["dnc", "purpose", "calling_window"]
    assert (row["attempt_number"], row["sip_status"], row["ended_by"]) == (1, 200, "callee")


async def test_the_gate_keeps_refused_numbers_and_advertising_from_being_dialed(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):
        host, port = far_end.address
        service = await add_campaign(pool, leads=2, trunk_host=host, trunk_port=port)
        advertising = await add_campaign(
            pool, leads=2, trunk_host=host, trunk_port=port, purpose="advertising"
        )
        await pool.execute("INSERT INTO dnc_numbers VALUES ($1, 'api', NULL, $2)", number_of(0), NOW)
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, service))
            await until(lambda: is_finished(pool, advertising))
    assert truth.numbers == [number_of(1)]
    rows = await pool.fetch(
        "SELECT last_reason FROM leads WHERE status = 'blocked' ORDER BY campaign_id, contact_id"
    )
    assert [row["last_reason"] for row in rows] == ["dnc", "dnc", "advertising_needs_human"]


async def test_the_campaign_may_say_where_its_people_live(pool: Pool, database: str, tmp_path: Path) -> None:
    """Three hours around now on the clock of Moscow: no such window holds the eleven zones of a Russian mobile."""
    now = datetime.now(ZoneInfo("Europe/Moscow"))
    start = max(0, now.hour * 60 + now.minute - 60)
    window: dict[str, Any] = {"window_start_minute": start, "window_end_minute": min(1440, start + 180)}
    async with carrier(BUSY) as (far_end, truth):
        host, port = far_end.address
        said = await add_campaign(
            pool, leads=1, trunk_host=host, trunk_port=port, callee_time_zone="Europe/Moscow", **window
        )
        not_said = await add_campaign(pool, leads=1, trunk_host=host, trunk_port=port, **window)
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, said))
            await until(lambda: is_finished(pool, not_said))
    assert truth.numbers == [number_of(0)]
    gates = await pool.fetch("SELECT campaign_id, gate -> 'zones' AS zones FROM attempts")
    assert [tuple(row) for row in gates] == [(said, ["Europe/Moscow"])]
    blocked = await pool.fetchval("SELECT last_reason FROM leads WHERE campaign_id = $1", not_said)
    assert blocked == "calling_window_never"


async def test_a_congested_number_is_tried_again_by_its_rule(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(CONGESTED_ONCE, BUSY) as (far_end, truth):
        campaign_id = await add_campaign(
            pool, leads=2, trunk_host=far_end.address[0], trunk_port=far_end.address[1], key_wait_seconds=0.2,
            retry_rules={"congested": {"delay_seconds": 0.3, "max_attempts": 3}},
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    rows = await pool.fetch(
        "SELECT number, attempt_number, result FROM attempts ORDER BY number, attempt_number"
    )
    assert [tuple(row.values()) for row in rows] == [
        (number_of(0), 1, "congested"),
        (number_of(0), 2, "answered"),
        (number_of(1), 1, "busy"),
    ]
    assert compare(truth, await recorded(pool)) == []


async def test_no_more_calls_at_once_than_the_campaign_allows(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(HANGS_UP) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=12, trunk_host=far_end.address[0], trunk_port=far_end.address[1], max_concurrent_calls=3,
            prompt_id=await add_prompt(pool),
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    rows = await pool.fetch("SELECT started_time, ended_time FROM attempts")
    assert len(rows) == 12
    changes: list[tuple[datetime, int]] = [(row["started_time"], 1) for row in rows]
    changes += [(row["ended_time"], -1) for row in rows]
    live, most = 0, 0
    for _, change in sorted(changes):
        live += change
        most = max(most, live)
    assert most == 3


async def test_a_paused_campaign_starts_no_call_and_a_resumed_one_goes_on(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):
        campaign_id = await add_campaign(
            pool,
            leads=30,
            trunk_host=far_end.address[0],
            trunk_port=far_end.address[1],
            max_calls_per_second=10.0,
        )
        async with running_node(settings_of(database, tmp_path)):

            async def some_are_dialed() -> bool:
                return len(truth) >= 3

            await until(some_are_dialed)
            await pool.execute("UPDATE campaigns SET status = 'paused'")
            paused_at = await pool.fetchval("SELECT count(*) FROM attempts")
            await asyncio.sleep(1.0)
            assert await pool.fetchval("SELECT count(*) FROM attempts") <= paused_at + 1
            assert await pool.fetchval("SELECT count(*) FROM attempts WHERE settled_time IS NULL") == 0
            await pool.execute("UPDATE campaigns SET status = 'running'")
            await pool.execute("NOTIFY campaign_control")
            await until(lambda: is_finished(pool, campaign_id))
    assert await pool.fetchval("SELECT count(*) FROM attempts") == 30
    assert compare(truth, await recorded(pool)) == []


async def test_a_stopping_node_hangs_up_what_does_not_end_and_leaves_nothing_open(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(RINGS, LISTENS) as (far_end, truth):
        campaign_id = await add_campaign(
            pool, leads=40, trunk_host=far_end.address[0], trunk_port=far_end.address[1], max_concurrent_calls=6,
            key_wait_seconds=30.0,
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path, drain_seconds=0.2)) as drained:

            async def all_lines_are_taken() -> bool:
                return sum(row.sip_status == 200 for row in truth.values()) == 3 and far_end.live_calls == 6

            await until(all_lines_are_taken)
            await drained()
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE settled_time IS NULL") == 0
    assert (
        sorted(attempt.result or "" for attempt in await recorded(pool))
        == ["answered"] * 3 + ["cancelled"] * 3
    )
    assert {attempt.ended_by for attempt in await recorded(pool)} == {"us"}
    assert await pool.fetchval("SELECT count(*) FROM leads WHERE status = 'pending'") == 34
    assert await pool.fetchval("SELECT count(*) FROM node_runs WHERE ended_time IS NULL") == 0
    assert await pool.fetchval("SELECT run_id FROM shards WHERE campaign_id = $1", campaign_id) is None


async def test_the_live_pages_are_woken_with_the_campaigns_that_changed(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    woken: list[str] = []
    async with carrier(BUSY) as (far_end, _), pool.acquire() as listener:
        await listener.add_listener("live", lambda *arguments: woken.append(str(arguments[3])))
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1]
        )
        async with running_node(settings_of(database, tmp_path)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
        await listener.fetchval("SELECT 1")
        await listener.reset()
    # the empty list wakes the floor alone
    assert set(woken) == {f"[{campaign_id}]", "[]"}


async def test_a_trunk_where_nobody_listens_makes_its_attempts_unreachable(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.9", 0))
        host, port = closed.getsockname()
    campaign_id = await add_campaign(pool, leads=2, trunk_host=host, trunk_port=port)
    async with running_node(settings_of(database, tmp_path)):
        await until(lambda: is_finished(pool, campaign_id), seconds=50.0)
    rows = await pool.fetch("SELECT DISTINCT result, fault, sip_status, ended_by, digits FROM attempts")
    assert [tuple(row.values()) for row in rows] == [("unreachable", "trunk", None, "network", None)]


async def test_a_trunk_whose_name_does_not_resolve_holds_up_no_other_campaign(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(BUSY) as (far_end, truth):
        # A label that no name server is asked about: it is longer than a label can be.
        nowhere = await add_campaign(pool, leads=1, trunk_host="x" * 64)
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1]
        )
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert not await is_finished(pool, nowhere)
    assert await pool.fetchval("SELECT count(*) FROM attempts") == len(truth) == 1


async def test_the_floor_sees_calls_in_their_stages(pool: Pool, database: str, tmp_path: Path) -> None:
    """Two callees ring for ever and one listens to a long message: two ringing, one talking."""
    async with carrier(RINGS, RINGS, LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=3, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool, seconds=20),
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path, drain_seconds=0.1)):

            async def stages() -> Any:
                return await pool.fetchval(
                    "SELECT state -> 'campaigns' -> $1::text FROM node_state", str(campaign_id)
                )

            async def settled_down() -> bool:
                return bool(await stages() == {"dialing": 0, "ringing": 2, "talking": 1})

            await until(settled_down)
    state = await pool.fetchrow("SELECT state, ended_time FROM node_state JOIN node_runs USING (run_id)")
    assert state is not None
    assert state["ended_time"] is not None  # whoever reads asks whether the run lives
