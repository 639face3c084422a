"""The floor's statements against rows written here; the expected figures stand in each test."""

from datetime import timedelta

import msgspec

from analytics.floor import (
    CallsRow,
    LeadsRow,
    Stages,
    calls_by_minute,
    floor_campaigns,
    lead_counts,
    node_calls,
    open_alerts,
    recent_calls,
)
from campaigns.database import Pool
from tests.browser.rows import Group, add_attempt
from tests.postgres.campaign_rows import NOW, add_campaign, add_run


async def test_running_campaigns_stand_first_and_old_ones_are_gone(pool: Pool) -> None:
    await add_campaign(pool, name="draft", status="draft")
    await add_campaign(pool, name="old", status="finished", finished_time=NOW - timedelta(hours=13))
    await add_campaign(pool, name="ended", status="finished", finished_time=NOW - timedelta(hours=1))
    await add_campaign(pool, name="paused", status="paused")
    await add_campaign(pool, name="running")
    assert [row.name for row in await floor_campaigns(pool, NOW)] == ["running", "paused", "ended"]


async def test_only_the_last_minutes_are_counted(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=5)
    other = await add_campaign(pool, leads=1)
    ages = [0, 59, 60, 299, 301]  # seconds; the minute and the window are open at their old end
    for index, age in enumerate(ages):
        await add_attempt(pool, campaign_id, index, Group(1, "answered", 4_000), NOW - timedelta(seconds=age))
    await add_attempt(pool, other, 0, Group(1, "busy"), NOW)
    (row,) = await recent_calls(pool, [campaign_id], NOW)
    trunk_id = await pool.fetchval("SELECT trunk_id FROM campaign_trunks WHERE campaign_id = $1", campaign_id)
    assert row == CallsRow(
        campaign_id=campaign_id, trunk_id=trunk_id, result="answered", attempts=4, last_minute=2, trunk_faults=0,
        short_calls=4, callback_requests=0, refusals=0,
    )  # fmt: skip


async def test_minutes_are_whole_and_end_before_now(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=3)
    minute = NOW.replace(second=0)
    for index, started in enumerate((minute - timedelta(seconds=1), minute - timedelta(minutes=30), minute)):
        await add_attempt(pool, campaign_id, index, Group(1, "answered", 9_000), started)
    rows = await calls_by_minute(pool, [campaign_id], minute + timedelta(seconds=30))
    assert sorted((row.minute, row.attempts, row.answered) for row in rows) == [(0, 1, 1), (29, 1, 1)]


async def test_leads_are_counted_by_state_and_by_when_they_are_due(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=6)
    for index, minutes in enumerate((-1, 10, 30, 120, 600)):
        await pool.execute(
            "UPDATE leads SET due_time = $1 WHERE contact_id = $2", NOW + timedelta(minutes=minutes), index
        )
    await pool.execute("UPDATE leads SET status = 'finished', due_time = NULL WHERE contact_id = 5")
    assert await lead_counts(pool, [campaign_id], NOW) == [
        LeadsRow(
            campaign_id=campaign_id, total=6, pending=5, dialing=0, finished=1, blocked=0, due_now=1, due_15=2, due_60=3,
            due_240=4, due_1440=5,
        )
    ]  # fmt: skip


async def test_living_nodes_say_what_they_do(pool: Pool) -> None:
    await add_run(pool, 1)
    await add_run(pool, 2, id_node=1)
    await pool.execute("UPDATE node_runs SET ended_time = heartbeat_time WHERE run_id = 2")
    state = {"campaigns": {"5": {"dialing": 1, "ringing": 2, "talking": 3}}, "trunks": {}}
    await pool.executemany(
        "INSERT INTO node_state (run_id, time, state) VALUES ($1, $2, $3)", [(1, NOW, state), (2, NOW, state)]
    )
    (row,) = await node_calls(pool)
    assert row.state is not None
    assert (row.node_name, row.state.campaigns) == ("node 1", {5: Stages(dialing=1, ringing=2, talking=3)})


async def test_open_alerts_name_their_subject(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, name="autumn")
    rule_id = await pool.fetchval(
        "INSERT INTO alert_rules (name, metric, subject_kind, comparison, threshold, window_minutes, min_count, is_enabled, "
        "created_time) VALUES ('answers', 'answer_rate', 'campaign', 'below', 0.2, 15, 50, true, $1) RETURNING rule_id",
        NOW,
    )
    await pool.executemany(
        "INSERT INTO alerts (rule_id, subject_kind, subject_id, state, raised_time, resolved_time, value, expected, "
        "last_value, last_time) VALUES ($1, 'campaign', $2, $3, $4, $5, 0.1, 0.2, 0.15, $4)",
        [(rule_id, campaign_id, "resolved", NOW, NOW), (rule_id, campaign_id, "raised", NOW, None)],
    )
    (alert,) = await open_alerts(pool)
    assert msgspec.structs.replace(alert, alert_id=0).subject_name == "autumn"
    assert (alert.rule_name, alert.value, alert.expected) == ("answers", 0.15, 0.2)
    assert (alert.is_share, alert.is_of_recordings) == (True, False)


async def test_an_alert_of_recordings_counts_them(pool: Pool) -> None:
    rule_id = await pool.fetchval(
        "INSERT INTO alert_rules (name, metric, subject_kind, comparison, threshold, window_minutes, min_count, is_enabled, "
        "created_time) VALUES ('copies', 'failing_copies', 'all', 'above', 0, 15, 1, true, $1) RETURNING rule_id",
        NOW,
    )
    await pool.execute(
        "INSERT INTO alerts (rule_id, subject_kind, subject_id, state, raised_time, value, expected, last_value, last_time) "
        "VALUES ($1, 'all', 0, 'raised', $2, 21, 0, 21, $2)",
        rule_id,
        NOW,
    )
    (alert,) = await open_alerts(pool)
    assert (alert.value, alert.is_share, alert.is_of_recordings) == (21, False, True)
