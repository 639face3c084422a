"""
The first seconds of calls that are not recorded, for the listening queue (docs/adr/0021).

They stay in memory until the call is over. Only the sound of a drawn verdict is written, sealed like any recording and kept as long;
what was heard as a person is forgotten at the verdict. No call waits for the disk; without a key there is no sound to keep.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
import structlog

from campaigns.live_attempt import LiveAttempt
from campaigns.recording_rows import RecordingRow, RecordingRows
from campaigns.recording_settings import RecordingSettings
from campaigns.settlement import Settlement
from campaigns.snowflake import SnowflakeIds
from campaigns.verdict_sample import NOBODY
from dialer.recording.container import CHUNK_SAMPLES
from dialer.recording.keyring import Keyring
from dialer.recording.recorder import free_bytes, part_directory, relative_path
from dialer.recording.recording_file import PART_SUFFIX, ClosedFile, RecordingFile
from dialer.recording.track import Chunk, Track
from dialer.rtp.tap import AudioTap, TapFrame

log = structlog.get_logger()

SECONDS: Final = 12
"""The latest verdict comes after eight; both sides, so that a beep's message is heard to begin."""
MAX_SAMPLES: Final = SECONDS * CHUNK_SAMPLES
MAX_WAITING: Final = 200
"""Drawn verdicts that a slow disk has not taken; further ones stay without sound."""


class _Kept(msgspec.Struct):
    """One call's sound."""

    live: LiveAttempt
    started_time: datetime
    track: Track = msgspec.field(default_factory=Track)
    chunks: list[Chunk] = []
    is_drawn: bool = False
    is_full: bool = False
    is_over: bool = False
    """The tap has ended: no frame comes any more."""


class FirstSeconds:
    """An `AudioSink`, owned by the node's loop."""

    def __init__(
        self,
        rows: RecordingRows,
        settings: RecordingSettings,
        *,
        node_name: str,
        ids: SnowflakeIds,
        rng: Callable[[int], bytes],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._rows = rows
        self._settings = settings
        self._node_name = node_name
        self._ids = ids
        self._rng = rng
        self._wall_clock = wall_clock
        self._kept: dict[AudioTap, _Kept] = {}
        self._taps: dict[int, AudioTap] = {}
        """By attempt, while it is under way."""
        self._loop = asyncio.get_running_loop()
        self._to_write: deque[_Kept] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def call_answered(self, live: LiveAttempt) -> None:
        """Listen along, if the campaign audits its verdicts and does not record the call anyhow."""
        plan = live.begun.plan
        is_audited = plan.answering_machine != "ignore" and plan.audit_share > 0
        if not is_audited or plan.recording == "all" or self._settings.keyring is None or live.call is None:
            return
        tap = live.call.open_tap(self)
        if tap is not None:
            self._kept[tap] = _Kept(live, self._wall_clock())
            self._taps[live.begun.attempt_id] = tap

    def call_ended(self, live: LiveAttempt, settlement: Settlement) -> None:
        """Keep the sound of a drawn verdict, forget any other."""
        tap = self._taps.pop(live.begun.attempt_id, None)
        kept = self._kept.get(tap) if tap is not None else None
        if tap is None or kept is None:
            return
        kept.is_drawn = settlement.audit_share is not None
        if not kept.is_drawn:
            del self._kept[tap]
        elif kept.is_over:
            self._finish(tap)

    def take_frames(self, frames: list[TapFrame]) -> None:
        for frame in frames:
            kept = self._kept.get(frame.tap)
            if kept is None or kept.is_full:
                continue
            heard = kept.live.answered_by
            if heard is not None and heard != "silence" and heard not in NOBODY:
                del self._kept[frame.tap]  # a person, or perhaps one
                self._hear_no_more(kept.live, frame.tap)
            elif frame.start_sample >= MAX_SAMPLES:
                kept.is_full = True
                self._hear_no_more(kept.live, frame.tap)
            else:
                kept.chunks += kept.track.put(frame)

    def _hear_no_more(self, live: LiveAttempt, tap: AudioTap) -> None:
        """The rest of the call costs nothing; not now, while the clock goes over the taps."""
        if live.call is not None:
            self._loop.call_soon(live.call.close_tap, tap)

    def end_tap(self, tap: AudioTap) -> None:
        kept = self._kept.get(tap)
        if kept is None:
            return
        kept.is_over = True
        if kept.is_drawn:
            self._finish(tap)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what waits. A file that is begun is finished, whoever stops waiting for it: no file without its row."""
        while self._writing is not None or self._to_write:
            if self._writing is None:
                self._writing = asyncio.create_task(
                    self._write(self._to_write.popleft()), name="first-seconds-file"
                )
            try:
                await asyncio.shield(self._writing)
            finally:
                if self._writing.done():
                    self._writing = None

    def _finish(self, tap: AudioTap) -> None:
        kept = self._kept.pop(tap)
        if len(self._to_write) >= MAX_WAITING:
            log.warning("verdict.sound_lost", attempt_id=kept.live.begun.attempt_id)
            return
        self._to_write.append(kept)
        self._wake.set()

    async def _write(self, kept: _Kept) -> None:
        begun, keyring = kept.live.begun, self._settings.keyring
        assert keyring is not None, "without one nothing is kept"
        recording_id = self._ids.next(int(kept.started_time.timestamp() * 1000))
        row = RecordingRow(
            shard_key=begun.plan.shard_key,
            recording_id=recording_id,
            attempt_id=begun.attempt_id,
            campaign_id=begun.plan.campaign_id,
            contact_id=begun.contact_id,
            started_time=kept.started_time,
            path=relative_path(recording_id, kept.started_time).as_posix(),
            key_id=keyring.current_id,
        )
        ended = row.ended(await asyncio.to_thread(self._write_file, kept, row, keyring))
        log.info(
            "verdict.sound_kept",
            attempt_id=begun.attempt_id,
            recording_id=recording_id,
            state=ended.state,
            cause=ended.cause,
        )
        self._rows.add(ended)

    def _write_file(self, kept: _Kept, row: RecordingRow, keyring: Keyring) -> ClosedFile:
        directory = self._settings.directory
        file = RecordingFile(
            part_directory(directory, self._node_name) / f"{row.recording_id}{PART_SUFFIX}",
            directory / row.path,
            keyring,
            recording_id=row.recording_id,
            started_ms=round(row.started_time.timestamp() * 1000),
            owner=row.owner(),
            rng=self._rng,
        )
        is_full = free_bytes(directory) < self._settings.keep_free_bytes
        for number, plain in [*kept.chunks, *kept.track.finish(0)]:
            if is_full:
                file.miss(number, "disk_full")
            else:
                file.write(number, plain)
        return file.close(kept.track.samples, kept.track.gaps)
