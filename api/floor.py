"""
The live floor's feed: its sources, each read at its own pace, and the snapshot that they make together.

Rules:
1. A source that fails or is slow keeps its last figures and grows old; the others go on. The page shows each age.
2. A source never loads the database more than its share: after a read of n seconds it rests `rest` times n.
3. Nothing is read while nobody watches.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from analytics import floor
from analytics.database import Pool
from api.channel import Channel, event
from api.floor_snapshot import SILENT_AFTER, FloorFacts, floor_snapshot
from api.schemas.floor import FloorSnapshot, SourceView

log = structlog.get_logger()

DATABASE_ERRORS: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a dying server's last words
)
READ_TIMEOUT_SECONDS: Final = 10.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How often a source is read."""

    interval_seconds: float
    """At least this between two reads."""
    patience_seconds: float
    """At most this between two reads, woken or not; equal to the interval where notifications do not matter."""
    rest: float = 3.0

    @property
    def stale_after_seconds(self) -> float:
        # what is read every second may be two seconds old; what is read seldom, two rounds of it
        return max(2.5, 2 * self.patience_seconds + 1)


PACES: Final = {
    "campaigns": Pace(interval_seconds=0.25, patience_seconds=1),
    "nodes": Pace(interval_seconds=0.25, patience_seconds=1),
    "calls": Pace(interval_seconds=0.5, patience_seconds=1),
    "alerts": Pace(interval_seconds=1, patience_seconds=1),
    "trunks": Pace(interval_seconds=5, patience_seconds=5),
    "minutes": Pace(interval_seconds=5, patience_seconds=5, rest=10),
    # reads every lead of the campaigns on the floor
    "leads": Pace(interval_seconds=3, patience_seconds=3, rest=10),
}


class FloorFeed:
    """The floor of this process; its sources live while somebody watches."""

    def __init__(
        self, pool: Pool, clock: Callable[[], datetime], interval_seconds: float, next_seq: Callable[[], int]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._next_seq = next_seq
        self._facts = FloorFacts()
        self._read_times: dict[str, datetime] = {}
        self._reading = asyncio.Lock()
        self._changed = asyncio.Event()
        self._wakes: dict[str, asyncio.Event] = {name: asyncio.Event() for name in PACES}

    async def run(self, channel: Channel) -> None:
        """Keep the channel supplied until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_on(channel), name="floor-wake")
                tasks.create_task(self._publish(channel), name="floor-publish")
                await self._read_once("campaigns")
                for name in PACES:
                    tasks.create_task(self._keep(name), name=f"floor-{name}")
        finally:
            await channel.close()

    async def snapshot(self) -> FloorSnapshot:
        """Return the floor now; reads what is older than it should be, or was never read. Many who ask share one reading."""
        async with self._reading:
            for name, pace in PACES.items():
                read_time = self._read_times.get(name)
                age = None if read_time is None else (self._clock() - read_time).total_seconds()
                if age is None or age > pace.patience_seconds:
                    await self._read(name)
        return self._assemble()

    async def _keep(self, name: str) -> None:
        pace, wake = PACES[name], self._wakes[name]
        loop = asyncio.get_running_loop()
        while True:
            wake.clear()
            started_at = loop.time()
            await self._read_once(name)
            took_seconds = loop.time() - started_at
            pause_seconds = max(pace.interval_seconds, self._interval_seconds, took_seconds * pace.rest)
            await asyncio.sleep(pause_seconds)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pace.patience_seconds - pause_seconds)):
                    await wake.wait()

    async def _read_once(self, name: str) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_SECONDS):
                await self._read(name)
        except DATABASE_ERRORS as error:
            log.warning("floor.read_failed", source=name, error=type(error).__name__)
        except Exception:
            # a bug in one source: it grows old on the page, and neither the others nor the API end with it
            log.exception("floor.read_broke", source=name)

    async def _read(self, name: str) -> None:
        now = self._clock()
        setattr(self._facts, name, await self._reader(name, now))
        self._read_times[name] = now
        self._changed.set()

    def _reader(self, name: str, now: datetime) -> Awaitable[Any]:
        pool = self._pool
        campaign_ids = [row.campaign_id for row in self._facts.campaigns]
        match name:
            case "campaigns":
                return floor.floor_campaigns(pool, now)
            case "nodes":
                return floor.node_calls(pool)
            case "calls":
                return floor.recent_calls(pool, campaign_ids, now)
            case "minutes":
                return floor.calls_by_minute(pool, campaign_ids, now)
            case "leads":
                return floor.lead_counts(pool, campaign_ids, now)
            case "trunks":
                return floor.floor_trunks(pool)
            case _:
                return floor.open_alerts(pool)

    async def _pass_on(self, channel: Channel) -> None:
        while True:
            await channel.is_stale.wait()
            channel.is_stale.clear()
            for wake in self._wakes.values():
                wake.set()

    async def _publish(self, channel: Channel) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            snapshot = self._assemble()
            await channel.publish(event("floor", msgspec.json.encode(snapshot), snapshot.seq))
            await asyncio.sleep(self._interval_seconds)

    def _assemble(self) -> FloorSnapshot:
        now = self._clock()
        return floor_snapshot(self._facts, seq=self._next_seq(), now=now, sources=self._sources(now))

    def _sources(self, now: datetime) -> list[SourceView]:
        return [
            SourceView(
                name=name, read_time=self._read_time(name, now), stale_after_seconds=pace.stale_after_seconds
            )
            for name, pace in PACES.items()
        ]

    def _read_time(self, name: str, now: datetime) -> datetime | None:
        """The nodes' figures are as old as the one that has been silent longest, of those that beat."""
        read_time = self._read_times.get(name)
        if name != "nodes" or read_time is None:
            return read_time
        spoken = [
            node.time
            for node in self._facts.nodes
            if node.time is not None and now - node.heartbeat_time < SILENT_AFTER
        ]
        # a reading between two words of a node is as good as the last word: a second of grace
        return min([read_time, *(time + timedelta(seconds=1) for time in spoken)])
