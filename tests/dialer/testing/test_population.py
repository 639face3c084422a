"""Who lives behind which number."""

from collections import Counter

import pytest

from dialer.testing.population import WEIGHTS, plan_for

NUMBERS = [f"+7900{index:07}" for index in range(4_000)]


def test_a_number_behaves_the_same_with_and_without_its_plus() -> None:
    assert plan_for("+79000000001", 7) == plan_for("79000000001", 7)


def test_another_seed_is_another_town() -> None:
    assert [plan_for(number, 7) for number in NUMBERS[:50]] != [
        plan_for(number, 8) for number in NUMBERS[:50]
    ]


def test_a_known_number_never_changes_its_behaviour_between_versions() -> None:
    assert [plan_for(number, 7).behaviour for number in NUMBERS[:6]] == [
        "listens",
        "hangs_up",
        "congested",
        "presses_1",
        "busy",
        "presses_1",
    ]


def test_shares_follow_the_weights() -> None:
    assert sum(WEIGHTS.values()) == 100
    counts = Counter(plan_for(number, 7).behaviour for number in NUMBERS)
    for behaviour, weight in WEIGHTS.items():
        assert counts[behaviour] == pytest.approx(weight * 40, abs=max(20, weight * 10)), behaviour


def test_no_plan_comes_near_a_deadline_of_the_dialer() -> None:
    for plan in (plan_for(number, 7) for number in NUMBERS):
        assert plan.ring_seconds <= 4.0
        assert plan.press_after_seconds <= 4.0
        assert plan.hang_up_after_seconds is None or 1.0 <= plan.hang_up_after_seconds <= 4.0
        assert plan.digit is None or plan.hang_up_after_seconds is None, "a key and a hang-up would race"
