"""What a far end may ask of us, looked at through a whole core."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.events import MediaChanged
from dialer.sip.hop import Hop
from dialer.sip.message import Response, parse_message
from tests.dialer.calls import Line
from tests.dialer.sip.messages import request

STRANGER = Hop("127.0.0.77", 5099)


def ask(line: Line, data: bytes) -> list[tuple[Response, Hop]]:
    """Send bytes from a stranger; what goes back, and where to."""
    line.core.receive_datagram(data, STRANGER, line.now)
    answers = []
    for datagram, address in line.core.datagrams_to_send(line.now):
        message = parse_message(datagram)
        assert isinstance(message, Response)
        answers.append((message, address))
    return answers


@pytest.mark.parametrize(
    ("method", "status_code"),
    [
        ("OPTIONS", 200),
        ("INVITE", 480),
        ("BYE", 481),
        ("UPDATE", 481),
        ("PRACK", 481),
        ("CANCEL", 481),
        ("REFER", 405),
        ("REGISTER", 405),
        ("MESSAGE", 405),
        ("NOTIFY", 405),
        ("DANCE", 501),
    ],
)
def test_a_stranger_is_answered_without_state(method: str, status_code: int) -> None:
    line = Line()
    asked = request(method)
    asked.headers.add("User-Agent", "a request as long as most are, so that its answer may be whole")
    first = ask(line, asked.to_bytes())
    again = ask(line, asked.to_bytes())

    assert [answer.status_code for answer, _ in first] == [status_code]
    assert first[0][0].to.tag is not None
    assert first == again
    assert line.core.is_idle
    if status_code in {200, 405, 501}:
        assert first[0][0].headers.get("Allow") == "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE"


@pytest.mark.parametrize("method", ["BYE", "INVITE", "OPTIONS", "INFO", "CANCEL"])
def test_a_request_in_an_unknown_dialog_is_answered_481(method: str) -> None:
    answers = ask(Line(), request(method, to_tag="gone").to_bytes())

    assert [answer.status_code for answer, _ in answers] == [481]


def test_a_stray_ack_is_counted_and_never_answered() -> None:
    line = Line()

    assert ask(line, request("ACK", to_tag="gone").to_bytes()) == []
    assert line.core.counters["stray_acks"] == 1


def test_the_answer_goes_to_the_true_source_when_rport_asks_for_it() -> None:
    asking = request("OPTIONS")
    asking.headers.set("Via", "SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa")
    ((answer, address),) = ask(Line(), asking.to_bytes())

    assert address == STRANGER
    assert (answer.via.params["received"], answer.via.params["rport"]) == ("127.0.0.77", "5099")


def test_without_rport_the_answer_goes_to_the_port_of_the_via() -> None:
    asking = request("OPTIONS")
    asking.headers.set(
        "Via", "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb"
    )
    ((answer, address),) = ask(Line(), asking.to_bytes())

    assert address == Hop(STRANGER.host, 5070)
    assert answer.headers.get_all("Via")[1] == "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb"


def test_a_malformed_request_is_answered_400_and_counted() -> None:
    line = Line()
    broken = request("OPTIONS").to_bytes().replace(b"Content-Length: 0", b"Content-Length: 99")
    ((answer, address),) = ask(line, broken)

    assert (answer.status_code, address) == (400, STRANGER)
    assert line.core.counters["malformed"] == 1


def test_an_oversized_header_is_answered_513() -> None:
    broken = request("OPTIONS", headers=(("Subject", "x" * 9_000),)).to_bytes()
    ((answer, _),) = ask(Line(), broken)

    assert answer.status_code == 513


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\x00" * 40, b"SIP/2.0 200 OK\r\n\r\n", b"hello world\r\n\r\n"]
)
def test_rubbish_is_counted_and_not_answered(data: bytes) -> None:
    line = Line()

    assert ask(line, data) == []
    assert line.core.counters["malformed"] == 1


@given(
    st.binary(max_size=300)
    | st.builds(lambda data: request("BYE").to_bytes()[:60] + data, st.binary(max_size=300))
)
def test_no_bytes_raise_or_leave_anything_behind(data: bytes) -> None:
    line = Line()
    line.core.receive_datagram(data, STRANGER, 0.0)

    assert line.core.is_idle


def test_a_reinvite_holds_and_resumes_the_audio() -> None:
    line = Line()
    line.talk()
    for direction, port in (("sendonly", 30_000), ("sendrecv", 30_002)):
        reinvite = line.trunk.request(
            "INVITE", line.invite, body=line.trunk.sdp(direction=direction, port=port)
        )
        line.run()
        line.trunk.request("ACK", line.invite, cseq=reinvite.cseq.number)
        line.run()

    changes = [event for event in line.events if isinstance(event, MediaChanged)][1:]
    assert [(change.media.can_send, change.media.remote_port) for change in changes] == [
        (False, 30_000),
        (True, 30_002),
    ]
    held, resumed = line.trunk.responses
    assert b"a=recvonly" in held.body
    assert b"a=sendrecv" in resumed.body
    assert held.contact is not None
    assert int(resumed.body.split(b" ")[2]) == int(held.body.split(b" ")[2]) + 1
    line.trunk.bye(line.invite)
    line.run()
    line.settle()


def test_a_reinvite_without_an_offer_gets_ours_and_its_ack_brings_the_answer() -> None:
    line = Line()
    line.talk()
    reinvite = line.trunk.request("INVITE", line.invite)
    line.run()
    assert b"m=audio 20000 RTP/AVP 0 8 101" in line.trunk.responses[-1].body
    line.trunk.request(
        "ACK", line.invite, cseq=reinvite.cseq.number, body=line.trunk.sdp(payload_type=8, port=30_004)
    )
    line.run()

    last = line.events[-1]
    assert isinstance(last, MediaChanged)
    assert (last.media.payload_type, last.media.remote_port) == (8, 30_004)


def test_a_useless_answer_in_the_ack_changes_nothing() -> None:
    line = Line()
    line.talk()
    reinvite = line.trunk.request("INVITE", line.invite)
    line.run()
    before = len(line.events)
    line.trunk.request("ACK", line.invite, cseq=reinvite.cseq.number, body=b"nonsense")
    line.run()

    assert len(line.events) == before
    assert line.core.counters["unusable_sdp"] == 1


@pytest.mark.parametrize(
    ("body", "headers", "status_code"),
    [
        (b"nonsense", (), 488),
        (b"v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\nm=video 9 RTP/AVP 31\r\n", (), 488),
    ],
)
def test_a_reinvite_that_we_cannot_follow_is_refused_and_the_talk_goes_on(
    body: bytes, headers: tuple[tuple[str, str], ...], status_code: int
) -> None:
    line = Line()
    line.talk()
    before = len(line.events)
    line.trunk.request("INVITE", line.invite, body=body, headers=headers)
    line.run()

    assert line.trunk.responses[-1].status_code == status_code
    assert len(line.events) == before
    assert line.core.live_calls == 1


def test_a_reinvite_with_another_kind_of_body_is_refused() -> None:
    line = Line()
    line.talk()
    reinvite = request(
        "INVITE", to_tag=line.invite.from_.tag, from_tag="callee", call_id=line.invite.call_id, cseq=200,
        branch="z9hG4bKb", body=b"<xml/>", headers=(("Content-Type", "text/xml; charset=utf-8"),),
    )  # fmt: skip
    ((answer, _),) = ask(line, reinvite.to_bytes())

    assert (answer.status_code, answer.headers.get("Accept")) == (415, "application/sdp")


def test_an_unacked_2xx_of_a_reinvite_is_repeated_and_then_ends_the_call() -> None:
    line = Line()
    line.talk()
    line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())
    line.run(31.9)
    assert [response.status_code for response in line.trunk.responses] == [200] * 11
    line.run(0.1)
    line.respond("BYE", 200)

    assert line.verdict == ("answered", "ack_missing", "us")
    line.settle()


def test_the_next_reinvite_says_that_the_ack_of_the_last_one_was_lost() -> None:
    line = Line()
    line.talk()
    line.trunk.request("INVITE", line.invite, body=line.trunk.sdp(direction="sendonly"))
    line.run()
    resume = line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())
    line.run()
    line.trunk.request("ACK", line.invite, cseq=resume.cseq.number)
    line.run()
    before = len(line.trunk.responses)

    line.run(64 * 0.5)

    assert before == 2
    assert len(line.trunk.responses) == before
    line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())  # their transactions are long forgotten
    line.run()
    assert len(line.trunk.responses) == before + 1
    assert line.core.live_calls == 1


def test_a_retransmitted_reinvite_is_answered_once_by_the_transaction() -> None:
    line = Line()
    line.talk()
    reinvite = line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())
    line.run()
    line.trunk.send(reinvite.to_bytes())
    line.run()

    assert len(line.trunk.responses) == 1
    assert len([event for event in line.events if isinstance(event, MediaChanged)]) == 2


def test_a_cancel_of_a_reinvite_comes_too_late() -> None:
    line = Line()
    line.talk()
    reinvite = line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())
    line.run()
    cancel = request("CANCEL", branch=reinvite.via.branch, call_id=line.invite.call_id)
    cancel.headers.set("Via", str(reinvite.via))
    line.trunk.send(cancel.to_bytes())
    line.run()

    assert [response.status_code for response in line.trunk.responses] == [200, 200]
    assert line.trunk.responses[-1].cseq.method == "CANCEL"
    assert line.core.live_calls == 1


def test_a_reinvite_that_crosses_our_bye_is_refused() -> None:
    line = Line()
    line.hang_up(line.talk())
    line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())
    line.run()

    assert line.trunk.responses[-1].status_code == 481


@pytest.mark.parametrize(
    ("method", "status_code"),
    [("OPTIONS", 200), ("INFO", 405), ("UPDATE", 200), ("PRACK", 481), ("REFER", 603), ("DANCE", 501)],
)
def test_other_methods_in_a_dialog_do_not_disturb_it(method: str, status_code: int) -> None:
    line = Line()
    line.talk()
    line.trunk.request(method, line.invite)
    line.run()

    assert line.trunk.responses[-1].status_code == status_code
    assert line.core.live_calls == 1


def test_a_request_with_a_falling_cseq_is_refused() -> None:
    line = Line()
    line.talk()
    line.trunk.request("OPTIONS", line.invite, cseq=50)
    line.trunk.request("OPTIONS", line.invite, cseq=49)
    line.run()

    assert [response.status_code for response in line.trunk.responses] == [200, 500]


def test_an_extension_that_must_be_known_is_refused_but_never_for_a_bye() -> None:
    line = Line()
    line.talk()
    line.trunk.request(
        "INVITE", line.invite, headers=[("Require", "precondition, timer")], body=line.trunk.sdp()
    )
    line.run()
    refused = line.trunk.responses[-1]
    assert (refused.status_code, refused.headers.get_all("Unsupported")) == (420, ["precondition"])
    line.trunk.request("BYE", line.invite, headers=[("Require", "100rel")])
    line.run()

    assert line.verdict == ("answered", "normal", "callee")


def test_a_second_bye_finds_no_dialog() -> None:
    line = Line()
    line.talk()
    line.trunk.bye(line.invite)
    line.run()
    line.trunk.bye(line.invite)
    line.run()

    assert [response.status_code for response in line.trunk.responses] == [200, 481]


def test_a_peer_of_rfc_2543_without_branches_is_understood() -> None:
    line = Line()
    line.talk()
    bye = request("BYE", to_tag=line.invite.from_.tag, from_tag="callee", call_id=line.invite.call_id)
    bye.headers.set("Via", "SIP/2.0/UDP 127.0.0.77:5099")
    answers = [ask(line, bye.to_bytes()), ask(line, bye.to_bytes())]

    assert [[answer.status_code for answer, _ in each] for each in answers] == [[200], [200]]


def test_a_bye_that_overtakes_its_2xx_is_answered_and_told_with_its_cause() -> None:
    line = Line()
    line.place_call()
    line.ring()
    line.trunk.request("BYE", line.invite, headers=[("Reason", "Q.850;cause=16")])
    line.run()

    assert line.trunk.responses[-1].status_code == 200
    assert line.outcome.q850_cause == 16


@pytest.mark.parametrize("reason", ["SIP;cause=200", "Q.850", "nonsense;;"])
def test_another_reason_is_no_q850_cause(reason: str) -> None:
    line = Line()
    line.talk()
    line.trunk.request("BYE", line.invite, headers=[("Reason", reason)])
    line.run()

    assert line.outcome.q850_cause is None


def test_a_bye_of_a_fork_leg_whose_2xx_was_lost_ends_nothing() -> None:
    line = Line()
    line.talk()
    line.trunk.bye(line.invite, to_tag="lost")
    line.run()
    line.trunk.answer(line.invite, to_tag="lost")
    line.run()

    assert line.core.live_calls == 1
    assert line.trunk.ladder == ["INVITE", "ACK", "ACK"]
