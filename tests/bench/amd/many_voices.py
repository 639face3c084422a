"""
Who speaks in the split "many", of the languages, texts and recordings of "dev": many voices of espeak-ng, parted into three folds that share neither text nor language nor variant.

A text is read by its own language's voice and by voices of other languages that write alike, for the sake of their rhythm and their sounds:
nobody speaks like that, but no classifier of rhythm can learn these by heart. No language here stands in another split, and none is
the next of kin of one that does (so no Slovak beside the Czech of "fresh", no Norwegian beside Swedish).
"""

import random
from typing import Final

VOICES_PER_LANGUAGE: Final = 40

FOLDS: Final = (
    ("kde-ru", "espeak-en-us", "espeak-es"),
    ("kde-sr", "espeak-de", "espeak-pt-br"),
    ("asterisk-en", "espeak-ru", "espeak-sr"),
)
"""Groups (sources or languages of the texts) that are left out together to be judged."""

READERS: Final[dict[str, tuple[str, ...]]] = {
    "en-us": ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp", "cy", "ga", "sw"),
    "es": ("es", "es", "es-419", "ca", "eu", "an", "gn"),
    "de": ("de", "de", "lb", "is", "eo", "sl"),
    "pt-br": ("pt-br", "pt-br", "pt", "pap", "ia", "mt"),
    "ru": ("ru", "ru", "ru-lv", "ba", "kk", "ky", "tt"),
    "sr": ("sr", "sr", "hr", "bs", "sq", "lv", "lt"),
}
"""Voices of espeak-ng by the language of the texts that they read; who stands twice is drawn twice as often."""

VARIANTS: Final[tuple[tuple[str, ...], ...]] = (
    ("m1", "f1", "adam", "Alex", "Andy", "antonio", "boris", "caleb", "david", "ed", "Gene", "Henrique", "iven", "iven2",
     "Jacky", "john", "linda", "klatt", "grandma"),
    ("m2", "f2", "aunty", "benjamin", "edward", "edward2", "gustave", "kaukovalta", "Lee", "marcelo", "Marco", "Mario",
     "max", "michel", "Gene2", "iven3", "klatt2", "steph", "anika"),
    ("m3", "croak", "announcer", "miguel", "Mike", "Nguyen", "pablo", "paul", "pedro", "rob", "robert", "sandro", "shelby",
     "steph2", "travis", "victor", "zac", "norbert", "klatt6", "grandpa"),
)  # fmt: skip
"""Of each fold. Whispers and robots are left out: people are none."""


def fold_of(group: str) -> int:
    return next(number for number, groups in enumerate(FOLDS) if group in groups)


def drawn_voices(language: str) -> list[tuple[str, str]]:
    """Draw (voice, variant) of espeak-ng for the texts of one language; always the same, none twice."""
    variants = VARIANTS[fold_of(f"espeak-{language}")]
    pairs = [(voice, variant) for voice in dict.fromkeys(READERS[language]) for variant in variants]
    weights = {voice: READERS[language].count(voice) for voice in READERS[language]}
    chance = random.Random(language)
    # who weighs twice draws a number nearer to one
    pairs.sort(key=lambda pair: chance.random() ** (1 / weights[pair[0]]), reverse=True)
    return pairs[:VOICES_PER_LANGUAGE]
