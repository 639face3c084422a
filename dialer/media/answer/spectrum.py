"""
The spectrum of the last 40 ms, once per 20 ms frame, for many calls at once: what speech and tone detection look at.

A tone's energy lies within 47 Hz of its peak (the width of the window); its frequency is the centre of that energy, right
within a few Hz down to 10 dB SNR.
"""

import itertools
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 8_000
FRAME_SAMPLES: Final = 160
FRAME_MS: Final = 20
WINDOW_SAMPLES: Final = 320
_FFT_SAMPLES: Final = 512
BIN_HZ: Final = SAMPLE_RATE_HZ / _FFT_SAMPLES
_PEAK_BINS: Final = 3
"""Each side of a peak: 47 Hz."""
_BAND_EDGES_HZ: Final = (80, 250, 400, 560, 740, 950, 1200, 1500, 1850, 2300, 2800, 3400, 3900)
BANDS: Final = len(_BAND_EDGES_HZ) - 1
_BLOCK: Final = 40
"""Calls at once, in memory that the next block finds in the cache: between two ticks other work drives it out. And above 128 kB the C library fetches
new pages from the kernel for each array, 4 us a call."""
_QUIET: Final = 1e-9
"""Power under which a band counts as empty: about -90 dBFS."""

_BINS: Final = _FFT_SAMPLES // 2 + 1
_BIN_HERTZ: Final = (np.arange(_BINS) * BIN_HZ).astype(np.float32)
_FIRST_BIN: Final = int(250 // BIN_HZ)
_LAST_BIN: Final = int(3_000 // BIN_HZ)
_HANN: Final = np.hanning(WINDOW_SAMPLES + 2)[1:-1]
_WINDOW: Final = (_HANN * (2 / (_HANN**2).sum() / _FFT_SAMPLES) ** 0.5 / 32_768).astype(np.float32)
"""Scaled so that the squares of the spectrum are powers, of full scale 1."""
_LOBE_BINS: Final = np.arange(-_PEAK_BINS, _PEAK_BINS + 1)
_LOBES: Final = np.arange(0, _BLOCK * _BINS, _BINS)[:, None] + (_FIRST_BIN + _LOBE_BINS)
"""Where in the powers of a block each call's lobe lies, but for the place of its peak."""
_LOBE_MOMENTS: Final = np.stack([np.ones(len(_LOBE_BINS)), _LOBE_BINS * BIN_HZ], axis=1).astype(np.float32)
"""Times a peak's bins: their power, and its moment about the peak in Hz."""
_BANDS_DB: Final = np.float32(10 * np.log10(BANDS))
_BAND_MATRIX: Final = np.stack(
    [
        ((low <= _BIN_HERTZ) & (high > _BIN_HERTZ)).astype(np.float32)
        for low, high in itertools.pairwise(_BAND_EDGES_HZ)
    ],
    axis=1,
)


class Spectrum(msgspec.Struct, frozen=True, gc=False):
    """One row per call."""

    bands_db: Floats
    """(calls, BANDS): 10 log10 of the mean power in each band, full scale sine = -3."""
    level_db: Floats
    """(calls,): of 80 to 3900 Hz."""
    peak_hz: Floats
    purity: Floats
    """Share of the power that lies round the strongest peak, 0 to 1."""
    second_hz: Floats
    second_purity: Floats
    """Share round the strongest peak that is left; busy tones of two frequencies have about half in each."""
    flatness: Floats
    """Geometric over arithmetic mean of the bands, in dB: 0 for noise, strongly negative for tones."""


def analyse(windows: NDArray[np.int16] | Floats) -> Spectrum:
    """
    Look at windows of shape (calls, WINDOW_SAMPLES), full scale 32,768.

    Peaks are searched between 250 and 3000 Hz.
    """
    calls = len(windows)
    padded = np.zeros((min(calls, _BLOCK), _FFT_SAMPLES), np.float32)
    bands = np.empty((calls, BANDS), np.float32)
    peaks = np.empty((2, calls), np.intp)
    lobes = np.empty((2, calls, len(_LOBE_BINS)), np.float32)
    moments = np.empty((2, calls, 2), np.float32)
    for start in range(0, calls, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = padded[: calls - start]
        block[:, :WINDOW_SAMPLES] = windows[rows]
        block[:, :WINDOW_SAMPLES] *= _WINDOW
        parts = np.fft.rfft(block).view(np.float32)
        np.square(parts, out=parts)
        power = parts[:, ::2] + parts[:, 1::2]
        np.matmul(power, _BAND_MATRIX, out=bands[rows])
        flat = power.ravel()
        for peak, lobe in zip(peaks[:, rows], lobes[:, rows], strict=True):
            power[:, _FIRST_BIN:_LAST_BIN].argmax(axis=1, out=peak)
            bins = _LOBES[: len(block)] + peak[:, None]
            flat.take(bins, out=lobe, mode="clip")  # "raise" would copy
            flat[bins] = 0.0
        np.matmul(lobes[:, rows], _LOBE_MOMENTS, out=moments[:, rows])
    bands += np.float32(_QUIET)
    total = bands.sum(axis=1)
    bands_db, level_db = 10 * np.log10(bands), 10 * np.log10(total)
    energy, moment = moments[:, :, 0], moments[:, :, 1]
    centres = (peaks + _FIRST_BIN) * BIN_HZ + moment / np.maximum(energy, np.float32(1e-12))
    peak_hz, second_hz = centres.astype(np.float32)
    purity, second_purity = energy / total
    return Spectrum(
        bands_db=bands_db,
        level_db=level_db,
        peak_hz=peak_hz,
        purity=purity,
        second_hz=second_hz,
        second_purity=second_purity,
        flatness=bands_db.sum(axis=1) / BANDS - (level_db - _BANDS_DB),
    )
