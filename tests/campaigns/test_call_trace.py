from datetime import UTC, datetime

import pytest

from campaigns.call_trace import CallTrace, attempt_of, pack, unpack
from dialer.sip.hop import Hop
from dialer.sip.trace import read_record

REMOTE = Hop("127.0.0.9", 5060, "tcp")
LOCAL = ("127.0.0.1", 5080)
INVITE = b"\r\n".join(
    [
        b"INVITE sip:+79001234567@127.0.0.9 SIP/2.0",
        b"Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK1",
        b"From: <sip:1@127.0.0.1>;tag=a",
        b"To: <sip:+79001234567@127.0.0.9>",
        b"Call-ID: 42-abcdef",
        b"CSeq: 1 INVITE",
        b'Authorization: Digest response="0123456789"',
        b"",
        b"",
    ]
)


def test_what_is_packed_comes_back_without_credentials() -> None:
    records = [
        read_record(INVITE, "sent", remote=REMOTE, at=100.25),
        read_record(INVITE, "received", remote=REMOTE, at=101.5),
    ]

    local, found = unpack(pack(records, LOCAL))

    assert local == LOCAL
    assert [(entry.at, entry.direction, entry.remote, entry.transport, entry.cseq) for entry in found] == [
        (0.0, "sent", REMOTE.address, "tcp", "1 INVITE"),
        (1.25, "received", REMOTE.address, "tcp", "1 INVITE"),
    ]
    assert b"0123456789" not in found[0].data
    assert b"+79001234567" in found[0].data


def test_a_trace_becomes_a_capture_at_the_time_of_the_call() -> None:
    trace = CallTrace(
        attempt_id=42,
        call_id="42-abcdef",
        started_time=datetime(2026, 11, 25, tzinfo=UTC),
        is_complete=True,
        local=LOCAL,
        records=[read_record(INVITE, "sent", remote=REMOTE, at=0.0)],
    )
    seconds = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp())
    assert trace.to_pcap()[24:28] == seconds.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("text", "attempt_id"),
    [
        ("734912345678901248", 734912345678901248),
        ("734912345678901248-0123abcd", 734912345678901248),
        ("abc@host", None),
        ("", None),
        ("99999999999999999999", None),
        ("9999999999999999999", None),
        ("٣", None),
    ],
)
def test_an_attempt_is_found_by_its_id_and_by_its_call_id(text: str, attempt_id: int | None) -> None:
    assert attempt_of(text) == attempt_id
