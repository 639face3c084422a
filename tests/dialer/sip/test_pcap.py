"""The capture is read back here by the formats' own words, byte for byte."""

import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.sip.pcap import LINKTYPE_RAW, capture
from dialer.sip.trace import TraceRecord

OURS = ("127.0.0.1", 5080)
THEIRS = ("127.0.0.9", 5060)


def noted(
    data: bytes,
    *,
    at: float = 0.0,
    direction: Literal["sent", "received"] = "sent",
    remote: tuple[str, int] = THEIRS,
) -> TraceRecord:
    return TraceRecord(
        at=at,
        direction=direction,
        first_line="",
        call_id="c",
        cseq="1 INVITE",
        size_bytes=len(data),
        remote=remote,
        data=data,
    )


class Packet(NamedTuple):
    seconds: int
    microseconds: int
    source: tuple[str, int]
    destination: tuple[str, int]
    data: bytes


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071: over a header that holds its own checksum the sum is all ones."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    return (total - 1) % 0xFFFF + 1


def read(file: bytes) -> Iterator[Packet]:
    magic, major, minor, _, _, _, linktype = struct.unpack_from("<IHHiIII", file)
    assert (magic, major, minor, linktype) == (0xA1B2C3D4, 2, 4, LINKTYPE_RAW)
    at = 24
    while at < len(file):
        seconds, microseconds, kept, length = struct.unpack_from("<IIII", file, at)
        assert kept == length
        at += 16
        yield read_packet(seconds, microseconds, file[at : at + kept])
        at += kept


def read_packet(seconds: int, microseconds: int, packet: bytes) -> Packet:
    if packet[0] >> 4 == 4:
        assert struct.unpack_from("!H", packet, 2)[0] == len(packet)
        assert ones_complement_sum(packet[:20]) == 0xFFFF
        protocol, ends, udp = packet[9], packet[12:20], packet[20:]
    else:
        assert struct.unpack_from("!H", packet, 4)[0] == len(packet) - 40
        protocol, ends, udp = packet[6], packet[8:40], packet[40:]
    source_port, destination_port, length, checksum = struct.unpack_from("!HHHH", udp)
    assert (protocol, length) == (17, len(udp))
    assert checksum != 0
    assert ones_complement_sum(ends + struct.pack("!HH", 17, length) + udp) == 0xFFFF
    source, destination = (str(ip_address(ends[: len(ends) // 2])), str(ip_address(ends[len(ends) // 2 :])))
    return Packet(seconds, microseconds, (source, source_port), (destination, destination_port), udp[8:])


def test_messages_go_between_us_and_them_at_wall_time() -> None:
    records = [noted(b"INVITE", at=10.25), noted(b"SIP/2.0 100", at=10.5, direction="received")]

    file = capture(records, local=OURS, epoch=1_700_000_000.0)

    assert list(read(file)) == [
        Packet(1_700_000_010, 250_000, OURS, THEIRS, b"INVITE"),
        Packet(1_700_000_010, 500_000, THEIRS, OURS, b"SIP/2.0 100"),
    ]


def test_a_moment_just_before_a_second_is_not_a_million_microseconds() -> None:
    (packet,) = read(capture([noted(b"x", at=0.999_999_9)], local=OURS, epoch=1.0))
    assert (packet.seconds, packet.microseconds) == (2, 0)


def test_ipv6_has_packets_of_its_own_kind() -> None:
    local, remote = ("::1", 5080), ("2001:db8::9", 5060)
    (packet,) = read(capture([noted(b"odd", remote=remote)], local=local, epoch=0.0))
    assert (packet.source, packet.destination, packet.data) == (local, remote, b"odd")


def test_a_socket_on_all_addresses_of_ipv6_talks_to_ipv4_too() -> None:
    (packet,) = read(capture([noted(b"x")], local=("::", 5080), epoch=0.0))
    assert packet.source == ("::", 5080)
    assert packet.destination[1] == 5060


def test_a_call_without_messages_makes_an_empty_capture() -> None:
    assert list(read(capture([], local=OURS, epoch=0.0))) == []


def test_a_record_that_kept_no_bytes_is_left_out() -> None:
    assert list(read(capture([noted(b"")], local=OURS, epoch=0.0))) == []


@pytest.mark.parametrize("local", [OURS, ("::1", 5080)])
def test_a_message_longer_than_any_datagram_is_cut_and_stays_readable(local: tuple[str, int]) -> None:
    (packet,) = read(capture([noted(b"x" * 70_000)], local=local, epoch=0.0))
    assert 65_000 < len(packet.data) < 65_536


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_come_back_with_right_checksums(data: bytes) -> None:
    assert [packet.data for packet in read(capture([noted(data)], local=OURS, epoch=0.0))] == [data]


def test_credentials_are_blotted_out() -> None:
    answer = b'INVITE sip:1@h SIP/2.0\r\nAuthorization: Digest response="0123"\r\n\r\n'
    (packet,) = read(capture([noted(answer)], local=OURS, epoch=0.0))
    assert packet.data == b"INVITE sip:1@h SIP/2.0\r\nAuthorization: xxxxxx xxxxxxxxxxxxxxx\r\n\r\n"
