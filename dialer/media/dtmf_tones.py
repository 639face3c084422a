"""
Keys as tones in the sound itself (ITU-T Q.23, Q.24), for peers that did not agree on telephone-events (RFC 4733).

Heard: each frame of 20 ms is compared with the eight frequencies (Goertzel's filter, here one matrix for all frames of a
tick). A frame shows a key when one low and one high frequency hold nearly all its energy, neither much louder than the
other; a key counts when two frames in a row show it, and again only after a frame that does not. Speech seldom fills two
such frames, which is what keeps a word from pressing a key.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from dialer.media.g711 import decode
from dialer.media.prompt import Prompt

SAMPLE_RATE_HZ: Final = 8_000
FRAME_SAMPLES: Final = 160
_LOW_HZ: Final = (697, 770, 852, 941)
_HIGH_HZ: Final = (1209, 1336, 1477, 1633)
_KEYS: Final = ("123A", "456B", "789C", "*0#D")
_PRESS_MS: Final = 100
_PAUSE_MS: Final = 100
_AMPLITUDE: Final = 6_000
"""Of each of the two tones, about -11 dBm0."""
_MIN_SHARE: Final = 0.7
"""Of a frame's energy at the two frequencies: allows for about 1 % of wrong pitch and 10 dB of noise."""
_MAX_TWIST: Final = 8.0
"""Ratio of the two tones' energies, 9 dB either way (Q.24 asks for 4 and 8)."""
_MIN_LEAD: Final = 4.0
"""The loudest of its group against the second, 6 dB."""
_MIN_MEAN_SQUARE: Final = 40.0**2
"""About -45 dBm0; quieter is crosstalk."""
_MIN_FRAMES: Final = 2


def tones_of(digits: str) -> Prompt:
    """
    Synthesise keys, 100 ms each with as long a pause.

    Raises:
        ValueError: a character that is no key.
    """
    time = np.arange(SAMPLE_RATE_HZ * _PRESS_MS // 1000) / SAMPLE_RATE_HZ
    pause = np.zeros(SAMPLE_RATE_HZ * _PAUSE_MS // 1000)
    parts = []
    for digit in digits:
        low, high = _frequencies(digit)
        parts += [_AMPLITUDE * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)), pause]
    if not parts:
        raise ValueError("no digits")
    return Prompt.from_pcm(np.concatenate(parts).astype("<i2").tobytes())


def keys_shown(frames: NDArray[np.int16]) -> list[str | None]:
    """Tell for each row of 160 samples which key it shows."""
    samples = frames.astype(np.float32)
    energy = np.einsum("ij,ij->i", samples, samples)
    powers = np.square(samples @ _matrix())
    powers = (powers[:, :8] + powers[:, 8:]) * (2 / FRAME_SAMPLES)
    low, high = powers[:, :4], powers[:, 4:]
    low_index, high_index = low.argmax(axis=1), high.argmax(axis=1)
    low_two, high_two = np.sort(low, axis=1)[:, -2:], np.sort(high, axis=1)[:, -2:]
    low_best, high_best = low_two[:, 1], high_two[:, 1]
    is_key = (
        (energy > _MIN_MEAN_SQUARE * FRAME_SAMPLES)
        & (low_best + high_best > _MIN_SHARE * energy)
        & (low_best < _MAX_TWIST * high_best)
        & (high_best < _MAX_TWIST * low_best)
        & (low_best > _MIN_LEAD * low_two[:, 0])
        & (high_best > _MIN_LEAD * high_two[:, 0])
    )
    return [_KEYS[low_index[row]][high_index[row]] if is_key[row] else None for row in range(len(frames))]


Stream = TypeVar("Stream", bound=Hashable)


class ToneKeyEar:
    """Hears keys in many streams; a stream is any hashable object."""

    def __init__(self) -> None:
        self._shown: dict[object, tuple[str | None, int]] = {}
        """The key of the last frame of a stream, and in how many frames in a row."""

    def receive(self, frames: list[tuple[Stream, int, bytes]], on_key: Callable[[Stream, str], None]) -> None:
        """Take `(stream, payload type, 160 bytes of G.711)` in order; `on_key` is called at the beginning of each press."""
        if not frames:
            return
        linear = np.empty((len(frames), FRAME_SAMPLES), np.int16)
        for law in {payload_type for _stream, payload_type, _payload in frames}:
            rows = [row for row, frame in enumerate(frames) if frame[1] == law]
            linear[rows] = decode(b"".join(frames[row][2] for row in rows), law).reshape(-1, FRAME_SAMPLES)
        for (stream, _payload_type, _payload), key in zip(frames, keys_shown(linear), strict=True):
            last, count = self._shown.get(stream, (None, 0))
            count = count + 1 if key == last else 1
            self._shown[stream] = key, count
            if key is not None and count == _MIN_FRAMES:
                on_key(stream, key)

    def forget(self, stream: object) -> None:
        self._shown.pop(stream, None)


def _frequencies(digit: str) -> tuple[int, int]:
    for low, row in zip(_LOW_HZ, _KEYS, strict=True):
        if digit in row and len(digit) == 1:
            return low, _HIGH_HZ[row.index(digit)]
    raise ValueError(f"no key: {digit!r}")


@cache
def _matrix() -> NDArray[np.float32]:
    """Cosines, then sines, of the eight frequencies over one frame."""
    angles = 2 * np.pi * np.outer(np.arange(FRAME_SAMPLES), np.array(_LOW_HZ + _HIGH_HZ)) / SAMPLE_RATE_HZ
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
