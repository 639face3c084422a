"""
What telephone networks play instead of a voice: call progress tones per country, special information tones, fax tones.

Sources: GOST 45.223-2001 (ru), ITU-T E.180 supplement 2 with E.180 (the rest), Bellcore GR-674 / ITU-T E.180 §8.1 (SIT),
ITU-T T.30 (CNG 1100 Hz 0.5 s on, 3 s off; CED 2100 Hz).
"""

from typing import Final, Literal

import msgspec

Progress = Literal["ringback", "busy", "congestion"]
SitCause = Literal["sit", "sit_intercept", "sit_vacant", "sit_reorder", "sit_no_circuit"]


class Cadence(msgspec.Struct, frozen=True):
    """One tone of one country."""

    progress: Progress
    hertz: tuple[int, ...]
    """One frequency, or two at once."""
    on_off_ms: tuple[int, ...]
    """Sound, pause, sound, pause ... until it begins again."""


TONES: Final[dict[str, tuple[Cadence, ...]]] = {
    "ru": (
        Cadence("ringback", (425,), (1000, 4000)),
        Cadence("busy", (425,), (350, 350)),
        Cadence("congestion", (425,), (175, 175)),
    ),
    "de": (
        Cadence("ringback", (425,), (1000, 4000)),
        Cadence("busy", (425,), (480, 480)),
        Cadence("congestion", (425,), (240, 240)),
    ),
    "us": (
        Cadence("ringback", (440, 480), (2000, 4000)),
        Cadence("busy", (480, 620), (500, 500)),
        Cadence("congestion", (480, 620), (250, 250)),
    ),
    "uk": (
        Cadence("ringback", (400, 450), (400, 200, 400, 2000)),
        Cadence("busy", (400,), (375, 375)),
        Cadence("congestion", (400,), (400, 350, 225, 525)),
    ),
    "fr": (
        Cadence("ringback", (440,), (1500, 3500)),
        Cadence("busy", (440,), (500, 500)),
        Cadence("congestion", (440,), (250, 250)),
    ),
    "br": (
        Cadence("ringback", (425,), (1000, 4000)),
        Cadence("busy", (425,), (250, 250)),
        Cadence("congestion", (425,), (250, 250, 750, 250)),
    ),
    "in": (
        Cadence("ringback", (400,), (400, 200, 400, 2000)),
        Cadence("busy", (400,), (750, 750)),
        Cadence("congestion", (400,), (250, 250)),
    ),
    "pl": (
        Cadence("ringback", (425,), (1000, 4000)),
        Cadence("busy", (425,), (500, 500)),  # congestion sounds the same
    ),
    "kz": (
        Cadence("ringback", (425,), (800, 3200)),
        Cadence("busy", (425,), (350, 350)),
        Cadence("congestion", (425,), (175, 175)),
    ),
}
"""First wins where two countries mean different things by one tone (425 Hz 250/250: de congestion, br busy)."""

SIT_HERTZ: Final = ((914, 950, 985), (1371, 1400, 1429), (1777, 1800))
"""Low (Bellcore), ITU, high (Bellcore) of the first and second tone; the third."""
SIT_LONG_MS: Final = 327
"""Between Bellcore's short 274 ms and long 380 ms."""
SIT_CAUSES: Final[dict[str, SitCause]] = {
    "LL/SS": "sit_intercept",
    "HL/LS": "sit_vacant",
    "LH/SL": "sit_reorder",
    "HH/LL": "sit_no_circuit",
}
"""Frequencies of the first two tones (low, high) / their lengths (short, long); anything else is plain `sit`."""

CNG_HERTZ: Final = 1100
CNG_ON_MS: Final = 500
CED_HERTZ: Final = 2100
