"""
Clips of what answers a call, with the truth about each. Seeded: the same split, count and seed give the same samples.

People: short hello 70 %, a sentence 15 %, late or silent 10 %, a noisy place 5 %. Machines: carrier and personal
greetings ("Hello ... you've reached"), full mailbox, announcement, menu, a beep at once, a screening assistant.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from tests.bench.amd.channel import FRAME_SAMPLES, Line, at_speed, carried, draw_line, draw_training_line
from tests.bench.amd.language import Split
from tests.bench.amd.voices import SAMPLE_RATE_HZ, Samples, Voice, silence, voices

Label = Literal["human", "machine"]

HUMAN_KINDS: Final = {"hello": 70, "business": 15, "late": 7, "silent": 3, "noisy": 5}
MACHINE_KINDS: Final = {
    "carrier": 25, "personal": 32, "hello_pause": 8, "short": 8, "full_mailbox": 10, "beep_at_once": 4, "menu": 8,
    "screening": 5,
}  # fmt: skip
"""Parts of 100."""
BEEP_HZ: Final = (440, 620, 700, 850, 950, 1000, 1250, 1400, 1500, 1700, 2000)
_SHORTEST_CLIP_SECONDS: Final = 7.0
_LONGEST_SENTENCE_SECONDS: Final = 4.5
_BABBLERS: Final = 4


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """One call from the answer on. Milliseconds count from there; None = does not happen in this clip."""

    name: str
    label: Label
    kind: str
    voice: str
    group: str
    line: Line
    samples: NDArray[np.int16]
    speech: NDArray[np.bool_]
    """Per 20 ms: does the main voice speak."""
    speech_start_ms: int | None
    greeting_end_ms: int | None
    """Where a person stops talking and waits; for a machine the end of all speech."""
    beep_end_ms: int | None = None


def build_clips(split: Split, count: int, seed: int) -> Iterator[Clip]:
    """Give `count` clips, people and machines by turns, so that any prefix is balanced."""
    for index in range(count):
        yield build_clip(split, index, seed)


def build_clip(
    split: Split, index: int, seed: int, *, fold: int | None = None, is_training: bool = False
) -> Clip:
    """Build one call; of one fold of the split "many" only, if asked, and over a line to learn from or one to measure on."""
    part = "" if fold is None else f":fold {fold}"
    rng = random.Random(f"{seed}:{split}:{index}{part}")
    all_voices = [voice for voice in voices(split) if fold is None or voice.fold == fold]
    # every group is equally likely, however many variants espeak-ng has of it
    group = rng.choice(sorted({voice.group for voice in all_voices}))
    voice = rng.choice([voice for voice in all_voices if voice.group == group])
    label: Label = "machine" if index % 2 else "human"
    kinds = MACHINE_KINDS if label == "machine" else HUMAN_KINDS
    kind = rng.choices(list(kinds), list(kinds.values()))[0]
    line = (draw_training_line if is_training else draw_line)(rng, is_noisy=kind == "noisy")
    babblers = rng.randint(1, 6) if is_training else _BABBLERS
    clean, speech_end, beep_end = (
        _machine(kind, voice, rng) if label == "machine" else _human(kind, voice, rng)
    )
    is_spoken = _spoken_blocks(clean, upto=speech_end)
    starts = np.flatnonzero(is_spoken)
    return Clip(
        name=f"{split}-{seed}-{index:05}-{label}-{kind}",
        label=label,
        kind=kind,
        voice=voice.name,
        group=voice.group,
        line=line,
        samples=carried(clean, line, _babble(all_voices, voice, len(clean), rng, babblers), rng),
        speech=is_spoken,
        speech_start_ms=int(starts[0]) * 20 if len(starts) else None,
        greeting_end_ms=round(speech_end / SAMPLE_RATE_HZ * 1000) if len(starts) else None,
        beep_end_ms=None if beep_end is None else round(beep_end / SAMPLE_RATE_HZ * 1000),
    )


def build_music(split: Split, index: int, seed: int) -> Clip:
    """Give a call that is answered by music."""
    rng = random.Random(f"{seed}:{split}:music:{index}")
    line = draw_line(rng)
    clean = np.concatenate([silence(rng.uniform(0.0, 0.8)), music(rng, rng.uniform(7.0, 12.0))])
    return Clip(
        name=f"{split}-{seed}-{index:05}-music",
        label="machine",
        kind="music",
        voice="synthesised",
        group="music",
        line=line,
        samples=carried(clean, line, _babble(voices(split), voices(split)[0], len(clean), rng), rng),
        speech=np.zeros(-(-len(clean) // FRAME_SAMPLES), bool),
        speech_start_ms=None,
        greeting_end_ms=None,
    )


def music(rng: random.Random, seconds: float) -> Samples:
    """Synthesise a tune over chords, with a drum in half of the cases."""
    length = round(seconds * SAMPLE_RATE_HZ)
    time = np.arange(length) / SAMPLE_RATE_HZ
    tune = np.zeros(length)
    beat_seconds, key = rng.uniform(0.25, 0.6), rng.uniform(196, 440)
    scale, start, bar = (0, 2, 4, 5, 7, 9, 11, 12), 0.0, 0
    while start < seconds:
        held = beat_seconds * rng.choice((0.5, 1, 1, 2))
        notes = [rng.choice(scale) + 12] if rng.random() < 0.8 else []
        notes += [rng.choice((0, 5, 7, 9)) + third for third in (0, 4, 7)] if bar % 2 == 0 else []
        here = (time >= start) & (time < start + held * 1.5)
        since = time[here] - start
        for note in notes:
            hertz = key * 2 ** (note / 12)
            for harmonic, loudness in ((1, 1.0), (2, 0.5), (3, 0.3), (4, 0.15)):
                if hertz * harmonic < 3_600:
                    tune[here] += loudness * np.sin(2 * np.pi * hertz * harmonic * since) * np.exp(-since * 2)
        start, bar = start + held, bar + 1
    if rng.random() < 0.5:
        hiss = np.random.default_rng(rng.getrandbits(32)).standard_normal(length)
        tune += 0.4 * hiss * np.exp(-(time % beat_seconds) * 25)
    sound: Samples = (0.1 * tune / np.sqrt((tune**2).mean())).astype(np.float32)
    return sound


def beep(rng: random.Random) -> Samples:
    """Give one beep: 150 to 800 ms, one frequency, with soft ends, about as loud as speech."""
    hertz = rng.choice(BEEP_HZ) * rng.uniform(0.98, 1.02)
    length = round(rng.uniform(0.15, 0.8) * SAMPLE_RATE_HZ)
    wave = np.sin(2 * np.pi * hertz * np.arange(length) / SAMPLE_RATE_HZ) * rng.uniform(0.1, 0.3)
    ends = np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.005 * SAMPLE_RATE_HZ)
    sound: Samples = (wave * np.minimum(ends, 1.0)).astype(np.float32)
    return sound


def answer_gap_seconds(rng: random.Random) -> float:
    """From the 200 OK to the first sound: mostly short, up to the 7.5 s that carriers have been seen to need."""
    return rng.choices((rng.uniform(0.0, 0.4), rng.uniform(0.4, 1.6), rng.uniform(1.6, 7.5)), (45, 40, 15))[0]


def _normal(samples: Samples) -> Samples:
    """Bring the parts of one clip, from different recordings, to one loudness before they are joined."""
    loud = np.sqrt((samples.astype(np.float64) ** 2).mean()) if len(samples) else 0.0
    normal: Samples = (samples * (0.1 / loud)).astype(np.float32) if loud else samples
    return normal


def _human(kind: str, voice: Voice, rng: random.Random) -> tuple[Samples, int, None]:
    gap = answer_gap_seconds(rng)
    if kind == "silent":
        return silence(rng.uniform(7.0, 10.0)), 0, None
    if kind == "late":
        gap = rng.uniform(2.5, 7.5)
    factor = rng.uniform(0.85, 1.15)
    said = _normal(voice.phrase(rng) if kind == "business" else voice.word(rng))
    if kind == "business":
        factor = max(factor, len(said) / SAMPLE_RATE_HZ / _LONGEST_SENTENCE_SECONDS)
    elif rng.random() < 0.25:  # "yes ... I'm listening"
        said = np.concatenate([said, silence(rng.uniform(0.05, 0.3)), _normal(voice.word(rng))])
    parts = [silence(gap), at_speed(said, factor)]
    speech_end = sum(len(part) for part in parts)
    if rng.random() < 0.35:  # nobody answers them, so they ask again
        parts += [silence(rng.uniform(1.8, 3.5)), at_speed(_normal(voice.word(rng)), factor)]
    return _with_tail(parts, rng), speech_end, None


def _machine(kind: str, voice: Voice, rng: random.Random) -> tuple[Samples, int, int | None]:
    factor = rng.uniform(0.85, 1.15)
    parts = [silence(answer_gap_seconds(rng))]
    match kind:
        case "hello_pause":
            parts += [at_speed(_normal(voice.word(rng)), factor), silence(rng.uniform(0.5, 1.2))]
            parts.append(at_speed(_normal(voice.rest_of_greeting(rng)), factor))
        case "short":
            parts.append(at_speed(_normal(voice.short_greeting(rng)), factor))
        case "beep_at_once":
            pass
        case "full_mailbox" | "menu":
            parts.append(at_speed(_normal(voice.other(rng)), factor))
            if rng.random() < 0.5:
                parts += [silence(rng.uniform(0.3, 1.5)), parts[-1]]
        case "screening":
            parts.append(at_speed(_normal(voice.assistant(rng)), factor))
        case _:
            parts.append(at_speed(_normal(voice.greeting(rng)), factor))
    speech_end = sum(len(part) for part in parts)
    beep_end = None
    if kind in {"beep_at_once", "short"} or (
        kind in {"carrier", "personal", "hello_pause"} and rng.random() < 0.9
    ):
        parts += [silence(rng.uniform(0.1, 1.4)), beep(rng)]
        beep_end = sum(len(part) for part in parts)
    return _with_tail(parts, rng), speech_end if kind != "beep_at_once" else 0, beep_end


def _with_tail(parts: list[Samples], rng: random.Random) -> Samples:
    length = sum(len(part) for part in parts) / SAMPLE_RATE_HZ
    tail = max(rng.uniform(3.0, 4.0), _SHORTEST_CLIP_SECONDS - length)
    return np.concatenate([*parts, silence(tail)])


def _spoken_blocks(clean: Samples, *, upto: int) -> NDArray[np.bool_]:
    blocks = np.abs(clean[: len(clean) // 160 * 160]).reshape(-1, 160).max(axis=1)
    spoken: NDArray[np.bool_] = blocks > 0.02 * blocks.max(initial=1e-9)
    spoken[-(-upto // 160) :] = False
    return spoken


def _babble(
    all_voices: Sequence[Voice], but: Voice, length: int, rng: random.Random, babblers: int = _BABBLERS
) -> Samples:
    """Mix voices of the same split and fold, none of the speaker's own group."""
    mix = silence(length / SAMPLE_RATE_HZ)
    others = [voice for voice in all_voices if voice.group != but.group and voice.fold == but.fold]
    for _ in range(babblers):
        voice, at = rng.choice(others), -rng.randrange(SAMPLE_RATE_HZ)
        while at < length:
            piece = _normal(voice.phrase(rng))
            start, end = max(at, 0), min(at + len(piece), length)
            if end > start:
                mix[start:end] += piece[start - at : end - at]
            at += len(piece) + round(rng.uniform(0.05, 0.6) * SAMPLE_RATE_HZ)
    return mix
