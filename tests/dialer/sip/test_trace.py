import json

import msgspec
import pytest

from dialer.sip.fields import Headers
from dialer.sip.hop import Hop
from dialer.sip.message import Request, Response
from dialer.sip.trace import TraceRecord, ladder, mask_numbers, record

REMOTE = ("127.0.0.9", 5060)


def fields(cseq: str = "1 INVITE") -> Headers:
    return Headers([("Call-ID", "c"), ("CSeq", cseq)])


def records() -> list[TraceRecord]:
    invite = Request("INVITE", "sip:+79001234567@127.0.0.9", fields())
    ringing = Response(180, "Ringing", fields())
    return [
        record(invite, "sent", data=bytes(663), remote=Hop(*REMOTE), at=100.0),
        record(ringing, "received", data=bytes(307), remote=Hop(*REMOTE), at=101.2345),
    ]


def test_a_record_notes_what_a_technician_looks_for() -> None:
    assert records()[1] == TraceRecord(
        at=101.2345,
        direction="received",
        first_line="SIP/2.0 180 Ringing",
        call_id="c",
        cseq="1 INVITE",
        size_bytes=307,
        remote=REMOTE,
        data=bytes(307),
    )


def test_a_record_of_stray_bytes_can_be_written_as_json() -> None:
    strange = Response(200, b"\xc8\xe2".decode("utf-8", "surrogateescape"), fields())
    noted = record(strange, "received", data=b"x", remote=Hop(*REMOTE), at=0.0)
    assert json.loads(msgspec.json.encode(noted))["first_line"] == "SIP/2.0 200 ??"


def test_the_ladder_has_one_line_per_message_with_seconds_since_the_first() -> None:
    first, second = ladder(records(), masked=False).splitlines()
    assert first.split() == [
        "0.000",
        "──▶",
        "INVITE",
        "sip:+79001234567@127.0.0.9",
        "SIP/2.0",
        "1",
        "INVITE",
        "663",
        "B",
    ]
    assert second.split() == ["1.234", "◀──", "SIP/2.0", "180", "Ringing", "1", "INVITE", "307", "B"]
    assert len(first) == len(second)


def test_the_ladder_hides_numbers_unless_they_are_asked_for() -> None:
    text = ladder(records())
    assert "+79001234567" not in text
    assert "sip:+7900…567@127.0.0.9" in text


def test_no_messages_make_an_empty_ladder() -> None:
    assert ladder([]) == ""


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+79001234567", "+7900…567"),
        ("1234567", "…567"),
        ("sip:127.0.0.9:5060", "sip:127.0.0.9:5060"),
        ("SIP/2.0 486 Busy Here", "SIP/2.0 486 Busy Here"),
    ],
)
def test_only_telephone_numbers_are_masked(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked
