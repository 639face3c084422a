"""Sounds for the tests of the classifier: tones, noise, and the shape of talk; seeded, through G.711."""

import numpy as np
from numpy.typing import NDArray

from dialer.media.g711 import decode, to_alaw

RATE_HZ = 8_000
Part = tuple[tuple[float, ...], float]
"""(frequencies at once, milliseconds); no frequency is a pause."""


def tones(
    parts: list[Part], *, lead_ms: int = 400, tail_ms: int = 1_500, snr_db: float = 15.0
) -> NDArray[np.int16]:
    """Play tones one after the other at -20 dBFS in white noise."""
    waves = [np.zeros(lead_ms * 8)]
    for hertz, ms in parts:
        time = np.arange(round(ms * 8)) / RATE_HZ
        wave = sum((np.sin(2 * np.pi * one * time) for one in hertz), start=np.zeros(len(time)))
        waves.append(wave / max(len(hertz), 1) ** 0.5)
    signal = np.concatenate([*waves, np.zeros(tail_ms * 8)]) * 0.1 * 2**0.5
    noise = np.random.default_rng(7).standard_normal(len(signal)) * 0.1 * 10 ** (-snr_db / 20)
    return coded(signal + noise)


def coded(signal: NDArray[np.float64]) -> NDArray[np.int16]:
    pcm = (np.clip(signal, -1, 1) * 32_767).astype("<i2")
    return decode(to_alaw(pcm.tobytes()), 8)


def talk(parts_ms: list[int], *, seed: int = 1) -> NDArray[np.float64]:
    """
    Make something voiced: talk, pause, talk ... of these lengths.

    A buzz of 120 Hz through three wandering formants, with the loudness of syllables: no words, but what a voice activity
    detector hears as a voice.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for index, ms in enumerate(parts_ms):
        length = ms * 8
        if index % 2:
            parts.append(np.zeros(length))
            continue
        time = np.arange(length) / RATE_HZ
        pitch = 2 * np.pi * np.cumsum(115 + 15 * np.sin(2 * np.pi * 1.3 * time)) / RATE_HZ
        voice = np.zeros(length)
        formants = [
            base + spread * np.sin(2 * np.pi * rate * time + rng.uniform(0, 6))
            for base, spread, rate in ((500, 200, 3.1), (1500, 400, 2.3), (2500, 200, 1.9))
        ]
        for harmonic in range(1, 28):
            hertz = 118.0 * harmonic
            gain = sum(np.exp(-(((hertz - formant) / 130) ** 2)) for formant in formants) + 0.01
            voice += gain * np.sin(harmonic * pitch)
        syllables = 0.35 + 0.65 * np.abs(np.sin(2 * np.pi * 2.2 * time))
        parts.append(0.08 * voice * syllables)
    return np.concatenate(parts)


def pause(ms: int) -> NDArray[np.float64]:
    return np.zeros(ms * 8)
