"""Every tone of the table is told by its name, within two periods; what is not one of them is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dialer.media.answer.spectrum import FRAME_SAMPLES, analyse
from dialer.media.answer.tone_meaning import HeardTone, ToneMeaning
from dialer.media.answer.tone_runs import ToneRuns
from dialer.media.tones import TONES, Cadence
from tests.dialer.media.answer.sounds import Part, coded, tones

LEAD_MS = 400


def meanings(
    samples: NDArray[np.int16],
    *,
    countries: tuple[str, ...] = ("ru",),
    after_voice: bool = False,
    is_machine: bool = False,
) -> list[tuple[int, HeardTone]]:
    """Give (heard at ms, tone) of everything that means something."""
    runs, meaning, slots = ToneRuns(1), ToneMeaning(countries), np.array([0])
    runs.restart(0)
    padded = np.concatenate([np.zeros(FRAME_SAMPLES, np.int16), samples])
    found = []
    for frame in range(len(samples) // FRAME_SAMPLES):
        window = padded[None, frame * FRAME_SAMPLES : (frame + 2) * FRAME_SAMPLES]
        now_ms = (frame + 1) * 20
        spectrum = analyse(window)
        told = [
            meaning.take(run, after_voice=after_voice, is_machine=is_machine)
            for _, run in runs.take(slots, spectrum)
        ]
        told.append(
            meaning.wait(
                now_ms,
                running_ms=int(runs.running_ms(slots)[0]),
                running_hertz=float(runs.hertz[0]),
                level_db=float(spectrum.level_db[0]),
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


@pytest.mark.parametrize(("is_machine", "within_ms"), [(True, 200), (False, 340)])
@pytest.mark.parametrize("ms", [150, 400, 800])
@pytest.mark.parametrize("hertz", [390.0, 700.0, 1000.0, 1400.0, 2290.0])
def test_a_beep_after_a_voice_is_told_at_once_of_a_machine_and_else_after_a_moment_of_quiet(
    hertz: float, ms: int, *, is_machine: bool, within_ms: int
) -> None:
    ((at_ms, tone),) = meanings(tones([((hertz,), ms)], snr_db=10), after_voice=True, is_machine=is_machine)
    assert tone.kind == "beep"
    assert 0 <= at_ms - (LEAD_MS + ms) <= within_ms
    assert abs(tone.end_ms - (LEAD_MS + ms)) <= 40


def test_a_beep_where_nobody_spoke_waits_for_the_next_note() -> None:
    assert meanings(tones([((1000.0,), 400), ((), 700), ((1200.0,), 400)])) == []
    ((at_ms, tone),) = meanings(tones([((1000.0,), 400)]))
    assert (tone.kind, at_ms - tone.end_ms > 900) == ("beep", True)


@pytest.mark.parametrize("gap_ms", [160, 350, 800])
@pytest.mark.parametrize("after_voice", [True, False])
def test_the_notes_of_a_tune_after_its_first_are_no_beeps(gap_ms: int, *, after_voice: bool) -> None:
    tune: list[Part] = []
    for hertz in (880.0, 988.0, 1047.0, 988.0, 880.0):
        tune += [((hertz,), 300), ((), float(gap_ms))]
    told = meanings(tones(tune), after_voice=after_voice)
    first_end_ms = LEAD_MS + 300
    # after a voice the first note, with this much quiet behind it, sounds like a beep in all that can be heard in time
    assert [tone.end_ms for _, tone in told if tone.end_ms > first_end_ms + 40] == []
    assert len(told) == (after_voice and gap_ms > 340)


def test_what_is_struck_and_dies_away_is_no_beep() -> None:
    since = np.arange(4_000) / 8_000  # then it is damped
    struck = 0.3 * np.exp(-since * 3) * np.sin(2 * np.pi * 880 * since)
    signal = np.concatenate([np.zeros(4_000), struck, np.zeros(12_000)])
    assert meanings(coded(signal), after_voice=True) == []
    assert [tone.kind for _, tone in meanings(coded(signal), after_voice=True, is_machine=True)] == ["beep"]


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_note_among_other_sounds_is_no_beep(where: str) -> None:
    """A note that sticks out of an orchestra: noise as loud as the note goes on at one side of it."""
    note = 0.14 * np.sin(2 * np.pi * 880 * np.arange(3_200) / 8_000)
    noise = 0.14 * np.random.default_rng(2).standard_normal(8_000)
    quiet = np.zeros(8_000)
    parts = [noise, note, quiet] if where == "before" else [quiet, note, noise]
    signal = coded(np.concatenate([*parts, quiet]))
    assert meanings(signal, after_voice=True) == []
    assert [tone.kind for _, tone in meanings(signal, after_voice=True, is_machine=True)] == ["beep"]


def test_1100_hz_in_a_tune_is_no_fax() -> None:
    assert meanings(tones([((1100.0,), 500), ((), 200), ((1250.0,), 300), ((), 200), ((1100.0,), 500)])) == []


def test_a_first_burst_of_busy_waits_for_the_second() -> None:
    assert meanings(tones([((425.0,), 350), ((), 350)], tail_ms=0)) == []


def test_the_same_burst_alone_is_a_beep_in_the_end() -> None:
    assert [tone.kind for _, tone in meanings(tones([((425.0,), 350)]))] == ["beep"]


def test_keys_are_no_beeps() -> None:
    assert meanings(tones([((770.0, 1336.0), 300)], snr_db=30), after_voice=True) == []
