"""
Who sent what and when: the messages of each call in a bounded ring, and the ladder that a technician reads.

Noting a message costs a tuple (the bytes are there anyway); everything else is read out of it when somebody asks.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from dialer.errors import RemoteProtocolError
from dialer.sip.hop import Hop
from dialer.sip.masking import mask_message, mask_numbers
from dialer.sip.message import Message, parse_message
from dialer.transport_config import Transport

Direction = Literal["sent", "received"]

MAX_CALLS: Final = 4_000
"""Of the newest calls, live or ended; a call is some 6 kB."""
MAX_MESSAGES: Final = 100
"""Of one call; an ordinary one has 10. What comes later is counted."""
_ARROW_COLUMNS: Final = 60


class TraceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    at: float
    """Monotonic seconds."""
    direction: Direction
    first_line: str
    call_id: str
    cseq: str
    """E.g. `1 INVITE`."""
    size_bytes: int
    remote: tuple[str, int]
    transport: Transport = "udp"
    data: bytes = b""
    """The whole message, for `dialer.sip.pcap`."""


class TraceRing:
    """The messages of calls that were opened; those of strangers are not kept, whatever they send."""

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on
        self._calls: dict[str, list[tuple[float, Direction, Hop, bytes]]] = {}
        self.omitted = 0
        """Messages beyond `MAX_MESSAGES` of a call."""

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, call_id: str) -> None:
        """Keep this call's messages from now on; the oldest call's are dropped for it."""
        if not self._is_on:
            return
        if len(self._calls) >= MAX_CALLS:
            del self._calls[next(iter(self._calls))]
        self._calls[call_id] = []

    def note(self, call_id: str, at: float, direction: Direction, remote: Hop, data: bytes) -> None:
        messages = self._calls.get(call_id)
        if messages is None:
            return
        if len(messages) < MAX_MESSAGES:
            messages.append((at, direction, remote, data))
        else:
            self.omitted += 1

    def records(self, call_id: str) -> list[TraceRecord]:
        return [
            read_record(data, direction, remote=remote, at=at)
            for at, direction, remote, data in self._calls.get(call_id, ())
        ]


def read_record(data: bytes, direction: Direction, *, remote: Hop, at: float) -> TraceRecord:
    """Read a record out of the bytes of a message that has been parsed, or written, before."""
    try:
        message = parse_message(data)
    except RemoteProtocolError:  # masked, or beyond the default limits
        first_line = data.partition(b"\r\n")[0].decode("utf-8", "replace")
        return TraceRecord(
            at=at,
            direction=direction,
            first_line=first_line,
            call_id="",
            cseq="",
            size_bytes=len(data),
            remote=remote.address,
            transport=remote.transport,
            data=data,
        )
    return record(message, direction, data=data, remote=remote, at=at)


def record(message: Message, direction: Direction, *, data: bytes, remote: Hop, at: float) -> TraceRecord:
    """Note a message that is `data` on the wire; text that is not UTF-8 is replaced, so that a record can always be encoded."""
    return TraceRecord(
        at=at,
        direction=direction,
        first_line=message.start_line.encode("utf-8", "replace").decode(),
        call_id=message.call_id.encode("utf-8", "replace").decode(),
        cseq=str(message.cseq),
        size_bytes=len(data),
        remote=remote.address,
        transport=remote.transport,
        data=data,
    )


def masked(records: Sequence[TraceRecord]) -> list[TraceRecord]:
    """Hide the telephone numbers of every message; sizes stay what they were."""
    return [
        msgspec.structs.replace(
            entry, first_line=mask_numbers(entry.first_line), data=mask_message(entry.data)
        )
        for entry in records
    ]


def ladder(records: Sequence[TraceRecord]) -> str:
    """
    Draw the messages of one call as text, one line each: seconds since the first, arrow, first line, CSeq, size.

    Example::

        0.000  ──▶ INVITE sip:79001234567@127.0.0.9 SIP/2.0   1 INVITE   842 B
        0.012  ◀── SIP/2.0 100 Trying                         1 INVITE   310 B
    """
    if not records:
        return ""
    start = records[0].at
    lines = []
    for entry in records:
        arrow = "──▶" if entry.direction == "sent" else "◀──"
        at = f"{entry.at - start:8.3f}"
        lines.append(
            f"{at}  {arrow} {entry.first_line:<{_ARROW_COLUMNS}} {entry.cseq:>12} {entry.size_bytes:>6} B"
        )
    return "\n".join(lines)
