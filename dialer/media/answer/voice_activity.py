"""
Is somebody speaking in this frame? webrtcvad's opinion, the bands against their noise floor, and a small network
over both and over their recent past, for many calls at once.

webrtcvad alone takes street noise and babble for speech, and energy alone takes a loud line for it; together they tell
speech at 0 dB SNR in most frames. The network is trained by tests/bench/amd/train.py.
"""

from typing import Final

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from dialer.media.answer.spectrum import BANDS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Floats, Spectrum

_MODE: Final = 2
"""webrtcvad's aggressiveness. Two detectors of other modes say no more than this one, and cost 3 us of a frame."""
_FLOOR_BLOCK_FRAMES: Final = 25
_FLOOR_BLOCKS: Final = 4
"""The floor is the lowest smoothed level of the last 2 s, known in blocks of 0.5 s."""
_SMOOTHING: Final = np.float32(0.3)
_MEMORIES: Final = np.array([0.4, 0.15, 0.03], np.float32)[:, None]
_BAND_MEMORIES: Final = np.array([0.3, 0.05], np.float32)[:, None]
"""What a new frame weighs in each of the running means."""
_FIRST_FLOOR_DB: Final = -55.0
_LOWEST_DB: Final = np.float32(-75)
_FRAME_BYTES: Final = FRAME_SAMPLES * 2
_NOW: Final = 5
"""Numbers of this frame alone: opinion, height over the floor, level, flatness, level under the loudest."""
FEATURES: Final = _NOW * (1 + len(_MEMORIES)) + BANDS * (2 + len(_BAND_MEMORIES)) + 3


class VoiceActivity:
    """State of `capacity` calls; a call is a slot. `restart` before the first frame of each."""

    def __init__(self, capacity: int) -> None:
        self._detectors = [webrtcvad.Vad(_MODE) for _ in range(capacity)]
        self._floor = np.zeros((capacity, 3, BANDS), np.float32)
        """The smoothed level, its lowest in this block, its lowest in the blocks before."""
        self._blocks = np.zeros((capacity, _FLOOR_BLOCKS, BANDS), np.float32)
        self._level_max = np.zeros(capacity, np.float32)
        self._memory = np.zeros((capacity, len(_MEMORIES), _NOW), np.float32)
        self._band_memory = np.zeros((capacity, len(_BAND_MEMORIES), BANDS), np.float32)
        self._frames = np.zeros(capacity, np.int64)

    def restart(self, slot: int) -> None:
        self._detectors[slot] = webrtcvad.Vad(_MODE)
        self._floor[slot] = _FIRST_FLOOR_DB
        self._blocks[slot] = _FIRST_FLOOR_DB
        self._level_max[slot] = -45.0
        self._memory[slot] = 0.0
        self._band_memory[slot] = 0.0
        self._frames[slot] = 0

    def features(self, slots: NDArray[np.intp], frames: NDArray[np.int16], spectrum: Spectrum) -> Floats:
        """Take one frame of each slot; return (slots, FEATURES) for the network."""
        data = frames.tobytes()
        opinions = [
            self._detectors[slot].is_speech(data[row : row + _FRAME_BYTES], SAMPLE_RATE_HZ, FRAME_SAMPLES)
            for row, slot in zip(range(0, len(data), _FRAME_BYTES), slots.tolist(), strict=True)
        ]
        bands = np.maximum(spectrum.bands_db, _LOWEST_DB)
        level = np.maximum(spectrum.level_db, _LOWEST_DB)
        above_floor = (bands - self._track_floor(slots, bands)) / 10
        loudest = np.maximum(self._level_max[slots] - np.float32(0.02), level)
        self._level_max[slots] = loudest
        features = np.empty((len(slots), FEATURES), np.float32)
        now, place = features[:, :_NOW], _NOW
        now[:, 0] = opinions
        now[:, 1] = above_floor.sum(axis=1) / BANDS
        now[:, 2] = level / 20
        now[:, 3] = spectrum.flatness / 10
        now[:, 4] = (level - loudest) / 20
        for kept, shares, new in (
            (self._memory, _MEMORIES, now),
            (self._band_memory, _BAND_MEMORIES, above_floor),
        ):
            mean = kept[slots]
            mean += shares * (new[:, None] - mean)
            kept[slots] = mean
            features[:, place : place + mean[0].size] = mean.reshape(len(slots), -1)
            place += mean[0].size
        features[:, place : place + BANDS] = above_floor
        features[:, place + BANDS : place + 2 * BANDS] = (bands - level[:, None]) / 10
        features[:, -3] = spectrum.purity
        features[:, -2] = spectrum.second_purity
        features[:, -1] = np.minimum(self._frames[slots] / np.float32(100), 1)
        return features

    def _track_floor(self, slots: NDArray[np.intp], bands: Floats) -> Floats:
        frames = self._frames[slots] + 1
        self._frames[slots] = frames
        kept = self._floor[slots]
        smooth, block, past = kept[:, 0], kept[:, 1], kept[:, 2]
        smooth += _SMOOTHING * (bands - smooth)
        first = frames == 1
        if first.any():
            smooth[first] = block[first] = bands[first]
        np.minimum(block, smooth, out=block)
        turns = frames % _FLOOR_BLOCK_FRAMES == 0
        if turns.any():
            turning = slots[turns]
            self._blocks[turning, frames[turns] // _FLOOR_BLOCK_FRAMES % _FLOOR_BLOCKS] = block[turns]
            past[turns] = self._blocks[turning].min(axis=1)
            block[turns] = smooth[turns]
        self._floor[slots] = kept
        lowest: Floats = np.minimum(past, block)
        return lowest


assert FRAME_SAMPLES * 1000 // SAMPLE_RATE_HZ in {10, 20, 30}, "what webrtcvad takes"
