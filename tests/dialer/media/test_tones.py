"""The tables are complete, and Russia's tones are those of GOST 45.223-2001."""

import itertools

import pytest

from dialer.media.tones import SIT_CAUSES, SIT_HERTZ, TONES, Cadence


@pytest.mark.parametrize("cadence", [cadence for cadences in TONES.values() for cadence in cadences])
def test_a_cadence_is_sound_and_pause_by_turns(cadence: Cadence) -> None:
    assert len(cadence.on_off_ms) % 2 == 0
    assert all(ms >= 100 for ms in cadence.on_off_ms)
    assert len(cadence.hertz) in {1, 2}
    assert all(300 <= hertz <= 700 for hertz in cadence.hertz)


def test_every_country_can_ring_and_be_busy() -> None:
    assert all(
        {"ringback", "busy"} <= {cadence.progress for cadence in cadences} for cadences in TONES.values()
    )


def test_russia_is_as_its_standard_says() -> None:
    assert {cadence.progress: (cadence.hertz, cadence.on_off_ms) for cadence in TONES["ru"]} == {
        "ringback": ((425,), (1000, 4000)),
        "busy": ((425,), (350, 350)),
        "congestion": ((425,), (175, 175)),
    }


def test_the_special_tones_rise() -> None:
    assert all(max(lower) < min(higher) for lower, higher in itertools.pairwise(SIT_HERTZ))
    assert len(set(SIT_CAUSES.values())) == len(SIT_CAUSES)
