"""The far end of the pure tests, looked at through the messages that it sends."""

import pytest

from dialer.sip.hop import Hop
from dialer.sip.message import Request, Response, parse_message
from dialer.testing.scripted_trunk import ScriptedTrunk, advance, exchange

DIALER = Hop("127.0.0.1", 5080)
INVITE = (
    b"INVITE sip:79000000001@127.0.0.9 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKone\r\n"
    b"Record-Route: <sip:10.0.0.1;lr>\r\n"
    b"From: <sip:100@127.0.0.9>;tag=ours\r\n"
    b"To: <sip:79000000001@127.0.0.9>\r\n"
    b"Call-ID: abc\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:100@127.0.0.1:5080>\r\n"
    b"Content-Length: 0\r\n\r\n"
)


class TickingDialer:
    """Sends INVITE at each whole second and counts what comes back."""

    def __init__(self) -> None:
        self.due = 0.0
        self.outgoing: list[bytes] = []
        self.received: list[tuple[float, bytes]] = []

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        self.received.append((now, data))

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Hop]]:
        outgoing, self.outgoing = self.outgoing, []
        return [(data, Hop("127.0.0.9", 5060)) for data in outgoing]

    def get_timer(self) -> float | None:
        return self.due

    def handle_timer(self, now: float) -> None:
        self.due += 1.0
        self.outgoing.append(INVITE)


def invited() -> ScriptedTrunk:
    trunk = ScriptedTrunk()
    trunk.receive_datagram(INVITE, DIALER, 0.0)
    return trunk


def sent(trunk: ScriptedTrunk) -> Request | Response:
    ((data, addr),) = trunk.datagrams_to_send(0.0)
    assert addr == DIALER
    return parse_message(data)


def test_an_answer_carries_contact_tag_route_and_sdp() -> None:
    trunk = invited()
    trunk.answer(trunk.last("INVITE"), to_tag="callee")
    answer = sent(trunk)
    assert isinstance(answer, Response)
    assert answer.status_code == 200
    assert answer.to.tag == "callee"
    assert answer.contact is not None
    assert answer.contact.uri == "sip:callee@127.0.0.9:5060"
    assert [route.uri for route in answer.record_route] == ["sip:10.0.0.1;lr"]
    assert b"m=audio 30000 RTP/AVP 0 101" in answer.body


def test_100_has_no_tag() -> None:
    trunk = invited()
    trunk.respond(trunk.last("INVITE"), 100)
    assert sent(trunk).to.tag is None


def test_a_bye_is_built_from_the_dialog_that_the_invite_opened() -> None:
    trunk = invited()
    trunk.bye(trunk.last("INVITE"))
    bye = sent(trunk)
    assert isinstance(bye, Request)
    assert (bye.method, bye.uri) == ("BYE", "sip:100@127.0.0.1:5080")
    assert (bye.from_.tag, bye.to.tag, bye.call_id) == ("callee", "ours", "abc")


def test_asking_for_what_was_never_heard_fails_with_what_was() -> None:
    with pytest.raises(AssertionError, match="no BYE among \\['INVITE'\\]"):
        invited().last("BYE")


def test_advance_stops_at_every_timer_of_the_dialer_and_delivery_may_drop_and_duplicate() -> None:
    dialer, trunk = TickingDialer(), ScriptedTrunk()
    end = advance(dialer, trunk, 0.0, 2.5, to_trunk=lambda data: [data, data])
    assert end == 2.5
    assert trunk.ladder == ["INVITE"] * 6
    trunk.respond(trunk.last("INVITE"), 486)
    exchange(dialer, trunk, 3.0, to_dialer=lambda _: [])
    assert dialer.received == []
    trunk.respond(trunk.last("INVITE"), 486)
    exchange(dialer, trunk, 3.5)
    assert [now for now, _ in dialer.received] == [3.5]
