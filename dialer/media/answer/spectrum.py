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
"""Calls at once: with more, the spectra pass 128 kB, and the C library fetches new pages for them from the kernel each time, 4 us a call."""
_QUIET: Final = 1e-9
"""Power under which a band counts as empty: about -90 dBFS."""

_BINS: Final = _FFT_SAMPLES // 2 + 1
_BIN_HERTZ: Final = (np.arange(_BINS) * BIN_HZ).astype(np.float32)
_FIRST_BIN: Final = int(250 // BIN_HZ)
_LAST_BIN: Final = int(3_000 // BIN_HZ)
_HANN: Final = np.hanning(WINDOW_SAMPLES + 2)[1:-1]
_WINDOW: Final = (_HANN * (2 / (_HANN**2).sum() / _FFT_SAMPLES) ** 0.5).astype(np.float32)
"""Scaled so that the squares of the spectrum are powers."""
_LOBE_BINS: Final = np.arange(-_PEAK_BINS, _PEAK_BINS + 1)
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


def analyse(windows: Floats) -> Spectrum:
    """
    Look at windows of shape (calls, WINDOW_SAMPLES), full scale 1.0.

    Peaks are searched between 250 and 3000 Hz.
    """
    blocks = [_analyse(windows[start : start + _BLOCK]) for start in range(0, max(len(windows), 1), _BLOCK)]
    if len(blocks) == 1:
        return blocks[0]
    fields = Spectrum.__struct_fields__
    return Spectrum(*(np.concatenate([getattr(block, field) for block in blocks]) for field in fields))


def _analyse(windows: Floats) -> Spectrum:
    padded = np.zeros((len(windows), _FFT_SAMPLES), np.float32)
    np.multiply(windows, _WINDOW, out=padded[:, :WINDOW_SAMPLES])
    parts = np.square(np.fft.rfft(padded).view(np.float32))
    power = parts[:, ::2] + parts[:, 1::2]
    bands = power @ _BAND_MATRIX + np.float32(_QUIET)
    total = bands.sum(axis=1)
    bands_db, level_db = 10 * np.log10(bands), 10 * np.log10(total)
    flat = power.ravel()
    first_bins = np.arange(0, power.size, _BINS)
    searched = power[:, _FIRST_BIN:_LAST_BIN]

    def take_peak() -> tuple[Floats, Floats]:
        peak = searched.argmax(axis=1) + _FIRST_BIN
        bins = (first_bins + peak)[:, None] + _LOBE_BINS
        energy, moment = (flat.take(bins) @ _LOBE_MOMENTS).T
        centre = peak * BIN_HZ + moment / np.maximum(energy, np.float32(1e-12))
        flat[bins] = 0.0
        return centre.astype(np.float32), energy / total

    peak_hz, purity = take_peak()
    second_hz, second_purity = take_peak()
    return Spectrum(
        bands_db=bands_db,
        level_db=level_db,
        peak_hz=peak_hz,
        purity=purity,
        second_hz=second_hz,
        second_purity=second_purity,
        flatness=bands_db.mean(axis=1) - (level_db - _BANDS_DB),
    )
