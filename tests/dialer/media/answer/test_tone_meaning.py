"""Every tone of the table is told by its name, within two periods; what is not one of them is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dialer.media.answer.spectrum import FRAME_SAMPLES, analyse
from dialer.media.answer.tone_meaning import HeardTone, ToneMeaning
from dialer.media.answer.tone_runs import ToneRuns
from dialer.media.tones import TONES, Cadence
from tests.dialer.media.answer.sounds import Part, tones

LEAD_MS = 400


def meanings(
    samples: NDArray[np.int16], *, countries: tuple[str, ...] = ("ru",), after_voice: bool = False
) -> list[tuple[int, HeardTone]]:
    """Give (heard at ms, tone) of everything that means something."""
    runs, meaning, slots = ToneRuns(1), ToneMeaning(countries), np.array([0])
    runs.restart(0)
    padded = np.concatenate([np.zeros(FRAME_SAMPLES, np.int16), samples])
    found = []
    for frame in range(len(samples) // FRAME_SAMPLES):
        window = padded[None, frame * FRAME_SAMPLES : (frame + 2) * FRAME_SAMPLES]
        now_ms = (frame + 1) * 20
        told = [
            meaning.take(run, after_voice=after_voice)
            for _, run in runs.take(slots, analyse(window.astype(np.float32) * np.float32(1 / 32_768)))
        ]
        told.append(
            meaning.wait(
                now_ms, running_ms=int(runs.running_ms(slots)[0]), running_hertz=float(runs.hertz[0])
            )
        )
        found += [(now_ms, tone) for tone in told if tone is not None]
    return found


def cadence_parts(
    cadence: Cadence, periods: int = 3, *, stretch: float = 1.0, off_hertz: float = 0.0
) -> list[Part]:
    return [
        (tuple(hertz + off_hertz for hertz in cadence.hertz) if index % 2 == 0 else (), ms * stretch)
        for _ in range(periods)
        for index, ms in enumerate(cadence.on_off_ms)
    ]


@pytest.mark.parametrize(("stretch", "off_hertz"), [(0.9, 15.0), (1.1, -15.0)])
@pytest.mark.parametrize(
    ("country", "cadence"),
    [(country, cadence) for country, cadences in TONES.items() for cadence in cadences],
    ids=lambda value: value if isinstance(value, str) else value.progress,
)
def test_a_cadence_is_told_within_two_periods(
    country: str, cadence: Cadence, stretch: float, off_hertz: float
) -> None:
    parts = cadence_parts(cadence, stretch=stretch, off_hertz=off_hertz)
    at_ms, tone = meanings(tones(parts, snr_db=10), countries=(country,))[0]
    assert (tone.kind, tone.cause) == ("progress", cadence.progress)
    assert (
        at_ms - LEAD_MS <= 2 * sum(cadence.on_off_ms) * stretch + 80
    )  # 80 ms tell a pause from a lost packet


SIT = {
    "sit_intercept": ((913.8, 274), (1370.6, 274)),
    "sit_vacant": ((985.2, 380), (1370.6, 274)),
    "sit_reorder": ((913.8, 274), (1428.5, 380)),
    "sit_no_circuit": ((985.2, 380), (1428.5, 380)),
    "sit": ((950.0, 330), (1400.0, 330)),
}


@pytest.mark.parametrize("gap_ms", [0, 30])
@pytest.mark.parametrize("cause", SIT)
def test_special_information_tones_tell_their_cause(cause: str, gap_ms: int) -> None:
    third = (1800.0, 330) if cause == "sit" else (1776.7, 380)
    parts: list[Part] = []
    for hertz, ms in (*SIT[cause], third):
        parts += [((hertz,), ms), ((), gap_ms)]
    assert [tone.cause for _, tone in meanings(tones(parts, snr_db=10))] == [cause]


@pytest.mark.parametrize(
    ("cause", "parts"), [("cng", [((1100.0,), 500), ((), 3000)]), ("ced", [((2100.0,), 3000)])]
)
def test_a_fax_tells_itself(cause: str, parts: list[Part]) -> None:
    assert [(tone.kind, tone.cause) for _, tone in meanings(tones(parts, snr_db=10))] == [("fax", cause)]


@pytest.mark.parametrize("ms", [150, 400, 800])
@pytest.mark.parametrize("hertz", [390.0, 700.0, 1000.0, 1400.0, 2290.0])
def test_a_beep_is_told_within_200_ms_of_its_end(hertz: float, ms: int) -> None:
    at_ms, tone = meanings(tones([((hertz,), ms)], snr_db=10), after_voice=True)[0]
    assert tone.kind == "beep"
    assert 0 <= at_ms - (LEAD_MS + ms) <= 200
    assert abs(tone.end_ms - (LEAD_MS + ms)) <= 40


def test_a_first_burst_of_busy_waits_for_the_second() -> None:
    assert meanings(tones([((425.0,), 350), ((), 350)], tail_ms=0)) == []


def test_the_same_burst_alone_is_a_beep_in_the_end() -> None:
    assert [tone.kind for _, tone in meanings(tones([((425.0,), 350)]))] == ["beep"]


def test_a_melody_is_no_beep() -> None:
    tune: list[Part] = [((hertz,), 300) for hertz in (880.0, 990.0, 1100.0, 990.0)]
    assert "beep" not in {
        tone.kind
        for _, tone in meanings(
            tones([*tune, ((990.0,), 200)]),
        )[1:]
    }


def test_keys_are_no_beeps() -> None:
    assert meanings(tones([((770.0, 1336.0), 300)], snr_db=30), after_voice=True) == []
