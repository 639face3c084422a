"""
A call's SIP messages as a capture that Wireshark, sngrep and SIPp read: classic pcap of raw IP packets.

The messages are real, byte for byte but for credentials, which are blotted out; the IP and UDP headers around them are made here, from the two addresses that
the trace knows. A message that came over a stream is shown as one datagram too.
"""

import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from dialer.sip.masking import without_credentials
from dialer.sip.trace import TraceRecord

Address = tuple[str, int]

LINKTYPE_RAW: Final = 101
"""Packets begin with their IP header, version 4 or 6."""
_FILE_HEADER: Final = struct.Struct("<IHHiIII")
_PACKET_HEADER: Final = struct.Struct("<IIII")
_MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
_MAX_PACKET_BYTES: Final = 262_144
"""What readers of pcap expect as the largest snapshot."""
_UDP: Final = 17
_UDP_HEADER_BYTES: Final = 8
_IPV4_HEADER_BYTES: Final = 20
_HOPS: Final = 64
_MAX_DATA_BYTES: Final = 65_535 - _IPV4_HEADER_BYTES - _UDP_HEADER_BYTES
"""What came over a stream may be longer, and is cut."""
_ALL_ONES: Final = 0xFFFF


def capture(records: Sequence[TraceRecord], *, local: Address, epoch: float) -> bytes:
    """
    Return the file. Records without `data` are left out.

    `local` is the address of our signalling socket, IP and port; `epoch` is the Unix time, in seconds, of the moment
    at which the clock of `TraceRecord.at` stood at zero.
    """
    chunks = [_FILE_HEADER.pack(_MAGIC_MICROSECONDS, 2, 4, 0, 0, _MAX_PACKET_BYTES, LINKTYPE_RAW)]
    for entry in records:
        if not entry.data:
            continue
        ends = (local, entry.remote) if entry.direction == "sent" else (entry.remote, local)
        packet = _ip_packet(*ends, without_credentials(entry.data))
        seconds, microseconds = divmod(round((epoch + entry.at) * 1_000_000), 1_000_000)
        chunks += [_PACKET_HEADER.pack(seconds, microseconds, len(packet), len(packet)), packet]
    return b"".join(chunks)


def _ip_packet(source: Address, destination: Address, data: bytes) -> bytes:
    source_ip, destination_ip = ip_address(source[0]), ip_address(destination[0])
    data = data[:_MAX_DATA_BYTES]
    length = _UDP_HEADER_BYTES + len(data)
    if isinstance(source_ip, IPv4Address) and isinstance(destination_ip, IPv4Address):
        header = _ipv4_header(source_ip, destination_ip, length)
    else:
        source_ip, destination_ip = _as_ipv6(source_ip), _as_ipv6(destination_ip)
        header = struct.pack("!IHBB", 6 << 28, length, _UDP, _HOPS)
        header += source_ip.packed + destination_ip.packed
    # RFC 768; RFC 8200 §8.1 asks for it. What IPv6 adds to the pseudo header are zeros.
    addresses = source_ip.packed + destination_ip.packed
    udp = struct.pack("!HHHH", source[1], destination[1], length, 0)
    checksum = _checksum(addresses + struct.pack("!HH", _UDP, length) + udp + data)
    return header + udp[:6] + struct.pack("!H", checksum or _ALL_ONES) + data


def _ipv4_header(source: IPv4Address, destination: IPv4Address, length: int) -> bytes:
    """RFC 791 §3.1, no options, never a fragment."""
    start = struct.pack("!BBHHHBB", 0x45, 0, _IPV4_HEADER_BYTES + length, 0, 0, _HOPS, _UDP)
    ends = source.packed + destination.packed
    return start + struct.pack("!H", _checksum(start + b"\0\0" + ends)) + ends


def _as_ipv6(address: IPv4Address | IPv6Address) -> IPv6Address:
    """Both ends of a packet are of one family: ours may be `::` where theirs is IPv4."""
    return address if isinstance(address, IPv6Address) else IPv6Address(f"::ffff:{address}")


def _checksum(data: bytes) -> int:
    """RFC 1071, one's complement sum of 16-bit words."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total > _ALL_ONES:
        total = (total & _ALL_ONES) + (total >> 16)
    return ~total & _ALL_ONES
