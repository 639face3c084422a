"""The `Range` header of a request for one stretch of bytes (RFC 9110 §14). Pure."""

import re
from typing import Final, Literal

import msgspec

_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)


class ByteRange(msgspec.Struct, frozen=True):
    """From `start` to `stop`, exclusive."""

    start: int
    stop: int


def read_range(header: str | None, size: int) -> ByteRange | Literal["unsatisfiable"] | None:
    """
    Return what is asked for of a body of `size` bytes.

    None: all of it, because nothing was asked for, or something that a server may pass over (§14.2): several stretches,
    another unit, nonsense.
    """
    match = _RANGE.fullmatch(header.strip()) if header is not None else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        return ByteRange(max(0, size - length), size) if length and size else "unsatisfiable"
    start = int(first)
    if last and int(last) < start:
        return None  # §14.1.1: invalid, as if it were not there
    if start >= size:
        return "unsatisfiable"
    return ByteRange(start, min(size, int(last) + 1) if last else size)
