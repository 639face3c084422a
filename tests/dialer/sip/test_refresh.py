"""Our side of a session timer (RFC 4028), looked at through a whole core: UPDATE, re-INVITE, and what comes of them."""

import pytest

from dialer.config import SipPolicy, TrunkConfig
from dialer.events import CallEnded, CallId, MediaChanged
from dialer.sip.digest import DigestVerifier
from tests.dialer.calls import Line, nothing
from tests.dialer.sip.messages import counting_rng

PEER_ALLOWS_UPDATE = ("Allow", "INVITE, ACK, BYE, UPDATE")


def timed(line: Line, *headers: tuple[str, str], expires: str = "120;refresher=uac") -> CallId:
    """Place a call and answer it with a session timer."""
    placed = line.place_call()
    line.trunk.respond(
        line.invite,
        200,
        headers=[("Require", "timer"), ("Session-Expires", expires), *headers],
        body=line.trunk.sdp(),
    )
    line.run()
    return placed


def sent(line: Line, method: str) -> set[str]:
    """Branches: one for each request that is no retransmission."""
    return {request.via.branch for request in line.trunk.heard(method)}


def test_the_invite_offers_what_the_policy_of_its_trunk_says() -> None:
    line = Line()
    line.place_call()
    assert line.invite.headers.get_all("Supported") == ["100rel", "timer"]
    assert line.invite.headers.get("Session-Expires") == "1800"
    assert "Min-SE" not in line.invite.headers
    policy = SipPolicy(has_reliable_provisionals=False, has_session_timer=False)
    line.place_call(trunk=TrunkConfig(name="t", host="127.0.0.9", sip=policy))

    assert not {"Supported", "Session-Expires"} & {name for name, _ in line.invite.headers}


def test_a_session_that_is_ours_to_refresh_is_refreshed_by_update() -> None:
    """RFC 4028 §7.4, §10."""
    line = Line()
    call_id = timed(line, PEER_ALLOWS_UPDATE)
    for _ in range(3):
        line.run(60.0)
        update = line.trunk.last("UPDATE")
        assert update.headers.get("Session-Expires") == "120;refresher=uac"
        assert update.headers.get_all("Supported") == ["timer"]
        assert (update.contact, update.body) == (line.invite.contact, b"")
        line.trunk.respond(update, 200, headers=[("Session-Expires", "120;refresher=uac")])
        line.run()
    assert len({request.cseq.number for request in line.trunk.heard("UPDATE")}) == 3
    line.hang_up(call_id)
    line.respond("BYE", 200)

    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_a_peer_without_update_is_refreshed_by_a_reinvite_that_changes_nothing() -> None:
    line = Line()
    timed(line)
    first = line.invite
    line.run(60.0)
    reinvite = line.invite
    assert (reinvite.to.tag, reinvite.cseq.number, reinvite.body) == ("callee", 2, first.body)
    line.trunk.respond(
        reinvite, 200, headers=[("Session-Expires", "120;refresher=uac")], body=line.trunk.sdp()
    )
    line.run()
    line.trunk.respond(reinvite, 200, body=line.trunk.sdp())  # again: the same ACK, no second agreement
    line.run()

    acks = line.trunk.heard("ACK")[1:]
    assert [str(ack.cseq) for ack in acks] == ["2 ACK", "2 ACK"]
    assert len({ack.to_bytes() for ack in acks}) == 1
    assert len([event for event in line.events if isinstance(event, MediaChanged)]) == 1
    line.run(60.0)
    assert line.invite.cseq.number == 3
    line.settle_talk()


def test_media_that_the_answer_to_our_refresh_moves_are_followed() -> None:
    line = Line()
    timed(line)
    line.run(60.0)
    line.trunk.answer(line.invite, body=line.trunk.sdp(port=33_000))
    line.run()

    changes = [event.media.remote_port for event in line.events if isinstance(event, MediaChanged)]
    assert changes == [30_000, 33_000]


@pytest.mark.parametrize("status_code", [405, 501])
def test_a_refused_update_becomes_a_reinvite_at_once(status_code: int) -> None:
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE)
    line.run(60.0)
    line.respond("UPDATE", status_code)

    assert line.trunk.ladder[-2:] == ["UPDATE", "INVITE"]


@pytest.mark.parametrize("status_code", [408, 481])
def test_a_peer_that_knows_nothing_of_the_session_is_hung_up(status_code: int) -> None:
    """RFC 3261 §12.2.1.2."""
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE)
    line.run(60.0)
    line.respond("UPDATE", status_code)
    line.respond("BYE", 481)

    assert line.verdict == ("answered", "refresh_failed", "us")
    line.settle()


def test_a_silent_peer_is_found_out_by_the_refresh() -> None:
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE, expires="600;refresher=uac")
    line.run(300.0 + 33.0, to_trunk=nothing)
    line.run(40.0)

    assert line.verdict == ("answered", "refresh_failed", "us")
    line.settle()


def test_a_refresh_that_is_never_answered_finally_ends_with_the_session() -> None:
    """A provisional stops Timer B of a re-INVITE: the interval is the only end."""
    line = Line()
    timed(line)
    line.run(60.0)
    line.respond("INVITE", 100)
    line.run(28.0)
    line.respond("BYE", 200)

    assert line.verdict == ("answered", "session_expired", "us")
    line.settle()


def test_two_reinvites_at_once_are_tried_again_after_a_while() -> None:
    """RFC 3261 §14.1: 2.1 to 4 s for who owns the Call-ID; §14.2: the peer's is refused meanwhile."""
    line = Line()
    timed(line)
    line.run(60.0)
    theirs = line.trunk.request("INVITE", line.trunk.requests[0], body=line.trunk.sdp())
    line.run(0.6)
    refusals = line.trunk.responses
    assert {refusal.status_code for refusal in refusals} == {491}
    assert len(refusals) == 2, "repeated until its ACK comes (§17.2.1)"
    theirs.method, theirs.body = "ACK", b""
    theirs.headers.set("CSeq", f"{theirs.cseq.number} ACK")
    line.trunk.send(theirs.to_bytes())
    line.run()
    assert line.core.counters == {}, "the ACK belongs to something"
    line.respond("INVITE", 491)
    line.run(2.0)
    assert len(sent(line, "INVITE")) == 2
    line.run(2.1)

    assert len(sent(line, "INVITE")) == 3


def test_no_second_reinvite_of_ours_while_the_first_is_open() -> None:
    """RFC 3261 §14.1."""
    line = Line()
    timed(line)
    line.run(60.0)
    line.respond("INVITE", 100)
    line.trunk.request(
        "UPDATE",
        line.trunk.requests[0],
        headers=[("Supported", "timer"), ("Session-Expires", "120;refresher=uas")],
    )
    line.run(70.0)
    assert len(sent(line, "INVITE")) == 2
    line.answer()
    line.run(61.0)

    assert len(sent(line, "INVITE")) == 2
    assert line.core.live_calls == 1


@pytest.mark.parametrize(("headers", "pause"), [((), 10.0), ((("Retry-After", "14"),), 14.0)])
def test_an_error_of_the_way_postpones_the_refresh(
    headers: tuple[tuple[str, str], ...], pause: float
) -> None:
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE)
    line.run(60.0)
    line.trunk.respond(line.trunk.last("UPDATE"), 503, headers=headers)
    line.run()
    line.run(pause - 0.1)
    assert len(line.trunk.heard("UPDATE")) == 1
    line.run(0.2)

    assert len(line.trunk.heard("UPDATE")) == 2


def test_a_transport_error_postpones_the_refresh() -> None:
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE)
    line.run(60.0)
    line.core.transport_failed(line.trunk.address, line.now)
    line.run(10.1)

    assert len(sent(line, "UPDATE")) == 2
    assert line.core.live_calls == 1


def test_a_refresh_that_is_too_short_is_sent_again_with_what_the_peer_wants() -> None:
    """RFC 4028 §7.3."""
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE)
    line.run(60.0)
    line.trunk.respond(line.trunk.last("UPDATE"), 422, headers=[("Min-SE", "300")])
    line.run()

    again = line.trunk.last("UPDATE")
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("300;refresher=uac", "300")
    line.trunk.respond(again, 422, headers=[("Min-SE", "300")])
    line.run()
    assert len(line.trunk.heard("UPDATE")) == 2


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_challenged_refresh_is_sent_again_with_credentials(method: str) -> None:
    line = Line()
    checker = DigestVerifier("trunk", {"user": "pass"}, counting_rng())
    timed(line, *([PEER_ALLOWS_UPDATE] if method == "UPDATE" else []))
    line.run(60.0)
    line.trunk.respond(line.trunk.last(method), 401, headers=[("WWW-Authenticate", checker.challenge())])
    line.run()

    again = line.trunk.last(method)
    value = again.headers.get("Authorization") or ""
    assert checker.verify(value, method, again.body) == "user"
    if method == "INVITE":
        line.trunk.answer(again)
        line.run()
        assert line.trunk.last("ACK").headers.get("Authorization") == value


@pytest.mark.parametrize("expires", ["120", "120;refresher=uac", "120;refresher=uas"])
def test_who_refreshes_is_what_the_2xx_says(expires: str) -> None:
    """RFC 4028 §7.2; unsaid, we do."""
    line = Line()
    timed(line, PEER_ALLOWS_UPDATE, expires=expires)
    line.run(61.0)

    assert bool(line.trunk.heard("UPDATE")) == (not expires.endswith("uas"))


def test_a_2xx_without_a_timer_means_none() -> None:
    line = Line()
    line.talk()
    line.run(3_000.0)

    assert line.trunk.ladder == ["INVITE", "ACK"]


@pytest.mark.parametrize("is_ours", [False, True])
def test_nothing_is_refreshed_after_the_end(is_ours: bool) -> None:  # noqa: FBT001 (parameter)
    line = Line()
    call_id = timed(line, PEER_ALLOWS_UPDATE)
    if is_ours:
        line.hang_up(call_id)
        line.respond("BYE", 200)
    else:
        line.trunk.bye(line.invite)
        line.run()

    line.settle()
    assert "UPDATE" not in line.trunk.ladder


def test_nothing_is_refreshed_while_our_bye_waits_for_its_answer() -> None:
    line = Line()
    call_id = timed(line, PEER_ALLOWS_UPDATE)
    line.run(50.0)
    line.hang_up(call_id)
    line.run(33.0)

    assert "UPDATE" not in line.trunk.ladder
    assert line.verdict == ("answered", "normal", "us")


def test_the_contact_of_the_2xx_to_our_refresh_is_where_the_peer_is() -> None:
    """RFC 3261 §12.2.1.2."""
    line = Line()
    call_id = timed(line, PEER_ALLOWS_UPDATE)
    line.run(60.0)
    line.trunk.respond(
        line.trunk.last("UPDATE"),
        200,
        headers=[("Contact", "<sip:moved@127.0.0.9>"), ("Session-Expires", "120;refresher=uac")],
    )
    line.run()
    line.hang_up(call_id)

    assert line.trunk.last("BYE").uri == "sip:moved@127.0.0.9"


def test_a_reinvite_of_ours_that_the_end_overtakes_leaves_nothing() -> None:
    line = Line()
    timed(line)
    line.run(60.0)
    line.respond("INVITE", 100)
    line.settle_talk()
    assert sum(isinstance(event, CallEnded) for event in line.events) == 1


def test_a_late_2xx_of_such_a_reinvite_is_still_acked() -> None:
    line = Line()
    timed(line)
    line.run(60.0)
    line.respond("INVITE", 100)
    line.trunk.bye(line.trunk.requests[0])
    line.run()
    line.answer()

    assert line.trunk.ladder[-1] == "ACK"
    line.settle()


def test_a_session_that_is_too_short_is_asked_for_again_once() -> None:
    """RFC 4028 §7.3."""
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 422, headers=[("Min-SE", "3600")])
    line.run()
    again = line.invite
    assert (again.cseq.number, again.call_id) == (2, line.trunk.requests[0].call_id)
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("3600", "3600")
    line.trunk.respond(again, 422, headers=[("Min-SE", "7200")])
    line.run()

    assert line.verdict == ("failed", "sip_422", "network")
    assert line.trunk.ladder.count("INVITE") == 2
    line.settle()


def test_a_422_that_names_no_interval_is_a_refusal() -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 422)
    line.run()

    assert line.verdict == ("failed", "sip_422", "network")
