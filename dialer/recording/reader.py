"""
Listening to a recording: any stretch of it by arithmetic, without reading the rest. What is wrong with it is a value.

Blocking, and not for two threads at once.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialer.media.g711 import decode
from dialer.recording.container import (
    ALAW,
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    END_BYTES,
    FRAME_SAMPLES,
    HEADER_BYTES,
    MARKS_AT,
    SLOT_BYTES,
    Gap,
    Header,
    Seal,
    slot_at,
    slots_of,
    trailer_bytes,
    unpack_header,
)
from dialer.recording.keyring import Keyring
from dialer.recording.track import BLANK
from dialer.rtp.outgoing import PCMA, PCMU

_EMPTY_SLOT: Final = bytes(SLOT_BYTES)
_PEAK_SHIFT: Final = 7
"""16-bit samples into 0..255."""


class Unreadable(msgspec.Struct, frozen=True):
    """Why a file cannot be listened to."""

    code: Literal["missing", "not_a_recording", "unknown_key", "forged"]
    key_id: str | None = None
    """The key that it asks for."""


class Forged(msgspec.Struct, frozen=True):
    """A second that was not written by us, or was changed since; or one that the disk does not give back."""

    chunk: int


class G711(msgspec.Struct, frozen=True):
    """A stretch of both sides as it was on the wire, one byte a sample."""

    callee: bytes
    us: bytes
    callee_marks: bytes
    """One for each 20 ms that the stretch touches (`container.ALAW`, `FILLED`, `MISSED`)."""
    us_marks: bytes


class Recording:
    """An open file. `with` closes it."""

    def __init__(
        self, fd: int, header: Header, seal: Seal, *, samples: int, gaps: tuple[Gap, ...] | None
    ) -> None:
        self._fd = fd
        self._seal = seal
        self._chunk: tuple[int, bytes] | None = None
        """The one that was read last: players ask for neighbours."""
        self.recording_id = header.recording_id
        self.key_id = header.key_id
        self.started_ms = header.started_ms
        self.owner = header.owner
        self.samples = samples
        """8,000 a second."""
        self.is_cut = gaps is None
        """The file was never closed; it goes to its last whole second."""
        self.gaps: list[Gap] = list(self._holes() if gaps is None else gaps)

    @classmethod
    def open(cls, path: Path, keyring: Keyring) -> "Recording | Unreadable":
        """Open a file and read its two ends."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return Unreadable("missing")
        try:
            recording = cls._read_ends(fd, keyring)
        except OSError:
            recording = Unreadable("missing")
        if isinstance(recording, Unreadable):
            os.close(fd)
        return recording

    @classmethod
    def _read_ends(cls, fd: int, keyring: Keyring) -> "Recording | Unreadable":
        header = unpack_header(os.pread(fd, HEADER_BYTES, 0))
        if header is None:
            return Unreadable("not_a_recording")
        key = keyring.get(header.key_id)
        if key is None:
            return Unreadable("unknown_key", header.key_id)
        seal, size = Seal(key, header), os.fstat(fd).st_size
        length = trailer_bytes(os.pread(fd, END_BYTES, max(0, size - END_BYTES)))
        at = size - END_BYTES - (length or 0)
        if length is None or at < HEADER_BYTES:
            whole = (size - HEADER_BYTES) // SLOT_BYTES
            return cls(fd, header, seal, samples=whole * CHUNK_SAMPLES, gaps=None)
        trailer = seal.open_trailer(os.pread(fd, length, at))
        if trailer is None or at != slot_at(slots_of(trailer.samples)):
            return Unreadable("forged", header.key_id)
        return cls(fd, header, seal, samples=trailer.samples, gaps=trailer.gaps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read_g711(self, start_sample: int, count: int) -> G711 | Forged:
        """Give a stretch; beyond the end there is nothing."""
        sides, marks = ([b""], [b""]), ([b""], [b""])
        for chunk, low, high in self._stretches(start_sample, count):
            if isinstance(chunk, Forged):
                return chunk
            frames = slice(low // FRAME_SAMPLES, -(-high // FRAME_SAMPLES))
            for channel in (0, 1):
                sides[channel].append(chunk[channel * CHUNK_SAMPLES :][low:high])
                marks[channel].append(chunk[MARKS_AT + channel * CHUNK_FRAMES :][:CHUNK_FRAMES][frames])
        return G711(b"".join(sides[0]), b"".join(sides[1]), b"".join(marks[0]), b"".join(marks[1]))

    def read_pcm(self, start_sample: int, count: int) -> bytes | Forged:
        """Give a stretch as 16-bit little-endian samples, callee and us in turn; beyond the end there is nothing."""
        parts = [b""]
        for chunk, low, high in self._stretches(start_sample, count):
            if isinstance(chunk, Forged):
                return chunk
            parts.append(_linear(chunk)[:, low:high].T.astype("<i2").tobytes())
        return b"".join(parts)

    def waveform(self, points: int) -> NDArray[np.uint8] | Forged:
        """Give the peak of each of `points` equal stretches, 0..255, a row each for the callee and us."""
        peaks = np.zeros((2, points), np.uint8)
        start = 0
        for chunk, low, high in self._stretches(0, self.samples):
            if isinstance(chunk, Forged):
                return chunk
            at = np.arange(start, start + high - low) * points // self.samples
            loud = np.abs(_linear(chunk)[:, low:high].astype(np.int32)) >> _PEAK_SHIFT
            for channel in (0, 1):
                np.maximum.at(peaks[channel], at, loud[channel].astype(np.uint8))
            start += high - low
        return peaks

    def _stretches(self, start: int, count: int) -> Iterator[tuple[bytes | Forged, int, int]]:
        """Give each second that is touched, and from where to where in it."""
        at, end = max(0, start), min(start + count, self.samples)
        while at < end:
            number, low = divmod(at, CHUNK_SAMPLES)
            high = min(CHUNK_SAMPLES, low + end - at)
            yield self._read_chunk(number), low, high
            at += high - low

    def _read_chunk(self, number: int) -> bytes | Forged:
        if self._chunk is not None and self._chunk[0] == number:
            return self._chunk[1]
        try:
            sealed = os.pread(self._fd, SLOT_BYTES, slot_at(number))
        except OSError:
            return Forged(number)
        is_hole = sealed == _EMPTY_SLOT and self._is_gap(number)
        plain = bytes(BLANK) if is_hole else self._seal.open_chunk(number, sealed)
        if plain is None:
            return Forged(number)
        self._chunk = number, plain
        return plain

    def _is_gap(self, number: int) -> bool:
        """Tell whether the whole second is known to be missing: else nobody may blank it."""
        start, end = number * CHUNK_SAMPLES, min((number + 1) * CHUNK_SAMPLES, self.samples)
        return any(gap.start_sample <= start and end <= gap.end_sample for gap in self.gaps)

    def _holes(self) -> Iterator[Gap]:
        """Of a file without a trailer: the seconds that were never written."""
        start: int | None = None
        for number in range(slots_of(self.samples) + 1):
            is_hole = (
                number < slots_of(self.samples)
                and os.pread(self._fd, SLOT_BYTES, slot_at(number)) == _EMPTY_SLOT
            )
            if is_hole and start is None:
                start = number
            elif not is_hole and start is not None:
                yield Gap(start * CHUNK_SAMPLES, (number - start) * CHUNK_SAMPLES, "io_error")
                start = None


def _linear(chunk: bytes) -> NDArray[np.int16]:
    """Expand a second: (2, 8000), each frame by its own law."""
    codes = np.frombuffer(chunk, np.uint8, MARKS_AT).reshape(2, CHUNK_FRAMES, FRAME_SAMPLES)
    is_alaw = np.frombuffer(chunk, np.uint8, offset=MARKS_AT).reshape(2, CHUNK_FRAMES, 1) & ALAW
    raw = codes.tobytes()
    if not is_alaw.any():
        return decode(raw, PCMU).reshape(2, CHUNK_SAMPLES)
    shape = codes.shape
    laws = np.where(is_alaw, decode(raw, PCMA).reshape(shape), decode(raw, PCMU).reshape(shape))
    return laws.reshape(2, CHUNK_SAMPLES)
