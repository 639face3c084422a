"""A real node, dialing a real simulated carrier over UDP, on a real database."""

import asyncio
import math
import secrets
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from campaigns.database import Pool
from campaigns.node import Node
from campaigns.recording_settings import RecordingSettings
from campaigns.settings import NodeSettings
from dialer.config import Secret
from dialer.recording.keyring import Keyring
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import CalleePlan
from dialer.testing.truth import RecordedAttempt, TruthRow
from tests.postgres.campaign_rows import number_of

KEYRING = Keyring("k1", {"k1": bytes(range(32))})
QUICK = 0.2
"""Seconds that a callee of these tests takes for anything."""

LISTENS = CalleePlan(behaviour="listens", ring_seconds=QUICK, final_status=200)
HANGS_UP = CalleePlan(behaviour="hangs_up", ring_seconds=QUICK, final_status=200, hang_up_after_seconds=QUICK)
PRESSES_1 = CalleePlan(
    behaviour="presses_1", ring_seconds=QUICK, final_status=200, digit="1", press_after_seconds=QUICK
)
PRESSES_9 = CalleePlan(
    behaviour="presses_9", ring_seconds=QUICK, final_status=200, digit="9", press_after_seconds=QUICK
)
BUSY = CalleePlan(behaviour="busy", ring_seconds=QUICK, final_status=486)
CONGESTED_ONCE = CalleePlan(behaviour="congested", ring_seconds=QUICK, final_status=200, congested_calls=1)
RINGS = CalleePlan(behaviour="no_answer")


def settings_of(database: str, spool_dir: Path, **changes: object) -> NodeSettings:
    settings = NodeSettings(
        database_url=Secret(database), node_name="test", spool_dir=spool_dir, drain_seconds=10.0,
        recordings=RecordingSettings(directory=spool_dir / "recordings", keyring=KEYRING, keep_free_bytes=0),
    )  # fmt: skip
    return msgspec.structs.replace(settings, **changes)


class Truth(dict[str, TruthRow]):
    """What the carrier knows, by Call-ID."""

    def add(self, row: TruthRow) -> None:
        self[row.call_id] = row

    @property
    def numbers(self) -> list[str]:
        return sorted(row.number for row in self.values())


@asynccontextmanager
async def carrier(*plans: CalleePlan) -> AsyncIterator[tuple[SimulatedCarrier, Truth]]:
    """Open a carrier whose n-th number behaves by the n-th plan, over and over."""
    truth = Truth()
    plan_by_number = {number_of(index): plans[index % len(plans)] for index in range(1000)}
    config = CarrierConfig(host="127.0.0.9")
    async with SimulatedCarrier(
        config, truth.add, plan_for=lambda number, _seed: plan_by_number[number]
    ) as opened:
        yield opened, truth


@asynccontextmanager
async def running_node(settings: NodeSettings) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Run a node; the given function stops it and waits until it has drained. Leaving stops it too."""
    stop = asyncio.Event()
    node = Node(settings, stop=stop, rng=secrets.token_bytes, wall_clock=lambda: datetime.now(UTC))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(node.run(), name="node")

        async def drained() -> None:
            stop.set()
            await asyncio.shield(task)

        try:
            yield drained
        finally:
            stop.set()


async def until(condition: Callable[[], Awaitable[object]], *, seconds: float = 30.0) -> None:
    """Wait for something that other processes and sockets bring about."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def is_finished(pool: Pool, campaign_id: int) -> bool:
    status = await pool.fetchval("SELECT status FROM campaigns WHERE campaign_id = $1", campaign_id)
    return bool(status == "finished")


async def add_prompt(pool: Pool, *, seconds: float = 0.5) -> int:
    samples = [
        round(8000 * math.sin(2 * math.pi * 440 * index / 8000)) for index in range(int(8000 * seconds))
    ]
    return int(
        await pool.fetchval(
            "INSERT INTO prompts (name, duration_ms, pcm_s16le_8khz, created_time) VALUES ('tone', $1, $2, $3) "
            "RETURNING prompt_id",
            int(seconds * 1000),
            struct.pack(f"<{len(samples)}h", *samples),
            datetime.now(UTC),
        )
    )


async def recorded(pool: Pool) -> list[RecordedAttempt]:
    rows = await pool.fetch(
        "SELECT call_id, number, result, sip_status, result = 'answered' OR result = 'abandoned' AS answered, "
        "ended_by, coalesce(digits, '') AS digits, disposition FROM attempts ORDER BY started_time, attempt_id"
    )
    return [RecordedAttempt(**dict(row)) for row in rows]
