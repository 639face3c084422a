"""Packets into frames: order, holes, silence, leaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.playout import FRAME_SAMPLES, MAX_WAITING, Frame, Playout

SILENCE = b"\xff" * FRAME_SAMPLES


def sound(number: int, length: int = 160) -> bytes:
    return bytes([number % 250]) * length


class Stream:
    """Packets of 20 ms into a playout, at their time unless said otherwise."""

    def __init__(self, depth_ms: int = 60, first_timestamp: int = 5_000) -> None:
        self.playout = Playout(0.0, depth_ms=depth_ms)
        self.next_number = 0
        self.first_timestamp = first_timestamp
        self.frames: list[Frame] = []

    def put(
        self, number: int, *, now: float | None = None, kind: int = 0, payload: bytes | None = None
    ) -> None:
        timestamp = (self.first_timestamp + 160 * number) & 0xFFFFFFFF
        at = number * 0.02 if now is None else now
        is_in_turn = number == self.next_number
        self.next_number = max(self.next_number, number + 1)
        self.playout.put(
            kind, number, timestamp, sound(number) if payload is None else payload, is_in_turn, at
        )

    def take(self, now: float) -> list[Frame]:
        taken = self.playout.take(now)
        self.frames += taken
        return taken

    def heard(self) -> list[int | None]:
        return [None if frame.is_filled else frame.payload[0] for frame in self.frames]


def test_what_comes_in_order_comes_at_once() -> None:
    stream = Stream()
    for number in range(5):
        stream.put(number)
        assert stream.take(number * 0.02) == [Frame(160 * number, 0, sound(number), is_filled=False)]


def test_what_comes_out_of_order_is_put_in_order() -> None:
    stream = Stream()
    for number in (0, 2, 1, 3):
        stream.put(number, now=0.0)
    stream.take(0.02)
    assert stream.heard() == [0, 1, 2, 3]
    assert stream.playout.dropped == 0


def test_a_missing_packet_is_waited_for_and_becomes_silence() -> None:
    stream = Stream(depth_ms=60)
    for number in (0, 2, 3):
        stream.put(number)
        stream.take(number * 0.02)
    assert stream.heard() == [0]
    stream.put(4)
    stream.take(0.08)
    assert stream.heard() == [0]
    stream.put(5)
    stream.take(0.1)  # the first behind the hole has waited for 60 ms
    assert stream.heard() == [0, None, 2, 3, 4, 5]
    assert stream.frames[1].payload == SILENCE
    stream.put(1, now=0.12)
    assert stream.playout.dropped == 1


def test_a_recorder_waits_longer_and_misses_nothing() -> None:
    stream = Stream(depth_ms=1_000)
    for number in (0, 2, 3, 4, 5):
        stream.put(number)
    stream.take(0.5)
    stream.put(1, now=0.6)
    stream.take(0.6)
    assert stream.heard() == [0, 1, 2, 3, 4, 5]


def test_where_nothing_comes_silence_follows_the_clock() -> None:
    stream = Stream(depth_ms=60)
    for tick in range(51):
        stream.take(tick * 0.02)
    assert stream.heard() == [None] * 47  # one second less 60 ms
    assert {frame.payload for frame in stream.frames} == {SILENCE}


def test_suppressed_silence_is_filled_without_waiting_and_sound_keeps_its_place() -> None:
    stream = Stream()
    stream.put(0)
    stream.playout.put(0, 1, 5_000 + 160 * 10, sound(10), True, 0.2)  # the next packet, eight frames later
    stream.take(0.2)
    assert stream.heard() == [0, *[None] * 9, 10]
    assert stream.frames[-1].start_sample == 1_600


def test_a_network_that_stalls_loses_no_sound() -> None:
    stream = Stream(depth_ms=60)
    stream.put(0)
    for tick in range(25):
        stream.take(tick * 0.02)
    for number in range(1, 25):  # all at once, half a second late
        stream.put(number, now=0.5)
    stream.take(0.5)
    assert [number for number in stream.heard() if number is not None] == list(range(25))
    assert stream.playout.dropped == 0


@pytest.mark.parametrize("length", [80, 240, 320, 480])
def test_other_packet_lengths_become_frames_of_20_ms(length: int) -> None:
    playout = Playout(0.0, depth_ms=60)
    spoken = bytes(range(240)) * 10
    for index in range(0, len(spoken), length):
        playout.put(0, index, index, spoken[index : index + length], True, index / 8_000)
    frames = playout.take(0.3)
    assert b"".join(frame.payload for frame in frames) == spoken
    assert {len(frame.payload) for frame in frames} == {160}


def test_a_last_part_is_filled_up_when_the_tap_ends() -> None:
    playout = Playout(0.0, depth_ms=60)
    playout.put(0, 0, 0, sound(7, 80), True, 0.0)
    assert playout.take(0.0) == []
    assert playout.flush() == [Frame(0, 0, sound(7, 80) + SILENCE[:80], is_filled=True)]


def test_what_waits_behind_a_hole_is_not_lost_at_the_end() -> None:
    stream = Stream()
    for number in (0, 2, 4):
        stream.put(number)
    stream.frames += stream.playout.flush()
    assert stream.heard() == [0, None, 2, None, 4]


def test_comfort_noise_and_digits_are_silence() -> None:
    stream = Stream()
    stream.put(0)
    stream.put(1, kind=13, payload=b"\x40")
    stream.put(2, kind=101, payload=b"\x01\x0a\x00\xa0")
    stream.put(3)
    stream.take(0.06)
    assert stream.heard() == [0, None, None, 3]


def test_the_law_may_change_and_each_frame_has_one() -> None:
    stream = Stream()
    stream.put(0, payload=sound(0, 80))
    stream.playout.put(8, 1, 5_080, sound(9), True, 0.01)
    stream.frames += stream.playout.flush()
    assert [(frame.payload_type, frame.is_filled) for frame in stream.frames] == [(0, True), (8, False)]


def test_timestamps_wrap() -> None:
    stream = Stream(first_timestamp=0xFFFFFFFF - 100)
    for number in range(4):
        stream.put(number)
    stream.take(0.06)
    assert stream.heard() == [0, 1, 2, 3]


def test_a_leap_of_the_peers_clock_begins_where_time_is() -> None:
    stream = Stream()
    stream.put(0)
    stream.playout.put(0, 1, 900_000, sound(1), True, 0.02)
    stream.playout.put(0, 2, 900_160, sound(2), True, 0.04)
    stream.take(0.04)
    assert stream.heard() == [0, 1, 2]


def test_a_flood_is_bounded() -> None:
    stream = Stream()
    for number in range(5_000):
        stream.put(number, now=1.0)
    assert len(stream.playout.flush()) <= 50 * 3 + 2
    waiting = Stream()
    waiting.put(0)
    for number in range(2, 99):
        waiting.put(number, now=0.0)
    assert len(waiting.playout._waiting) <= MAX_WAITING


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 0xFFFFFFFF), st.integers(0, 500), st.booleans()),
        st.tuples(st.just("near"), st.integers(-800, 2_400), st.sampled_from([80, 160, 240]), st.booleans()),
        st.tuples(st.just("take"), st.integers(0, 300), st.just(0), st.just(False)),
    ),
    max_size=80,
)


@given(STEPS)
def test_any_order_loss_and_nonsense_gives_whole_frames_without_holes(
    steps: list[tuple[str, int, int, bool]],
) -> None:
    playout = Playout(0.0, depth_ms=60)
    frames: list[Frame] = []
    now, clock = 0.0, 0
    for kind, value, length, is_in_turn in steps:
        if kind == "take":
            now += value / 1_000
            frames += playout.take(now)
        else:
            clock = value if kind == "put" else (clock + value) & 0xFFFFFFFF
            playout.put(0, 0, clock, bytes(length), is_in_turn, now)
        assert len(playout._waiting) <= MAX_WAITING
    frames += playout.flush()
    assert [frame.start_sample for frame in frames] == [160 * index for index in range(len(frames))]
    assert all(len(frame.payload) == FRAME_SAMPLES for frame in frames)
    assert len(frames) <= 50 * (now + 4) + 10


@given(st.permutations(range(12)), st.sets(st.integers(1, 11)))
def test_every_packet_that_comes_within_the_depth_is_heard_once(order: list[int], lost: set[int]) -> None:
    stream = Stream(depth_ms=1_000)
    stream.put(0)
    for number in order:
        if number and number not in lost:
            stream.put(number, now=0.3)
    stream.frames += stream.playout.flush()
    assert [number for number in stream.heard() if number is not None] == [
        number for number in range(12) if number not in lost
    ]
