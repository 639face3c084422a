"""The thread beside the loop: verdicts come back as events, what does not fit is unsure, an ended call is forgotten."""

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from dialer.answer_listener import AnswerListener
from dialer.events import AnswerClassified, BeepDismissed, BeepEnded, BeepSuspected, CallEvent, CallId
from dialer.media.g711 import to_alaw, to_ulaw
from dialer.rtp.tap import AudioSink, AudioTap, TapFrame
from tests.dialer.media.answer.sounds import tones

BUSY = tones([((425.0,), 350), ((), 350)] * 4)
BEEP = tones([((1000.0,), 400)])


class FakeMedia:
    """As much of a `CallMedia` as the listener uses."""

    def __init__(self) -> None:
        self.taps: list[AudioTap] = []

    def open_tap(self, sink: AudioSink) -> AudioTap:
        self.taps.append(AudioTap("call", sink, now=100.0))
        return self.taps[-1]

    def close_tap(self, tap: AudioTap) -> None:
        if tap in self.taps:
            self.taps.remove(tap)
            tap.sink.end_tap(tap)


async def say(listener: AnswerListener, media: FakeMedia, samples: NDArray[np.int16], skip: int = 0) -> None:
    """Feed a call as its clock does, faster; `skip` frames are lost before the second."""
    (tap,) = media.taps
    payload = to_ulaw(samples.astype("<i2").tobytes())
    for start in range(0, len(payload) - 159, 160):
        at = start + (skip * 160 if start else 0)
        frame = TapFrame(tap, "callee", at, 0, payload[start : start + 160], is_filled=False)
        ours = TapFrame(tap, "us", at, 0, b"\xff" * 160, is_filled=True)
        listener.take_frames([frame, ours])
        await asyncio.sleep(0)


@pytest.fixture
def told() -> list[CallEvent]:
    return []


async def until_told(told: list[CallEvent], count: int) -> None:
    async with asyncio.timeout(20):
        while len(told) < count:
            await asyncio.sleep(0.01)


async def test_a_verdict_comes_back_on_the_clock_of_the_loop_and_ends_the_listening(
    told: list[CallEvent],
) -> None:
    listener, media = AnswerListener(asyncio.get_running_loop()), FakeMedia()
    listener.listen(media, CallId("a"), told.append, is_early=False)  # type: ignore[arg-type]
    await say(listener, media, BUSY)
    await until_told(told, 1)
    (verdict,) = told
    assert isinstance(verdict, AnswerClassified)
    assert (verdict.call_id, verdict.answered_by, verdict.cause, verdict.is_early) == (
        "a",
        "tone",
        "busy",
        False,
    )
    assert 101.0 < verdict.at < 103.0
    assert media.taps == []
    await listener.close()


async def test_a_beep_tells_that_a_machine_answered_and_when_it_was_over(told: list[CallEvent]) -> None:
    listener, media = AnswerListener(asyncio.get_running_loop()), FakeMedia()
    listener.listen(media, CallId("a"), told.append, is_early=False)  # type: ignore[arg-type]
    await say(listener, media, BEEP)
    await until_told(told, 3)
    assert [type(event) for event in told] == [BeepSuspected, BeepEnded, AnswerClassified]
    assert told[0].at == told[1].at == pytest.approx(100.8, abs=0.06)
    await listener.close()


async def test_a_note_after_what_was_suspected_takes_it_back(told: list[CallEvent]) -> None:
    listener, media = AnswerListener(asyncio.get_running_loop()), FakeMedia()
    listener.listen(media, CallId("a"), told.append, is_early=False)  # type: ignore[arg-type]
    await say(listener, media, tones([((1000.0,), 400), ((), 500), ((700.0,), 300)]))
    await until_told(told, 2)
    assert [type(event) for event in told] == [BeepSuspected, BeepDismissed]
    assert 101.6 <= told[1].at < 101.8
    await listener.close()


async def test_a_hole_in_the_frames_is_unsure_and_counted(told: list[CallEvent]) -> None:
    listener, media = AnswerListener(asyncio.get_running_loop()), FakeMedia()
    listener.listen(media, CallId("a"), told.append, is_early=False)  # type: ignore[arg-type]
    await say(listener, media, BEEP, skip=5)
    await until_told(told, 1)
    (verdict,) = told
    assert isinstance(verdict, AnswerClassified)
    assert (verdict.answered_by, verdict.cause, listener.overloads) == ("unsure", "overload", 1)
    await listener.close()


async def test_a_call_too_many_is_unsure_and_the_others_are_heard(told: list[CallEvent]) -> None:
    listener = AnswerListener(asyncio.get_running_loop(), capacity=1)
    first, second = FakeMedia(), FakeMedia()
    listener.listen(first, CallId("first"), told.append, is_early=False)  # type: ignore[arg-type]
    listener.listen(second, CallId("second"), told.append, is_early=False)  # type: ignore[arg-type]
    await say(listener, first, BUSY[:1600])
    await say(listener, second, BUSY[:1600])
    await until_told(told, 1)
    assert [event.call_id for event in told] == ["second"]
    assert (len(first.taps), len(second.taps)) == (1, 0)
    await listener.close()


async def test_calls_of_both_laws_are_decoded_together(told: list[CallEvent]) -> None:
    listener, calls = AnswerListener(asyncio.get_running_loop()), [FakeMedia(), FakeMedia(), FakeMedia()]
    linear = BUSY.astype("<i2").tobytes()
    coded = [(0, to_ulaw(linear)), (8, to_alaw(linear)), (0, to_ulaw(linear))]
    for name, media in zip("abc", calls, strict=True):
        listener.listen(media, CallId(name), told.append, is_early=False)  # type: ignore[arg-type]
    taps = [media.taps[0] for media in calls]
    for at in range(0, len(BUSY) - 159, 160):
        listener.take_frames(
            [
                TapFrame(tap, "callee", at, payload_type, payload[at : at + 160], is_filled=False)
                for tap, (payload_type, payload) in zip(taps, coded, strict=True)
            ]
        )
        await asyncio.sleep(0)
    await until_told(told, 3)
    assert sorted((event.call_id, getattr(event, "cause", "")) for event in told) == [
        ("a", "busy"),
        ("b", "busy"),
        ("c", "busy"),
    ]
    await listener.close()


async def test_early_media_is_a_run_of_its_own_that_the_answer_ends(told: list[CallEvent]) -> None:
    listener, media = AnswerListener(asyncio.get_running_loop()), FakeMedia()
    listener.listen(media, CallId("a"), told.append, is_early=True)  # type: ignore[arg-type]
    (early,) = media.taps
    await say(listener, media, BEEP)
    listener.listen(media, CallId("a"), told.append, is_early=False)  # type: ignore[arg-type]
    assert early not in media.taps
    await say(listener, media, BUSY)
    await until_told(told, 1)
    assert [(type(event), getattr(event, "cause", "")) for event in told] == [(AnswerClassified, "busy")]
    await listener.close()


async def test_what_is_heard_of_an_ended_call_is_told_to_nobody(told: list[CallEvent]) -> None:
    listener, media = AnswerListener(asyncio.get_running_loop()), FakeMedia()
    listener.listen(media, CallId("a"), told.append, is_early=False)  # type: ignore[arg-type]
    (tap,) = media.taps
    await say(listener, media, BUSY[:8000])
    media.close_tap(tap)
    await listener.close()
    assert told == []
