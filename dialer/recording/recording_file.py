"""
One recording on its way to the disk: written beside its place, and linked there when it is closed. The first name stays until
somebody has written down what became of it (`forget_part`), so that a kill in between loses nothing.

What the disk refuses is a gap with a reason, and the next second is tried anew; a sealed chunk is written once, never mended.
Blocking: only for the thread of the recorder.
"""

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from dialer.recording.container import (
    ALAW,
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    FRAME_SAMPLES,
    SALT_BYTES,
    SLOT_BYTES,
    Gap,
    GapReason,
    Header,
    Seal,
    Trailer,
    merged,
    slot_at,
    slots_of,
)
from dialer.recording.keyring import Keyring

PART_SUFFIX: Final = ".part"
_EMPTY_SLOT: Final = bytes(SLOT_BYTES)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_AWAY: Final = frozenset(
    {
        errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ESTALE, errno.ENODEV, errno.ENXIO,
        errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT,
    }
)  # fmt: skip


class ClosedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a recording. `size_bytes` and `sha256` are None where there is no file in its place."""

    samples: int
    gaps: tuple[Gap, ...]
    cause: str | None
    """Why something is missing: the first gap's reason, or why the file is not in its place."""
    size_bytes: int | None
    sha256: bytes | None


class RecordingFile:
    """Opens its file when there is something to write, and again when it was lost."""

    def __init__(
        self,
        part_path: Path,
        path: Path,
        keyring: Keyring,
        *,
        recording_id: int,
        started_ms: int,
        owner: bytes,
        rng: Callable[[int], bytes],
    ) -> None:
        self._part_path = part_path
        self._path = path
        self._keyring = keyring
        self._recording_id = recording_id
        self._started_ms = started_ms
        self._owner = owner
        self._rng = rng
        self._fd: int | None = None
        self._seal: Seal
        self._digest = hashlib.sha256()
        self._slots = 0
        """Of the file on the disk, holes included."""
        self._gaps: list[Gap] = []

    def write(self, number: int, plain: bytes | bytearray) -> GapReason | None:
        """Seal and write one second; what the disk says instead becomes a gap."""
        try:
            if self._fd is None:
                self._open()
            self._write_slot(number, self._seal.seal_chunk(number, plain))
        except OSError as error:
            reason = reason_of(error)
            self.miss(number, reason)
            return reason
        return None

    def miss(self, number: int, reason: GapReason) -> None:
        """Do without one second."""
        self._gaps.append(Gap(number * CHUNK_SAMPLES, CHUNK_SAMPLES, reason))

    def was_lost(self) -> bool:
        """Tell whether somebody took the file away; then what was in it is missing, and the next second begins it anew."""
        if self._fd is None:
            return False
        try:
            is_there = os.fstat(self._fd).st_nlink > 0
        except OSError:
            is_there = False
        if is_there:
            return False
        self._gaps.append(Gap(0, self._slots * CHUNK_SAMPLES, "unreachable"))
        self._let_go()
        return True

    def close(self, samples: int, gaps: list[Gap]) -> ClosedFile:
        """Write the trailer, make it last, and put the file in its place; `gaps` are those of the track."""
        told = merged(_within(samples, [*self._gaps, *gaps]))
        cause = told[0].reason if told else None
        if self._fd is None:
            return ClosedFile(
                samples=samples, gaps=told, cause=cause or "no_sound", size_bytes=None, sha256=None
            )
        try:
            size = self._finish(Trailer(samples, told))
            sha256 = self._digest.digest()
        except OSError as error:
            # As after a kill: what is there can be read, and its row tells what is not.
            cause = cause or reason_of(error)
            size, sha256 = os.fstat(self._fd).st_size, None
        try:
            put_in_place(self._part_path, self._path)
            if sha256 is None:
                sha256 = hashlib.sha256(self._path.read_bytes()).digest()
        except OSError as error:
            return ClosedFile(
                samples=samples, gaps=told, cause=reason_of(error), size_bytes=None, sha256=None
            )
        finally:
            self._let_go()
        return ClosedFile(samples=samples, gaps=told, cause=cause, size_bytes=size, sha256=sha256)

    def _open(self) -> None:
        self._part_path.parent.mkdir(parents=True, exist_ok=True)
        header = Header(
            recording_id=self._recording_id,
            key_id=self._keyring.current_id,
            salt=self._rng(SALT_BYTES),  # a new one each time: the chunks of a lost file used their nonces up
            started_ms=self._started_ms,
            owner=self._owner,
        )
        fd = os.open(self._part_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(fd, header.pack(), 0)
        except OSError:
            os.close(fd)
            with contextlib.suppress(OSError):
                self._part_path.unlink()
            raise
        self._fd, self._seal, self._slots = fd, Seal(self._keyring.current, header), 0
        self._digest = hashlib.sha256(header.pack())

    def _write_slot(self, number: int, sealed: bytes) -> None:
        assert self._fd is not None
        assert number >= self._slots, "seconds come in order"
        try:
            _write_all(self._fd, sealed, slot_at(number))
        except OSError:
            # half a chunk would look like a forged one
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, slot_at(self._slots))
            raise
        self._hash_holes(number)
        self._digest.update(sealed)
        self._slots = number + 1

    def _finish(self, trailer: Trailer) -> int:
        assert self._fd is not None
        sealed = self._seal.seal_trailer(trailer)
        at = slot_at(slots_of(trailer.samples))
        _write_all(self._fd, sealed, at)
        os.fdatasync(self._fd)
        self._hash_holes(slots_of(trailer.samples))
        self._digest.update(sealed)
        return at + len(sealed)

    def _hash_holes(self, end: int) -> None:
        for _ in range(self._slots, end):
            self._digest.update(_EMPTY_SLOT)

    def _let_go(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None


def put_in_place(part_path: Path, path: Path) -> None:
    """
    Give a closed file its lasting name, and keep the first one where the filesystem knows links.

    Raises:
        OSError: it has its first name still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.hardlink_to(part_path)
    except FileExistsError:
        if not path.samefile(part_path):
            part_path.replace(path)
    except OSError:
        part_path.replace(path)


def forget_part(part_path: Path) -> None:
    """Drop the first name; what cannot be dropped now is found again at the next start, and changes nothing."""
    with contextlib.suppress(OSError):
        part_path.unlink()


def reason_of(error: OSError) -> GapReason:
    if error.errno in _FULL:
        return "disk_full"
    return "unreachable" if error.errno in _AWAY else "io_error"


def write_recording(
    path: Path,
    keyring: Keyring,
    *,
    recording_id: int,
    callee: bytes,
    us: bytes,
    started_ms: int,
    rng: Callable[[int], bytes],
    is_alaw: bool = False,
    owner: bytes = b"",
) -> ClosedFile:
    """Make a whole recording at once, of two sides of G.711 of one length: whole frames, 160 bytes each."""
    assert len(callee) == len(us), "both sides are of one length"
    assert len(us) % FRAME_SAMPLES == 0, "whole frames"
    file = RecordingFile(
        path.with_suffix(PART_SUFFIX), path, keyring,
        recording_id=recording_id, started_ms=started_ms, owner=owner, rng=rng,
    )  # fmt: skip
    marks = bytes([ALAW if is_alaw else 0]) * 2 * CHUNK_FRAMES
    for number in range(slots_of(len(callee))):
        part = slice(number * CHUNK_SAMPLES, (number + 1) * CHUNK_SAMPLES)
        sides = (side[part].ljust(CHUNK_SAMPLES, b"\0") for side in (callee, us))
        file.write(number, b"".join(sides) + marks)
    closed = file.close(len(callee), [])
    forget_part(path.with_suffix(PART_SUFFIX))
    return closed


def _within(samples: int, gaps: list[Gap]) -> list[Gap]:
    """Cut off what reaches beyond the end."""
    return [
        Gap(gap.start_sample, min(gap.end_sample, samples) - gap.start_sample, gap.reason)
        for gap in gaps
        if gap.start_sample < samples and gap.samples
    ]


def _write_all(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view, at = view[written:], at + written
