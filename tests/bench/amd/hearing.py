"""Many clips through the product's classifier at once, frame by frame, as if all had been answered together."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialer.media.answer.classifier import AnswerClassifier
from dialer.media.answer.model import AnswerModel
from dialer.media.answer.spectrum import FRAME_SAMPLES
from dialer.media.answer.verdict import AnswerVerdict, BeepEnd, GreetingEnd, SuspectedBeep

BATCH: Final = 500
TAIL_SECONDS: Final = 6
"""Silence after each clip, so that one that ends with its last word gets a verdict too."""


class Result(msgspec.Struct):
    """
    What was said of one clip.

    The first final verdict stands, because it is acted upon: `silence` and `unsure` may become something else, and a
    machine that waits for the caller's name is a machine at first.
    """

    verdicts: list[AnswerVerdict]
    greeting_ends: list[GreetingEnd]
    beeps: list[BeepEnd]
    suspicions: list[SuspectedBeep]

    @property
    def verdict(self) -> AnswerVerdict | None:
        final = [verdict for verdict in self.verdicts if verdict.answered_by not in {"silence", "unsure"}]
        return final[0] if final else self.verdicts[-1] if self.verdicts else None


def hear(clips: Sequence[NDArray[np.int16]], model: AnswerModel | None = None) -> list[Result]:
    """Hear 8 kHz clips to their ends."""
    results: list[Result] = []
    for start in range(0, len(clips), BATCH):
        results += _hear_batch(clips[start : start + BATCH], model)
    return results


def _hear_batch(clips: Sequence[NDArray[np.int16]], model: AnswerModel | None) -> list[Result]:
    classifier = AnswerClassifier(len(clips), model)
    results: dict[int, Result] = {}
    opened: list[int] = []
    for _ in clips:
        slot = classifier.open()
        assert slot is not None
        opened.append(slot)
        results[slot] = Result([], [], [], [])
    frames = np.array([-(-len(clip) // FRAME_SAMPLES) + TAIL_SECONDS * 50 for clip in clips])
    samples = np.zeros((len(clips), int(frames.max()) * FRAME_SAMPLES), np.int16)
    for row, clip in enumerate(clips):
        samples[row, : len(clip)] = clip
    slots = np.array(opened)
    for frame in range(int(frames.max())):
        live = np.flatnonzero((frames > frame) & ~np.array([classifier.is_done(slot) for slot in opened]))
        if not len(live):
            break
        window = samples[live, frame * FRAME_SAMPLES : (frame + 1) * FRAME_SAMPLES]
        for slot, heard in classifier.take(slots[live], window):
            result = results[slot]
            match heard:
                case AnswerVerdict():
                    result.verdicts.append(heard)
                case GreetingEnd():
                    result.greeting_ends.append(heard)
                case BeepEnd():
                    result.beeps.append(heard)
                case SuspectedBeep():
                    result.suspicions.append(heard)
    return [results[slot] for slot in opened]
