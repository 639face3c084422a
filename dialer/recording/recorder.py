"""
Recording beside the event loop: one thread per process writes the sound of all recorded calls.

The loop opens a tap per call; the clock's frames go through a bounded queue to the thread, which makes seconds of them, seals
and writes them. Nothing here makes a call wait. What cannot be written is a gap with a reason, and is tried anew a second later:

    disk_full     no space, or less than must stay free for others
    unreachable   the directory is gone, or may not be written
    io_error      anything else that the disk says
    overload      the queue was full: the disk or the machine was too slow for `QUEUE_SECONDS`
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from dialer.recording.container import GapReason
from dialer.recording.keyring import Keyring
from dialer.recording.recording_file import PART_SUFFIX, ClosedFile, RecordingFile
from dialer.recording.track import Chunk, Track
from dialer.rtp.tap import RECORDER_DEPTH_MS, AudioSink, AudioTap, FrameQueue, TapFrame

log = structlog.get_logger()

SUFFIX: Final = ".obz"
WRITING: Final = "writing"
"""Below the directory of the recordings, by node: what is not closed yet."""
QUEUE_SECONDS: Final = 15
QUEUE_CALLS: Final = 400
"""So many calls may wait so long for a stalled disk; some 180 MB."""
_FRAMES_PER_SECOND: Final = 100
"""Of both sides of a call."""
_POLL_SECONDS: Final = 0.2
_LOOK_SECONDS: Final = 1.0
"""Between two looks at the disk."""


BROKEN: Final = ClosedFile(samples=0, gaps=(), cause="io_error", size_bytes=None, sha256=None)


class Tappable(Protocol):
    """A call that can be heard (`dialer.engine.Call`)."""

    def open_tap(self, sink: AudioSink, *, depth_ms: int) -> AudioTap | None: ...


class ClosedRecording(msgspec.Struct, frozen=True):
    """The end of a recording, told on the loop."""

    recording_id: int
    file: ClosedFile


class _Open(msgspec.Struct):
    """One recorded call, in the thread."""

    recording_id: int
    file: RecordingFile
    track: Track = msgspec.field(default_factory=Track)


class Recorder:
    """An `AudioSink`. All public methods belong to the loop; `on_closed` is called there, once for each recording."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        directory: Path,
        keyring: Keyring,
        *,
        node_name: str,
        keep_free_bytes: int,
        rng: Callable[[int], bytes],
        on_closed: Callable[[ClosedRecording], None],
        max_frames: int = QUEUE_SECONDS * QUEUE_CALLS * _FRAMES_PER_SECOND,
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._keyring = keyring
        self._parts = part_directory(directory, node_name)
        self._keep_free_bytes = keep_free_bytes
        self._rng = rng
        self._on_closed = on_closed
        self._queue = FrameQueue(max_frames)
        self._open: dict[AudioTap, _Open] = {}
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._trouble: GapReason | None = None
        self._trouble_at = 0.0
        self._is_full = False

    @property
    def key_id(self) -> str:
        return self._keyring.current_id

    def begin(
        self, call: Tappable, recording_id: int, started_time: datetime, owner: bytes
    ) -> AudioTap | None:
        """Record a call from now on, until its end or `close_tap`; None where it cannot be heard."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
            self._thread.start()
        tap = call.open_tap(self, depth_ms=RECORDER_DEPTH_MS)
        if tap is None:
            return None
        file = RecordingFile(
            self._parts / f"{recording_id}{PART_SUFFIX}",
            self._directory / relative_path(recording_id, started_time),
            self._keyring,
            recording_id=recording_id,
            started_ms=round(started_time.timestamp() * 1_000),
            owner=owner,
            rng=self._rng,
        )
        self._open[tap] = _Open(recording_id, file)  # the thread hears of it by the first frame or the end
        return tap

    def take_frames(self, frames: list[TapFrame]) -> None:
        self._queue.take_frames(frames)

    def end_tap(self, tap: AudioTap) -> None:
        self._queue.end_tap(tap)

    async def close(self, timeout_seconds: float) -> bool:
        """Write what waits and end the thread, after the calls; False where the disk did not let it end in time."""
        self._stopping.set()
        if self._thread is None:
            return True
        await asyncio.to_thread(self._thread.join, timeout_seconds)
        is_ended = not self._thread.is_alive()
        if not is_ended:
            log.error("recordings.left_unwritten", recordings=len(self._open), path=str(self._directory))
        await asyncio.sleep(0)  # the last reports
        return is_ended

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        look_at = time.monotonic()
        while True:
            item = self._queue.get(_POLL_SECONDS)
            if item is None:
                if self._stopping.is_set():
                    return
            elif isinstance(item, AudioTap):
                self._finish(item)
            else:
                self._write(item)
            now = time.monotonic()
            if now >= look_at:
                look_at = now + _LOOK_SECONDS
                self._look_at_disk()

    def _write(self, frames: list[TapFrame]) -> None:
        for frame in frames:
            one = self._open.get(frame.tap)
            if one is None:
                continue
            try:
                if chunks := one.track.put(frame):
                    self._write_chunks(one, chunks)
            except Exception:  # a bug costs one recording, and says so
                log.exception("recorder.crashed", recording_id=one.recording_id)
                self._open.pop(frame.tap)
                self._tell(one.recording_id, BROKEN)

    def _write_chunks(self, one: _Open, chunks: list[Chunk]) -> None:
        for number, plain in chunks:
            if self._is_full:
                one.file.miss(number, "disk_full")
                self._note("disk_full")
            else:
                self._note(one.file.write(number, plain))

    def _finish(self, tap: AudioTap) -> None:
        one = self._open.pop(tap, None)
        if one is None:
            return
        closed: ClosedFile | None = None
        try:
            self._write_chunks(one, one.track.finish(tap.samples))
            closed = one.file.close(one.track.samples, one.track.gaps)
        except Exception:
            log.exception("recorder.crashed", recording_id=one.recording_id)
        self._tell(one.recording_id, closed or BROKEN)

    def _tell(self, recording_id: int, file: ClosedFile) -> None:
        self._loop.call_soon_threadsafe(self._on_closed, ClosedRecording(recording_id, file))

    def _look_at_disk(self) -> None:
        """See whether there is room, and whether the files are still there."""
        self._is_full = free_bytes(self._directory) < self._keep_free_bytes
        lost = [one.recording_id for one in list(self._open.values()) if one.file.was_lost()]
        if lost:
            log.error("recordings.taken_away", recordings=len(lost), path=str(self._directory))

    def _note(self, trouble: GapReason | None) -> None:
        """Say once that writing fails, and once that it does again."""
        if trouble == self._trouble:
            return
        now = time.monotonic()
        if trouble is None:
            seconds = round(now - self._trouble_at, 1)
            log.warning("recordings.resumed", seconds=seconds, path=str(self._directory))
        elif self._trouble is None:
            self._trouble_at = now
            log.error("recordings.interrupted", cause=trouble, path=str(self._directory))
        self._trouble = trouble


def part_directory(directory: Path, node_name: str) -> Path:
    """Return where a node writes what is not closed yet."""
    return directory / WRITING / node_name


def relative_path(recording_id: int, started_time: datetime) -> Path:
    """Return the place of a closed recording below the directory: by its day in UTC, so that a folder stays small."""
    return Path(f"{started_time.astimezone(UTC):%Y/%m/%d}") / f"{recording_id}{SUFFIX}"


def free_bytes(directory: Path) -> float:
    """Return the room under a directory for us; endless where nobody can say, and writing will tell."""
    try:
        facts = os.statvfs(directory)
    except OSError:
        return float("inf")
    return facts.f_bavail * facts.f_frsize
