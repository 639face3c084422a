"""
Live streams of campaigns and of the floor: one snapshot per change, encoded once, sent to everybody who watches.

One LISTEN connection per process hears the nodes' batched `live` notifications (lists of campaign ids) and the
`campaign_control` ones; they only wake, the truth is read from the tables. A watched campaign has one task; it reads at
most every `live_interval_seconds`, and never more than a quarter of its time, however big the campaign is. The floor's
sources have a task each (api/floor.py).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
import structlog

from analytics.attempts import Attempt
from analytics.database import Pool
from analytics.live import live_state
from api.channel import Channel, event
from api.floor import DATABASE_ERRORS, FloorFeed
from api.schemas.live import LeadCounts, LiveCall, LiveRate, LiveSnapshot
from api.settings import ApiSettings
from campaigns.errors import NotFound
from campaigns.numbers import mask
from campaigns.store import CampaignStore

log = structlog.get_logger()

FLOOR: Final = 0
"""The floor's key among the channels; campaigns begin at 1."""
FLOOR_HEARTBEAT_SECONDS: Final = 1.0
CHANNELS: Final = ("live", "campaign_control")
LISTEN_RETRY_SECONDS: Final = 1.0
REST_PER_READ: Final = 3.0
"""After a read of n seconds rest 3n: big campaigns refresh more slowly instead of loading the database."""


class LiveHub:
    """The live streams of this process; lives as long as the application."""

    def __init__(self, settings: ApiSettings, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._pool = pool
        self._store = CampaignStore(pool)
        self._clock = clock
        self._channels: dict[int, Channel] = {}
        self._seq = 0
        self.floor = FloorFeed(pool, clock, settings.live_interval_seconds, self._next_seq)
        self._tasks: asyncio.TaskGroup | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear notifications while the block runs; then end all streams."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            listener = tasks.create_task(self._listen(), name="live-listen")
            try:
                yield
            finally:
                listener.cancel()
                for channel in self._channels.values():
                    if channel.task is not None:
                        channel.task.cancel()
                self._tasks = None

    def stream(self, campaign_id: int) -> AsyncIterator[bytes]:
        """Yield the live stream of a campaign."""
        return self._stream(
            campaign_id,
            lambda channel: self._refresh(campaign_id, channel),
            self._settings.heartbeat_seconds,
        )

    def stream_floor(self) -> AsyncIterator[bytes]:
        """Yield the live stream of the floor."""
        return self._stream(
            FLOOR, self.floor.run, min(FLOOR_HEARTBEAT_SECONDS, self._settings.heartbeat_seconds)
        )

    async def _stream(
        self, key: int, work: Callable[[Channel], Coroutine[None, None, None]], heartbeat_seconds: float
    ) -> AsyncIterator[bytes]:
        channel = self._watch(key, work)
        try:
            async for frame in channel.frames(heartbeat_seconds, self._clock):
                yield frame
        finally:
            self._leave(key, channel)

    def _watch(self, key: int, work: Callable[[Channel], Coroutine[None, None, None]]) -> Channel:
        assert self._tasks is not None, "the hub is not running"
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel()
            channel.task = self._tasks.create_task(work(channel), name=f"live-{key or 'floor'}")
        channel.watchers += 1
        return channel

    def _leave(self, key: int, channel: Channel) -> None:
        channel.watchers -= 1
        if channel.watchers == 0 and self._channels.get(key) is channel:
            del self._channels[key]
            if channel.task is not None:
                channel.task.cancel()

    async def _refresh(self, campaign_id: int, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                channel.is_stale.clear()
                patience_seconds = self._settings.heartbeat_seconds
                started_at = loop.time()
                try:
                    snapshot = await self.snapshot(campaign_id)
                except NotFound:
                    return
                except DATABASE_ERRORS as error:
                    # the stream stays open; heartbeats show that the figures are getting old
                    log.warning("live.read_failed", campaign_id=campaign_id, error=type(error).__name__)
                else:
                    if snapshot.status == "running":
                        patience_seconds = self._settings.live_refresh_seconds
                    await channel.publish(event("snapshot", msgspec.json.encode(snapshot), snapshot.seq))
                took_seconds = loop.time() - started_at
                await asyncio.sleep(max(self._settings.live_interval_seconds, took_seconds * REST_PER_READ))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience_seconds):
                        await channel.is_stale.wait()
        finally:
            await channel.close()

    async def snapshot(self, campaign_id: int) -> LiveSnapshot:
        """Return the campaign as it is now. Raises `NotFound`."""
        campaign = await self._store.get_campaign(campaign_id)
        state = await live_state(self._pool, campaign_id)
        return LiveSnapshot(
            campaign_id=campaign_id,
            name=campaign.name,
            status=campaign.status,
            seq=self._next_seq(),
            time=self._clock(),
            leads=LeadCounts(**msgspec.structs.asdict(state.leads)),
            attempts=state.attempts,
            open_attempts=state.open_attempts,
            answered=LiveRate(
                numerator=state.answered.numerator,
                denominator=state.answered.denominator,
                value=state.answered.value,
            ),
            outcomes={str(result): count for result, count in state.outcomes.items()},
            callback_requests=state.callback_requests,
            refusals=state.refusals,
            last_calls=[live_call(attempt) for attempt in state.last_attempts],
        )

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    async def _listen(self) -> None:
        """Keep one connection listening; whenever it is lost, open another and refresh everything once."""
        while True:
            try:
                await self._listen_once()
            except DATABASE_ERRORS as error:
                log.warning("live.listen_failed", error=type(error).__name__)
            await asyncio.sleep(LISTEN_RETRY_SECONDS)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(self._settings.database_url)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            for channel in CHANNELS:
                await connection.add_listener(channel, self._notified)
            self._wake(None)
            await lost.wait()
        finally:
            connection.terminate()

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            ids = msgspec.json.decode(str(payload), type=list[int])
        except msgspec.MsgspecError:
            self._wake(None)  # another channel's payload: refreshing what is watched is cheap and right
        else:
            self._wake(ids)

    def _wake(self, campaign_ids: list[int] | None) -> None:
        """Wake those who show these campaigns (None: all); the floor shows every one."""
        for key in self._channels if campaign_ids is None else (FLOOR, *campaign_ids):
            if (channel := self._channels.get(key)) is not None:
                channel.is_stale.set()


def live_call(attempt: Attempt) -> LiveCall:
    return LiveCall(
        attempt_id=str(attempt.attempt_id),
        number=mask(attempt.number),
        attempt_number=attempt.attempt_number,
        started_time=attempt.started_time,
        result=attempt.result,
        reason=attempt.reason,
        sip_status=attempt.sip_status,
        ended_by=attempt.ended_by,
        pdd_ms=attempt.pdd_ms,
        talk_ms=attempt.talk_ms,
        digits=attempt.digits,
        disposition=attempt.disposition,
    )
