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

_BIN_HERTZ: Final = (np.arange(_FFT_SAMPLES // 2 + 1) * BIN_HZ).astype(np.float32)
_FIRST_BIN: Final = int(250 // BIN_HZ)
_LAST_BIN: Final = int(3_000 // BIN_HZ)
_WINDOW: Final = (np.hanning(WINDOW_SAMPLES + 2)[1:-1]).astype(np.float32)
_SCALE: Final = np.float32(1.0 / (_WINDOW.astype(np.float64) ** 2).sum() / _FFT_SAMPLES * 2)
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
    spectrum = np.fft.rfft(windows * _WINDOW, _FFT_SAMPLES)
    power = (spectrum.real**2 + spectrum.imag**2) * _SCALE
    bands = power @ _BAND_MATRIX + np.float32(_QUIET)
    total = bands.sum(axis=1)
    bands_db = 10 * np.log10(bands)
    rows = np.arange(len(windows))[:, None]
    around = np.arange(-_PEAK_BINS, _PEAK_BINS + 1)

    def take_peak() -> tuple[Floats, Floats]:
        peak = power[:, _FIRST_BIN:_LAST_BIN].argmax(axis=1) + _FIRST_BIN
        bins = peak[:, None] + around
        lobe = power[rows, bins]
        energy = lobe.sum(axis=1)
        centre = (lobe * _BIN_HERTZ[bins]).sum(axis=1) / np.maximum(energy, np.float32(1e-12))
        power[rows, bins] = 0.0
        return centre.astype(np.float32), (energy / total).astype(np.float32)

    peak_hz, purity = take_peak()
    second_hz, second_purity = take_peak()
    return Spectrum(
        bands_db=bands_db,
        level_db=10 * np.log10(total),
        peak_hz=peak_hz,
        purity=purity,
        second_hz=second_hz,
        second_purity=second_purity,
        flatness=bands_db.mean(axis=1) - 10 * np.log10(total / BANDS),
    )
