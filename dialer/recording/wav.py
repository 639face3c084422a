"""A recording as a WAV file (RIFF, PCM 16 bit, 8 kHz, callee left and us right), any stretch of it by arithmetic."""

import struct
from typing import Final

from dialer.recording.reader import Forged, Recording

RATE: Final = 8_000
FRAME_BYTES: Final = 4
"""Of one sample of both sides."""
HEADER_BYTES: Final = 44
_PCM: Final = 1
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")


def wav_header(samples: int) -> bytes:
    """Return the first 44 bytes of a file of so many samples of each side."""
    data = samples * FRAME_BYTES
    return _HEADER.pack(
        b"RIFF", HEADER_BYTES - 8 + data, b"WAVE", b"fmt ", 16, _PCM, 2, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 16,
        b"data", data,
    )  # fmt: skip


def wav_size(recording: Recording) -> int:
    return HEADER_BYTES + recording.samples * FRAME_BYTES


def read_wav(recording: Recording, start: int, stop: int) -> bytes | Forged:
    """Return bytes `start` to `stop` (exclusive) of the file. Blocking."""
    parts = []
    if start < HEADER_BYTES:
        parts.append(wav_header(recording.samples)[start:stop])
    first, last = max(0, start - HEADER_BYTES), stop - HEADER_BYTES
    if last > first:
        sample = first // FRAME_BYTES
        pcm = recording.read_pcm(sample, -(-last // FRAME_BYTES) - sample)
        if isinstance(pcm, Forged):
            return pcm
        skipped = first - sample * FRAME_BYTES
        parts.append(pcm[skipped : skipped + last - first])
    return b"".join(parts)


def millisecond_at(offset: int) -> int:
    """Return which moment a byte of the file belongs to."""
    return max(0, offset - HEADER_BYTES) // FRAME_BYTES * 1000 // RATE
