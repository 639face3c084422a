"""
Live streams: one snapshot per campaign and change, encoded once, sent to everybody who watches.

One LISTEN connection per process hears the nodes' batched `live` notifications (lists of campaign ids) and the
`campaign_control` ones; they only wake, the truth is read from the tables. A watched campaign has one task; it reads at
most every `live_interval_seconds`, and never more than a quarter of its time, however big the campaign is.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
import structlog

from analytics.attempts import Attempt
from analytics.database import Pool
from analytics.live import live_state
from api.schemas.live import LeadCounts, LiveCall, LiveRate, LiveSnapshot
from api.settings import ApiSettings
from campaigns.errors import NotFound
from campaigns.numbers import mask
from campaigns.store import CampaignStore

log = structlog.get_logger()

CHANNELS: Final = ("live", "campaign_control")
LISTEN_RETRY_SECONDS: Final = 1.0
REST_PER_READ: Final = 3.0
"""After a read of n seconds rest 3n: big campaigns refresh more slowly instead of loading the database."""

FRAME_END: Final = b"\n\n"


class Channel:
    """Everybody who watches one campaign. A slow reader gets the newest frame, not all of them."""

    __slots__ = ("changed", "frame", "is_closed", "is_stale", "task", "watchers")

    def __init__(self) -> None:
        self.watchers = 0
        self.frame: bytes | None = None
        self.changed = asyncio.Condition()
        self.is_stale = asyncio.Event()
        self.is_closed = False
        self.task: asyncio.Task[None] | None = None


class LiveHub:
    """The live streams of this process; lives as long as the application."""

    def __init__(self, settings: ApiSettings, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._pool = pool
        self._store = CampaignStore(pool)
        self._clock = clock
        self._channels: dict[int, Channel] = {}
        self._seq = 0
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

    async def stream(self, campaign_id: int) -> AsyncIterator[bytes]:
        """Yield server-sent events (WHATWG HTML §9.2): a snapshot at once, then every change, and heartbeats."""
        channel = self._watch(campaign_id)
        sent: bytes | None = None
        try:
            yield b"retry: 1000\n\n"
            while not channel.is_closed:
                if channel.frame is not None and channel.frame is not sent:
                    sent = channel.frame
                    yield sent
                    continue
                try:
                    async with asyncio.timeout(self._settings.heartbeat_seconds), channel.changed:
                        # a frame published between the test and here is seen because the publisher needs the lock
                        while channel.frame is sent and not channel.is_closed:
                            await channel.changed.wait()
                except TimeoutError:
                    yield event("heartbeat", msgspec.json.encode({"time": self._clock()}))
        finally:
            self._leave(campaign_id, channel)

    def _watch(self, campaign_id: int) -> Channel:
        assert self._tasks is not None, "the hub is not running"
        channel = self._channels.get(campaign_id)
        if channel is None:
            channel = self._channels[campaign_id] = Channel()
            channel.task = self._tasks.create_task(
                self._refresh(campaign_id, channel), name=f"live-campaign-{campaign_id}"
            )
        channel.watchers += 1
        return channel

    def _leave(self, campaign_id: int, channel: Channel) -> None:
        channel.watchers -= 1
        if channel.watchers == 0 and self._channels.get(campaign_id) is channel:
            del self._channels[campaign_id]
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
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    # the stream stays open; heartbeats show that the figures are getting old
                    log.warning("live.read_failed", campaign_id=campaign_id, error=type(error).__name__)
                else:
                    if snapshot.status == "running":
                        patience_seconds = self._settings.live_refresh_seconds
                    await publish(channel, event("snapshot", msgspec.json.encode(snapshot), snapshot.seq))
                took_seconds = loop.time() - started_at
                await asyncio.sleep(max(self._settings.live_interval_seconds, took_seconds * REST_PER_READ))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience_seconds):
                        await channel.is_stale.wait()
        finally:
            channel.is_closed = True
            await publish(channel, channel.frame)

    async def snapshot(self, campaign_id: int) -> LiveSnapshot:
        """Return the campaign as it is now. Raises `NotFound`."""
        campaign = await self._store.get_campaign(campaign_id)
        state = await live_state(self._pool, campaign_id)
        self._seq += 1
        return LiveSnapshot(
            campaign_id=campaign_id,
            name=campaign.name,
            status=campaign.status,
            seq=self._seq,
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

    async def _listen(self) -> None:
        """Keep one connection listening; whenever it is lost, open another and refresh everything once."""
        while True:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
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
        for campaign_id in self._channels if campaign_ids is None else campaign_ids:
            if (channel := self._channels.get(campaign_id)) is not None:
                channel.is_stale.set()


async def publish(channel: Channel, frame: bytes | None) -> None:
    async with channel.changed:
        channel.frame = frame
        channel.changed.notify_all()


def event(name: str, data: bytes, seq: int | None = None) -> bytes:
    head = b"" if seq is None else b"id: %d\n" % seq
    return head + b"event: " + name.encode() + b"\ndata: " + data + FRAME_END


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
