import pytest

from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.errors import LocalProtocolError
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallId,
    CallProceeding,
    CallRinging,
    MediaChanged,
)
from dialer.sip.hop import Hop
from dialer.sip.message import Request, parse_message
from tests.dialer.calls import RTP, TRUNK, Line, nothing


def test_an_answered_call_from_invite_to_the_end() -> None:
    line = Line()
    call_id = line.place_call()
    assert (line.core.live_calls, line.core.has_call(call_id)) == (1, True)
    line.ring(100)
    line.now = 1.0
    line.ring(180)
    line.now = 5.0
    line.answer()
    line.now = 9.0
    line.hang_up(call_id)
    line.respond("BYE", 200)

    assert line.trunk.ladder == ["INVITE", "ACK", "BYE"]
    assert [type(event) for event in line.events] == [
        CallProceeding,
        CallRinging,
        MediaChanged,
        CallAnswered,
        CallEnded,
    ]
    assert line.verdict == ("answered", "normal", "us")
    ended = line.events[-1]
    assert isinstance(ended, CallEnded)
    assert (ended.timings.pdd_ms, ended.timings.talk_ms) == (1000, 4000)
    assert (line.core.live_calls, line.core.has_call(call_id)) == (0, False)
    line.settle()


def test_the_invite_says_what_a_trunk_needs() -> None:
    line = Line()
    line.place_call(call_id="wanted")

    invite = line.invite
    assert invite.start_line == "INVITE sip:79000000001@127.0.0.9 SIP/2.0"
    assert str(invite.to) == "<sip:79000000001@127.0.0.9>"
    assert invite.from_.uri == "sip:anonymous@127.0.0.9"
    assert invite.call_id == "wanted"
    assert str(invite.contact) == "<sip:anonymous@127.0.0.1:5060>"
    assert invite.via.branch.startswith("z9hG4bK")
    assert "rport" in invite.via.params
    assert b"m=audio 20000 RTP/AVP 0 8 101" in invite.body
    assert invite.headers.get("Max-Forwards") == "70"


def test_another_port_domain_and_caller_are_used_where_given() -> None:
    line = Line()
    trunk = TrunkConfig(name="t", host="::1", port=5070, caller_id="100", from_domain="example.org")
    line.core.place_call(
        CallRequest(number="+79000000001", trunk=trunk, caller_id="8 800\r\nEvil: yes"),
        rtp_address=RTP,
        now=0.0,
    )
    ((data, destination),) = line.core.datagrams_to_send(0.0)

    invite = parse_message(data)
    assert isinstance(invite, Request)
    assert destination == Hop("::1", 5070)
    assert invite.uri == "sip:+79000000001@[::1]:5070"
    assert invite.from_.uri == "sip:8%20800%0D%0AEvil%3A%20yes@example.org"
    assert "Evil" not in invite.headers


def test_a_trunk_with_a_name_is_asked_by_its_name_at_the_address_that_it_has() -> None:
    """RFC 3261 §8.1.1.1, RFC 3263 §4: what DNS says decides where the INVITE goes, not what it says."""
    line = Line()
    trunk = TrunkConfig(name="t", host="192.0.2.7", port=5080, domain="carrier.example")
    line.core.place_call(CallRequest(number="+79000000001", trunk=trunk), rtp_address=RTP, now=0.0)
    ((data, destination),) = line.core.datagrams_to_send(0.0)

    invite = parse_message(data)
    assert isinstance(invite, Request)
    assert destination == Hop("192.0.2.7", 5080)
    assert invite.uri == "sip:+79000000001@carrier.example"
    assert invite.to.uri == "sip:+79000000001@carrier.example"


def test_a_call_id_in_use_is_refused() -> None:
    line = Line()
    line.place_call(call_id="wanted")

    with pytest.raises(LocalProtocolError):
        line.place_call(call_id="wanted")
    assert line.core.live_calls == 1


def test_a_field_that_would_forge_a_header_is_refused_and_leaves_nothing() -> None:
    line = Line()
    with pytest.raises(LocalProtocolError):
        line.place_call(trunk=TrunkConfig(name="t", host="127.0.0.9", from_domain="x\r\nEvil: yes"))

    assert line.core.is_idle
    assert line.core.datagrams_to_send(0.0) == []


@pytest.mark.parametrize(
    ("status_code", "verdict"),
    [
        (486, ("busy", "sip_486", "callee")),
        (603, ("rejected", "sip_603", "callee")),
        (403, ("rejected", "sip_403", "network")),
        (404, ("invalid_number", "sip_404", "network")),
        (480, ("no_answer", "sip_480", "callee")),
        (503, ("congested", "sip_503", "network")),
        (302, ("failed", "sip_302", "network")),
    ],
)
def test_a_refusal_is_acked_and_classified(status_code: int, verdict: tuple[str, str, str]) -> None:
    line = Line()
    line.place_call()
    line.ring()
    line.trunk.respond(line.invite, status_code)
    line.trunk.respond(line.invite, status_code)
    line.run()

    assert line.verdict == verdict
    assert line.trunk.ladder == ["INVITE", "ACK", "ACK"]
    line.settle()


def test_a_q850_cause_is_read_from_the_refusal() -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 503, headers=[("Reason", "SIP;cause=503"), ("Reason", "Q.850;cause=1")])
    line.run()

    assert (line.outcome.result, line.outcome.q850_cause) == ("invalid_number", 1)


def test_a_reason_of_another_protocol_is_no_q850_cause() -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 486, headers=[("Reason", "SIP;cause=600"), ("Reason", "Q.850")])
    line.run()

    assert line.outcome.q850_cause is None


def test_the_callee_hangs_up() -> None:
    line = Line()
    line.talk()
    line.trunk.request("BYE", line.invite, headers=[("Reason", "Q.850;cause=16")])
    line.run()

    assert line.verdict == ("answered", "normal", "callee")
    assert line.outcome.q850_cause == 16
    assert line.trunk.responses[-1].status_code == 200
    line.settle()


def test_a_retransmitted_bye_is_answered_again() -> None:
    line = Line()
    line.talk()
    bye = line.trunk.bye(line.invite)
    line.run()
    line.now = 20.0
    line.trunk.send(bye.to_bytes())
    line.run()

    assert [response.status_code for response in line.trunk.responses] == [200, 200]
    assert line.verdict == ("answered", "normal", "callee")


def test_ring_timeout_cancels() -> None:
    line = Line()
    line.place_call(ring_timeout_seconds=20.0)
    line.ring()
    line.run(19.9)
    assert line.trunk.ladder == ["INVITE"]
    line.run(0.1)
    assert line.trunk.ladder == ["INVITE", "CANCEL"]
    cancel = line.trunk.last("CANCEL")
    line.respond("CANCEL", 200)
    line.respond("INVITE", 487)

    assert line.verdict == ("no_answer", "ring_timeout", "us")
    assert line.outcome.sip_status == 487
    assert (cancel.uri, str(cancel.via)) == (line.invite.uri, str(line.invite.via))
    assert (str(cancel.cseq), cancel.to.tag) == ("1 CANCEL", None)
    line.settle()


def test_talk_limit_hangs_up() -> None:
    line = Line()
    line.place_call(max_talk_seconds=60.0)
    line.answer()
    line.run(60.0)
    line.respond("BYE", 200)

    assert line.verdict == ("answered", "max_talk", "us")


def test_a_silent_trunk_ends_in_timer_b() -> None:
    line = Line()
    line.place_call()
    line.run(31.9)
    assert line.trunk.ladder == ["INVITE"] * 7
    assert line.events == []
    line.run(0.1)

    assert line.verdict == ("unreachable", "timer_b", "network")
    line.settle()


def test_a_silent_trunk_is_unreachable_although_we_stopped_waiting_before() -> None:
    line = Line()
    line.place_call(ring_timeout_seconds=15.0)
    line.run(40.0)

    assert line.verdict == ("unreachable", "timer_b", "network")
    assert "CANCEL" not in line.trunk.ladder


def test_a_transport_error_ends_unanswered_calls_that_way() -> None:
    line = Line()
    line.place_call()
    line.core.transport_failed(Hop("127.0.0.10", 5060), line.now)
    line.run()
    assert line.events == []
    line.core.transport_failed(line.trunk.address, line.now)
    line.run()

    assert line.verdict == ("unreachable", "transport_error", "network")
    line.settle()


def test_icmp_for_another_datagram_says_nothing_of_an_invite_without_response() -> None:
    """The far end may have it: only when its own datagram is refused it provably was not placed."""
    line = Line()
    line.place_call()
    line.core.transport_failed(
        line.trunk.address, line.now, b"BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKff\r\n"
    )
    line.run()
    assert line.events == []
    line.core.transport_failed(line.trunk.address, line.now, line.invite.to_bytes()[:512])
    line.run()

    assert line.verdict == ("unreachable", "transport_error", "network")
    line.settle()


def test_a_transport_error_leaves_a_talk_alone() -> None:
    line = Line()
    line.talk()
    line.core.transport_failed(line.trunk.address, line.now)
    line.run()

    assert line.core.live_calls == 1


def test_a_bye_that_meets_a_transport_error_ends_the_call_normally() -> None:
    line = Line()
    line.hang_up(line.talk())
    line.core.transport_failed(line.trunk.address, line.now)
    line.run()

    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_a_lost_bye_is_repeated_and_timer_f_ends_the_call_normally() -> None:
    line = Line()
    call_id = line.talk()
    line.now = 4.0
    line.core.hang_up(call_id, line.now)
    line.run(31.9, to_trunk=nothing)
    assert line.core.live_calls == 1
    line.run(0.1, to_trunk=nothing)

    assert line.verdict == ("answered", "normal", "us")
    assert line.core.counters["bye_unanswered"] == 1
    ended = line.events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.timings.talk_ms == 4000
    line.settle()


def test_hanging_up_an_unknown_call_does_nothing() -> None:
    line = Line()
    line.hang_up(CallId("never was"))

    assert line.trunk.ladder == []


def test_early_media_is_told_before_the_answer_and_stands_if_the_200_has_no_sdp() -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 183, body=line.trunk.sdp(port=31_000))
    line.run()
    line.trunk.respond(line.invite, 200)
    line.run()

    changes = [event for event in line.events if isinstance(event, MediaChanged)]
    assert [(change.media.remote_port, change.is_early) for change in changes] == [
        (31_000, True),
        (31_000, False),
    ]
    assert isinstance(line.events[-1], CallAnswered)


@pytest.mark.parametrize(
    "body", [b"", b"no sdp", b"v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\nm=audio 0 RTP/AVP 0\r\n"]
)
def test_a_200_with_no_usable_answer_is_acked_and_hung_up(body: bytes) -> None:
    line = Line()
    line.place_call()
    line.trunk.answer(line.invite, body=body)
    line.run()
    line.respond("BYE", 200)

    assert line.trunk.ladder == ["INVITE", "ACK", "BYE"]
    assert line.verdict == ("failed", "unusable_sdp", "us")
    assert not any(isinstance(event, CallAnswered) for event in line.events)
    line.settle()


def test_a_ladder_is_kept_unless_it_is_not_wanted() -> None:
    line = Line()
    call_id = line.talk()

    assert [record.first_line for record in line.core.records(call_id)] == [
        "INVITE sip:79000000001@127.0.0.9 SIP/2.0",
        "SIP/2.0 180 Ringing",
        "SIP/2.0 200 OK",
        "ACK sip:callee@127.0.0.9:5060 SIP/2.0",
    ]
    line = Line(DialerConfig(trace=False))
    assert line.core.records(line.talk()) == []


def test_a_second_callee_and_one_who_answers_too_late_are_hung_up() -> None:
    line = Line()
    line.hang_up(line.ringing())
    line.run(33.0)
    for tag in ("late", "later"):
        line.answer(tag)
        line.respond("BYE", 200)

    assert line.trunk.ladder[-4:] == ["ACK", "BYE", "ACK", "BYE"]
    assert line.verdict == ("cancelled", "hang_up", "us")
    line.settle()


def test_many_calls_share_one_socket_and_leave_nothing_behind() -> None:
    line = Line()
    for number in range(300):
        call_id = line.place_call(trunk=TRUNK)
        if number % 3 == 0:
            line.trunk.respond(line.invite, 486)
        else:
            line.answer()
            line.hang_up(call_id)
            line.respond("BYE", 200)
        line.run(0.01)
    line.run()

    assert sum(isinstance(event, CallEnded) for event in line.events) == 300
    line.settle()
