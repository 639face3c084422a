"""
The rhythm of what has been heard since somebody began to speak, as numbers, for many calls at once.

The clock starts at speech, not at the answer; how long the line was silent before stays a number of its own. A crackle of
less than 100 ms that nothing follows within half a second is forgotten.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.media.answer.spectrum import Floats

NAMES: Final = (
    "span",  # onset to the last speech, frames of 20 ms as all others
    "voiced",
    "silence",  # since the last speech
    "segments",
    "first_segment",
    "first_pause",
    "last_segment",
    "longest_segment",
    "longest_pause",
    "long_pauses",  # of 300 ms and more
    "voiced_share",
    "onset",  # after the answer
    "snr",  # dB over the quiet frames
    "sureness",  # mean probability of speech in its frames
    "tonal_share",  # of the frames with speech
    "last_pause",
    "doubt",  # mean probability of speech in the silence that lasts
    "fall",  # dB from the speech to the silence that lasts
    "rise",  # dB of the last segment over all speech
)
_ON: Final = np.float32(0.75)
_OFF: Final = np.float32(0.55)
_SHARE: Final = np.float32(0.7)
_SPLIT_FRAMES: Final = 5
_BURST_FRAMES: Final = 2
_LONG_PAUSE_FRAMES: Final = 15
_CRACKLE_FRAMES: Final = 5
_CRACKLE_SILENCE_FRAMES: Final = 25
_TONAL: Final = 0.75


class Timing:
    """State of `capacity` calls; a call is a slot. `restart` before the first frame of each."""

    def __init__(self, capacity: int) -> None:
        self.frames = np.zeros(capacity, np.int64)
        """Heard since the answer."""
        self.onset = np.zeros(capacity, np.int64)
        """The frame in which speech began; -1 = not yet."""
        self.silence = np.zeros(capacity, np.int64)
        self.voiced = np.zeros(capacity, np.int64)
        self.segments = np.zeros(capacity, np.int64)
        self._smooth = np.zeros(capacity, np.float32)
        self._speaking = np.zeros(capacity, bool)
        self._burst = np.zeros(capacity, np.int64)
        """Frames of sound that may end the silence."""
        self._segment = np.zeros(capacity, np.int64)
        self._first_segment = np.zeros(capacity, np.int64)
        self._first_pause = np.zeros(capacity, np.int64)
        self._longest_segment = np.zeros(capacity, np.int64)
        self._longest_pause = np.zeros(capacity, np.int64)
        self._long_pauses = np.zeros(capacity, np.int64)
        self._speech_db = np.zeros(capacity, np.float32)
        self._quiet_db = np.zeros(capacity, np.float32)
        self._sureness = np.zeros(capacity, np.float32)
        self._tonal = np.zeros(capacity, np.int64)
        self._last_pause = np.zeros(capacity, np.int64)
        self._segment_frames = np.zeros(capacity, np.int64)
        self._segment_db = np.zeros(capacity, np.float32)
        self._doubt = np.zeros(capacity, np.float32)
        self._silence_db = np.zeros(capacity, np.float32)

    def restart(self, slot: int) -> None:
        self.frames[slot] = 0
        self._smooth[slot] = 0.0
        self._speaking[slot] = False
        self._burst[slot] = 0
        self._quiet_db[slot] = -60.0
        self._forget(np.array([slot]))

    def forget_since(self, slot: int, frame: int) -> None:
        """What began at this frame or later was no voice."""
        if self.onset[slot] >= frame:
            self._forget(np.array([slot]))

    def _forget(self, slots: NDArray[np.intp]) -> None:
        self.onset[slots] = -1
        for counter in (
            self.silence, self.voiced, self.segments, self._segment, self._first_segment, self._first_pause,
            self._longest_segment, self._longest_pause, self._long_pauses, self._tonal,
            self._last_pause, self._segment_frames,
        ):  # fmt: skip
            counter[slots] = 0
        for total in (self._speech_db, self._sureness, self._segment_db, self._doubt, self._silence_db):
            total[slots] = 0.0

    def speech_level_db(self, slot: int) -> float:
        """Mean level of the frames with speech."""
        return float(self._speech_db[slot]) / max(int(self.voiced[slot]), 1)

    def take(self, slots: NDArray[np.intp], speech: Floats, level_db: Floats, purity: Floats) -> None:
        """Take one frame of each slot: the probability of speech, the level, how tonal it is."""
        smooth = self._smooth[slots]
        smooth += _SHARE * (speech - smooth)
        self._smooth[slots] = smooth
        sounds = np.where(self._speaking[slots] | (self._burst[slots] > 0), smooth > _OFF, smooth > _ON)
        # a scrap of babble does not end a silence that has begun: what goes on for 40 ms does
        resting = (self.onset[slots] >= 0) & (self.silence[slots] >= _SPLIT_FRAMES)
        burst = np.where(sounds & resting, self._burst[slots] + 1, 0)
        speaking = sounds & (~resting | (burst >= _BURST_FRAMES))
        self._burst[slots] = np.where(speaking, 0, burst)
        self._speaking[slots] = speaking
        on, off = slots[speaking], slots[~speaking]
        if len(on):
            self._speak(on, level_db[speaking], speech[speaking], purity[speaking])
        self._quiet_db[off] += np.float32(0.1) * (level_db[~speaking] - self._quiet_db[off])
        begun = self.onset[off] >= 0
        quiet = off[begun]
        self.silence[quiet] += 1
        self._doubt[quiet] += speech[~speaking][begun]
        self._silence_db[quiet] += level_db[~speaking][begun]
        crackle = quiet[
            (self.voiced[quiet] < _CRACKLE_FRAMES) & (self.silence[quiet] >= _CRACKLE_SILENCE_FRAMES)
        ]
        if len(crackle):
            self._forget(crackle)
        self.frames[slots] += 1

    def _speak(self, on: NDArray[np.intp], level_db: Floats, speech: Floats, purity: Floats) -> None:
        silence = self.silence[on]
        begins = self.onset[on] < 0
        self.onset[on[begins]] = self.frames[on[begins]]
        splits = begins | (silence >= _SPLIT_FRAMES)
        resumes = splits & ~begins
        back = on[resumes]
        pause = silence[resumes]
        self._first_pause[back] = np.where(self.segments[back] == 1, pause, self._first_pause[back])
        self._longest_pause[back] = np.maximum(self._longest_pause[back], pause)
        self._long_pauses[back] += pause >= _LONG_PAUSE_FRAMES
        self._last_pause[back] = pause
        self._segment_frames[on[splits]] = 0
        self._segment_db[on[splits]] = 0.0
        self.segments[on] += splits
        self._segment[on] = np.where(splits, 1, self._segment[on] + silence + 1)
        self._first_segment[on] = np.where(self.segments[on] == 1, self._segment[on], self._first_segment[on])
        self._longest_segment[on] = np.maximum(self._longest_segment[on], self._segment[on])
        self.silence[on] = 0
        self._doubt[on] = self._silence_db[on] = 0.0
        self._segment_frames[on] += 1
        self._segment_db[on] += level_db
        self.voiced[on] += 1
        self._speech_db[on] += level_db
        self._sureness[on] += speech
        self._tonal[on] += purity > _TONAL

    def features(self, slots: NDArray[np.intp]) -> Floats:
        """Give (slots, len(NAMES)); only of slots whose speech has begun."""
        voiced = np.maximum(self.voiced[slots], 1)
        silence = self.silence[slots]
        span = self.frames[slots] - self.onset[slots] - silence
        quiet = np.maximum(silence, 1)
        speech_db = self._speech_db[slots] / voiced
        return np.array(
            [
                span,
                self.voiced[slots],
                silence,
                self.segments[slots],
                self._first_segment[slots],
                self._first_pause[slots],
                self._segment[slots],
                self._longest_segment[slots],
                self._longest_pause[slots],
                self._long_pauses[slots],
                voiced / np.maximum(span, 1),
                self.onset[slots],
                speech_db - self._quiet_db[slots],
                self._sureness[slots] / voiced,
                self._tonal[slots] / voiced,
                self._last_pause[slots],
                self._doubt[slots] / quiet,
                np.where(silence > 0, speech_db - self._silence_db[slots] / quiet, 0),
                self._segment_db[slots] / np.maximum(self._segment_frames[slots], 1) - speech_db,
            ],
            np.float32,
        ).T
