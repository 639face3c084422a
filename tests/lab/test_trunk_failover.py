"""
Two real Asterisks as the trunks of one campaign: the first is killed in the middle of it and comes back.

What happened is read from Asterisk's own notes (7914 writes each call down before it rings, in a file that outlives the
container), not from ours.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.contact_import import ContactImport
from campaigns.database import Pool
from campaigns.models import CampaignTrunk, NewCampaign
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk
from dialer.config import HealthPolicy
from tests.bench.campaign import EVERY_DAY, ONE_FRAME_OF_SILENCE, until_finished
from tests.lab.container import LAB, Container
from tests.postgres.dialing import running_node, settings_of, until

pytestmark = pytest.mark.lab

FIRST = Container(f"obzvon-lab-{LAB.number + 10}")
"""The one that dies; the lab of the other tests stays."""
NUMBERS = [f"+7914{index:07d}" for index in range(1, 451)]
CALLS_PER_SECOND = 10.0


@pytest.fixture
async def two_asterisks() -> AsyncIterator[None]:
    await asyncio.to_thread(FIRST.run, "up")
    for container in (FIRST, LAB):
        (container.out / "calls.txt").unlink(missing_ok=True)
    yield
    await asyncio.to_thread(FIRST.run, "down")


async def campaign_over(pool: Pool, *hosts: str) -> tuple[int, list[int]]:
    """Start a campaign over these Asterisks, in this order of priority; return its id and the trunks'."""
    store, now = CampaignStore(pool), datetime.now(UTC)
    health = HealthPolicy(options_interval_seconds=1.0, consecutive_faults=3, open_seconds=2.0)
    trunk_ids = [
        (
            await store.create_trunk(
                NewTrunk(name=host, host=host, max_calls_per_second=20, max_channels=200, health=health), now
            )
        ).trunk_id
        for host in hosts
    ]
    campaign = await store.create_campaign(
        NewCampaign(
            name="over two",
            trunks=tuple(
                CampaignTrunk(trunk_id=trunk_id, priority=index) for index, trunk_id in enumerate(trunk_ids)
            ),
            prompt_id=(await store.add_prompt("short", ONE_FRAME_OF_SILENCE, now)).prompt_id,
            window_start_minute=0,
            window_end_minute=1440,
            window_weekdays=EVERY_DAY,
            max_calls_per_second=CALLS_PER_SECOND,
            ring_timeout_seconds=15.0,
            key_wait_seconds=2.0,
            retry_rules={},
        ),
        now,
    )

    async def file() -> AsyncIterator[bytes]:
        yield "\n".join(["phone", *NUMBERS]).encode()

    await ContactImport(pool).run(campaign.campaign_id, file(), "base.csv", now)
    await store.set_status(campaign.campaign_id, "start", now)
    return campaign.campaign_id, trunk_ids


def notes(container: Container) -> list[tuple[str, str]]:
    """What an Asterisk has written down: number and `rings` or `answers`."""
    path: Path = container.out / "calls.txt"
    lines = path.read_text().split("\n") if path.exists() else []
    return [(f"+{number}", word) for number, _, word in (line.partition(" ") for line in lines) if word]


@pytest.mark.timeout(300)
async def test_a_trunk_dies_and_comes_back_and_nobody_is_dialed_twice_or_lost(
    database: str, pool: Pool, tmp_path: Path, two_asterisks: None
) -> None:
    campaign_id, (first, second) = await campaign_over(pool, FIRST.asterisk_host, LAB.asterisk_host)

    async def dialed(trunk_id: int, since: datetime) -> int:
        count: int = await pool.fetchval(
            "SELECT count(*) FROM attempts WHERE trunk_id = $1 AND started_time >= $2 AND result = 'answered'",
            trunk_id,
            since,
        )
        return count

    async def at_least(count: int, trunk_id: int, since: datetime) -> bool:
        return await dialed(trunk_id, since) >= count

    async def health_of_first() -> Any:
        return await pool.fetchrow("SELECT state, reason FROM trunk_health WHERE trunk_id = $1", first)

    beginning = datetime.now(UTC)
    async with running_node(settings_of(database, tmp_path)):
        await until(lambda: at_least(20, first, beginning), seconds=60)
        assert await dialed(second, beginning) == 0, "the second has a higher number of priority"

        # with calls ringing and answered; being asked to stop, Asterisk would refuse new ones with 503 first
        os.kill(int(await asyncio.to_thread(FIRST.run, "pid")), signal.SIGKILL)
        killed = datetime.now(UTC)
        await until(lambda: at_least(20, second, killed), seconds=60)
        while_dead = await health_of_first()

        await asyncio.to_thread(FIRST.run, "up")
        returned = datetime.now(UTC)
        await until(lambda: at_least(20, first, returned), seconds=60)

        await until_finished(pool, campaign_id, seconds=120)
        at_the_end = await health_of_first()

    assert while_dead["state"] == "open"
    assert while_dead["reason"] in {"transport_error", "options_silent"}
    assert tuple(at_the_end) == ("closed", None)

    attempts = await pool.fetch(
        "SELECT attempt_id, number, trunk_id, result, reason, failover_of FROM attempts"
    )
    results = Counter(attempt["result"] for attempt in attempts)
    print(f"attempts {len(attempts)} over {len(NUMBERS)} numbers: {dict(results)}")
    # No outcome is lost: every number was tried, every attempt has an end that somebody saw.
    assert {attempt["number"] for attempt in attempts} == set(NUMBERS)
    assert None not in results
    assert "unknown" not in results
    assert await pool.fetchval("SELECT count(*) FROM leads WHERE status <> 'finished'") == 0

    # Nobody was dialed twice: over both Asterisks, each phone rang at most once, and each that answered is recorded so.
    rung = Counter(
        number for container in (FIRST, LAB) for number, word in notes(container) if word == "rings"
    )
    answered = {
        number for container in (FIRST, LAB) for number, word in notes(container) if word == "answers"
    }
    print(f"rung {rung.total()} phones, {len(rung)} of them different; answered {len(answered)}")
    assert rung.total() == len(rung)
    recorded = {attempt["number"] for attempt in attempts if attempt["result"] == "answered"}
    assert recorded <= answered
    never_rung = set(NUMBERS) - set(rung)
    assert not never_rung & recorded

    # What failed over was not placed, went by the second trunk, and was the same try.
    by_id = {attempt["attempt_id"]: attempt for attempt in attempts}
    failovers = [attempt for attempt in attempts if attempt["failover_of"] is not None]
    print(f"failovers {len(failovers)}")
    assert failovers
    for attempt in failovers:
        failed = by_id[attempt["failover_of"]]
        assert (failed["number"], failed["trunk_id"], failed["result"]) == (
            attempt["number"],
            first,
            "unreachable",
        )
        assert attempt["trunk_id"] == second
    assert await pool.fetchval("SELECT max(attempts_made) FROM leads") == 1
    # Only calls that were under way as the first one died may be without an answer.
    assert len(set(NUMBERS) - recorded) <= 3 * CALLS_PER_SECOND
