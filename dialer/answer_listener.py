"""
The answer classifier beside the event loop: a thread that hears all calls of a process together.

The loop opens a tap per call (early media and talk are runs of their own); the clock's frames go through a bounded queue to
the thread, which feeds the classifier one frame of every call at a time; what it hears comes back as events on the loop. What does
not fit is not waited for: a call without a free slot, or with a hole in its frames, is `unsure` with cause `overload`.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
import structlog

from dialer.call_media import CallMedia
from dialer.events import (
    AnswerClassified,
    BeepDismissed,
    BeepEnded,
    BeepSuspected,
    CallEvent,
    CallId,
    GreetingEnded,
)
from dialer.media.answer.classifier import AnswerClassifier
from dialer.media.answer.spectrum import FRAME_SAMPLES
from dialer.media.answer.verdict import (
    AnswerVerdict,
    BeepEnd,
    DismissedBeep,
    GreetingEnd,
    Heard,
    SuspectedBeep,
)
from dialer.media.g711 import decode
from dialer.rtp.tap import AudioTap, FrameQueue, TapFrame

log = structlog.get_logger()

CAPACITY: Final = 512
"""Calls heard at once. A call is heard for some seconds only, so that a node carries several times as many."""
_QUEUE_SECONDS: Final = 1
_FRAMES_PER_SECOND: Final = 100
"""Of both sides of a call."""
_POLL_SECONDS: Final = 0.2


class _Hearing(msgspec.Struct):
    """One tap, in the thread."""

    slot: int
    next_sample: int = 0
    frames: deque[tuple[int, bytes]] = msgspec.field(default_factory=deque)
    """Payload type and 20 ms of it."""


class _Listened(msgspec.Struct, frozen=True):
    """One tap, on the loop."""

    media: CallMedia
    tap: AudioTap
    call_id: CallId
    is_early: bool
    tell: Callable[[CallEvent], None]


class AnswerListener:
    """An `AudioSink`. All public methods belong to the loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, countries: Sequence[str] = ("ru",), capacity: int = CAPACITY
    ) -> None:
        self._loop = loop
        self._countries = countries
        self._capacity = capacity
        self._queue = FrameQueue(capacity * _FRAMES_PER_SECOND * _QUEUE_SECONDS)
        self._listened: dict[AudioTap, _Listened] = {}
        self._early: set[AudioTap] = set()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self.overloads = 0
        """Calls that could not be heard."""

    def listen(
        self, media: CallMedia, call_id: CallId, tell: Callable[[CallEvent], None], *, is_early: bool
    ) -> None:
        """Hear a call from now on, until its verdict is final or it ends; a run of early media ends here."""
        self.forget(media)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="answer-listener", daemon=True)
            self._thread.start()
        tap = media.open_tap(self)
        if tap is None:
            return
        if is_early:
            self._early.add(tap)
        self._listened[tap] = _Listened(media, tap, call_id, is_early, tell)

    def forget(self, media: CallMedia) -> None:
        """Hear a call no more."""
        for listened in [one for one in self._listened.values() if one.media is media]:
            media.close_tap(listened.tap)

    def take_frames(self, frames: list[TapFrame]) -> None:
        self._queue.take_frames([frame for frame in frames if frame.side == "callee"])

    def end_tap(self, tap: AudioTap) -> None:
        self._listened.pop(tap, None)
        self._early.discard(tap)
        self._queue.end_tap(tap)

    async def close(self) -> None:
        """End the thread; it takes a poll at most."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _tell(self, heard: list[tuple[AudioTap, Heard]], done: list[AudioTap]) -> None:
        """On the loop: what the thread has heard."""
        for tap, what in heard:
            listened = self._listened.get(tap)
            if listened is None:
                continue
            if isinstance(what, AnswerVerdict) and what.cause == "overload":
                self.overloads += 1
                log.warning("answer.not_heard", call_id=listened.call_id, overloads=self.overloads)
            listened.tell(_event(listened, what))
        for tap in done:
            listened = self._listened.get(tap)
            if listened is not None:
                listened.media.close_tap(tap)

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        classifier = AnswerClassifier(self._capacity)
        hearings: dict[AudioTap, _Hearing] = {}
        finished: set[AudioTap] = set()
        while not self._stopping.is_set():
            item = self._queue.get(_POLL_SECONDS)
            if item is None:
                continue
            if isinstance(item, AudioTap):
                finished.discard(item)
                ended = hearings.pop(item, None)
                if ended is not None:
                    classifier.close(ended.slot)
                continue
            try:
                heard = self._sort(item, classifier, hearings, finished)
                heard += _hear(classifier, hearings)
            except Exception:
                log.exception("answer.listener_crashed")
                heard = [(tap, _overload(0)) for tap in hearings]
                classifier, hearings = AnswerClassifier(self._capacity), {}
                done = [tap for tap, _ in heard]
            else:
                done = [tap for tap, one in hearings.items() if classifier.is_done(one.slot)]
                done += [
                    tap for tap, what in heard if isinstance(what, AnswerVerdict) and what.cause == "overload"
                ]
            for tap in done:
                finished.add(tap)
                over = hearings.pop(tap, None)
                if over is not None:
                    classifier.close(over.slot)
            if heard or done:
                self._loop.call_soon_threadsafe(self._tell, heard, done)

    def _sort(
        self,
        frames: list[TapFrame],
        classifier: AnswerClassifier,
        hearings: dict[AudioTap, _Hearing],
        finished: set[AudioTap],
    ) -> list[tuple[AudioTap, Heard]]:
        """Put each frame to its call; a call that cannot be heard, or has a hole, is told."""
        lost: list[tuple[AudioTap, Heard]] = []
        for frame in frames:
            tap = frame.tap
            if tap in finished:
                continue
            hearing = hearings.get(tap)
            if hearing is None:
                slot = classifier.open(is_early=tap in self._early, countries=self._countries)
                if slot is None or frame.start_sample:
                    if slot is not None:
                        classifier.close(slot)
                    finished.add(tap)
                    lost.append((tap, _overload(frame.start_sample)))
                    continue
                hearing = hearings[tap] = _Hearing(slot)
            if frame.start_sample != hearing.next_sample:
                finished.add(tap)
                classifier.close(hearings.pop(tap).slot)
                lost.append((tap, _overload(frame.start_sample)))
                continue
            hearing.next_sample += FRAME_SAMPLES
            hearing.frames.append((frame.payload_type, frame.payload))
        return lost


def _hear(classifier: AnswerClassifier, hearings: dict[AudioTap, _Hearing]) -> list[tuple[AudioTap, Heard]]:
    """Feed all calls, one frame of each at a time."""
    heard: list[tuple[AudioTap, Heard]] = []
    while waiting := [(tap, one) for tap, one in hearings.items() if one.frames]:
        frames = [one.frames.popleft() for _, one in waiting]
        rows = np.empty((len(frames), FRAME_SAMPLES), np.int16)
        # decoding costs by the call, not by the byte
        for payload_type in {payload_type for payload_type, _ in frames}:
            of_type = [row for row, frame in enumerate(frames) if frame[0] == payload_type]
            payload = b"".join(frames[row][1] for row in of_type)
            rows[of_type] = decode(payload, payload_type).reshape(-1, FRAME_SAMPLES)
        slots = np.array([one.slot for _, one in waiting])
        by_slot = {one.slot: tap for tap, one in waiting}
        heard += [(by_slot[int(slot)], what) for slot, what in classifier.take(slots, rows)]
    return heard


def _overload(at_sample: int) -> AnswerVerdict:
    return AnswerVerdict(
        answered_by="unsure",
        cause="overload",
        speech_start_ms=None,
        greeting_end_ms=None,
        verdict_ms=at_sample // 8,
        confidence=0.0,
    )


def _event(listened: _Listened, heard: Heard) -> CallEvent:
    """Turn the classifier's milliseconds into the loop's clock."""
    started, call_id = listened.tap.opened_at, listened.call_id
    match heard:
        case GreetingEnd():
            return GreetingEnded(call_id=call_id, at=started + heard.end_ms / 1000)
        case SuspectedBeep():
            return BeepSuspected(call_id=call_id, at=started + heard.end_ms / 1000)
        case DismissedBeep():
            return BeepDismissed(call_id=call_id, at=started + heard.heard_ms / 1000)
        case BeepEnd():
            return BeepEnded(call_id=call_id, at=started + heard.end_ms / 1000)
        case AnswerVerdict():
            end = heard.greeting_end_ms
            return AnswerClassified(
                call_id=call_id,
                at=started + heard.verdict_ms / 1000,
                answered_by=heard.answered_by,
                cause=heard.cause,
                confidence=heard.confidence,
                is_early=listened.is_early,
                speech_started_ms=heard.speech_start_ms,
                greeting_ended_at=None if end is None else started + end / 1000,
            )
