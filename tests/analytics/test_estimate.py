"""Estimates from drawn calls: what the weights do, and whether the interval covers the truth as often as it says."""

import random

from analytics.intervals import wilson
from analytics.result import Figure, figure


def estimate(judged: list[tuple[float, bool]]) -> Figure:
    """Of verdicts that were drawn with these shares, and of which a listener said person or not."""
    weights = [(round(1000 / share), is_person) for share, is_person in judged]
    return figure(
        "false_positive_share",
        {
            "audited_verdicts": len(weights),
            "audited_persons": sum(is_person for _, is_person in weights),
            "represented_verdicts": sum(weight for weight, _ in weights),
            "represented_persons": sum(weight for weight, is_person in weights if is_person),
            "represented_squares": sum(weight * weight for weight, _ in weights),
        },
    )


def test_with_one_share_for_all_it_is_the_plain_share_with_its_interval() -> None:
    found = estimate([(0.05, index < 3) for index in range(40)])
    assert (found.value, found.numerator, found.denominator, found.n) == (3 / 40, 3, 40, 40)
    assert (found.low, found.high) == wilson(3, 40)


def test_a_rarely_drawn_verdict_weighs_more_and_the_interval_is_as_wide_as_that_costs() -> None:
    # ten of 100 drawn at 100 %, one of 5 drawn at 5 %: 10 + 20 people of 100 + 100 verdicts
    found = estimate([(1.0, index < 10) for index in range(100)] + [(0.05, index < 1) for index in range(5)])
    assert (found.value, found.numerator, found.denominator) == (0.15, 11, 105)
    plain = wilson(11, 105)
    assert plain is not None
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low > plain[1] - plain[0]


def test_nothing_judged_is_no_figure() -> None:
    found = estimate([])
    assert (found.value, found.denominator, found.low) == (None, 0, None)


def test_the_interval_covers_the_truth_where_shares_and_mistakes_differ() -> None:
    """Two campaigns of 3,000 verdicts each: 2 % people drawn at 40 %, 10 % people drawn at 5 %. Truth: 6 %."""
    rng = random.Random(11)
    covered = plain_covered = 0
    trials = 400
    for _ in range(trials):
        judged = [
            (share, rng.random() < people)
            for share, people in ((0.4, 0.02), (0.05, 0.10))
            for _ in range(3000)
            if rng.random() < share
        ]
        found = estimate(judged)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.06 <= found.high
        plain = wilson(sum(is_person for _, is_person in judged), len(judged))
        assert plain is not None
        plain_covered += plain[0] <= 0.06 <= plain[1]
    assert covered >= 0.92 * trials
    assert plain_covered < 0.5 * trials, "without weights the often drawn campaign speaks for both"
