"""
Stretches of one steady tone (or of two at once) in the spectra of many calls.

A frame is tonal when most of its power lies round one peak, or round two. Two frames without are forgiven inside a run,
as a lost packet spoils two windows.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialer.media.answer.spectrum import FRAME_MS, Floats, Spectrum

_PURITY: Final = np.float32(0.72)
_PAIR_PURITY: Final = np.float32(0.8)
_PAIR_SECOND: Final = np.float32(0.2)
_PAIR_SPACING_HZ: Final = np.float32(95)
_LOWEST_DB: Final = np.float32(-52)
_SAME_HZ: Final = np.float32(24)
_FORGIVEN_FRAMES: Final = 2
_DIP_DB: Final = np.float32(1.5)
"""A frame of a tone that is so much quieter than the one before is forgiven, too."""
_SHORTEST_FRAMES: Final = 5
_VOICE_HZ: Final = np.float32(360)
_NETWORK_TONE_MS: Final = 120
_BEATING_MS: Final = 280
_BEATING_HZ: Final = 11.0
_CLEAN_DB: Final = 20.0
_LEAST_NOISE: Final = np.float32(1e-3)
"""Share of the power: the window lets so much of a pure tone through beside its peak."""
_STEADY_HZ: Final = np.float32(2.2)
_SILENCE_DB: Final = np.float32(-90)
_OUTSIDE_SHARE: Final = np.float32(0.15)


class ToneRun(msgspec.Struct, frozen=True, gc=False):
    """A tone that was heard. Milliseconds count from the answer, within 20 ms."""

    start_ms: int
    end_ms: int
    hertz: float
    second_hertz: float
    """0 = one frequency."""
    wander_hertz: float
    """Mean step of the frequency from frame to frame: below 5 for a tone, more for a voice."""
    wander_db: float
    """The same of the level, without the first and last frame."""
    level_db: float
    """Of the tone with the noise beside it."""
    noise_db: float
    """What is left of the level without the tone: the line's noise, or 30 dB under the tone where there is none."""
    mean_db: float
    """Level near the tone's end, without its last frame."""
    fade_db: float
    """From its loudest frame to `mean_db`: nothing for a beep, more for what was struck."""
    before_db: float
    """Level before it."""

    @property
    def ms(self) -> int:
        return self.end_ms - self.start_ms

    @property
    def is_in_noise(self) -> bool:
        """Whether what stands beside the tone is noise, and not the tone's own skirts."""
        return self.noise_db > self.level_db - _CLEAN_DB

    @property
    def is_network_tone(self) -> bool:
        """
        Whether no voice holds this: even, or of the two frequencies of a ringback (400+450, 440+480 Hz), whose
        beat makes the centre wander.
        """
        if self.hertz < _VOICE_HZ or self.ms < _NETWORK_TONE_MS:
            return False
        is_beating = 400 <= self.hertz <= 485 and self.ms >= _BEATING_MS
        return self.wander_hertz < (_BEATING_HZ if is_beating else float(_STEADY_HZ))


class ToneRuns:
    """State of `capacity` calls; a call is a slot. `restart` before the first frame of each."""

    def __init__(self, capacity: int) -> None:
        self.frames = np.zeros(capacity, np.int64)
        """Of the run that goes on; 0 = none."""
        self.hertz = np.zeros(capacity, np.float32)
        self._second = np.zeros(capacity, np.float32)
        self._missed = np.zeros(capacity, np.int64)
        self._start = np.zeros(capacity, np.int64)
        self._clock = np.zeros(capacity, np.int64)
        self._wander = np.zeros(capacity, np.float32)
        self._last_hertz = np.zeros(capacity, np.float32)
        self._level = np.zeros(capacity, np.float32)
        self._noise = np.zeros(capacity, np.float32)
        self._mean = np.zeros(capacity, np.float32)
        self._peak = np.zeros(capacity, np.float32)
        self._outside = np.zeros(capacity, np.float32)
        """Level of the last frames that belonged to no tone."""
        self._before = np.zeros(capacity, np.float32)
        self._steps = np.zeros((capacity, 2), np.float32)
        """Sum of the level's steps, and the last one, which is the tone's end and does not count."""

    def restart(self, slot: int) -> None:
        self.frames[slot] = self._missed[slot] = self._clock[slot] = 0
        self._outside[slot] = _SILENCE_DB

    def take(self, slots: NDArray[np.intp], spectrum: Spectrum) -> list[tuple[int, ToneRun]]:
        """Take one frame of each slot; return the runs that ended, with their slots."""
        is_loud = spectrum.level_db > _LOWEST_DB
        single = is_loud & (spectrum.purity > _PURITY)
        both = spectrum.purity + spectrum.second_purity
        spacing = np.abs(spectrum.peak_hz - spectrum.second_hz)
        two = is_loud & ~single & (both > _PAIR_PURITY)
        # two tones so close that the window cannot part them (400+450 Hz) count as one, at the centre of their power
        near = two & (spacing <= _PAIR_SPACING_HZ)
        pair = two & (spacing > _PAIR_SPACING_HZ) & (spectrum.second_purity > _PAIR_SECOND)
        tonal = single | near | pair
        centre = spectrum.peak_hz * spectrum.purity + spectrum.second_hz * spectrum.second_purity
        centre /= np.maximum(both, np.float32(1e-6))
        low = np.where(pair, np.minimum(spectrum.peak_hz, spectrum.second_hz), spectrum.peak_hz)
        low = np.where(near | (single & (spacing <= _PAIR_SPACING_HZ)), centre, low)
        high = np.where(pair, np.maximum(spectrum.peak_hz, spectrum.second_hz), np.float32(0))
        runs = self.frames[slots] > 0
        same = (
            tonal
            & runs
            & (np.abs(low - self.hertz[slots]) < _SAME_HZ)
            & (np.abs(high - self._second[slots]) < _SAME_HZ)
        )
        # a lost packet that was played at half its loudness spoils two windows as well
        dips = (
            same
            & (spectrum.level_db < self._level[slots] - _DIP_DB)
            & (self._missed[slots] < _FORGIVEN_FRAMES)
        )
        even = same & ~dips
        self._missed[slots] = np.where(even, 0, self._missed[slots] + 1)
        ends = runs & ~same & (tonal | (self._missed[slots] > _FORGIVEN_FRAMES))
        ended = [(slot, self._run(slot)) for slot in slots[ends & (self.frames[slots] >= _SHORTEST_FRAMES)]]
        self.frames[slots[ends]] = 0
        noise = spectrum.level_db + 10 * np.log10(np.maximum(1 - both, _LEAST_NOISE))
        self.frames[slots[dips]] = self._clock[slots[dips]] - self._start[slots[dips]] + 1
        self._go_on(slots[even], low[even], high[even], spectrum.level_db[even], noise[even])
        begins = tonal & ~same
        outside = slots[~tonal]
        self._outside[outside] += (spectrum.level_db[~tonal] - self._outside[outside]) * _OUTSIDE_SHARE
        self._begin(slots[begins], low[begins], high[begins], spectrum.level_db[begins], noise[begins])
        self._clock[slots] += 1
        return ended

    def running_ms(self, slots: NDArray[np.intp]) -> NDArray[np.int64]:
        """How long the tone of each slot has lasted; 0 = none."""
        lasted: NDArray[np.int64] = self.frames[slots] * FRAME_MS
        return lasted

    def is_steady(self, slots: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether what sounds now has been one even tone for 100 ms, which no voice is."""
        frames = self.frames[slots]
        steady: NDArray[np.bool_] = (
            (frames >= _SHORTEST_FRAMES)
            & (self.hertz[slots] > _VOICE_HZ)
            & (self._wander[slots] < _STEADY_HZ * frames)
        )
        return steady

    def _begin(
        self, slots: NDArray[np.intp], low: Floats, high: Floats, level: Floats, noise: Floats
    ) -> None:
        self.frames[slots] = 1
        self.hertz[slots] = self._last_hertz[slots] = low
        self._second[slots] = high
        self._missed[slots] = 0
        self._start[slots] = self._clock[slots]
        self._wander[slots] = 0.0
        self._steps[slots] = 0.0
        self._level[slots] = self._mean[slots] = level
        self._peak[slots] = _SILENCE_DB
        self._before[slots] = self._outside[slots]
        self._noise[slots] = noise

    def _go_on(
        self, slots: NDArray[np.intp], low: Floats, high: Floats, level: Floats, noise: Floats
    ) -> None:
        count = self._clock[slots] - self._start[slots] + 1
        weight = np.minimum(count, 8)
        self._wander[slots] += np.abs(low - self._last_hertz[slots])
        self._last_hertz[slots] = low
        self.hertz[slots] += (low - self.hertz[slots]) / weight
        self._second[slots] += (high - self._second[slots]) / weight
        self._noise[slots] += (noise - self._noise[slots]) / weight
        # the first step leads from a window that the tone fills in part, the last one into such a window
        last = self._level[slots]
        step = np.where(count > 2, np.abs(level - last), 0)
        self._mean[slots] += (last - self._mean[slots]) / np.minimum(np.maximum(count - 2, 1), 8)
        self._peak[slots] = np.maximum(self._peak[slots], last)
        self._steps[slots, 0] += self._steps[slots, 1]
        self._steps[slots, 1] = step
        self._level[slots] = level
        self.frames[slots] = count

    def _run(self, slot: int) -> ToneRun:
        frames = int(self.frames[slot])
        start = int(self._start[slot])
        return ToneRun(
            # a window of 40 ms sees a tone a frame longer than it is
            start_ms=start * FRAME_MS,
            end_ms=(start + frames) * FRAME_MS - FRAME_MS // 2,
            hertz=float(self.hertz[slot]),
            second_hertz=float(self._second[slot]),
            wander_hertz=float(self._wander[slot]) / max(frames - 1, 1),
            wander_db=float(self._steps[slot, 0]) / max(frames - 3, 1),
            level_db=float(self._level[slot]),
            noise_db=float(self._noise[slot]),
            mean_db=float(self._mean[slot]),
            fade_db=float(self._peak[slot] - self._mean[slot]),
            before_db=float(self._before[slot]),
        )
