import json

import msgspec

from dialer.sip.fields import Headers
from dialer.sip.hop import Hop
from dialer.sip.message import Request, Response
from dialer.sip.trace import (
    MAX_CALLS,
    MAX_MESSAGES,
    TraceRecord,
    TraceRing,
    ladder,
    masked,
    read_record,
    record,
)

REMOTE = ("127.0.0.9", 5060)
HOP = Hop(*REMOTE)


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
    first, second = ladder(records()).splitlines()
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


def test_masked_records_show_no_number_in_the_ladder() -> None:
    text = ladder(masked(records()))
    assert "+79001234567" not in text
    assert "sip:+7900xxxx567@127.0.0.9" in text


def test_no_messages_make_an_empty_ladder() -> None:
    assert ladder([]) == ""


def test_the_ring_keeps_the_newest_calls_that_were_opened() -> None:
    ring = TraceRing(is_on=True)
    for number in range(MAX_CALLS + 1):
        ring.open(f"call-{number}")
    invite = Request("INVITE", "sip:1@h", fields("1 INVITE"))
    invite.headers.add("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")
    for name in ("From", "To"):
        invite.headers.add(name, "<sip:1@h>")
    for call_id in ("call-0", f"call-{MAX_CALLS}", "a stranger's"):
        ring.note(call_id, 1.0, "sent", HOP, invite.to_bytes())

    assert len(ring) == MAX_CALLS
    assert ring.records("call-0") == ring.records("a stranger's") == []
    assert [entry.cseq for entry in ring.records(f"call-{MAX_CALLS}")] == ["1 INVITE"]


def test_a_call_that_never_stops_talking_is_cut_and_counted() -> None:
    ring = TraceRing(is_on=True)
    ring.open("c")
    for _ in range(MAX_MESSAGES + 3):
        ring.note("c", 1.0, "received", HOP, b"x")

    assert (len(ring.records("c")), ring.omitted) == (MAX_MESSAGES, 3)


def test_nothing_is_kept_when_it_is_off() -> None:
    ring = TraceRing(is_on=False)
    ring.open("c")
    ring.note("c", 1.0, "received", HOP, b"x")

    assert ring.records("c") == []


def test_bytes_that_cannot_be_read_again_still_have_a_first_line() -> None:
    unreadable = read_record(b"SIP/2.0 200 OK\r\nVia: \xff\r\n\r\n", "received", remote=HOP, at=1.0)
    assert (unreadable.first_line, unreadable.cseq, unreadable.size_bytes) == ("SIP/2.0 200 OK", "", 26)
