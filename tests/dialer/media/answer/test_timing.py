"""The rhythm of hand-made probabilities of speech, where every number can be counted."""

import numpy as np
import pytest

from dialer.media.answer.timing import NAMES, Timing

SLOT = np.array([0])


def heard(*stretches: tuple[int, float]) -> dict[str, float]:
    """Features after stretches of (frames, probability of speech); speech is at -20 dB, the rest at -60."""
    timing = Timing(1)
    timing.restart(0)
    for frames, speech in stretches:
        for _ in range(frames):
            level = np.array([-20.0 if speech > 0.5 else -60.0], np.float32)
            timing.take(SLOT, np.array([speech], np.float32), level, np.zeros(1, np.float32))
    return dict(zip(NAMES, timing.features(SLOT)[0].tolist(), strict=True))


def test_a_scrap_of_sound_does_not_end_a_silence() -> None:
    quiet = heard((20, 0.0), (30, 1.0), (40, 0.0))
    scrap = heard((20, 0.0), (30, 1.0), (20, 0.0), (2, 1.0), (18, 0.0))
    assert scrap["silence"] == pytest.approx(quiet["silence"], abs=1)
    assert (scrap["segments"], scrap["voiced"]) == (1, quiet["voiced"])


def test_a_word_ends_a_silence() -> None:
    word = heard((20, 0.0), (30, 1.0), (20, 0.0), (10, 1.0))
    assert word["segments"] == 2
    assert word["silence"] == 0
    assert word["last_pause"] == word["first_pause"] == word["longest_pause"] == pytest.approx(20, abs=2)


def test_a_silence_is_measured_against_the_speech_before_it() -> None:
    features = heard((20, 0.0), (30, 1.0), (40, 0.2))
    assert features["fall"] == pytest.approx(40, abs=2)
    assert features["doubt"] == pytest.approx(0.2, abs=0.02)
    assert features["rise"] == pytest.approx(0, abs=0.5)


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    crackle = heard((20, 0.0), (3, 1.0), (60, 0.0), (30, 1.0), (10, 0.0))
    clean = heard((83, 0.0), (30, 1.0), (10, 0.0))
    assert crackle == pytest.approx(clean, abs=0.01)
