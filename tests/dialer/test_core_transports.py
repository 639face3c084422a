"""Calls of a core whose trunk is reached over a connection: what the transport changes in them."""

import pytest

from dialer.config import DialerConfig, Identity, TrunkConfig
from dialer.errors import RemoteProtocolError
from dialer.sip.hop import Hop
from dialer.transport_config import Transport
from tests.dialer.calls import Line

TCP = TrunkConfig(name="t", host="127.0.0.9", transport="tcp")
HOP = Hop("127.0.0.9", 5060, "tcp")
LARGE = TrunkConfig(
    name="t",
    host="127.0.0.9",
    sends_large_by_tcp=True,
    identity=Identity(display_name="Long " * 100, has_asserted_identity=True),
)


def line_over(transport: Transport) -> Line:
    line = Line()
    line.trunk.address = Hop("127.0.0.9", 5060, transport)
    return line


def test_a_whole_call_over_tcp_says_so_in_every_header_and_repeats_nothing() -> None:
    line = line_over("tcp")
    call_id = line.place_call(trunk=TCP)
    line.run(20.0)
    line.ring()
    line.answer()
    line.hang_up(call_id)
    line.respond("BYE", 200)
    line.settle()

    assert line.trunk.ladder == ["INVITE", "ACK", "BYE"]
    assert [request.via.transport for request in line.trunk.requests] == ["TCP"] * 3
    assert line.invite.contact is not None
    assert line.invite.contact.uri == "sip:anonymous@127.0.0.1:5060;transport=tcp"
    assert line.verdict == ("answered", "normal", "us")


def test_a_sips_trunk_is_told_so_in_its_uris() -> None:
    """RFC 3261 §8.1.1.8, §26.2.2; RFC 5630 §3.3: `transport=tls` has no place in a SIPS URI."""
    line = line_over("tls")
    line.place_call(trunk=TrunkConfig(name="t", host="127.0.0.9", port=5061, transport="tls", uses_sips=True))
    invite = line.invite

    assert (invite.uri, invite.to.uri) == ("sips:79000000001@127.0.0.9", "sips:79000000001@127.0.0.9")
    assert invite.contact is not None
    assert invite.contact.uri == "sips:anonymous@127.0.0.1:5060"
    assert invite.via.transport == "TLS"


def test_a_trunk_that_cannot_be_reached_ends_the_call() -> None:
    line = line_over("tcp")
    line.place_call(trunk=TCP)
    line.core.transport_failed(HOP, line.now)
    line.run()

    assert line.outcome.result == "unreachable"
    line.settle()


@pytest.mark.parametrize("ringing", [False, True])
def test_a_lost_connection_ends_a_call_that_nobody_has_answered(*, ringing: bool) -> None:
    """The INVITE is not sent again: it may have arrived, and would call twice."""
    line = line_over("tcp")
    line.place_call(trunk=TCP)
    if ringing:
        line.ring()
    line.core.connection_lost(HOP, line.now)
    line.run()

    assert line.outcome.result == "unreachable"
    assert line.trunk.ladder == ["INVITE"]
    line.settle()


def test_a_lost_connection_leaves_a_talk_alone() -> None:
    line = line_over("tcp")
    call_id = line.place_call(trunk=TCP)
    line.ring()
    line.answer()
    line.core.connection_lost(HOP, line.now)
    line.run(5.0)
    line.hang_up(call_id)
    line.respond("BYE", 200)

    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_a_bye_that_may_be_lost_with_its_connection_is_sent_again_as_it_was() -> None:
    line = line_over("tcp")
    call_id = line.place_call(trunk=TCP)
    line.ring()
    line.answer()
    line.hang_up(call_id)
    line.core.connection_lost(HOP, line.now)
    line.run()
    first, second = line.trunk.heard("BYE")
    line.respond("BYE", 200)

    assert first == second
    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_a_callee_who_answers_after_the_connection_was_lost_is_not_left_alone() -> None:
    line = line_over("tcp")
    line.place_call(trunk=TCP)
    line.core.connection_lost(HOP, line.now)
    line.run()
    line.answer()

    assert line.outcome.result == "unreachable"
    assert line.trunk.ladder == ["INVITE", "ACK", "BYE"]


def test_a_large_invite_of_a_udp_trunk_goes_by_tcp_and_the_dialog_follows() -> None:
    """RFC 3261 §18.1.1."""
    line = line_over("tcp")
    call_id = line.place_call(trunk=LARGE)
    line.ring()
    line.answer()
    line.hang_up(call_id)
    line.respond("BYE", 200)

    assert len(line.invite.to_bytes()) > 1_300
    assert [request.via.transport for request in line.trunk.requests] == ["TCP"] * 3
    line.settle()


def test_a_large_invite_goes_by_udp_where_tcp_is_refused_and_so_does_the_next() -> None:
    line = line_over("udp")
    line.place_call(trunk=LARGE)
    line.core.transport_failed(HOP, line.now)
    line.run()
    line.answer()

    assert [request.via.transport for request in line.trunk.heard("INVITE")] == ["TCP", "UDP"]
    assert [request.cseq.number for request in line.trunk.heard("INVITE")] == [1, 2]
    line.settle_talk()


def test_a_large_invite_that_may_have_arrived_is_not_sent_by_udp_too() -> None:
    line = line_over("tcp")
    line.place_call(trunk=LARGE)
    line.core.connection_lost(HOP, line.now)
    line.run()

    assert (line.outcome.result, line.outcome.reason) == ("unreachable", "connection_lost")
    assert line.trunk.ladder == ["INVITE"]
    line.settle()


def test_nobody_is_called_by_udp_who_was_given_up_meanwhile() -> None:
    line = line_over("tcp")
    call_id = line.place_call(trunk=LARGE)
    line.hang_up(call_id)
    line.core.transport_failed(HOP, line.now)
    line.run()

    assert line.outcome.result == "cancelled"
    assert line.trunk.ladder == ["INVITE"]
    line.settle()


def test_small_invites_and_trunks_that_do_not_ask_stay_on_udp() -> None:
    line = line_over("udp")
    line.place_call(trunk=TrunkConfig(name="t", host="127.0.0.9", sends_large_by_tcp=True))
    line.place_call(trunk=TrunkConfig(name="t", host="127.0.0.9", identity=LARGE.identity))

    assert [request.via.transport for request in line.trunk.requests] == ["UDP", "UDP"]


def test_a_learned_address_is_what_the_next_call_says() -> None:
    """RFC 3581 §4; the trunk of the test notes nothing itself."""
    line = Line(DialerConfig(external_signalling_address="auto", external_media_address="auto"))
    line.place_call()
    via = str(line.invite.via).replace("rport", "received=203.0.113.7;rport=40123")
    ringing = line.trunk.respond(line.invite, 180)
    ringing.headers.set("Via", via)
    line.trunk.send(ringing.to_bytes())
    line.run()
    line.place_call()
    first, second = line.trunk.heard("INVITE")

    assert first.contact is not None
    assert second.contact is not None
    assert first.contact.uri == "sip:anonymous@127.0.0.1:5060"
    assert second.contact.uri == "sip:anonymous@203.0.113.7:40123"
    assert second.via.sent_by == "203.0.113.7:40123"
    assert b"c=IN IP4 203.0.113.7" in second.body
    assert b"m=audio 20000 " in second.body


def test_a_request_that_a_connection_cannot_be_read_after_is_refused() -> None:
    line = line_over("tcp")
    data = (
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=a\r\n"
    )
    data += b"To: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n"
    line.core.receive_unframeable(data, RemoteProtocolError("no Content-Length"), HOP, 0.0)
    ((answer, hop),) = line.core.datagrams_to_send(0.0)

    assert answer.startswith(b"SIP/2.0 400 ")
    assert hop == HOP
