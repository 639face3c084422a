"""The user agent under a whole core: credentials, routes and what comes astray."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.errors import RemoteProtocolError
from dialer.events import CallId
from dialer.sip.digest import DigestVerifier
from dialer.sip.hop import Hop
from dialer.sip.invite_session import InviteSession
from dialer.sip.message import Request, parse_message, response_to
from dialer.sip.session_event import Kind
from dialer.sip.user_agent import SipUserAgent
from dialer.testing.scripted_trunk import ScriptedTrunk, advance, exchange
from tests.dialer.calls import DIALER, RTP, TRUNK, Line
from tests.dialer.sip.messages import counting_rng, response


def verifier() -> DigestVerifier:
    return DigestVerifier("trunk", {"user": "pass"}, counting_rng())


def challenge(line: Line, method: str, status_code: int, value: str) -> None:
    name = "WWW-Authenticate" if status_code == 401 else "Proxy-Authenticate"
    line.trunk.respond(line.trunk.last(method), status_code, headers=[(name, value)])
    line.run()


@pytest.mark.parametrize("has_rung", [False, True])
@pytest.mark.parametrize(("status_code", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenged_invite_is_sent_again_with_credentials(
    status_code: int,
    name: str,
    has_rung: bool,  # noqa: FBT001 (parameter)
) -> None:
    line = Line()
    checker = verifier()
    call_id = line.place_call()
    first = line.invite
    if has_rung:
        line.ring(100)
    challenge(line, "INVITE", status_code, checker.challenge())

    second = line.invite
    assert line.trunk.ladder == ["INVITE", "ACK", "INVITE"]
    assert checker.verify(second.headers.get(name, "") or "", "INVITE", second.body) == "user"
    assert (second.cseq.number, second.call_id, second.from_) == (2, first.call_id, first.from_)
    assert second.via.branch != first.via.branch
    line.answer()
    assert line.trunk.last("ACK").headers.get(name) == second.headers.get(name)
    line.hang_up(call_id)
    bye = line.trunk.last("BYE")
    assert bye.cseq.number == 3
    assert checker.verify(bye.headers.get(name, "") or "", "BYE", b"") == "user"
    line.respond("BYE", 200)
    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_a_wrong_password_ends_the_call() -> None:
    line = Line()
    checker = verifier()
    line.place_call()
    challenge(line, "INVITE", 401, checker.challenge())
    challenge(line, "INVITE", 401, checker.challenge())

    assert line.trunk.ladder == ["INVITE", "ACK", "INVITE", "ACK"]
    assert line.verdict == ("failed", "sip_401", "network")
    assert line.outcome.fault == "local"
    line.settle()


def test_a_stale_nonce_is_worth_one_more_try() -> None:
    line = Line()
    checker = verifier()
    line.place_call()
    challenge(line, "INVITE", 407, checker.challenge())
    challenge(line, "INVITE", 407, checker.challenge() + ", stale=true")
    assert line.trunk.ladder.count("INVITE") == 3
    challenge(line, "INVITE", 407, checker.challenge() + ", stale=true")

    assert line.verdict == ("failed", "sip_407", "network")


def test_a_challenge_without_credentials_of_ours_ends_the_call() -> None:
    line = Line()
    line.place_call(trunk=TrunkConfig(name="t", host="127.0.0.9"))
    challenge(line, "INVITE", 401, verifier().challenge())

    assert line.verdict == ("failed", "sip_401", "network")


def test_a_challenge_after_we_gave_up_is_not_answered() -> None:
    line = Line()
    line.hang_up(line.place_call())
    challenge(line, "INVITE", 401, verifier().challenge())

    assert line.trunk.ladder == ["INVITE", "ACK"]
    assert line.verdict == ("cancelled", "hang_up", "us")


def test_a_challenged_invite_is_cancelled_by_its_newest_transaction() -> None:
    line = Line()
    call_id = line.place_call()
    challenge(line, "INVITE", 401, verifier().challenge())
    line.ring()
    line.hang_up(call_id)

    cancel = line.trunk.last("CANCEL")
    assert (cancel.cseq.number, cancel.via.branch) == (2, line.invite.via.branch)


def test_a_challenged_bye_is_sent_again_with_credentials() -> None:
    line = Line()
    checker = verifier()
    line.hang_up(line.talk())
    challenge(line, "BYE", 407, checker.challenge())

    bye = line.trunk.last("BYE")
    assert line.trunk.ladder.count("BYE") == 2
    assert checker.verify(bye.headers.get("Proxy-Authorization", "") or "", "BYE", b"") == "user"
    challenge(line, "BYE", 407, checker.challenge())
    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_ack_and_bye_follow_the_record_route() -> None:
    line = Line()
    call_id = line.place_call()
    line.trunk.respond(
        line.invite,
        200,
        body=line.trunk.sdp(),
        headers=[("Record-Route", "<sip:127.0.0.7:5070;lr>, <sip:127.0.0.8;lr>")],
    )
    line.core.receive_datagram(line.trunk.datagrams_to_send(0.0)[0][0], line.trunk.address, 0.0)
    ((ack, ack_destination),) = line.core.datagrams_to_send(0.0)
    line.core.hang_up(call_id, 1.0)
    ((bye, bye_destination),) = line.core.datagrams_to_send(1.0)

    assert ack_destination == bye_destination == Hop("127.0.0.8", 5060)
    for data in (ack, bye):
        message = parse_message(data)
        assert isinstance(message, Request)
        assert message.headers.get_all("Route") == ["<sip:127.0.0.8;lr>", "<sip:127.0.0.7:5070;lr>"]
        assert message.uri == "sip:callee@127.0.0.9:5060"


def test_a_strict_router_is_followed_too() -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(
        line.invite, 200, body=line.trunk.sdp(), headers=[("Record-Route", "<sip:127.0.0.8:5070>")]
    )
    line.run()

    ack = line.trunk.last("ACK")
    assert ack.uri == "sip:127.0.0.8:5070"
    assert ack.headers.get_all("Route") == ["<sip:callee@127.0.0.9:5060>"]


def test_a_response_to_nothing_is_counted() -> None:
    line = Line()
    line.core.receive_datagram(response(200).to_bytes(), Hop("127.0.0.9", 5060), 0.0)

    assert line.core.counters["stray_responses"] == 1
    assert line.core.datagrams_to_send(0.0) == []


def test_a_response_of_another_method_does_not_match() -> None:
    """RFC 3261 §17.1.3: a CANCEL shares its INVITE's branch."""
    line = Line()
    line.place_call()
    wrong = response_to(line.invite, 486, to_tag="callee")
    wrong.headers.set("CSeq", "1 CANCEL")
    line.core.receive_datagram(wrong.to_bytes(), line.trunk.address, 0.0)
    line.run()

    assert line.core.counters["stray_responses"] == 1
    assert line.core.live_calls == 1


def readable(data: bytes) -> tuple[bytes, ...]:
    """A 400 repeats what it was given, which may be no SIP."""
    try:
        parse_message(data)
    except RemoteProtocolError:
        return ()
    return (data,)


@given(data=st.data())
def test_no_bytes_in_the_middle_of_a_call_raise(data: st.DataObject) -> None:
    """Rule 1: real messages of the call, with bytes replaced, dropped or added anywhere."""
    line = Line()
    line.place_call()
    line.ring()
    for make in (
        lambda: line.trunk.answer(line.invite),
        lambda: line.trunk.request(
            "INVITE", line.invite, headers=[("Record-Route", "<sip:127.0.0.7;lr>")], body=line.trunk.sdp()
        ),
        lambda: line.trunk.respond(line.invite, 401, headers=[("WWW-Authenticate", verifier().challenge())]),
        lambda: line.trunk.bye(line.invite),
    ):
        make()
        ((message, _),) = line.trunk.datagrams_to_send(line.now)
        start = data.draw(st.integers(0, len(message)))
        end = data.draw(st.integers(start, min(start + 20, len(message))))
        middle = data.draw(
            st.binary(max_size=20) | st.sampled_from([b"<", b'"', b",", b";", b":", b"\r\n", b"@"])
        )
        line.core.receive_datagram(message[:start] + middle + message[end:], line.trunk.address, line.now)
        line.run(to_trunk=readable)
    line.core.hang_up(CallId(line.invite.call_id), line.now)
    line.run(400.0, to_trunk=readable)
    assert line.core.is_idle


def user_agent() -> tuple[SipUserAgent, InviteSession, ScriptedTrunk]:
    """A user agent alone, with an INVITE on its way."""
    agent = SipUserAgent(DialerConfig(), counting_rng())
    trunk = ScriptedTrunk()
    opened = agent.open_session(
        CallRequest(number="79000000001", trunk=TRUNK), "call", RTP, DIALER, user=None
    )
    agent.invite(opened, 0.0)
    exchange(agent, trunk, 0.0)
    return agent, opened, trunk


def kinds(agent: SipUserAgent) -> list[Kind]:
    found = []
    while (event := agent.next_event()) is not None:
        found.append(event.kind)
    return found


def test_the_first_2xx_a_repeated_one_and_a_forked_one_are_told_apart() -> None:
    agent, opened, trunk = user_agent()
    invite = trunk.last("INVITE")
    trunk.respond(invite, 183, body=trunk.sdp())
    trunk.answer(invite)
    trunk.answer(invite, to_tag="second")
    exchange(agent, trunk, 0.0)
    first = trunk.answer(invite)
    agent.acknowledge(opened, first, trunk.address, 0.0)
    agent.acknowledge(opened, first, trunk.address, 0.0)
    exchange(agent, trunk, 0.0)

    assert kinds(agent) == [Kind.PROVISIONAL, Kind.SUCCESS, Kind.FORKED_SUCCESS, Kind.REPEATED_SUCCESS]
    assert trunk.heard("ACK")[0] == trunk.heard("ACK")[1]
    assert len(agent.records("call")) == 7


def test_early_media_stands_for_a_2xx_without_a_description_but_not_for_a_broken_one() -> None:
    for body, kind in ((b"", Kind.SUCCESS), (b"broken", Kind.UNUSABLE_SUCCESS)):
        agent, _, trunk = user_agent()
        trunk.respond(trunk.last("INVITE"), 183, body=trunk.sdp())
        trunk.answer(trunk.last("INVITE"), body=body)
        exchange(agent, trunk, 0.0)
        assert kinds(agent) == [Kind.PROVISIONAL, kind]


def test_a_fork_is_acked_and_hung_up_up_to_a_limit() -> None:
    agent, opened, trunk = user_agent()
    for number in range(20):
        answer = trunk.answer(trunk.last("INVITE"), to_tag=f"fork-{number}")
        agent.acknowledge(opened, answer, trunk.address, 0.0)
        agent.hang_up_fork(opened, answer, trunk.address, "Q.850;cause=26", 0.0)
    exchange(agent, trunk, 0.0)

    assert trunk.ladder.count("ACK") == trunk.ladder.count("BYE") == 16


def test_a_transport_error_fails_what_goes_that_way_only() -> None:
    agent, _, trunk = user_agent()
    agent.transport_failed(Hop("127.0.0.10", 5060), 0.0)
    assert kinds(agent) == []
    agent.transport_failed(trunk.address, 0.0)

    assert kinds(agent) == [Kind.TRANSPORT_ERROR]


def test_a_session_is_in_use_until_it_is_released_and_its_transactions_are_over() -> None:
    agent, opened, trunk = user_agent()
    agent.release(opened, 0.0)
    assert agent.has_session("call")
    advance(agent, trunk, 0.0, 100.0)

    assert kinds(agent) == [Kind.SILENCE]
    assert not agent.has_session("call")
    assert agent.is_idle


def test_giving_up_listens_for_a_late_answer() -> None:
    agent, opened, trunk = user_agent()
    trunk.respond(trunk.last("INVITE"), 180)
    exchange(agent, trunk, 0.0)
    agent.give_up(opened, 1.0)
    trunk.answer(trunk.last("INVITE"))
    exchange(agent, trunk, 20.0)

    assert kinds(agent) == [Kind.PROVISIONAL, Kind.SUCCESS]


def test_a_reinvite_whose_2xx_is_never_acked_is_told() -> None:
    agent, opened, trunk = user_agent()
    answer = trunk.answer(trunk.last("INVITE"))
    exchange(agent, trunk, 0.0)
    agent.acknowledge(opened, answer, trunk.address, 0.0)
    trunk.request("INVITE", trunk.last("INVITE"), body=trunk.sdp())
    advance(agent, trunk, 0.0, 40.0)

    assert kinds(agent) == [Kind.SUCCESS, Kind.MEDIA, Kind.ACK_MISSING]


def test_an_unanswered_bye_is_told_and_counted_and_a_cancel_is_not() -> None:
    agent, opened, trunk = user_agent()
    trunk.respond(trunk.last("INVITE"), 180)
    exchange(agent, trunk, 0.0)
    agent.cancel(opened, "Q.850;cause=16", 0.0)
    exchange(agent, trunk, 0.0)
    trunk.respond(trunk.last("CANCEL"), 200)
    trunk.answer(trunk.last("INVITE"))
    exchange(agent, trunk, 0.0)
    agent.hang_up(opened, "Q.850;cause=16", 0.0)
    advance(agent, trunk, 0.0, 40.0)

    assert kinds(agent) == [Kind.PROVISIONAL, Kind.SUCCESS, Kind.BYE_FINISHED]
    assert agent.counters["bye_unanswered"] == 1
