"""
As much RTCP (RFC 3550 §6) as a caller who plays messages needs: sender reports out, the callee's loss figures in.

Our clock in them is the time since the stream began, as §6.4.1 allows to a sender that knows no wallclock.
"""

import struct
from typing import Final

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
_DESCRIPTION: Final = 202
_CNAME: Final = 1
_VERSION_2: Final = 0x80
_REPORT_BLOCK_BYTES: Final = 24


def build_sender_report(
    ssrc: int, cname: str, *, elapsed_seconds: float, timestamp: int, packets: int, octets: int
) -> bytes:
    """Write a compound of SR and SDES (§6.1), which every report must be."""
    report = struct.pack(
        "!BBHIQIII",
        _VERSION_2,
        SENDER_REPORT,
        6,
        ssrc,
        int(elapsed_seconds * (1 << 32)),
        timestamp,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    name = cname.encode()[:255]
    items = bytes([_CNAME, len(name)]) + name + b"\0"
    items += bytes(-len(items) % 4)
    return report + struct.pack("!BBHI", _VERSION_2 | 1, _DESCRIPTION, 1 + len(items) // 4, ssrc) + items


def parse_loss(data: bytes, ssrc: int) -> float | None:
    """
    Return the share of our packets, 0..1, that the peer lost since its last report.

    None when the bytes are no RTCP compound, or say nothing of the stream `ssrc`.
    """
    if len(data) < 8 or data[1] not in {SENDER_REPORT, RECEIVER_REPORT}:
        return None
    while len(data) >= 8:
        flags, kind, words = struct.unpack_from("!BBH", data)
        packet, data = data[: 4 * (words + 1)], data[4 * (words + 1) :]
        if flags & 0xC0 != _VERSION_2 or len(packet) != 4 * (words + 1):
            return None
        if kind in {SENDER_REPORT, RECEIVER_REPORT}:
            start = 28 if kind == SENDER_REPORT else 8
            for offset in range(start, start + (flags & 0x1F) * _REPORT_BLOCK_BYTES, _REPORT_BLOCK_BYTES):
                block = packet[offset : offset + _REPORT_BLOCK_BYTES]
                if len(block) == _REPORT_BLOCK_BYTES and int.from_bytes(block[:4], "big") == ssrc:
                    return block[4] / 256
    return None
