"""How often the guard errs and how soon it acts, by simulation: a judgement at a time, and a look after each."""

import random
from collections import deque
from fractions import Fraction

import pytest

from analytics.classifier_guard import FALSE_ALARM, MIN_JUDGED, WINDOW, log_evidence, must_stop

LIMIT = 0.03
LIVES = 300
JUDGEMENTS = 2_000
"""Of a life: a year of eight a working day."""


def stopped_after(people: float, rng: random.Random, judgements: int = JUDGEMENTS) -> int | None:
    """Judge one verdict after the other; return when the guard acts, None if it never does."""
    last: deque[bool] = deque(maxlen=WINDOW)
    humans = 0
    for count in range(1, judgements + 1):
        if len(last) == WINDOW:
            humans -= last[0]
        last.append(rng.random() < people)
        humans += last[-1]
        # nothing but a person, or the first look, can turn it: the same answer, sooner
        if (last[-1] or count == MIN_JUDGED) and must_stop(humans, len(last), LIMIT):
            return count
    return None


@pytest.mark.parametrize(
    ("people", "at_most"),
    [(LIMIT / 3, 0.01), (LIMIT / 2, 0.01), (LIMIT, 2 * FALSE_ALARM)],
)
def test_a_classifier_within_its_limit_is_hardly_ever_switched_off(people: float, at_most: float) -> None:
    rng = random.Random(21)
    alarms = sum(stopped_after(people, rng) is not None for _ in range(LIVES))
    assert alarms <= at_most * LIVES


@pytest.mark.parametrize(("people", "soon"), [(0.06, 450), (0.10, 110), (0.20, 40), (0.50, MIN_JUDGED)])
def test_a_classifier_that_hangs_up_on_people_is_switched_off_soon(people: float, soon: int) -> None:
    rng = random.Random(22)
    lives = [stopped_after(people, rng) for _ in range(LIVES)]
    assert sum(life is not None for life in lives) >= 0.98 * LIVES
    assert sum(life is not None and life <= soon for life in lives) >= LIVES / 2, "the median"


def test_a_long_good_record_does_not_hide_a_turn_for_the_worse() -> None:
    assert not must_stop(0, WINDOW, LIMIT)
    humans = next(count for count in range(WINDOW) if must_stop(count, WINDOW, LIMIT))
    assert humans < 0.08 * WINDOW


def test_the_evidence_is_the_mean_of_the_likelihood_ratios() -> None:
    """In exact numbers, for a limit whose multiples stay below one half."""
    limit, humans, judged = Fraction(3, 100), 4, 25
    ratios = []
    for factor in (Fraction(3, 2), 2, 3, 5, 10):
        worse = limit * factor
        ratios.append((worse / limit) ** humans * ((1 - worse) / (1 - limit)) ** (judged - humans))
    expected = float(sum(ratios) / len(ratios))
    assert abs(2.718281828459045 ** log_evidence(humans, judged, 0.03) / expected - 1) < 1e-9


def test_the_expected_evidence_never_exceeds_one_while_the_limit_holds() -> None:
    """What Ville's inequality needs: over all outcomes of ten judgements, for shares up to the limit."""
    for people in (Fraction(1, 100), Fraction(3, 100)):
        expected = 0.0
        choose = 1
        for humans in range(11):
            chance = float(choose * people**humans * (1 - people) ** (10 - humans))
            expected += chance * 2.718281828459045 ** log_evidence(humans, 10, LIMIT)
            choose = choose * (10 - humans) // (humans + 1)
        assert expected <= 1 + 1e-9


def test_few_judgements_switch_nothing_off() -> None:
    assert not must_stop(MIN_JUDGED - 1, MIN_JUDGED - 1, LIMIT)
    assert must_stop(MIN_JUDGED, MIN_JUDGED, LIMIT)


@pytest.mark.parametrize("limit", [0.001, 0.2, 0.5])
def test_every_limit_that_a_campaign_may_have_can_be_tested(limit: float) -> None:
    assert must_stop(WINDOW, WINDOW, limit)
    assert not must_stop(0, WINDOW, limit)
