"""Frames of two sides into whole seconds."""

import random

from hypothesis import given
from hypothesis import strategies as st

from dialer.recording.container import ALAW, CHUNK_SAMPLES, FILLED, MARKS_AT, MISSED, Gap, merged
from dialer.recording.track import Track
from dialer.rtp.tap import AudioTap, FrameQueue, Side, TapFrame

TAP = AudioTap("call", FrameQueue(1), now=0.0)


def frame(
    side: Side, number: int, payload: bytes, *, payload_type: int = 0, is_filled: bool = False
) -> TapFrame:
    return TapFrame(TAP, side, 160 * number, payload_type, payload, is_filled)


def sound(seed: int) -> bytes:
    return random.Random(seed).randbytes(160)


@given(
    st.lists(st.sampled_from(["callee", "us"]), max_size=300),
    st.sets(st.integers(0, 150)),
    st.sets(st.integers(0, 150)),
)
def test_every_frame_stands_in_its_place_whatever_order_the_sides_come_in(
    sides: list[Side], callee_lost: set[int], us_lost: set[int]
) -> None:
    track, seconds = Track(), dict[int, bytes]()
    counts: dict[Side, int] = {"callee": 0, "us": 0}
    lost: dict[Side, set[int]] = {"callee": callee_lost, "us": us_lost}
    put: dict[tuple[Side, int], bytes] = {}
    for side in sides:
        number = counts[side]
        counts[side] += 1
        if number not in lost[side]:
            put[side, number] = sound(number)
            chunks = track.put(frame(side, number, put[side, number]))
            seconds.update((at, bytes(chunk)) for at, chunk in chunks)
    seconds.update((at, bytes(chunk)) for at, chunk in track.finish(0))
    for (side, number), payload in put.items():
        second, at = divmod(160 * number, CHUNK_SAMPLES)
        start = (0 if side == "callee" else CHUNK_SAMPLES) + at
        assert seconds[second][start : start + 160] == payload
        assert seconds[second][MARKS_AT + start // 160] == 0
    ends = {side: max((number for one, number in put if one == side), default=-1) + 1 for side in counts}
    assert track.samples == 160 * max(ends.values())
    missed = {number for side, end in ends.items() for number in range(end) if (side, number) not in put}
    told = {
        number
        for gap in merged(track.gaps)
        for number in range(gap.start_sample // 160, gap.end_sample // 160)
    }
    assert told == missed


def test_marks_say_law_filling_and_what_was_missed() -> None:
    track = Track()
    track.put(frame("us", 0, sound(1), payload_type=8))
    track.put(frame("callee", 0, sound(2), is_filled=True))
    track.put(frame("callee", 2, sound(3)))
    ((number, chunk),) = track.finish(0)
    assert number == 0
    assert list(chunk[MARKS_AT : MARKS_AT + 3]) == [FILLED, MISSED, 0]
    assert list(chunk[MARKS_AT + 50 : MARKS_AT + 53]) == [ALAW, FILLED, FILLED]
    assert track.gaps == [Gap(160, 160, "overload")]


def test_what_never_came_at_the_end_is_a_gap_too() -> None:
    track = Track()
    track.put(frame("us", 0, sound(1)))
    ((_, chunk),) = track.finish(16_000)
    assert (track.samples, track.gaps) == (16_000, [Gap(160, 15_840, "overload")])
    assert list(chunk[MARKS_AT : MARKS_AT + 2]) == [FILLED, MISSED]


def test_a_long_hole_makes_no_seconds() -> None:
    track = Track()
    for side in ("callee", "us"):
        track.put(frame(side, 0, sound(1)))
    chunks = [number for side in ("callee", "us") for number, _ in track.put(frame(side, 500_000, sound(2)))]
    chunks += [number for number, _ in track.finish(0)]
    assert chunks == [0, 10_000]
    assert merged(track.gaps) == (Gap(160, 160 * 499_999, "overload"),)
