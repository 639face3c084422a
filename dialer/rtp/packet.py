"""The RTP packet (RFC 3550 §5.1), no more of it than G.711 and digits need."""

import struct
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("!BBHII")
_VERSION_2: Final = 0x80
_MARKER: Final = 0x80


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
    if len(data) < _HEADER.size:
        return None
    flags, marker_and_type, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if flags & 0xC0 != _VERSION_2:
        return None
    start = _HEADER.size + 4 * (flags & 0x0F)
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
        marker_and_type & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(marker_and_type & _MARKER)
    )


def build_packet(packet: RtpPacket) -> bytes:
    """Write one packet, without extension or padding."""
    return (
        _HEADER.pack(
            _VERSION_2,
            packet.payload_type | (_MARKER if packet.has_marker else 0),
            packet.sequence,
            packet.timestamp,
            packet.ssrc,
        )
        + packet.payload
    )
