"""Reports as RFC 3550 §6.4 draws them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.rtcp import ReportBlock, build_report, parse_compound

OURS = 0x01020304
BLOCK = bytes.fromhex("01020304" + "40000010" + "00010203" + "00000007" + "0000aaaa" + "0000bbbb")
"""One block about us: a quarter lost since the last report, sixteen in all."""
PARSED = ReportBlock(OURS, 0x40, 16, 0x010203, 7, 0xAAAA, 0xBBBB)


def test_a_sender_report_is_a_compound_with_our_name() -> None:
    wire = build_report(
        OURS, "abc", elapsed_seconds=2.5, timestamp=0xA0, packets=125, octets=20_000, block=None
    )
    assert wire == (
        bytes.fromhex(
            "80c80006" + "01020304" + "00000002" + "80000000" + "000000a0" + "0000007d" + "00004e20"
        )
        + bytes.fromhex("81ca0003" + "01020304" + "0103")
        + b"abc\0\0\0"
    )
    assert len(wire) % 4 == 0


def test_a_receiver_report_carries_what_we_heard() -> None:
    wire = build_report(7, "abc", elapsed_seconds=None, timestamp=0, packets=0, octets=0, block=PARSED)
    assert wire[:32] == bytes.fromhex("81c90007" + "00000007") + BLOCK


@given(st.integers(0, 255), st.integers(0, 0xFFFFFF), st.booleans())
def test_what_we_write_can_be_read(fraction: int, lost: int, is_sender: bool) -> None:  # noqa: FBT001
    block = ReportBlock(1, fraction, lost, 2, 3, 4, 5)
    wire = build_report(
        9, "name", elapsed_seconds=1.5 if is_sender else None, timestamp=1, packets=1, octets=1, block=block
    )
    compound = parse_compound(wire)
    assert compound is not None
    assert compound.blocks == (block,)
    assert compound.sender_ntp == ((3 << 31) if is_sender else None)


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
def test_the_block_about_us_is_found(wire: bytes) -> None:
    compound = parse_compound(wire)
    assert compound is not None
    assert PARSED in compound.blocks


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        bytes.fromhex("81c90007" + "0a0a0a0a") + BLOCK[:-1],
        bytes.fromhex("80c80001" + "0a0a0a0a"),
        bytes.fromhex("81ca0003" + "01020304" + "0103616263000000"),
        bytes.fromhex("41c90007" + "0a0a0a0a") + BLOCK,
    ],
    ids=["empty", "cut", "sender_without_its_info", "description_first", "version"],
)
def test_whatever_is_no_compound_is_none(wire: bytes) -> None:
    assert parse_compound(wire) is None


def test_a_report_that_promises_more_blocks_than_it_has_says_nothing() -> None:
    compound = parse_compound(bytes.fromhex("9fc90001" + "0a0a0a0a"))
    assert compound is not None
    assert compound.blocks == ()


@given(st.binary(max_size=80))
def test_no_bytes_raise(data: bytes) -> None:
    compound = parse_compound(data)
    assert compound is None or all(0 <= block.fraction_lost <= 255 for block in compound.blocks)
