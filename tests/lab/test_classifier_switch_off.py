"""
A classifier that hangs up on people is switched off under a running node by what a supervisor hears, and on again.

Real parts: voicemails of the Asterisk container, a node, the API with a key, and sound that the node has kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from litestar.testing import AsyncTestClient

from analytics.classifier_guard import MIN_JUDGED
from api import alert_watch
from api.app import create_app
from api.settings import ApiSettings
from campaigns.classifier_stops import ClassifierStops
from campaigns.database import Pool
from campaigns.models import CampaignPatch
from campaigns.store import CampaignStore
from tests.bench.campaign import make_campaign, start
from tests.lab.conftest import ASTERISK
from tests.lab.prefixes import number
from tests.postgres.dialing import running_node, settings_of, until

pytestmark = pytest.mark.lab

VOICEMAILS = 400
"""More than are called: the campaign goes on to the end of the test."""
LINES = 6
WHILE_OFF = 12
"""Calls to look at, two rounds of the lines."""


@pytest.mark.timeout(240)
async def test_a_switched_off_classifier_hangs_up_on_nobody_in_the_running_node_until_it_is_on_again(
    database: str, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_watch, "LOOK_SECONDS", 0.5)
    node = settings_of(database, tmp_path)
    api = create_app(ApiSettings(database_url=database, recordings=node.recordings))
    scopes = ("campaigns:read", "campaigns:write", "recordings:listen", "reports:read")
    _, secret = await CampaignStore(pool).create_api_key("supervisor", scopes, datetime.now(UTC))
    campaign_id = await make_campaign(
        pool,
        trunk=(ASTERISK.host, ASTERISK.port),
        numbers=[number("7962", index) for index in range(VOICEMAILS)],
        calls_per_second=LINES,
        max_concurrent_calls=LINES,
        hold_seconds=0.5,
        answering_machine="hang_up",
    )
    await pool.execute("UPDATE campaigns SET audit_share = 1")
    await start(pool, campaign_id)

    async with running_node(node), AsyncTestClient(api) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        judged = await judge_until_off(client, campaign_id)
        assert judged >= MIN_JUDGED
        stopped_time = await pool.fetchval(
            "SELECT stopped_time FROM classifier_stops WHERE resumed_time IS NULL"
        )

        await until(lambda: calls(pool, "answered_by IS NULL", stopped_time, WHILE_OFF), seconds=60)
        off = await pool.fetch(
            "SELECT settled_time FROM attempts WHERE answered_by IS NULL AND result = 'answered'"
            " AND settled_time > $1 ORDER BY settled_time",
            stopped_time,
        )
        resumed = (await client.post(f"/v1/campaigns/{campaign_id}/classifier/resume")).json()
        assert not resumed["is_off"]
        resumed_time = await pool.fetchval("SELECT resumed_time FROM classifier_stops")
        # from the first call that nobody listened to until it was switched on: not one verdict, also of the calls that
        # were being listened to at that moment
        verdicts = await pool.fetch(
            "SELECT answered_by, verdict_time FROM attempts WHERE verdict_time > $1 AND verdict_time < $2",
            off[0]["settled_time"], resumed_time,
        )  # fmt: skip
        assert verdicts == []
        begun_off = await pool.fetch(
            "SELECT answered_by, ended_by, message_played_ms, audit_share FROM attempts"
            " WHERE started_time > $1 AND settled_time < $2 AND result = 'answered'",
            off[0]["settled_time"], resumed_time,
        )  # fmt: skip
        assert begun_off
        assert {tuple(row) for row in begun_off} == {(None, "us", 20, None)}, "each got the whole message"

        alert = await the_alert(client, campaign_id)
        assert (alert["numerator"], alert["denominator"]) == (judged, judged)
        await until(lambda: calls(pool, "answered_by = 'machine'", resumed_time, 1), seconds=60)
        await until(lambda: is_resolved(client), seconds=30)


async def switch_off(pool: Pool, campaign_id: int) -> None:
    assert await ClassifierStops(pool).stop(
        campaign_id, humans=9, judged=10, limit=0.1, now=datetime.now(UTC)
    )


async def ignore_machines(pool: Pool, campaign_id: int) -> None:
    await CampaignStore(pool).patch_campaign(
        campaign_id, CampaignPatch(answering_machine="ignore"), datetime.now(UTC)
    )


@pytest.mark.timeout(180)
@pytest.mark.parametrize("change", [switch_off, ignore_machines])
async def test_no_verdict_is_heeded_in_the_calls_of_a_paused_campaign_that_go_on(
    database: str, pool: Pool, tmp_path: Path, change: Callable[[Pool, int], Awaitable[None]]
) -> None:
    campaign_id = await begin_calls(pool)
    async with running_node(settings_of(database, tmp_path)):
        await until(lambda: under_way(pool, LINES), seconds=60)
        await CampaignStore(pool).set_status(campaign_id, "pause", datetime.now(UTC))
        await until(lambda: has_no_shards(pool, campaign_id), seconds=30)
        changed_time = datetime.now(UTC)
        await change(pool, campaign_id)
        await until(lambda: all_settled(pool), seconds=90)
    late = await settled_after(pool, changed_time)
    assert {(row["answered_by"], row["ended_by"], row["message_played_ms"]) for row in late} == {
        (None, "us", 20)
    }, "each got the whole message, as a person does"


@pytest.mark.timeout(180)
async def test_a_paused_campaigns_machines_get_the_message_once_it_says_so_and_are_hung_up_on_no_more(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    campaign_id = await begin_calls(pool)
    store = CampaignStore(pool)
    async with running_node(settings_of(database, tmp_path)):
        await until(lambda: under_way(pool, LINES), seconds=60)
        await store.set_status(campaign_id, "pause", datetime.now(UTC))
        await until(lambda: has_no_shards(pool, campaign_id), seconds=30)
        changed_time = datetime.now(UTC)
        patch = CampaignPatch(answering_machine="leave_message")
        await store.patch_campaign(campaign_id, patch, changed_time)
        await until(lambda: all_settled(pool), seconds=90)
    late = await settled_after(pool, changed_time)
    assert {(row["answered_by"], row["disposition"], row["message_played_ms"]) for row in late} == {
        ("machine", "voicemail_left", 20)
    }


async def begin_calls(pool: Pool) -> int:
    """Begin a campaign of as many voicemails as it has lines, which hangs up on machines."""
    campaign_id = await make_campaign(
        pool,
        trunk=(ASTERISK.host, ASTERISK.port),
        numbers=[number("7962", index) for index in range(LINES)],
        calls_per_second=LINES,
        max_concurrent_calls=LINES,
        hold_seconds=0.5,
        answering_machine="hang_up",
    )
    await start(pool, campaign_id)
    return campaign_id


async def settled_after(pool: Pool, changed_time: datetime) -> list[asyncpg.Record]:
    """Give the answered calls whose machine was not known before the change; there must be some."""
    rows = await pool.fetch(
        "SELECT answered_by, verdict_time, ended_by, disposition, message_played_ms FROM attempts"
        " WHERE result = 'answered' AND (verdict_time IS NULL OR verdict_time > $1)",
        changed_time,
    )
    assert rows, "every verdict came before the change"
    return rows


async def under_way(pool: Pool, count: int) -> bool:
    return bool(await pool.fetchval("SELECT count(*) FROM attempts WHERE settled_time IS NULL") >= count)


async def all_settled(pool: Pool) -> bool:
    return not await under_way(pool, 1)


async def has_no_shards(pool: Pool, campaign_id: int) -> bool:
    """Tell whether the node has noticed the pause: it has given the shards back, and no plan of theirs is left."""
    owned = "SELECT count(*) FROM shards WHERE campaign_id = $1 AND run_id IS NOT NULL"
    return not await pool.fetchval(owned, campaign_id)


async def judge_until_off(client: AsyncTestClient[Any], campaign_id: int) -> int:
    """Hear one call after the other and say that it was a person, until that has an effect; return how many."""
    judged = 0
    async with asyncio.timeout(150):
        while not (await client.get(f"/v1/campaigns/{campaign_id}/classifier")).json()["is_off"]:
            item = (await client.post("/v1/verdict-audits/next", json={})).json()["item"]
            if item is None:
                await asyncio.sleep(0.2)  # the next verdict comes from a real call
                continue
            sound = await client.get(f"/v1/recordings/{item['recording_id']}/audio")
            assert sound.status_code == 200
            answer = await client.post(
                f"/v1/verdict-audits/{item['attempt_id']}/judgement", json={"judgement": "human"}
            )
            assert answer.json()["judgement"] == "human"
            judged += 1
    return judged


async def calls(pool: Pool, which: str, since: datetime, count: int) -> bool:
    """Tell whether so many calls that began since then have ended so."""
    found = await pool.fetchval(
        f"SELECT count(*) FROM attempts WHERE {which} AND started_time > $1 AND result = 'answered'", since
    )
    return bool(found >= count)


async def the_alert(client: AsyncTestClient[Any], campaign_id: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        found[:] = (await client.get("/v1/alerts")).json()["items"]
        return bool(found)

    await until(is_there, seconds=30)
    (alert,) = found
    assert (alert["subject_kind"], alert["subject_id"]) == ("campaign", campaign_id)
    return alert


async def is_resolved(client: AsyncTestClient[Any]) -> bool:
    return [alert["state"] for alert in (await client.get("/v1/alerts")).json()["items"]] == ["resolved"]
