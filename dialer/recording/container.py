"""
The file of one recording, sans-IO: what its bytes mean, and how they are sealed (docs/adr/0019).

    header    96 bytes: magic and version, recording id, key id, salt, start, the owner's bytes
    slot 0    second 0 of both sides, sealed
    slot 1    second 1 ...
    trailer   sealed: samples and gaps; its length; an end mark

Each slot has the same size, so that any sample is found by arithmetic. A chunk's plain text is 8,000 bytes of what the callee
said, 8,000 of what we said, G.711 as it was on the wire, and one byte for each 20 ms of each side (`ALAW`, `FILLED`, `MISSED`).
A second that could not be written is a slot of zeros.

AES-256-GCM under a key of the file's own, HKDF-SHA256 of the settings' key and a random salt: a nonce (the chunk's number) can
never meet the same key twice, whatever ids and clocks do. The header is associated data of every chunk (NIST SP 800-38D).
A file without a trailer was cut off, and its chunks can be read all the same.

Bytes that are not as they should be are values here (`None`), never exceptions.
"""

import struct
from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"obzvrec\x01"
END: Final = b"obzvend\x01"
KEY_ID_BYTES: Final = 16
SALT_BYTES: Final = 16
OWNER_BYTES: Final = 32
_HEADER: Final = struct.Struct(f">8sQ{KEY_ID_BYTES}s{SALT_BYTES}sQ{OWNER_BYTES}s8x")
HEADER_BYTES: Final = _HEADER.size

FRAME_SAMPLES: Final = 160
CHUNK_SAMPLES: Final = 8_000
"""One second."""
CHUNK_FRAMES: Final = CHUNK_SAMPLES // FRAME_SAMPLES
MARKS_AT: Final = 2 * CHUNK_SAMPLES
PLAIN_BYTES: Final = MARKS_AT + 2 * CHUNK_FRAMES
_TAG_BYTES: Final = 16
SLOT_BYTES: Final = PLAIN_BYTES + _TAG_BYTES

ALAW: Final = 1
"""The frame is A-law; else µ-law."""
FILLED: Final = 2
"""Silence that nobody sent, or that was lost on its way to us."""
MISSED: Final = 4
"""It may have been sound, but we did not record it."""

_SAMPLES: Final = struct.Struct(">QI")
_GAP: Final = struct.Struct(">QQB")
_END: Final = struct.Struct(">I8s")
END_BYTES: Final = _END.size
_TRAILER_NONCE: Final = b"\xff" * 12
MAX_TRAILER_BYTES: Final = 1 << 20
MAX_GAPS: Final = 10_000
"""More than that are told as one, so that a trailer stays small."""

GapReason = Literal["disk_full", "unreachable", "io_error", "overload"]
REASONS: Final[tuple[GapReason, ...]] = get_args(GapReason)


class Gap(msgspec.Struct, frozen=True, order=True):
    """A part of the call that was not recorded, on one side or both."""

    start_sample: int
    samples: int
    reason: GapReason

    @property
    def end_sample(self) -> int:
        return self.start_sample + self.samples


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a file. Ids and times only: nothing that names a person."""

    recording_id: int
    key_id: str
    salt: bytes
    started_ms: int
    """Of sample 0, UTC since 1970."""
    owner: bytes = b""
    """Whatever the one who records wants to find again; at most 32 bytes."""

    def pack(self) -> bytes:
        return _HEADER.pack(
            MAGIC, self.recording_id, self.key_id.encode(), self.salt, self.started_ms, self.owner
        )


class Trailer(msgspec.Struct, frozen=True):
    """The end of a file that was closed."""

    samples: int
    gaps: tuple[Gap, ...]


def unpack_header(data: bytes) -> Header | None:
    """Read the first HEADER_BYTES of a file; None where they are no header of ours."""
    if len(data) < HEADER_BYTES:
        return None
    magic, recording_id, key_id, salt, started_ms, owner = _HEADER.unpack_from(data)
    key_name = key_id.rstrip(b"\0")
    if magic != MAGIC or not key_name.isascii():
        return None
    header = Header(
        recording_id=recording_id,
        key_id=key_name.decode(),
        salt=salt,
        started_ms=started_ms,
        owner=owner,
    )
    # every byte of it, the unused ones too, is what the chunks are bound to
    return header if header.pack() == data[:HEADER_BYTES] else None


class Seal:
    """Seals and opens the parts of one file. `key` is the settings' key, 32 bytes."""

    def __init__(self, key: bytes, header: Header) -> None:
        self._header = header.pack()
        file_key = HKDF(algorithm=SHA256(), length=32, salt=header.salt, info=MAGIC).derive(key)
        self._cipher = AESGCM(file_key)

    def seal_chunk(self, number: int, plain: bytes | bytearray) -> bytes:
        assert len(plain) == PLAIN_BYTES
        return self._cipher.encrypt(number.to_bytes(12), plain, self._header)

    def open_chunk(self, number: int, sealed: bytes) -> bytes | None:
        """Return the plain text; None where it was changed, or is another chunk's."""
        return self._open(number.to_bytes(12), sealed)

    def seal_trailer(self, trailer: Trailer) -> bytes:
        plain = _SAMPLES.pack(trailer.samples, len(trailer.gaps)) + b"".join(
            _GAP.pack(gap.start_sample, gap.samples, REASONS.index(gap.reason)) for gap in trailer.gaps
        )
        sealed = self._cipher.encrypt(_TRAILER_NONCE, plain, self._header)
        return sealed + _END.pack(len(sealed), END)

    def open_trailer(self, sealed: bytes) -> Trailer | None:
        """Read what `trailer_bytes` found before the end mark."""
        plain = self._open(_TRAILER_NONCE, sealed)
        if plain is None:
            return None
        samples, count = _SAMPLES.unpack_from(plain)
        gaps = (_GAP.unpack_from(plain, _SAMPLES.size + index * _GAP.size) for index in range(count))
        return Trailer(samples, tuple(Gap(start, length, REASONS[reason]) for start, length, reason in gaps))

    def _open(self, nonce: bytes, sealed: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(nonce, sealed, self._header)
        except (InvalidTag, ValueError):
            return None


def trailer_bytes(end: bytes) -> int | None:
    """Return the length of the sealed trailer that the last END_BYTES of a file tell of; None where it has none."""
    if len(end) != END_BYTES:
        return None
    length, mark = _END.unpack(end)
    is_one = mark == END and _SAMPLES.size + _TAG_BYTES <= length <= MAX_TRAILER_BYTES
    return length if is_one else None


def slots_of(samples: int) -> int:
    return -(-samples // CHUNK_SAMPLES)


def slot_at(number: int) -> int:
    """Return where in the file chunk `number` stands."""
    return HEADER_BYTES + number * SLOT_BYTES


def merged(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Join what touches or overlaps; the earlier reason stays. What is left is in order, and apart."""
    joined: list[Gap] = []
    for gap in sorted(gaps):
        last = joined[-1] if joined else None
        if last is not None and (gap.start_sample <= last.end_sample or len(joined) == MAX_GAPS):
            end = max(last.end_sample, gap.end_sample)
            joined[-1] = Gap(last.start_sample, end - last.start_sample, last.reason)
        else:
            joined.append(gap)
    return tuple(joined)
