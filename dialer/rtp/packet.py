"""The RTP packet (RFC 3550 §5.1), no more of it than G.711 and digits need."""

import struct
from typing import Final, NamedTuple

HEADER: Final = struct.Struct("!BBHII")
HEADER_BYTES: Final = HEADER.size
VERSION_2: Final = 0x80
"""First byte of a packet without padding, extension and contributors."""
MARKER: Final = 0x80


class RtpPacket(NamedTuple):
    """One packet."""

    payload_type: int
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits, in samples."""
    ssrc: int
    payload: bytes
    has_marker: bool = False


def parse_packet(data: bytes) -> RtpPacket | None:
    """Read one datagram; None for whatever is not RTP version 2, or is cut short."""
    if len(data) < HEADER_BYTES:
        return None
    flags, marker_and_type, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if flags & 0xC0 != VERSION_2:
        return None
    start = HEADER_BYTES + 4 * (flags & 0x0F)
    if flags & 0x10:  # header extension, RFC 3550 §5.3.1
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data)
    if flags & 0x20:  # padding, its length in the last byte
        end -= data[-1]
    if start > end:
        return None
    return RtpPacket(
        marker_and_type & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(marker_and_type & MARKER)
    )


def build_packet(packet: RtpPacket) -> bytes:
    """Write one packet, without extension or padding."""
    return (
        HEADER.pack(
            VERSION_2,
            packet.payload_type | (MARKER if packet.has_marker else 0),
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
        )
        + packet.payload
    )
