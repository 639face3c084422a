"""
The metric registry: what each figure of a report means, defined once for the API, the pages and the docs.

Sentences in English and Russian are in the catalogue under `metrics.NAME`; here stand the facts that do not translate.
A rate without a denominator is null, never 0; a mean or a median of nothing is null; a count or a sum of nothing is 0.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Unit = Literal["attempts", "numbers", "share", "seconds", "milliseconds"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One figure."""

    name: str
    unit: Unit
    formula: str
    """In terms of columns of `attempts` and of other metrics."""
    numerator: str | None = None
    """Of a rate: the metric above the line."""
    denominator: str | None = None
    """Of a rate: the metric below the line."""
    is_null_when: str | None = None
    """None = the metric always has a value."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share with what it was made of."""

    numerator: int
    denominator: int
    denominator_name: str
    """The metric that the denominator is: rates of the same name differ in nothing else so often."""
    value: float | None
    """0..1; null when the denominator is 0."""


def count(name: str, formula: str, unit: Unit = "attempts") -> Metric:
    return Metric(name=name, unit=unit, formula=formula)


def share(name: str, numerator: str, denominator: str) -> Metric:
    return Metric(
        name=name,
        unit="share",
        formula=f"{numerator} / {denominator}",
        numerator=numerator,
        denominator=denominator,
        is_null_when=f"{denominator} = 0",
    )


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        count("attempts", "count(*)"),
        count("settled_attempts", "count(*) where settled_time is not null"),
        count("open_attempts", "attempts - settled_attempts"),
        count("distinct_numbers", "count(distinct number)", "numbers"),
        count("settled_numbers", "count(distinct number) where settled_time is not null", "numbers"),
        count("answered_attempts", "count(*) where result = 'answered'"),
        count("answered_numbers", "count(distinct number) where result = 'answered'", "numbers"),
        count("callback_requests", "count(*) where disposition = 'callback_requested'"),
        count("refusals", "count(*) where disposition = 'refused'"),
        share("answered_by_attempt", "answered_attempts", "settled_attempts"),
        share("answered_by_number", "answered_numbers", "settled_numbers"),
        share("conversion", "callback_requests", "answered_attempts"),
        count("talk_seconds_sum", "sum(talk_ms) / 1000 where result = 'answered'", "seconds"),
        Metric(
            name="talk_seconds_mean",
            unit="seconds",
            formula="avg(talk_ms) / 1000 where result = 'answered'",
            is_null_when="no answered attempt has a talk time",
        ),
        Metric(
            name="talk_seconds_median",
            unit="seconds",
            formula="percentile_cont(0.5) of talk_ms / 1000 where result = 'answered'",
            is_null_when="no answered attempt has a talk time",
        ),
        Metric(
            name="pdd_ms_median",
            unit="milliseconds",
            formula="percentile_cont(0.5) of pdd_ms, the time from INVITE to the first 180-183",
            is_null_when="no attempt was rung",
        ),
    )
}


def rate(name: str, counts: Mapping[str, int]) -> Rate:
    """Compute a rate of the registry from counts by metric name."""
    metric = METRICS[name]
    assert metric.numerator is not None
    assert metric.denominator is not None
    numerator, denominator = counts[metric.numerator], counts[metric.denominator]
    return Rate(
        numerator=numerator,
        denominator=denominator,
        denominator_name=metric.denominator,
        value=numerator / denominator if denominator else None,
    )
