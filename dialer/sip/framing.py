"""
Cutting a byte stream into SIP messages by Content-Length (RFC 3261 §18.3), with the keep-alives of RFC 5626 §4.4.1.

Rule 1: how the bytes are split into chunks changes nothing.
Rule 2: nothing is raised. Where the end of a message cannot be known (no Content-Length, two that differ, a head or a
body beyond the limits) the stream is broken: `Broken` comes once and last, and the connection is of no further use.
Rule 3: no more than one message is kept while it is incomplete.
"""

import re
from typing import Final

import msgspec

from dialer.config import Limits
from dialer.errors import InvalidHeader, MessageTooLarge, RemoteProtocolError

_LENGTH: Final = re.compile(
    rb"^(?:content-length|l)[ \t]*:(?P<value>[^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE
)
_DIGITS: Final = re.compile(rb"[0-9]{1,10}")
_END_OF_HEAD: Final = b"\r\n\r\n"
_SHOWN_BYTES: Final = 8_192
"""How much of what cannot be read is passed on, to be answered 400 or 513."""


class Whole(msgspec.Struct, frozen=True):
    """One message, head and body."""

    data: bytes


class Ping(msgspec.Struct, frozen=True):
    """A double CRLF between messages; whoever was connected to answers it by one CRLF."""


class Pong(msgspec.Struct, frozen=True):
    """A CRLF after `expect_pong`."""


class Broken(msgspec.Struct, frozen=True):
    """The rest of the stream cannot be read."""

    data: bytes
    """The beginning of what is wrong."""
    error: RemoteProtocolError


Frame = Whole | Ping | Pong | Broken


class StreamFramer:
    """One direction of one connection."""

    __slots__ = ("_awaits_pong", "_buffer", "_crlfs", "_is_broken", "_limits", "_searched", "_wanted")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        """So far into the buffer there is no end of a head."""
        self._wanted = 0
        """Bytes of the message at hand; 0 while its head is incomplete."""
        self._crlfs = 0
        self._awaits_pong = False
        self._is_broken = False

    @property
    def unparsed_bytes(self) -> int:
        """What has arrived of a message that is not whole."""
        return len(self._buffer)

    def expect_pong(self) -> None:
        """A ping has left: the next CRLF between messages answers it."""
        self._awaits_pong = True

    def receive(self, data: bytes) -> list[Frame]:
        """Take what has arrived; give what is complete by it."""
        frames: list[Frame] = []
        if self._is_broken:
            return frames
        self._buffer += data
        while (frame := self._next()) is not None:
            frames.append(frame)
            if isinstance(frame, Broken):
                self._is_broken = True
                self._buffer.clear()
                break
        return frames

    def _next(self) -> Frame | None:
        if not self._wanted:
            if self._buffer.startswith(b"\r\n"):
                return self._take_crlf()
            if not self._buffer or self._buffer == b"\r":
                return None
            error = self._read_head()
            if error is not None:
                return Broken(bytes(self._buffer[:_SHOWN_BYTES]), error)
        if not self._wanted or len(self._buffer) < self._wanted:
            return None
        frame = Whole(bytes(self._buffer[: self._wanted]))
        del self._buffer[: self._wanted]
        self._wanted = self._searched = self._crlfs = 0
        return frame

    def _take_crlf(self) -> Frame | None:
        """A CRLF before a start line is to be ignored (§7.5); two are a ping."""
        del self._buffer[:2]
        if self._awaits_pong:
            self._awaits_pong = False
            return Pong()
        self._crlfs += 1
        if self._crlfs < 2:
            return self._next()
        self._crlfs = 0
        return Ping()

    def _read_head(self) -> RemoteProtocolError | None:
        """Look for the end of the head and learn `_wanted` from it."""
        limits = self._limits
        end = self._buffer.find(_END_OF_HEAD, max(0, self._searched - len(_END_OF_HEAD) + 1))
        size = (len(self._buffer) if end < 0 else end) + len(_END_OF_HEAD)
        if size > limits.max_head_bytes + len(_END_OF_HEAD):
            return MessageTooLarge(f"headers of more than {limits.max_head_bytes} bytes")
        if end < 0:
            self._searched = len(self._buffer)
            return None
        lengths = {b" ".join(match["value"].split()) for match in _LENGTH.finditer(self._buffer, 0, end + 2)}
        if len(lengths) != 1:
            return InvalidHeader("Content-Length", None if not lengths else "two that differ")
        (length,) = lengths
        if _DIGITS.fullmatch(length) is None:
            return InvalidHeader("Content-Length", length.decode("ascii", "replace"))
        self._wanted = size + int(length)
        if self._wanted > limits.max_message_bytes:
            return MessageTooLarge(f"message of {self._wanted} bytes")
        return None
