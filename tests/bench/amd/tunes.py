"""
Calls in which music is heard: what a beep detector must not take for a beep.

Synthesised, like the beeps: no recorded music may be used here. Single lines of even notes are in it, as old exchanges and toy-like
ring-back tunes play them, because each of their notes has all that a beep has but its loneliness.

    python -m tests.bench.amd.tunes [--per-kind N] [--seed N] [--tones]     # the last line is one JSON object
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.bench.amd.channel import Line, carried, draw_line
from tests.bench.amd.corpus import music
from tests.bench.amd.hearing import Result, hear
from tests.bench.amd.tone_figures import tone_figures
from tests.bench.amd.voices import SAMPLE_RATE_HZ, Samples, Voice, fetch_sounds, silence, voices

Wave = NDArray[np.float64]

_SCALES: Final = ((0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12), (0, 2, 4, 7, 9, 12))
_LOUDNESS: Final = 0.1


class Tune(msgspec.Struct, frozen=True):
    """One call."""

    kind: str
    line: Line
    samples: NDArray[np.int16]


def tune_figures(*, per_kind: int, seed: int) -> dict[str, float | int]:
    """
    Hear so many tunes of each kind; count those that are taken for a machine by a beep, for anything that is hung up on but music,
    and those in which a message begins for a moment, since a beep is suspected.
    """
    beeps, others, noisy, noisy_beeps, on_trial = 0, 0, 0, 0, 0
    for kind in KINDS:
        tunes = [build_tune(kind, index, seed) for index in range(per_kind)]
        results = hear([tune.samples for tune in tunes])
        said = Counter(_name(result) for result in results)
        taken = [bool(result.beeps) for result in results]
        print(
            f"{kind:26}",
            f"beeps {sum(taken)} of {per_kind}:",
            ", ".join(f"{v} {n}" for v, n in said.most_common()),
        )
        beeps += sum(taken)
        on_trial += sum(bool(result.suspicions) for result in results)
        others += sum(
            count
            for name, count in said.items()
            if name.split("/")[0] in {"machine", "fax", "tone", "screening"}
        )
        noisy += sum(tune.line.noise_dbfs is not None for tune in tunes)
        noisy_beeps += sum(
            one for one, tune in zip(taken, tunes, strict=True) if tune.line.noise_dbfs is not None
        )
    return {
        "tunes": per_kind * len(KINDS), "tunes_to_beep": beeps, "tunes_to_machine_fax_tone": others,
        "tunes_in_noise": noisy, "tunes_in_noise_to_beep": noisy_beeps, "tunes_to_message_on_trial": on_trial,
    }  # fmt: skip


def _name(result: Result) -> str:
    verdict = result.verdict
    return "none" if verdict is None else f"{verdict.answered_by}/{verdict.cause}"


def build_tune(kind: str, index: int, seed: int) -> Tune:
    """Give one call of a kind, through a telephone line; all voices in it are of the development split."""
    rng = random.Random(f"{seed}:tune:{kind}:{index}")
    line = draw_line(rng)
    clean = np.concatenate([silence(rng.uniform(0.0, 0.8)), KINDS[kind](rng), silence(rng.uniform(0.0, 2.0))])
    babble = _voices_of_others(rng, len(clean)) if line.noise == "babble" else clean
    return Tune(kind, line, carried(clean, line, babble, rng))


def _chords(rng: random.Random) -> Samples:
    return music(rng, rng.uniform(7.0, 12.0))


def _single_line(rng: random.Random) -> Samples:
    """Even notes, one at a time, with or without gaps: a music chip."""
    shape = rng.choice((_sine, _square, _triangle))
    share, beat = rng.uniform(0.5, 1.0), rng.uniform(0.15, 0.6)
    return _melody(
        rng, beat, lambda hertz, seconds: _soft_ends(shape(_phase(hertz, seconds * share)), 0.005), rest=0.1
    )


def _organ(rng: random.Random) -> Samples:
    """Held notes of even loudness, up to three at once."""
    voices_at_once, beat = rng.randint(1, 3), rng.uniform(0.3, 0.9)

    def note(hertz: float, seconds: float) -> Samples:
        phases = [_phase(hertz * 2 ** (step / 12), seconds) for step in (0, 4, 7)[:voices_at_once]]
        return _soft_ends(
            _sum(_sine(phase) + 0.4 * _sine(2 * phase) + 0.2 * _sine(3 * phase) for phase in phases), 0.02
        )

    return _melody(rng, beat, note, rest=0.05)


def _bells(rng: random.Random) -> Samples:
    """Struck and dying away, far apart."""

    def note(hertz: float, seconds: float) -> Samples:
        since = np.arange(round(seconds * 2 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        partials = ((1.0, 1.0, 2.0), (2.76, 0.5, 4.0), (5.4, 0.25, 7.0))
        return _sum(
            loud * np.exp(-since * fade) * np.sin(2 * np.pi * hertz * ratio * since)
            for ratio, loud, fade in partials
            if hertz * ratio < 3_800
        )

    return _melody(rng, rng.uniform(0.4, 1.5), note, rest=0.1)


def _flute(rng: random.Random) -> Samples:
    """Nearly pure, with vibrato, swelling and tied."""

    def note(hertz: float, seconds: float) -> Samples:
        since = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        wobble = depth * np.sin(2 * np.pi * rate * since)
        phase = 2 * np.pi * np.cumsum(hertz * 2 ** (wobble / 1_200)) / SAMPLE_RATE_HZ
        swell = 0.7 + 0.3 * np.sin(np.pi * np.minimum(since / seconds, 1))
        return _soft_ends((_sine(phase) + 0.15 * _sine(2 * phase)) * swell, 0.04)

    depth, rate = rng.uniform(0, 25), rng.uniform(4.5, 6.5)
    return _melody(rng, rng.uniform(0.3, 1.0), note, rest=0.1)


def _ends_and_somebody_speaks(rng: random.Random) -> Samples:
    """A ring-back tune that is still heard when the person answers."""
    tune = rng.choice((_chords, _single_line, _organ, _bells))(rng)[
        : round(rng.uniform(0.5, 3.0) * SAMPLE_RATE_HZ)
    ]
    word = _loud(_somebody(rng).word(rng))
    return np.concatenate([tune, silence(rng.uniform(0.1, 1.0)), word, silence(rng.uniform(3.0, 4.0))])


def _behind_a_voice(rng: random.Random) -> Samples:
    """A person says hello beside a radio, 6 to 18 dB under the voice."""
    tune = rng.choice((_chords, _single_line, _organ, _flute))(rng) * np.float32(
        10 ** (-rng.uniform(6, 18) / 20)
    )
    word, at = _loud(_somebody(rng).word(rng)), round(rng.uniform(0.3, 2.0) * SAMPLE_RATE_HZ)
    tune[at : at + len(word)] += word[: max(0, len(tune) - at)]
    return tune


KINDS: Final[dict[str, Callable[[random.Random], Samples]]] = {
    "chords": _chords,
    "single_line": _single_line,
    "organ": _organ,
    "bells": _bells,
    "flute": _flute,
    "ends_and_somebody_speaks": _ends_and_somebody_speaks,
    "behind_a_voice": _behind_a_voice,
}


def _melody(
    rng: random.Random, beat_seconds: float, note: Callable[[float, float], Samples], *, rest: float
) -> Samples:
    """Walk through a scale by small steps; a rest in so many of the notes."""
    seconds, key, scale = rng.uniform(7.0, 12.0), rng.uniform(262, 880), rng.choice(_SCALES)
    tune = np.zeros(round((seconds + 4) * SAMPLE_RATE_HZ), np.float32)
    start, place = 0.0, rng.randrange(len(scale))
    while start < seconds:
        held = beat_seconds * rng.choice((0.5, 1, 1, 2))
        place = min(max(place + rng.choice((-2, -1, -1, 0, 1, 1, 2)), 0), len(scale) - 1)
        if rng.random() >= rest:
            at = round(start * SAMPLE_RATE_HZ)
            sound = note(key * 2 ** (scale[place] / 12), held)[: len(tune) - at]
            tune[at : at + len(sound)] += sound
        start += held
    return _loud(tune[: round(seconds * SAMPLE_RATE_HZ)])


def _somebody(rng: random.Random) -> Voice:
    return rng.choice(voices("dev"))


def _voices_of_others(rng: random.Random, length: int) -> Samples:
    mix = silence(length / SAMPLE_RATE_HZ)[:length]
    for _ in range(4):
        at = -rng.randrange(SAMPLE_RATE_HZ)
        while at < length:
            piece = _loud(_somebody(rng).phrase(rng))
            start, end = max(at, 0), min(at + len(piece), length)
            mix[start:end] += piece[start - at : end - at]
            at += len(piece) + SAMPLE_RATE_HZ // 4
    return mix


def _loud(samples: Samples) -> Samples:
    loud: Samples = (samples * (_LOUDNESS / max(float(np.sqrt((samples**2).mean())), 1e-9))).astype(
        np.float32
    )
    return loud


def _phase(hertz: float, seconds: float) -> Wave:
    return 2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _sum(waves: Iterable[Wave]) -> Samples:
    total: Samples = np.sum(list(waves), axis=0).astype(np.float32)
    return total


def _sine(phase: Wave) -> Wave:
    wave: Wave = np.sin(phase)
    return wave


def _square(phase: Wave) -> Wave:
    return _odd_harmonics(phase, lambda number: 1 / number)


def _triangle(phase: Wave) -> Wave:
    return _odd_harmonics(phase, lambda number: (-1) ** (number // 2) / number**2)


def _odd_harmonics(phase: Wave, loudness: Callable[[int], float]) -> Wave:
    """As many as the line carries."""
    step = float(phase[1] - phase[0]) if len(phase) > 1 else 1.0
    wave: Wave = np.sum(
        [loudness(number) * np.sin(number * phase) for number in range(1, 20, 2) if number * step < 3.0],
        axis=0,
    )
    return wave


def _soft_ends(wave: Wave | Samples, seconds: float) -> Samples:
    length = len(wave)
    ends = np.minimum(np.arange(length), np.arange(length)[::-1]) / (seconds * SAMPLE_RATE_HZ)
    soft: Samples = (wave * np.minimum(ends, 1.0)).astype(np.float32)
    return soft


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-kind", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tones", action="store_true", help="tones and beeps too, and speech without a beep")
    chosen = parser.parse_args()
    fetch_sounds()
    answer = tune_figures(per_kind=chosen.per_kind, seed=chosen.seed)
    if chosen.tones:
        answer |= tone_figures(repeats=25, beeps=800, speech_seconds=7_200, seed=chosen.seed)
    print(json.dumps(answer))
