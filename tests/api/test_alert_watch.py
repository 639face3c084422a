"""A bug in a look at the alert rules costs alerts, not the API."""

import asyncio
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from api import alert_watch
from api.alert_watch import look, watching_alerts
from api.floor import FloorFeed
from campaigns.alerts import AlertRule, AlertStore
from campaigns.database import Pool

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_looks_go_on_after_one_that_broke(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()
    looks = 0

    async def breaks_twice(_: Pool, __: datetime, **___: object) -> None:
        nonlocal looks
        looks += 1
        if looks <= 2:
            raise ZeroDivisionError
        looked.set()

    monkeypatch.setattr(alert_watch, "look", breaks_twice)
    monkeypatch.setattr(alert_watch, "LOOK_SECONDS", 0.0)
    with capture_logs() as logs:
        async with watching_alerts(pool, lambda: NOW, makes_copies=False):
            await asyncio.wait_for(looked.wait(), 30)
    broken = [entry for entry in logs if entry["event"] == "alerts.look_broke"]
    assert [entry["looks"] for entry in broken] == [1, 2]
    assert all(entry["log_level"] == "error" for entry in broken)


async def test_a_rule_that_breaks_leaves_the_others_their_turn(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = []

    async def breaks_on_the_first(_: AlertStore, rule: AlertRule, *__: object) -> None:
        applied.append(rule.rule_id)
        if len(applied) == 1:
            raise ZeroDivisionError

    for _ in range(2):
        await pool.execute(
            "INSERT INTO alert_rules (name, metric, subject_kind, comparison, threshold, window_minutes, min_count,"
            " is_enabled, created_time) VALUES ('r', 'asr', 'trunk', 'below', 0.5, 15, 1, true, $1)",
            NOW,
        )
    monkeypatch.setattr(alert_watch, "apply", breaks_on_the_first)
    with capture_logs() as logs:
        await look(pool, NOW)
    assert len(applied) == 2
    assert [entry["rule_id"] for entry in logs if entry["event"] == "alerts.rule_broke"] == applied[:1]


async def test_a_source_of_the_floor_that_breaks_grows_old_and_ends_nothing(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FloorFeed(pool, lambda: NOW, 0.25, lambda: 1)

    async def breaks(_: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(feed, "_read", breaks)
    with capture_logs() as logs:
        await feed._read_once("calls")
    assert [(entry["event"], entry["source"]) for entry in logs] == [("floor.read_broke", "calls")]
