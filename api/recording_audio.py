"""The sound of a recording on its way to a listener: opened, cut to a range of its WAV file, written into the audit."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

import structlog

from api.byte_range import ByteRange
from campaigns.errors import Conflict
from campaigns.recording_keeper import place_of
from campaigns.recording_settings import RecordingSettings
from campaigns.recordings import RecordingRow, RecordingStore
from dialer.recording.reader import Forged, Recording, Unreadable
from dialer.recording.wav import millisecond_at, read_wav

log = structlog.get_logger()

BLOCK_BYTES: Final = 960_000
"""Half a minute: so much is deciphered at a time, and noted as heard."""


def open_recording(settings: RecordingSettings | None, row: RecordingRow) -> Recording:
    """
    Open the file of a recording. Blocking.

    Raises:
        Conflict: `recording_writing`, `recording_deleted`, `recording_unreadable` with why.
    """
    if row.state == "writing":
        raise Conflict("recording_writing")
    if not row.can_be_heard:
        raise Conflict("recording_deleted")
    if settings is None or settings.keyring is None:
        raise Conflict("recording_unreadable", reason="unknown_key")
    opened = Recording.open(place_of(settings.directory, row.path), settings.keyring)
    if isinstance(opened, Unreadable):
        log.warning("recording.unreadable", recording_id=row.recording_id, reason=opened.code)
        raise Conflict("recording_unreadable", reason=opened.code)
    return opened


class Unheard(Exception):
    """The sound ends here: a second of it is not ours."""


async def stream_wav(
    recording: Recording,
    wanted: ByteRange,
    row: RecordingRow,
    store: RecordingStore,
    clock: Callable[[], datetime],
    actor: str,
) -> AsyncIterator[bytes]:
    """
    Give a stretch of the WAV file block by block; what is handed over is noted first. Closes the recording.

    Raises:
        Unheard: with the headers gone, cutting the connection is all that is left to say.
    """
    # a thread that still reads when the listener has gone must not read a closed file
    lock = threading.Lock()

    def read(start: int, stop: int) -> bytes | Forged:
        with lock:
            return read_wav(recording, start, stop)

    def close() -> None:
        with lock:
            recording.close()

    try:
        for start in range(wanted.start, wanted.stop, BLOCK_BYTES):
            stop = min(start + BLOCK_BYTES, wanted.stop)
            block = await asyncio.to_thread(read, start, stop)
            if isinstance(block, Forged):
                log.error("recording.forged", recording_id=row.recording_id, second=block.chunk)
                raise Unheard
            await store.note_listening(
                row, actor=actor, from_ms=millisecond_at(start), to_ms=millisecond_at(stop), now=clock()
            )
            yield block
    finally:
        close()
