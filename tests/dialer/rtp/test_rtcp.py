"""Reports as RFC 3550 §6.4 draws them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.rtcp import build_sender_report, parse_loss

OURS = 0x01020304
BLOCK = bytes.fromhex("01020304" + "40000010" + "00000000" * 4)
"""One block about us: a quarter lost since the last report."""


def test_a_sender_report_is_a_compound_with_our_name() -> None:
    wire = build_sender_report(OURS, "abc", elapsed_seconds=2.5, timestamp=0xA0, packets=125, octets=20_000)
    assert wire == (
        bytes.fromhex(
            "80c80006" + "01020304" + "00000002" + "80000000" + "000000a0" + "0000007d" + "00004e20"
        )
        + bytes.fromhex("81ca0003" + "01020304" + "0103")
        + b"abc\0\0\0"
    )
    assert len(wire) % 4 == 0


@pytest.mark.parametrize(
    "wire",
    [
        bytes.fromhex("81c90007" + "0a0a0a0a") + BLOCK,
        bytes.fromhex("81c8000c" + "0a0a0a0a" + "00000000" * 5) + BLOCK,
        bytes.fromhex("80c90001" + "0a0a0a0a" + "81c90007" + "0a0a0a0a") + BLOCK,
        bytes.fromhex("82c9000d" + "0a0a0a0a" + "0b0b0b0b" + "ff000000" + "00000000" * 4) + BLOCK,
    ],
    ids=["receiver", "sender", "second_packet", "second_block"],
)
def test_the_loss_of_our_stream_is_found(wire: bytes) -> None:
    assert parse_loss(wire, OURS) == 0.25


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        bytes.fromhex("81c90007" + "0a0a0a0a") + BLOCK[:-1],
        bytes.fromhex("80c90001" + "0a0a0a0a"),
        bytes.fromhex("81ca0003" + "01020304" + "0103616263000000"),
        bytes.fromhex("41c90007" + "0a0a0a0a") + BLOCK,
    ],
    ids=["empty", "cut", "no_block", "description_first", "version"],
)
def test_whatever_says_nothing_of_us_is_none(wire: bytes) -> None:
    assert parse_loss(wire, OURS) is None


@given(st.binary(max_size=80))
def test_no_bytes_raise(data: bytes) -> None:
    loss = parse_loss(data, OURS)
    assert loss is None or 0.0 <= loss < 1.0
