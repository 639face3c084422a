"""
When a figure deserves a person's attention: the decision of an alert rule. Pure; the reading is `analytics/alert_facts.py`, the
keeping `campaigns/alerts.py`.

Comparisons:
- below, above: the figure against the rule's threshold.
- worse_than_usual: the figure against the subject's own history, the same minutes of the same weekday in the last four weeks. One-sided
  two-proportion z test with the pooled share (Fleiss, Statistical Methods for Rates and Proportions, ch. 2): worse is lower for
  answers and conversion, higher for failures and short calls; besides being improbable it has to be a quarter worse.

Hysteresis: what raised an alert has to be gone for a while before it is resolved, and by more than a hair.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

Comparison = Literal["below", "above", "worse_than_usual"]
SubjectKind = Literal["all", "campaign", "trunk"]
MetricName = Literal[
    "answer_rate",
    "asr",
    "conversion",
    "short_calls",
    "trunk_failures",
    "missed_callbacks",
    "dry_minutes",
    "idle_minutes",
    "classifier_off",
    "failing_copies",
    "damaged_recordings",
]

Z_RAISE: Final = 2.58
"""One-sided 0.5 %: at one look a minute a healthy rule still errs, so it also has to be `MIN_RELATIVE` worse."""
Z_CLEAR: Final = 1.28
MIN_RELATIVE: Final = 0.25
CLEAR_MARGIN: Final = 0.05
"""Of the threshold: a figure that dances around it raises one alert, not twenty."""
CLEAR_AFTER: Final = timedelta(minutes=2)
MIN_USUAL_FACTOR: Final = 2
"""History needs this many times the rule's minimum to be called usual."""


class AlertMetric(msgspec.Struct, frozen=True, kw_only=True):
    """What can be watched."""

    name: MetricName
    is_share: bool
    """A share has a numerator and a denominator, and a history; the others are amounts with a threshold."""
    worse: Literal["low", "high"]
    kinds: frozenset[SubjectKind]


def share(name: MetricName, worse: Literal["low", "high"]) -> AlertMetric:
    return AlertMetric(name=name, is_share=True, worse=worse, kinds=frozenset({"all", "campaign", "trunk"}))


def amount(name: MetricName, worse: Literal["low", "high"]) -> AlertMetric:
    return AlertMetric(name=name, is_share=False, worse=worse, kinds=frozenset({"campaign"}))


def of_all(name: MetricName, worse: Literal["low", "high"]) -> AlertMetric:
    return AlertMetric(name=name, is_share=False, worse=worse, kinds=frozenset({"all"}))


METRICS: Final[Mapping[MetricName, AlertMetric]] = {
    metric.name: metric
    for metric in (
        share("answer_rate", "low"),  # answered / ended attempts
        share("asr", "low"),  # the same by the carriers' name, for trunks
        share("conversion", "low"),  # callback requests and other successes / answered
        share("short_calls", "high"),  # talk below 6 s / answered
        share("trunk_failures", "high"),  # fault = trunk / ended attempts
        amount(
            "missed_callbacks", "high"
        ),  # requested in the last day, older than the window, not called since
        amount("dry_minutes", "low"),  # until nobody is due at the present speed
        # people among the judged verdicts of a classifier that was switched off for it (docs/adr/0021)
        AlertMetric(name="classifier_off", is_share=True, worse="high", kinds=frozenset({"campaign"})),
        amount("idle_minutes", "high"),  # since the last call of a running campaign that has somebody to call
        of_all(
            "failing_copies", "high"
        ),  # recordings that wait for their copy while the storage keeps failing
        of_all("damaged_recordings", "high"),  # ended in the window with sound missing, by a disk or machine
    )
}


OF_RECORDINGS: Final = ("failing_copies", "damaged_recordings")
"""All of these are all recordings, not all calls."""


def is_share(metric: str) -> bool:
    """Tell whether its figures are 0..1; of a metric that is not known, no."""
    return any(known.name == metric and known.is_share for known in METRICS.values())


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched, and when to say so."""

    metric: MetricName
    comparison: Comparison
    threshold: float | None
    """Of shares 0..1, else minutes or a number; None for worse_than_usual."""
    min_count: int
    """A share of fewer than this says nothing."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one subject; the usual is that of the weeks before."""

    value: float | None
    """Null where there is nothing to measure."""
    numerator: int | None = None
    denominator: int | None = None
    usual_numerator: int = 0
    usual_denominator: int = 0
    detail: Mapping[str, str | int | None] | None = None
    """What to say beside the figure: codes, numbers and RFC 3339 times."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`is_bad` raises, `is_good` may resolve; neither: too little or too near to say."""

    is_bad: bool
    is_good: bool
    expected: float | None
    """The threshold, or the usual share."""


NOTHING_TO_SAY: Final = Verdict(is_bad=False, is_good=False, expected=None)


def judge(rule: Rule, figure: Figure) -> Verdict:
    """Compare one figure with its rule."""
    if figure.value is None or (figure.denominator is not None and figure.denominator < rule.min_count):
        return NOTHING_TO_SAY
    if rule.comparison == "worse_than_usual":
        return judge_by_history(rule, figure)
    assert rule.threshold is not None
    margin = CLEAR_MARGIN * abs(rule.threshold)
    if rule.comparison == "below":
        return Verdict(
            is_bad=figure.value < rule.threshold,
            is_good=figure.value >= rule.threshold + margin,
            expected=rule.threshold,
        )
    return Verdict(
        is_bad=figure.value > rule.threshold,
        is_good=figure.value <= rule.threshold - margin,
        expected=rule.threshold,
    )


def judge_by_history(rule: Rule, figure: Figure) -> Verdict:
    if figure.numerator is None or figure.denominator is None:
        return NOTHING_TO_SAY
    if figure.usual_denominator < MIN_USUAL_FACTOR * rule.min_count:
        return NOTHING_TO_SAY
    usual = figure.usual_numerator / figure.usual_denominator
    now = figure.numerator / figure.denominator
    z = z_score(figure.numerator, figure.denominator, figure.usual_numerator, figure.usual_denominator)
    if METRICS[rule.metric].worse == "low":
        z, is_far = -z, now < usual * (1 - MIN_RELATIVE)
    else:
        is_far = now > usual * (1 + MIN_RELATIVE)
    return Verdict(is_bad=z > Z_RAISE and is_far, is_good=z < Z_CLEAR, expected=usual)


def z_score(count: int, total: int, other_count: int, other_total: int) -> float:
    """How many standard errors the first share lies above the second; 0 where both are all or nothing."""
    pooled = (count + other_count) / (total + other_total)
    error = math.sqrt(pooled * (1 - pooled) * (1 / total + 1 / other_total))
    return (count / total - other_count / other_total) / error if error > 0 else 0.0


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs of an alert that is not resolved."""

    recovering_since: datetime | None


Step = Literal["raise", "keep", "recover", "resolve", "nothing"]


def next_step(alert: OpenAlert | None, verdict: Verdict, now: datetime) -> Step:
    """
    Say what becomes of a subject's alert; the table of its life.

    | alert      | bad   | good, first time | good for CLEAR_AFTER | neither |
    |------------|-------|------------------|----------------------|---------|
    | none       | raise | nothing          | nothing              | nothing |
    | open       | keep  | recover          | resolve              | keep    |
    """
    if alert is None:
        return "raise" if verdict.is_bad else "nothing"
    if not verdict.is_good:
        return "keep"
    if alert.recovering_since is None:
        return "recover"
    return "resolve" if now - alert.recovering_since >= CLEAR_AFTER else "nothing"
