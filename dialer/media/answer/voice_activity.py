"""
Is somebody speaking in this frame? webrtcvad's three opinions, the bands against their noise floor, and a small network
over both, for many calls at once.

webrtcvad alone takes street noise and babble for speech, and energy alone takes a loud line for it; together they tell
speech at 0 dB SNR in most frames. The network is trained by tests/bench/amd/train.py.
"""

from typing import Final

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from dialer.media.answer.spectrum import BANDS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Floats, Spectrum

_MODES: Final = (1, 3)
"""webrtcvad's aggressiveness; the pair says most of what all four do."""
_FLOOR_BLOCK_FRAMES: Final = 25
_FLOOR_BLOCKS: Final = 4
"""The floor is the lowest smoothed level of the last 2 s, known in blocks of 0.5 s."""
_SMOOTHING: Final = np.float32(0.3)
_MEMORIES: Final = tuple(np.float32(share) for share in (0.4, 0.1))
_FIRST_FLOOR_DB: Final = -55.0
FEATURES: Final = 6 * (1 + len(_MEMORIES)) + 2 * BANDS + 3


class VoiceActivity:
    """State of `capacity` calls; a call is a slot. `restart` before the first frame of each."""

    def __init__(self, capacity: int) -> None:
        self._detectors = [[webrtcvad.Vad(mode) for mode in _MODES] for _ in range(capacity)]
        self._smooth = np.zeros((capacity, BANDS), np.float32)
        self._block_floor = np.zeros((capacity, BANDS), np.float32)
        self._floors = np.zeros((capacity, _FLOOR_BLOCKS, BANDS), np.float32)
        self._level_max = np.zeros(capacity, np.float32)
        self._memory = np.zeros((capacity, len(_MEMORIES), 6), np.float32)
        self._frames = np.zeros(capacity, np.int64)

    def restart(self, slot: int) -> None:
        self._detectors[slot] = [webrtcvad.Vad(mode) for mode in _MODES]
        self._smooth[slot] = _FIRST_FLOOR_DB
        self._block_floor[slot] = _FIRST_FLOOR_DB
        self._floors[slot] = _FIRST_FLOOR_DB
        self._level_max[slot] = -45.0
        self._memory[slot] = 0.0
        self._frames[slot] = 0

    def features(self, slots: NDArray[np.intp], frames: NDArray[np.int16], spectrum: Spectrum) -> Floats:
        """Take one frame of each slot; return (slots, FEATURES) for the network."""
        opinions = np.empty((len(slots), len(_MODES)), np.float32)
        for row, slot in enumerate(slots.tolist()):
            data = frames[row].tobytes()
            for column, detector in enumerate(self._detectors[slot]):
                opinions[row, column] = detector.is_speech(data, SAMPLE_RATE_HZ)
        bands = np.maximum(spectrum.bands_db, np.float32(-75.0))
        floor = self._track_floor(slots, bands)
        level = np.maximum(spectrum.level_db, np.float32(-75.0))
        self._level_max[slots] = np.maximum(self._level_max[slots] - np.float32(0.02), level)
        above_floor = bands - floor
        mean_above = above_floor.mean(axis=1)
        now = np.stack(
            [
                opinions[:, 0],
                opinions[:, 1],
                mean_above / 10,
                level / 20,
                spectrum.flatness / 10,
                (level - self._level_max[slots]) / 20,
            ],
            axis=1,
        )
        memory = self._memory[slots]
        for index, share in enumerate(_MEMORIES):
            memory[:, index] += share * (now - memory[:, index])
        self._memory[slots] = memory
        return np.concatenate(
            [
                now,
                memory.reshape(len(slots), -1),
                above_floor / 10,
                (bands - level[:, None]) / 10,
                spectrum.purity[:, None],
                spectrum.second_purity[:, None],
                np.minimum(self._frames[slots, None] / np.float32(100), 1),
            ],
            axis=1,
            dtype=np.float32,
        )

    def _track_floor(self, slots: NDArray[np.intp], bands: Floats) -> Floats:
        first = self._frames[slots] == 0
        smooth = self._smooth[slots]
        smooth += _SMOOTHING * (bands - smooth)
        smooth[first] = bands[first]
        self._smooth[slots] = smooth
        block = np.minimum(self._block_floor[slots], smooth)
        block[first] = smooth[first]
        self._frames[slots] += 1
        turns = self._frames[slots] % _FLOOR_BLOCK_FRAMES == 0
        floors = self._floors[slots]
        if turns.any():
            floors[turns] = np.roll(floors[turns], 1, axis=1)
            floors[turns, 0] = block[turns]
            block[turns] = smooth[turns]
            self._floors[slots] = floors
        self._block_floor[slots] = block
        lowest: Floats = np.minimum(floors.min(axis=1), block)
        return lowest


assert FRAME_SAMPLES * 1000 // SAMPLE_RATE_HZ in {10, 20, 30}, "what webrtcvad takes"
