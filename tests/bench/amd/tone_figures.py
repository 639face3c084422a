"""
Tones, beeps and speech that is neither: recall by signal to noise ratio, delay of the beep, false beeps in an hour.

Tones of every country off by up to 15 Hz and 10 % of their cadence, SIT of each cause, fax; through the whole classifier.
"""

import random
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.media.answer.spectrum import FRAME_MS, FRAME_SAMPLES, WINDOW_SAMPLES, analyse
from dialer.media.answer.tone_meaning import ToneMeaning
from dialer.media.answer.tone_runs import ToneRuns
from dialer.media.g711 import decode, to_alaw
from dialer.media.tones import TONES
from tests.bench.amd.hearing import hear
from tests.bench.amd.voices import SAMPLE_RATE_HZ, Samples, voices

Part = tuple[tuple[float, ...], float]
"""(frequencies at once, milliseconds); none = a pause."""

SNRS_DB: Final = (15, 10)
_LONGEST_HOLD_SECONDS: Final = 5.5
"""After a beep that could be a ringback."""
SIT: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "sit_intercept": ((913.8, 274), (1370.6, 274), (1776.7, 380)),
    "sit_vacant": ((985.2, 380), (1370.6, 274), (1776.7, 380)),
    "sit_reorder": ((913.8, 274), (1428.5, 380), (1776.7, 380)),
    "sit_no_circuit": ((985.2, 380), (1428.5, 380), (1776.7, 380)),
    "sit": ((950, 330), (1400, 330), (1800, 330)),
}


def tone_figures(*, repeats: int, beeps: int, speech_seconds: float, seed: int) -> dict[str, float | int]:
    """Measure; `repeats` draws of each tone, so many beeps, so much speech of the test voices."""
    rng = random.Random(seed)
    figures: dict[str, float | int] = {}
    for snr_db in SNRS_DB:
        wanted, clips = _tone_clips(rng, repeats, snr_db)
        found = [result.verdict.cause if result.verdict else "none" for result in hear(clips)]
        right = sum(one in want for one, want in zip(found, wanted, strict=True))
        figures[f"tone_recall_{snr_db}_db"] = round(right / len(wanted), 4)
        figures[f"tones_{snr_db}_db"] = len(wanted)
    figures |= _beep_figures(rng, beeps)
    figures |= _false_beeps(rng, speech_seconds)
    return figures


def sound(
    parts: Sequence[Part], rng: random.Random, snr_db: float, *, tail_seconds: float = 1.0
) -> tuple[NDArray[np.int16], int]:
    """Play parts after a pause at -20 dBFS in white noise; return the clip and where the parts end, in ms."""
    waves = [np.zeros(round(rng.uniform(0.1, 0.9) * SAMPLE_RATE_HZ))]
    for hertz, ms in parts:
        time = np.arange(round(ms * SAMPLE_RATE_HZ / 1000)) / SAMPLE_RATE_HZ
        wave = np.zeros(len(time))
        for one in hertz:
            wave += np.sin(2 * np.pi * one * time + rng.uniform(0, 6)) / len(hertz) ** 0.5
        waves.append(wave)
    end_ms = round(sum(len(wave) for wave in waves) / SAMPLE_RATE_HZ * 1000)
    signal = np.concatenate([*waves, np.zeros(round(tail_seconds * SAMPLE_RATE_HZ))]) * 0.1 * 2**0.5
    noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(len(signal))
    pcm = (np.clip(signal + noise * 0.1 * 10 ** (-snr_db / 20), -1, 1) * 32_767).astype("<i2")
    return decode(to_alaw(pcm.tobytes()), 8), end_ms


def _tone_clips(
    rng: random.Random, repeats: int, snr_db: float
) -> tuple[list[set[str]], list[NDArray[np.int16]]]:
    """The classifier is not told the country, so a tone that two countries use may be told by either's name."""
    wanted: list[set[str]] = []
    clips: list[NDArray[np.int16]] = []
    for cadences in TONES.values():
        for cadence in cadences:
            shared: set[str] = {
                other.progress
                for others in TONES.values()
                for other in others
                if other.hertz == cadence.hertz
                and all(
                    abs(a - b) <= 0.2 * b + 1
                    for a, b in zip(other.on_off_ms, cadence.on_off_ms, strict=False)
                )
            }
            for _ in range(repeats):
                stretch, off = rng.uniform(0.9, 1.1), rng.uniform(-15, 15)
                period: list[Part] = [
                    (tuple(hertz + off for hertz in cadence.hertz) if index % 2 == 0 else (), ms * stretch)
                    for index, ms in enumerate(cadence.on_off_ms)
                ]
                wanted.append(shared)
                clips.append(sound(period * 3, rng, snr_db)[0])
    others: dict[str, list[Part]] = {
        cause: [part for hertz, ms in three for part in (((hertz,), ms), ((), 15.0))]
        for cause, three in SIT.items()
    }
    others["cng"] = [((1100.0,), 500), ((), 3000), ((1100.0,), 500)]
    others["ced"] = [((2100.0,), 3000)]
    for cause, parts in others.items():
        for _ in range(repeats):
            wanted.append({cause})
            clips.append(sound(parts, rng, snr_db)[0])
    return wanted, clips


def _beep_figures(rng: random.Random, count: int) -> dict[str, float | int]:
    """Beeps of what is known to be a machine, after a voice that nobody has judged yet, and where nobody has spoken."""
    figures: dict[str, float | int] = {"beeps": count}
    for snr_db in reversed(SNRS_DB):
        clips, ends = [], []
        for _ in range(count):
            parts = [((rng.uniform(380, 2300),), rng.uniform(150, 800))]
            clip, end_ms = sound(parts, rng, snr_db, tail_seconds=_LONGEST_HOLD_SECONDS)
            clips.append(clip.astype(np.float32) * np.float32(1 / 32_768))
            ends.append(end_ms)
        for name, after_voice, is_machine in (
            ("beep", True, True), ("undecided_beep", True, False), ("silent_beep", False, False),
        ):  # fmt: skip
            told, begun = _beeps(clips, after_voice=after_voice, is_machine=is_machine)
            delays = [heard[0] - end_ms for heard, end_ms in zip(told, ends, strict=True) if heard]
            figures[f"{name}_recall_{snr_db}_db"] = round(len(delays) / count, 4)
            if snr_db == min(SNRS_DB):
                figures[f"{name}_delay_ms_p99"] = round(float(np.percentile(delays, 99)))
                waits = [at - end_ms for at, end_ms in zip(begun, ends, strict=True) if at is not None]
                figures[f"{name}_message_ms_p99"] = round(float(np.percentile(waits, 99)))
    return figures


def _false_beeps(rng: random.Random, seconds: float) -> dict[str, float | int]:
    """Count beeps in the greetings and phrases of the test voices, as of a known machine: of nobody else is so little asked."""
    pieces: list[Samples] = []
    while sum(len(piece) for piece in pieces) < seconds * SAMPLE_RATE_HZ:
        voice = rng.choice(voices("test"))
        piece = voice.greeting(rng)
        pieces.append(piece / max(float(np.abs(piece).max()), 1e-6) * np.float32(rng.uniform(0.1, 0.7)))
    told, _ = _beeps(pieces, after_voice=True, is_machine=True)
    count = sum(len(one) for one in told)
    hours = sum(len(piece) for piece in pieces) / SAMPLE_RATE_HZ / 3600
    return {
        "false_beeps": count,
        "speech_hours": round(hours, 2),
        "false_beeps_per_hour": round(count / hours, 2),
    }


def _beeps(
    pieces: Sequence[Samples], *, after_voice: bool, is_machine: bool
) -> tuple[list[list[int]], list[int | None]]:
    """When each beep of each piece was told, and when a message to it would begin first, in ms."""
    count, longest = len(pieces), max(len(piece) for piece in pieces) // FRAME_SAMPLES
    runs, meanings = ToneRuns(count), [ToneMeaning() for _ in pieces]
    samples = np.zeros((count, (longest + 2) * FRAME_SAMPLES), np.float32)
    for row, piece in enumerate(pieces):
        runs.restart(row)
        samples[row, FRAME_SAMPLES : FRAME_SAMPLES + len(piece)] = piece * 32_768
    told: list[list[int]] = [[] for _ in pieces]
    begun: list[int | None] = [None] * count
    slots = np.arange(count)
    for frame in range(longest):
        window = samples[:, frame * FRAME_SAMPLES : frame * FRAME_SAMPLES + WINDOW_SAMPLES]
        spectrum, now_ms = analyse(window), (frame + 1) * FRAME_MS
        heard = [
            (slot, meanings[slot].take(run, after_voice=after_voice, is_machine=is_machine))
            for slot, run in runs.take(slots, spectrum)
        ]
        running_ms = runs.running_ms(slots)
        heard += [
            (slot, meanings[slot].wait(
                now_ms, running_ms=int(running_ms[slot]), running_hertz=float(runs.hertz[slot]),
                level_db=float(spectrum.level_db[slot]),
            ))
            for slot in slots.tolist() if meanings[slot].is_waiting
        ]  # fmt: skip
        for slot, tone in heard:
            if tone is not None and tone.kind == "beep":
                told[slot].append(now_ms)
                begun[slot] = begun[slot] or now_ms
        for slot, meaning in enumerate(meanings):
            if meaning.suspected is not None:
                begun[slot] = begun[slot] or now_ms
    return told, begun
