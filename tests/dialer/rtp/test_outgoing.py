"""What we send: prompts, digits, and what another leg says."""

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.outgoing import CLOSED, FRAME_SECONDS, OutgoingStream
from dialer.rtp.packet import RtpPacket, parse_packet

ULAW = bytes(range(200)) * 4  # five frames
ALAW = bytes(reversed(ULAW))


def stream(
    *, payload_type: int = 0, can_send: bool = True, start: bytes = bytes(10), ptime_ms: int = 20
) -> OutgoingStream:
    made = OutgoingStream(lambda count: start[:count])
    made.set_format(payload_type, ptime_ms)
    made.can_send = can_send
    return made


def sent(made: OutgoingStream, now: float = 0.0) -> list[RtpPacket]:
    """Tick until nothing is left to send."""
    packets = []
    while made.is_playing or made.is_sending_digits:
        while (data := made.next_packet(now)) is not None:
            packet = parse_packet(bytes(data))
            assert packet is not None
            packets.append(packet)
        now += FRAME_SECONDS
    return packets


def test_a_prompt_leaves_in_slices_of_160_samples() -> None:
    made = stream()
    made.play(ULAW, ALAW)

    packets = sent(made)

    assert b"".join(packet.payload for packet in packets) == ULAW
    assert [packet.sequence for packet in packets] == [0, 1, 2, 3, 4]
    assert [packet.timestamp for packet in packets] == [0, 160, 320, 480, 640]
    assert [packet.has_marker for packet in packets] == [True, False, False, False, False]
    assert made.played_ms == 100
    assert not made.is_playing


def test_the_callee_who_chose_a_law_gets_a_law() -> None:
    made = stream(payload_type=8)
    made.play(ULAW, ALAW)

    packets = sent(made)

    assert {packet.payload_type for packet in packets} == {8}
    assert b"".join(packet.payload for packet in packets) == ALAW


def test_the_last_slice_is_filled_with_silence() -> None:
    made = stream()
    made.play(ULAW[:170], ALAW[:170])
    assert sent(made)[1].payload == ULAW[160:170] + b"\xff" * 150


def test_sequence_and_timestamp_start_at_random_and_wrap() -> None:
    made = stream(start=b"\x00\x00\x00\x2a" + b"\xff\xff" + b"\xff\xff\xff\xff")
    made.play(ULAW, ALAW)

    packets = sent(made)

    assert {packet.ssrc for packet in packets} == {42}
    assert [packet.sequence for packet in packets[:3]] == [0xFFFF, 0, 1]
    assert [packet.timestamp for packet in packets[:2]] == [0xFFFFFFFF, 159]


def test_the_timestamp_runs_on_through_a_silence_and_the_next_talkspurt_is_marked() -> None:
    made = stream()
    made.play(ULAW, ALAW)
    sent(made, now=0.0)
    made.play(ULAW, ALAW)

    packets = sent(made, now=1.0)

    assert packets[0].timestamp == 8000
    assert [packet.has_marker for packet in packets[:2]] == [True, False]
    assert packets[0].sequence == 5


def test_nothing_is_sent_while_the_callee_holds_us_and_the_prompt_waits() -> None:
    made = stream(can_send=False)
    made.play(ULAW, ALAW)
    assert made.next_packet(0.0) is None
    made.can_send = True
    assert len(sent(made, now=3.0)) == 5


def test_a_stopped_prompt_is_silent_and_says_how_much_was_played() -> None:
    made = stream()
    made.play(ULAW, ALAW)
    for now in (0.0, 0.02):
        made.next_packet(now)
    made.stop_playing()
    assert made.next_packet(0.04) is None
    assert made.played_ms == 40


def test_packets_are_as_long_as_the_peer_asks() -> None:
    for ptime_ms, lengths in ((10, {80}), (20, {160}), (30, {240}), (40, {320}), (60, {480}), (25, {160})):
        made = stream(ptime_ms=ptime_ms)
        made.play(bytes(4_800), bytes(4_800))
        packets = sent(made)
        assert {len(packet.payload) for packet in packets} == lengths
        assert sum(len(packet.payload) for packet in packets) == 4_800
        steps = {(after.timestamp - before.timestamp) for before, after in itertools.pairwise(packets)}
        assert steps == lengths


def test_odd_lengths_keep_their_pace() -> None:
    made = stream(ptime_ms=30)
    made.play(bytes(24_000), bytes(24_000))
    packets = [index for index in range(150) if made.next_packet(index * FRAME_SECONDS) is not None]
    assert len(packets) == 100  # three seconds


def test_a_late_tick_is_made_up_for_and_a_long_stall_is_not() -> None:
    made = stream(ptime_ms=10)
    made.play(bytes(8_000), bytes(8_000))
    made.next_packet(0.0)
    caught_up = 0
    while made.next_packet(0.1) is not None:
        caught_up += 1
    assert caught_up == 10
    assert made.next_packet(5.0) is not None
    assert made.next_packet(5.0) is None


def test_a_key_is_updates_and_three_ends_of_one_timestamp() -> None:
    made = stream()
    made.send_digits("5", 101)
    packets = sent(made)
    assert {packet.payload_type for packet in packets} == {101}
    assert {packet.timestamp for packet in packets} == {0}
    assert [packet.has_marker for packet in packets] == [True] + [False] * 6
    assert [packet.payload[0] for packet in packets] == [5] * 7
    assert [packet.payload[1] & 0x80 for packet in packets] == [0, 0, 0, 0, 128, 128, 128]
    assert [int.from_bytes(packet.payload[2:], "big") for packet in packets] == [
        160,
        320,
        480,
        640,
        800,
        800,
        800,
    ]
    assert [packet.sequence for packet in packets] == list(range(7))


def test_keys_come_one_after_the_other_with_a_pause_and_the_prompt_waits() -> None:
    made = stream()
    made.play(ULAW, ALAW)
    made.next_packet(0.0)
    made.send_digits("1#", 101)
    packets = sent(made, now=0.02)
    events = [packet for packet in packets if packet.payload_type == 101]
    assert [packet.payload_type for packet in packets] == [101] * 14 + [0] * 4
    first, second = events[0].timestamp, events[7].timestamp
    assert second - first >= 800 + 400, "a key of 100 ms and a pause"
    assert events[7].payload[0] == 11
    assert made.played_ms == 100
    times = [packet.timestamp for packet in packets if packet.payload_type == 0]
    assert times[0] > second
    assert [packet.sequence for packet in packets] == list(range(1, 19))


def test_tones_interrupt_a_prompt_that_then_goes_on() -> None:
    made = stream()
    made.play(ULAW, ALAW)
    made.next_packet(0.0)
    made.interject(b"a" * 160, b"b" * 160)
    made.interject(b"c" * 160, b"d" * 160)
    assert made.played_ms == 20
    packets = sent(made, now=0.02)
    assert b"".join(packet.payload for packet in packets) == b"a" * 160 + b"c" * 160 + ULAW[160:]
    assert [packet.has_marker for packet in packets] == [False] * 6
    assert made.played_ms == 100
    made.interject(b"a" * 160, b"b" * 160)
    made.stop_playing()
    assert not made.is_playing


def test_another_legs_packets_become_ours_with_their_gaps() -> None:
    made = stream(start=b"\0\0\0\x2a" + b"\x00\x64" + b"\0\0\0\x0a")
    forwarded = []
    for sequence in (65_535, 0, 2, 1):  # wraps, one comes late
        data = made.forward(0, sequence, 160 * (sequence + 1 & 0xFFFF), b"x" * 160, now=0.0)
        packet = parse_packet(data)
        assert packet is not None
        forwarded.append(packet)
    assert [packet.sequence for packet in forwarded] == [100, 101, 103, 102]
    assert [packet.timestamp for packet in forwarded] == [10, 170, 490, 330]
    assert {packet.ssrc for packet in forwarded} == {42}


def test_a_prompt_after_what_was_forwarded_continues_its_numbers() -> None:
    made = stream()
    made.forward(0, 500, 7_000, b"x" * 160, now=1.0)
    made.play(ULAW, ALAW)
    packets = sent(made, now=1.02)
    assert packets[0].sequence == 1
    assert packets[0].timestamp == 160
    again = parse_packet(made.forward(0, 501, 7_160, b"x" * 160, now=1.12))
    assert again is not None
    assert again.sequence == 6
    assert again.timestamp == packets[-1].timestamp + 160


class Nowhere:
    """A connected socket that takes everything."""

    def __init__(self) -> None:
        self.send_errors = 0
        self.send_known: Callable[[memoryview], object] = len


def go_onward(made: OutgoingStream, timestamp: int, now: float) -> None:
    """Do what who reads packets does (`Onward`), without the packet."""
    onward = made.onward
    onward.count += 1
    onward.timestamp = (timestamp + onward.timestamp_offset) & 0xFFFFFFFF
    onward.sent_at = now


def test_what_went_the_short_way_is_counted_and_a_prompt_continues_its_numbers() -> None:
    made = stream()
    made.forward(0, 500, 7_000, b"x" * 160, now=1.0)
    made.open_onward(160, Nowhere())
    for index in (1, 2, 3):
        go_onward(made, 7_000 + 160 * index, 1.0 + 0.02 * index)
    assert (made.packets_sent, made.octets_sent) == (4, 640)
    assert made.timestamp_at(1.08) == 640
    go_onward(made, 7_640, 1.08)
    made.play(ULAW, ALAW)
    packets = sent(made, now=1.10)
    assert (packets[0].sequence, packets[0].timestamp) == (5, 800)
    assert made.onward.size == CLOSED, "its numbers are no longer those of the other leg"


def test_whatever_else_is_sent_or_changes_closes_the_short_way() -> None:
    def move(made: OutgoingStream) -> None:
        made.move(bytes)

    def tick(made: OutgoingStream) -> None:
        made.next_packet(1.0)

    def listen(made: OutgoingStream) -> None:
        made.add_listener(lambda *_packet: None)

    def change(made: OutgoingStream) -> None:
        made.set_format(8, 20)

    for step in (move, tick, listen, change, OutgoingStream.restart_forwarding):
        made = stream()
        made.forward(0, 500, 7_000, b"x" * 160, now=1.0)
        made.open_onward(160, Nowhere())
        assert made.onward.size == 172
        step(made)
        assert made.onward.size == CLOSED, step
    made = stream()
    made.open_onward(160, Nowhere())
    assert made.onward.size == CLOSED, "nothing was forwarded"


@given(st.lists(st.tuples(st.sampled_from(["tick", "play", "stop", "digit", "forward", "onward", "restart", "format"]), st.integers(0, 0xFFFF)), max_size=60))  # fmt: skip
def test_whatever_is_asked_sequence_numbers_of_our_own_grow_by_one(steps: list[tuple[str, int]]) -> None:
    made = stream()
    now = 0.0
    last: int | None = None
    for kind, value in steps:
        data: bytes | bytearray | None = None
        if kind == "tick":
            now += value / 100_000
            data = made.next_packet(now)
        elif kind == "play":
            made.play(bytes(value % 1_000), bytes(value % 1_000))
        elif kind == "stop":
            made.stop_playing()
        elif kind == "digit" and not made.is_sending_digits:
            made.send_digits("0123456789*#ABCD"[value % 16], 101)
        elif kind == "format":
            made.set_format((0, 8)[value % 2], value % 70)
        elif kind == "restart":
            made.restart_forwarding()
        elif kind == "forward":
            made.forward(0, value, value * 160, b"x", now)
            last = None
        elif kind == "onward":
            made.restart_forwarding()
            made.forward(0, value, value * 160, b"x", now)
            packet = parse_packet(made.forward(0, value + 1, value * 160 + 160, b"x", now))
            assert packet is not None
            made.open_onward(1, Nowhere())
            for index in range(value % 5):
                go_onward(made, value * 160 + 320 + 160 * index, now)
            last = packet.sequence + value % 5
        if data is not None:
            packet = parse_packet(bytes(data))
            assert packet is not None
            assert packet.ssrc == made.ssrc
            assert last is None or packet.sequence == (last + 1) & 0xFFFF
            last = packet.sequence
