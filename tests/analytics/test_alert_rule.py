"""Rules on figures worked out by hand; the z values can be checked with any table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alert_rule import CLEAR_AFTER, Figure, OpenAlert, Rule, Verdict, judge, next_step, z_score

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BELOW = Rule(metric="answer_rate", comparison="below", threshold=0.2, min_count=50)
ABOVE = Rule(metric="trunk_failures", comparison="above", threshold=0.1, min_count=50)
SAGS = Rule(metric="answer_rate", comparison="worse_than_usual", threshold=None, min_count=50)


def share(numerator: int, denominator: int, usual: tuple[int, int] = (0, 0)) -> Figure:
    return Figure(
        value=numerator / denominator if denominator else None,
        numerator=numerator,
        denominator=denominator,
        usual_numerator=usual[0],
        usual_denominator=usual[1],
    )


@pytest.mark.parametrize(
    ("rule", "figure", "is_bad", "is_good"),
    [
        (BELOW, share(19, 100), True, False),
        (BELOW, share(20, 100), False, False),  # at the threshold: not bad, and not clear of it
        (BELOW, share(22, 100), False, True),
        (BELOW, share(0, 49), False, False),  # too few
        (BELOW, share(0, 0), False, False),
        (ABOVE, share(11, 100), True, False),
        (ABOVE, share(10, 100), False, False),
        (ABOVE, share(9, 100), False, True),
    ],
)
def test_thresholds(rule: Rule, figure: Figure, *, is_bad: bool, is_good: bool) -> None:
    verdict = judge(rule, figure)
    assert (verdict.is_bad, verdict.is_good) == (is_bad, is_good)


def test_the_z_score_of_a_textbook_example() -> None:
    # 15/100 against 30/100: pooled 0.225, error sqrt(0.225 * 0.775 * 0.02) = 0.059056, z = -2.54
    assert z_score(15, 100, 30, 100) == pytest.approx(-2.54, abs=0.005)
    assert z_score(0, 10, 0, 10) == 0


@pytest.mark.parametrize(
    ("figure", "is_bad"),
    [
        (share(20, 100, (300, 1000)), False),  # z = -2.10: may be chance
        (share(16, 100, (300, 1000)), True),  # z = -2.96, and half of what is usual
        (share(250, 1000, (3000, 10_000)), False),  # z = -3.3, but only a sixth lower
        (share(5, 100, (20, 99)), False),  # too little history
        (share(40, 100, (300, 1000)), False),  # better
    ],
)
def test_a_sag_is_both_improbable_and_worth_a_look(figure: Figure, *, is_bad: bool) -> None:
    assert judge(SAGS, figure).is_bad is is_bad


def test_for_failures_more_is_worse() -> None:
    rule = Rule(metric="trunk_failures", comparison="worse_than_usual", threshold=None, min_count=50)
    assert judge(rule, share(20, 100, (50, 1000))).is_bad
    assert not judge(rule, share(0, 100, (50, 1000))).is_bad


def test_amounts_have_no_minimum() -> None:
    rule = Rule(metric="dry_minutes", comparison="below", threshold=30, min_count=50)
    assert judge(rule, Figure(value=12.0)).is_bad
    assert not judge(rule, Figure(value=None)).is_bad


BAD = Verdict(is_bad=True, is_good=False, expected=0.2)
GOOD = Verdict(is_bad=False, is_good=True, expected=0.2)
UNSURE = Verdict(is_bad=False, is_good=False, expected=None)
OPEN = OpenAlert(recovering_since=None)


@pytest.mark.parametrize(
    ("alert", "verdict", "step"),
    [
        (None, BAD, "raise"),
        (None, GOOD, "nothing"),
        (None, UNSURE, "nothing"),
        (OPEN, BAD, "keep"),
        (OPEN, UNSURE, "keep"),
        (OPEN, GOOD, "recover"),
        (OpenAlert(recovering_since=NOW - CLEAR_AFTER), GOOD, "resolve"),
        (OpenAlert(recovering_since=NOW - CLEAR_AFTER + timedelta(seconds=1)), GOOD, "nothing"),
        (OpenAlert(recovering_since=NOW - CLEAR_AFTER), BAD, "keep"),
    ],
)
def test_the_life_of_an_alert(alert: OpenAlert | None, verdict: Verdict, step: str) -> None:
    assert next_step(alert, verdict, NOW) == step


@given(
    figures=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=30),
    rule=st.sampled_from([BELOW, ABOVE, SAGS]),
)
def test_no_figure_is_bad_and_good_and_an_alert_never_ends_while_it_is_bad(
    figures: list[tuple[int, int]], rule: Rule
) -> None:
    alert: OpenAlert | None = None
    for minute, (count, more) in enumerate(figures):
        verdict = judge(rule, share(count, count + more, (300, 1000)))
        assert not (verdict.is_bad and verdict.is_good)
        now = NOW + timedelta(minutes=minute)
        match next_step(alert, verdict, now):
            case "raise":
                alert = OpenAlert(recovering_since=None)
            case "keep":
                assert alert is not None
                alert = OpenAlert(recovering_since=None)
            case "recover":
                alert = OpenAlert(recovering_since=now)
            case "resolve":
                assert verdict.is_good
                alert = None
            case _:
                pass
        if verdict.is_bad:
            assert alert is not None
