"""Who sent what and when: a record per SIP message, and the ladder that a technician reads."""

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from dialer.sip.hop import Hop
from dialer.sip.message import Message
from dialer.transport_config import Transport

_LONG_NUMBER: Final = re.compile(r"\+?[0-9]{7,15}(?![0-9A-Za-z-])")
_ARROW_COLUMNS: Final = 60


class TraceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    at: float
    """Monotonic seconds."""
    direction: Literal["sent", "received"]
    first_line: str
    call_id: str
    cseq: str
    """E.g. `1 INVITE`."""
    size_bytes: int
    remote: tuple[str, int]
    transport: Transport = "udp"
    data: bytes = b""
    """The whole message, for `dialer.sip.pcap`."""


def record(
    message: Message,
    direction: Literal["sent", "received"],
    *,
    data: bytes,
    remote: Hop,
    at: float,
) -> TraceRecord:
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


def mask_numbers(text: str) -> str:
    """Hide the middle of every run of 7-15 digits, as telephone numbers are shown in logs: `+7900…567`."""
    return _LONG_NUMBER.sub(lambda match: f"{match.group()[:-7]}…{match.group()[-3:]}", text)


def ladder(records: Sequence[TraceRecord], *, masked: bool = True) -> str:
    """
    Draw the messages of one call as text, one line each: seconds since the first, arrow, first line, CSeq, size.

    Telephone numbers are hidden unless `masked` is False.

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
        text = mask_numbers(entry.first_line) if masked else entry.first_line
        at = f"{entry.at - start:8.3f}"
        lines.append(f"{at}  {arrow} {text:<{_ARROW_COLUMNS}} {entry.cseq:>12} {entry.size_bytes:>6} B")
    return "\n".join(lines)
