"""One leg's packets become the other's."""

from collections.abc import Callable

from dialer.media.g711 import transcoding
from dialer.rtp.outgoing import CLOSED
from dialer.rtp.packet import RtpPacket, build_packet, parse_packet
from dialer.rtp.relay import Relay
from dialer.rtp.session import RtpSession

CALLEE, AGENT = ("127.0.0.9", 4000), ("127.0.0.8", 5000)


class Way:
    """A connected socket of the agent's, to whoever asks."""

    def __init__(self) -> None:
        self.send_errors = 0
        self.sent: list[memoryview] = []
        self.send_known: Callable[[memoryview], object] = self.sent.append


class Legs:
    """A callee and an agent; what the callee sends comes out for the agent."""

    def __init__(
        self, *, agent_type: int = 0, agent_digits: int | None = 96, agent_hears: bool = True
    ) -> None:
        self.callee = RtpSession(lambda count: b"\1" * count)
        self.agent = RtpSession(lambda count: b"\2" * count)
        self.callee.set_media(CALLEE, payload_type=0, telephone_event=101, can_send=True)
        self.agent.set_media(
            AGENT, payload_type=agent_type, telephone_event=agent_digits, can_send=agent_hears
        )
        self.heard: list[RtpPacket] = []
        self.way = Way()
        self.relay = Relay(self.callee, self.agent, self._hear, lambda: self.way, transcoding)

    def _hear(self, data: bytes) -> None:
        packet = parse_packet(data)
        assert packet is not None
        self.heard.append(packet)

    def say(self, sequence: int, payload: bytes = b"\x7f" * 160, *, kind: int = 0, ssrc: int = 7) -> None:
        data = build_packet(
            RtpPacket(kind, sequence, 160 * sequence, ssrc, payload, has_marker=sequence == 1)
        )
        self.callee.receive(data, CALLEE, 0.02 * sequence)


def test_sound_is_forwarded_as_ours_with_its_gaps_and_its_mark() -> None:
    legs = Legs()
    for sequence in (1, 2, 4, 3, 4):
        legs.say(sequence)
    first = legs.heard[0]
    assert [packet.sequence - first.sequence for packet in legs.heard] == [0, 1, 3, 2]
    assert [packet.timestamp - first.timestamp for packet in legs.heard] == [0, 160, 480, 320]
    assert {packet.ssrc for packet in legs.heard} == {0x02020202}
    assert [packet.has_marker for packet in legs.heard] == [True, False, False, False]
    assert {packet.payload for packet in legs.heard} == {b"\x7f" * 160}


def test_another_law_is_looked_up() -> None:
    legs = Legs(agent_type=8)
    legs.say(1, b"\xff" * 160)
    assert legs.heard[0].payload_type == 8
    assert legs.heard[0].payload == b"\xd5" * 160


def test_digits_go_on_under_the_other_legs_type_or_not_at_all() -> None:
    legs, deaf = Legs(), Legs(agent_digits=None)
    for pair in (legs, deaf):
        pair.say(1)
        pair.say(2, b"\1\x0a\0\xa0", kind=101)
        pair.say(3, b"\x40", kind=13)
        pair.say(4)
    assert [packet.payload_type for packet in legs.heard] == [0, 96, 0]
    assert [packet.payload_type for packet in deaf.heard] == [0, 0]


def test_another_stream_of_the_callee_continues_our_numbers() -> None:
    legs = Legs()
    legs.say(1)
    legs.say(2)
    legs.say(40_000, ssrc=8)
    legs.say(40_001, ssrc=8)
    numbers = [packet.sequence for packet in legs.heard]
    assert [number - numbers[0] for number in numbers] == [0, 1, 2, 3]


def test_a_leg_that_holds_hears_nothing_and_a_closed_relay_is_silent() -> None:
    holding = Legs(agent_hears=False)
    holding.say(1)
    assert holding.heard == []
    legs = Legs()
    legs.say(1)
    legs.relay.close()
    legs.relay.close()
    legs.say(2)
    assert len(legs.heard) == 1


def test_the_short_way_is_open_after_a_packet_in_its_turn_that_needs_no_change() -> None:
    legs = Legs()
    onward = legs.agent.outgoing.onward
    assert legs.callee.lane.onward is onward
    legs.say(1)
    assert onward.size == CLOSED, "a marker is no usual packet"
    legs.say(2)
    assert (onward.size, onward.socket) == (172, legs.way)
    legs.say(4)
    assert onward.size == CLOSED, "one is missing"
    legs.say(5)
    assert onward.size == 172
    legs.say(3)
    assert onward.size == CLOSED, "late"
    legs.say(6, b"\0" * 80)
    assert onward.size == 92
    legs.say(7, b"\1\x0a\0\xa0", kind=101)
    assert onward.size == CLOSED
    legs.say(8)
    legs.agent.set_media(AGENT, payload_type=8, telephone_event=None, can_send=True)
    assert onward.size == CLOSED
    legs.say(9)
    assert onward.size == CLOSED, "another law"
    assert legs.way.sent == [], "only who reads packets sends there"


def test_the_short_way_is_closed_to_whom_somebody_hears_and_by_the_relays_end() -> None:
    legs = Legs()
    onward = legs.agent.outgoing.onward
    legs.say(1)
    legs.say(2)
    heard: list[bytes] = []
    legs.agent.outgoing.add_listener(
        lambda _kind, _sequence, _timestamp, payload, _is_in_turn, _now: heard.append(payload)
    )
    legs.say(3)
    assert (onward.size, len(heard)) == (CLOSED, 1)
    legs.agent.outgoing.listeners.clear()
    legs.say(4)
    assert onward.size == 172
    legs.relay.close()
    assert onward.size == CLOSED
    assert legs.callee.lane.onward is None


def test_a_listener_beside_the_relay_hears_every_packet() -> None:
    legs = Legs()
    legs.say(1)
    legs.say(2)
    assert legs.callee.lane.expects >= 0, "known by its first bytes"
    legs.callee.add_listener(lambda *_packet: None)
    assert legs.callee.lane.expects < 0
    legs.say(3)
    assert legs.callee.lane.expects < 0


def test_a_stream_that_began_anew_while_the_other_leg_held_continues_our_numbers() -> None:
    legs = Legs()
    legs.say(1)
    legs.agent.outgoing.can_send = False
    legs.say(40_000, ssrc=8)
    legs.agent.outgoing.can_send = True
    legs.say(40_001, ssrc=8)
    assert legs.heard[1].sequence == legs.heard[0].sequence + 1
