"""What a telephone line does to a voice: speed, band, level, noise, clicks, lost packets, G.711. Seeded."""

import random
from typing import Final, Literal

import msgspec
import numpy as np
import soxr
from numpy.typing import NDArray

from dialer.media.g711 import decode, to_alaw, to_ulaw
from tests.bench.amd.voices import SAMPLE_RATE_HZ, Samples

Noise = Literal["white", "babble", "street", "pink", "brown", "hum"]

NOISE_LEVELS_DBFS: Final[tuple[int | None, ...]] = (None, -50, -42, -36)
LOSS_SHARES: Final = (0.0, 0.01, 0.03)
FRAME_SAMPLES: Final = 160
_FAST_SAMPLES: Final = 4_096


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The draw of one clip's line."""

    level_dbfs: float
    """RMS of the speech while it is loud."""
    noise: Noise
    noise_dbfs: float | None
    loss_share: float
    codec: Literal["alaw", "ulaw"]
    band_hz: tuple[int, int]
    clicks: int


def draw_line(rng: random.Random, *, is_noisy: bool = False) -> Line:
    """Draw a line evenly over the levels, noises and losses; a noisy one is at -36 dBFS."""
    return Line(
        level_dbfs=rng.uniform(-35.0, -10.0) if not is_noisy else rng.uniform(-25.0, -10.0),
        noise=rng.choice(("white", "babble", "street")),
        noise_dbfs=-36 if is_noisy else rng.choice(NOISE_LEVELS_DBFS),
        loss_share=rng.choice(LOSS_SHARES),
        codec=rng.choice(("alaw", "ulaw")),
        band_hz=rng.choice(((0, 4000), (300, 3400), (200, 3000), (300, 3700))),
        clicks=rng.choice((0, 0, 0, 1, 2)),
    )


def draw_training_line(rng: random.Random, *, is_noisy: bool = False) -> Line:
    """Draw a line to learn from: noise of any kind and of any level, mostly present and often loud, down to no louder than the speech."""
    level_dbfs = rng.uniform(-35.0, -10.0)
    noise_dbfs: float | None = rng.choice((rng.uniform(-60.0, -30.0), rng.uniform(-45.0, -30.0)))
    if not is_noisy and rng.random() < 0.2:
        noise_dbfs = None
    if noise_dbfs is not None:
        level_dbfs = max(level_dbfs, noise_dbfs + rng.uniform(0.0, 6.0))
    return Line(
        level_dbfs=level_dbfs,
        noise=rng.choice(("white", "babble", "babble", "street", "street", "pink", "brown", "hum")),
        noise_dbfs=noise_dbfs,
        loss_share=rng.choice(LOSS_SHARES),
        codec=rng.choice(("alaw", "ulaw")),
        band_hz=rng.choice(((0, 4000), (300, 3400), (200, 3000), (300, 3700))),
        clicks=rng.choice((0, 0, 0, 1, 2)),
    )


def at_speed(samples: Samples, factor: float) -> Samples:
    """Play faster (above 1) or slower; the pitch goes along."""
    faster: Samples = soxr.resample(samples, factor * 1_000, 1_000).astype(np.float32)
    return faster


def carried(samples: Samples, line: Line, babble: Samples, rng: random.Random) -> NDArray[np.int16]:
    """Send a clean signal down the line; `babble` is as long as it. What comes out has been through G.711."""
    signal = in_band(at_level(samples, line.level_dbfs), line.band_hz)
    if line.noise_dbfs is not None:
        noise = noise_like(line.noise, len(signal), babble, rng)
        signal = signal + noise * (10 ** (line.noise_dbfs / 20) / max(rms(noise), 1e-9))
    for _ in range(line.clicks):
        at = rng.randrange(max(1, len(signal) - 40))
        signal[at : at + rng.randint(2, 30)] += rng.uniform(-0.5, 0.5)
    pcm = (np.clip(signal, -1.0, 1.0) * 32_767).astype("<i2")
    lose_packets(pcm, line.loss_share, rng)
    data = pcm.tobytes()
    return decode(to_alaw(data), 8) if line.codec == "alaw" else decode(to_ulaw(data), 0)


def at_level(samples: Samples, dbfs: float) -> Samples:
    """Scale so that the loud part (20 ms blocks within 25 dB of the loudest) has this RMS."""
    blocks = samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    power = (blocks.astype(np.float64) ** 2).mean(axis=1)
    loud = power[power > power.max(initial=0.0) * 10**-2.5]
    if not len(loud):
        return samples.copy()
    scaled: Samples = (samples * (10 ** (dbfs / 20) / np.sqrt(loud.mean()))).astype(np.float32)
    return scaled


def in_band(samples: Samples, band_hz: tuple[int, int]) -> Samples:
    """Keep a band, with slopes 150 Hz wide."""
    if not len(samples):
        return samples
    length = _fast_length(len(samples))
    spectrum = np.fft.rfft(samples, length)
    hertz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ)
    low, high = band_hz
    keep = np.ones_like(hertz)
    if low:
        keep *= np.clip((hertz - low + 150) / 150, 0.0, 1.0)
    if high < SAMPLE_RATE_HZ // 2:
        keep *= np.clip((high + 150 - hertz) / 150, 0.0, 1.0)
    kept: Samples = np.fft.irfft(spectrum * keep, length)[: len(samples)].astype(np.float32)
    return kept


def noise_like(kind: Noise, length: int, babble: Samples, rng: random.Random) -> Samples:
    """Give noise of any level: white, pink, brown, voices of others, mains hum, or a street (rumble whose loudness wanders)."""
    if kind == "babble":
        return babble
    chance = np.random.default_rng(rng.getrandbits(32))
    white = chance.standard_normal(length).astype(np.float32)
    if kind == "white":
        return white
    seconds = np.arange(length) / SAMPLE_RATE_HZ
    if kind == "hum":
        hertz = rng.choice((50, 60)) * rng.uniform(0.995, 1.005)
        waves = [
            np.sin(2 * np.pi * hertz * part * seconds + rng.uniform(0, 6.28)) / part for part in range(1, 12)
        ]
        hum: Samples = (np.sum(waves, axis=0) + 0.2 * white).astype(np.float32)
        return hum
    padded = _fast_length(length)
    spectrum = np.fft.rfft(white, padded)
    slope = np.sqrt(np.maximum(np.fft.rfftfreq(padded, 1 / SAMPLE_RATE_HZ), 60.0))
    spectrum /= slope**2 if kind == "brown" else slope
    rumble = np.fft.irfft(spectrum, padded)[:length]
    if kind in {"pink", "brown"}:
        return rumble.astype(np.float32)
    swell = 1 + 0.5 * np.sin(seconds * rng.uniform(0.6, 3.0) + rng.uniform(0, 6.28))
    street: Samples = (rumble * swell).astype(np.float32)
    return street


def _fast_length(length: int) -> int:
    """Give a length whose Fourier transform costs a tenth of that of a prime."""
    return length + -length % _FAST_SAMPLES


def lose_packets(pcm: NDArray[np.int16], share: float, rng: random.Random) -> None:
    """Replace lost frames by silence, or by the last frame at half its loudness, as players do."""
    if not share:
        return
    for start in range(FRAME_SAMPLES, len(pcm), FRAME_SAMPLES):
        if rng.random() < share:
            last = pcm[start - FRAME_SAMPLES : start]
            gap = pcm[start : start + FRAME_SAMPLES]
            gap[:] = last[: len(gap)] // 2 if rng.random() < 0.5 else 0


def rms(samples: Samples) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean())) if len(samples) else 0.0
