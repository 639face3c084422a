"""
The voices of the corpus, each in one split only: recordings from Debian (`.ci/amd-sounds` fetches them) and espeak-ng.

Every voice speaks as a person and as a machine, so that no voice, and no synthesiser, gives its class away.
"""

import hashlib
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Final, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from dialer.media.prompt import read_audio
from tests.bench.amd.language import Language, Split
from tests.bench.amd.many_voices import drawn_voices, fold_of
from tests.bench.amd.phrases import LANGUAGES, SCREENING, VARIANTS

Samples = NDArray[np.float32]
"""8 kHz, full scale 1.0."""

ROOT: Final = Path(__file__).parents[3]
SOUNDS: Final = ROOT / ".lab/sounds"
SAMPLE_RATE_HZ: Final = 8_000
RECORDED: Final[dict[str, tuple[Split, str]]] = {
    "kde-ru": ("dev", "ktuberling/sounds/ru"),
    "kde-sr": ("dev", "ktuberling/sounds/sr"),
    "asterisk-en": ("dev", "asterisk/sounds/en_US_f_Allison"),
    "kde-en": ("test", "ktuberling/sounds/en"),
    "kde-de": ("test", "ktuberling/sounds/de"),
    "asterisk-ru": ("test", "asterisk/sounds/ru_RU_f_IvrvoiceRU"),
}
"""Debian's ktuberling-data holds no Polish folder."""
_TRIM_SHARE: Final = 0.03
"""Of the loudest 10 ms by amplitude (-30 dB): what lies below at the ends is not speech."""
_EMPTY_BYTES: Final = 1_000
"""A WAV file of the packages that holds no sound."""
_NOT_SPEECH: Final = ("beep", "tone", "silence", "tt-monkeys", "weasels")


class Spoken(Sequence[Samples]):
    """Texts that one voice of espeak-ng says when they are asked for; the split "many" has thousands, and few are needed at a time."""

    def __init__(self, texts: Sequence[str], say: Callable[[str], Samples]) -> None:
        self._texts = texts
        self._say = say

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, at: int) -> Samples: ...
    @overload
    def __getitem__(self, at: slice) -> "Spoken": ...
    def __getitem__(self, at: int | slice) -> "Samples | Spoken":
        return Spoken(self._texts[at], self._say) if isinstance(at, slice) else self._say(self._texts[at])


class Voice(msgspec.Struct, frozen=True):
    """Pieces of one speaker: words below 1.2 s, phrases, and for synthesised voices whole greetings, the shortest first."""

    name: str
    split: Split
    group: str
    """The source or language of the texts; choosing leaves whole folds of groups out."""
    fold: int
    """Of the split "many"; who babbles behind a voice is of its own fold. 0 in the other splits."""
    words: Sequence[Samples]
    phrases: Sequence[Samples]
    greetings: Sequence[Samples] = ()
    after_hello: Sequence[Samples] = ()
    others: Sequence[Samples] = ()
    screening: Sequence[Samples] = ()

    def word(self, rng: random.Random) -> Samples:
        return rng.choice(self.words)

    def phrase(self, rng: random.Random) -> Samples:
        """Give 1.2 to 4.5 s as a person who answers with a sentence."""
        if self.phrases:
            return rng.choice(self.phrases)
        return joined([self.word(rng) for _ in range(rng.randint(2, 3))], rng, 0.04, 0.25)

    def greeting(self, rng: random.Random) -> Samples:
        """Give 2 to 14 s of recorded message."""
        if self.greetings:
            return rng.choice(self.greetings[1:])
        wanted_seconds = rng.uniform(2.5, 11.0)
        pieces: list[Samples] = []
        while sum(len(piece) for piece in pieces) < wanted_seconds * SAMPLE_RATE_HZ:
            pieces.append(rng.choice(self.phrases or self.words))
        return joined(pieces, rng, 0.06, 0.3)

    def short_greeting(self, rng: random.Random) -> Samples:
        """Give 1 to 4 s, "leave a message"; a beep follows it."""
        return self.greetings[0] if self.greetings else self.phrase(rng)

    def rest_of_greeting(self, rng: random.Random) -> Samples:
        """Give what follows a recorded hello and its pause."""
        return rng.choice(self.after_hello) if self.after_hello else self.greeting(rng)

    def other(self, rng: random.Random) -> Samples:
        return rng.choice(self.others) if self.others else self.greeting(rng)

    def assistant(self, rng: random.Random) -> Samples:
        return rng.choice(self.screening) if self.screening else self.greeting(rng)


def joined(pieces: list[Samples], rng: random.Random, shortest: float, longest: float) -> Samples:
    """Put pieces one after the other with pauses of so many seconds."""
    parts: list[Samples] = []
    for index, piece in enumerate(pieces):
        if index:
            parts.append(silence(rng.uniform(shortest, longest)))
        parts.append(piece)
    return np.concatenate(parts)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.float32)


def fetch_sounds() -> None:
    """Raises RuntimeError when the sounds cannot be fetched here; the script says why on stderr."""
    if subprocess.run([ROOT / ".ci/amd-sounds"], check=False).returncode != 0:
        raise RuntimeError("the sounds for tests/bench/amd are not there; .ci/amd-sounds said why")


@cache
def voices(split: Split) -> tuple[Voice, ...]:
    """Load a split's voices, recorded ones first; the order is fixed."""
    source: Split = "dev" if split == "many" else split
    recorded = [
        _recorded(name, split, folder) for name, (of_split, folder) in RECORDED.items() if of_split == source
    ]
    spoken = [
        _spoken(language, split, voice, variant)
        for language in LANGUAGES
        if language.split == source
        for voice, variant in (
            drawn_voices(language.voice)
            if split == "many"
            else [(language.voice, variant) for variant in VARIANTS[split]]
        )
    ]
    return (*recorded, *spoken)


def _recorded(name: str, split: Split, folder: str) -> Voice:
    root = SOUNDS / "usr/share" / folder
    paths = sorted(root.rglob("*.[ow][ga][gv]"))
    sounds = [
        trimmed(_read(path))
        for path in paths
        if path.stat().st_size > _EMPTY_BYTES
        and not any(word in str(path.relative_to(root)) for word in _NOT_SPEECH)
    ]
    by_seconds = [(len(sound) / SAMPLE_RATE_HZ, sound) for sound in sounds]
    return Voice(
        name,
        split,
        name,
        fold_of(name) if split == "many" else 0,
        words=tuple(sound for seconds, sound in by_seconds if 0.2 <= seconds < 1.2),
        phrases=tuple(sound for seconds, sound in by_seconds if 1.4 <= seconds <= 4.0),
    )


@cache
def _variants() -> frozenset[str]:
    """Names that espeak-ng knows: one that it does not know it takes for none, without a word."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True)
    return frozenset(re.findall(r"!v/(\S+)", listed.stdout))


def _spoken(language: Language, split: Split, voice: str, variant: str) -> Voice:
    if variant not in _variants():
        raise ValueError(f"espeak-ng has no variant {variant!r}; see espeak-ng --voices=variant")

    is_varied = split == "many"

    def say(texts: Sequence[str], slowest: int = 130) -> Spoken:
        return Spoken(texts, partial(_said, voice, variant, slowest, is_varied))

    others = say(language.others)
    return Voice(
        f"espeak-{voice}-{variant}"
        if voice == language.voice
        else f"espeak-{voice}-{variant}-reads-{language.voice}",
        split,
        f"espeak-{language.voice}",
        fold_of(f"espeak-{language.voice}") if is_varied else 0,
        words=say(language.hellos),
        phrases=say(language.business, slowest=165),  # who answers all day says it fast
        greetings=say(language.greetings),
        after_hello=say(language.after_hello),
        others=others[:SCREENING],
        screening=others[SCREENING:],
    )


@cache
def _said(voice: str, variant: str, slowest: int, is_varied: bool, text: str) -> Samples:  # noqa: FBT001 - bound by partial
    return trimmed(_espeak(voice, variant, text, slowest, is_varied=is_varied))


def trimmed(samples: Samples) -> Samples:
    """Cut the quiet ends off, so that the truth about start and end is right within 10 ms."""
    block = SAMPLE_RATE_HZ // 100
    blocks = np.abs(samples[: len(samples) // block * block]).reshape(-1, block).max(axis=1)
    loud = np.flatnonzero(blocks > blocks.max(initial=0.0) * _TRIM_SHARE)
    return samples[loud[0] * block : (loud[-1] + 1) * block] if len(loud) else samples[:0]


def _read(path: Path) -> Samples:
    return np.frombuffer(read_audio(path.read_bytes()), dtype="<i2").astype(np.float32) * np.float32(
        1 / 32_768
    )


def _espeak(voice: str, variant: str, text: str, slowest: int, *, is_varied: bool) -> Samples:
    """Say one text; pitch and speed (words a minute) are the text's own, by its hash, in a wider range if varied. Kept on disk."""
    span = " varied" if is_varied else ""
    digest = hashlib.sha256(f"{voice}+{variant}+{slowest}{span}:{text}".encode()).digest()
    path = SOUNDS / "espeak" / f"{digest.hex()[:24]}.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        speed, pitch = slowest + digest[0] % 60, 30 + digest[1] % 45
        if is_varied:
            speed, pitch = slowest - 15 + digest[0] % 90, 20 + digest[1] % 65
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".wav", delete=False) as half:
            subprocess.run(
                [
                    "espeak-ng",
                    "-v",
                    f"{voice}+{variant}",
                    "-s",
                    str(speed),
                    "-p",
                    str(pitch),
                    "-w",
                    half.name,
                    text,
                ],
                check=True,
                capture_output=True,
            )
        Path(half.name).replace(path)  # another process may want the same
    return _read(path)
