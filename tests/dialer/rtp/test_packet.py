"""RFC 3550 §5.1, byte by byte, and whatever else arrives at an open port."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.packet import RtpPacket, build_packet, parse_packet

PACKET = RtpPacket(8, 0x1234, 0xDEADBEEF, 0x01020304, b"sound", has_marker=True)
WIRE = bytes.fromhex("80881234deadbeef01020304") + b"sound"


def test_a_packet_is_written_as_the_rfc_draws_it() -> None:
    assert build_packet(PACKET) == WIRE


def test_what_was_written_is_read_again() -> None:
    assert parse_packet(WIRE) == PACKET


def test_contributing_sources_extension_and_padding_are_passed_over() -> None:
    wire = bytes.fromhex("b1001234deadbeef01020304" + "aaaaaaaa" + "bede0001" + "cccccccc") + b"sound\0\0\x03"

    packet = parse_packet(wire)

    assert packet is not None
    assert packet.payload == b"sound"
    assert not packet.has_marker


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WIRE[:11],
        b"\x40" + WIRE[1:],
        bytes.fromhex("81001234deadbeef01020304"),
        bytes.fromhex("90001234deadbeef01020304bede00ff"),
        bytes.fromhex("a0001234deadbeef01020304ff"),
    ],
    ids=["empty", "short", "version", "sources_cut", "extension_cut", "padding_too_long"],
)
def test_what_is_no_rtp_is_none(data: bytes) -> None:
    assert parse_packet(data) is None


@given(st.binary(max_size=64))
def test_no_bytes_raise(data: bytes) -> None:
    packet = parse_packet(data)
    assert packet is None or len(packet.payload) <= len(data) - 12
