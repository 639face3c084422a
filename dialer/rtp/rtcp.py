"""RTCP on the wire (RFC 3550 §6.4, §6.5): sender and receiver reports with a name, out and in."""

import struct
from typing import Final, NamedTuple

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
_DESCRIPTION: Final = 202
_CNAME: Final = 1
_VERSION_2: Final = 0x80
_BLOCK: Final = struct.Struct("!IIIIII")
_SENDER_INFO_BYTES: Final = 20


class ReportBlock(NamedTuple):
    """What one side received of one stream of the other (§6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Since its last report, in 1/256."""
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_report: int
    """LSR: middle 32 bits of the NTP time of the other's last sender report; 0 = none."""
    delay_since_last_report: int
    """DLSR, in 1/65536 s."""


class Compound(NamedTuple):
    """What we read of one RTCP datagram."""

    sender_ntp: int | None
    """64 bits; None when it holds no sender report."""
    blocks: tuple[ReportBlock, ...]


def build_report(
    ssrc: int,
    cname: str,
    *,
    elapsed_seconds: float | None,
    timestamp: int,
    packets: int,
    octets: int,
    block: ReportBlock | None,
) -> bytes:
    """Write a compound of SR, or RR when `elapsed_seconds` is None, and SDES (§6.1), which every compound must be."""
    sender = b""
    if elapsed_seconds is not None:
        ntp = int(elapsed_seconds * (1 << 32))
        sender = struct.pack("!QIII", ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    blocks = b""
    if block is not None:
        lost = (block.fraction_lost << 24) | (block.cumulative_lost & 0xFFFFFF)
        blocks = _BLOCK.pack(block.ssrc, lost, *block[3:])
    kind = RECEIVER_REPORT if elapsed_seconds is None else SENDER_REPORT
    words = 1 + (len(sender) + len(blocks)) // 4
    report = struct.pack("!BBHI", _VERSION_2 | bool(blocks), kind, words, ssrc) + sender + blocks
    name = cname.encode()[:255]
    items = bytes([_CNAME, len(name)]) + name + b"\0"
    items += bytes(-len(items) % 4)
    return report + struct.pack("!BBHI", _VERSION_2 | 1, _DESCRIPTION, 1 + len(items) // 4, ssrc) + items


def parse_compound(data: bytes) -> Compound | None:
    """Read one datagram; None when it is no RTCP compound. Packets of other kinds are passed over."""
    if len(data) < 8 or data[1] not in {SENDER_REPORT, RECEIVER_REPORT}:
        return None
    sender_ntp: int | None = None
    blocks: list[ReportBlock] = []
    while len(data) >= 8:
        flags, kind, words = struct.unpack_from("!BBH", data)
        packet, data = data[: 4 * (words + 1)], data[4 * (words + 1) :]
        if flags & 0xC0 != _VERSION_2 or len(packet) != 4 * (words + 1):
            return None
        if kind not in {SENDER_REPORT, RECEIVER_REPORT}:
            continue
        start = 8
        if kind == SENDER_REPORT:
            if len(packet) < start + _SENDER_INFO_BYTES:
                return None
            sender_ntp = int.from_bytes(packet[8:16], "big")
            start += _SENDER_INFO_BYTES
        for offset in range(start, start + (flags & 0x1F) * _BLOCK.size, _BLOCK.size):
            if offset + _BLOCK.size <= len(packet):
                ssrc, lost, *rest = _BLOCK.unpack_from(packet, offset)
                blocks.append(ReportBlock(ssrc, lost >> 24, lost & 0xFFFFFF, *rest))
    return Compound(sender_ntp, tuple(blocks))
