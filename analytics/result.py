"""What a query is answered with: figures made of measures, beside the query as it was understood. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from analytics.dimensions import DIMENSIONS
from analytics.intervals import mean_interval, wilson
from analytics.metric import Metric, Unit
from analytics.metrics import METRICS
from analytics.plan import Source
from analytics.query import Query

Number = int | float
Measures = Mapping[str, Number | None]
Key = tuple[Any, ...]
"""The dimension values of a row."""


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value with what it is made of; what does not apply is left out."""

    value: Number | None
    """null: there is nothing that it could be computed of."""
    numerator: Number | None = None
    denominator: Number | None = None
    denominator_name: str | None = None
    """The metric that the denominator is."""
    n: int | None = None
    """How many calls or numbers the rate or mean is computed from."""
    low: float | None = None
    """With `high`: the 95 % confidence interval."""
    high: float | None = None
    previous: Number | None = None
    """The value in the compared period."""
    difference: Number | None = None
    """value - previous; null when one of them is."""
    relative_difference: float | None = None
    """difference / previous; null when there is nothing to divide by."""


class DimensionValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value of a dimension."""

    value: str | int | None
    """An hour is RFC 3339 with the offset that the zone had, a day, week or month its first date. null = not known."""
    name: str | None = None
    """Of a campaign, trunk or list: what people call it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One group."""

    dimensions: dict[str, DimensionValue]
    metrics: dict[str, Figure]


class MetricInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the result."""

    name: str
    unit: Unit
    source: Source
    """attempts = the facts themselves; rollups = sums kept up to date; leads = the base as it is now."""


class Warning_(msgspec.Struct, frozen=True, kw_only=True):  # noqa: N801 - Python has a Warning
    """Something a reader must know."""

    code: str
    params: dict[str, Any] = {}


class QueryResult(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    query: Query
    metrics: list[MetricInfo]
    generated_time: datetime
    """Every figure is of this one instant."""
    rows: list[Row]
    totals: dict[str, Figure]
    """Over everything that the rows are parts of, on all pages."""
    row_count: int
    """On all pages."""
    warnings: list[Warning_]


def figure(name: str, measures: Measures) -> Figure:
    """Compute one metric from the measures of its group."""
    metric = METRICS[name]
    is_known = metric.needs is None or measures[metric.needs[0]] == measures[metric.needs[1]]
    if metric.facts is not None:
        return Figure(value=plain_value(metric, measures) if is_known else None)
    assert metric.numerator is not None
    assert metric.denominator is not None
    top, bottom = METRICS[metric.numerator], METRICS[metric.denominator]
    above, below = measures[top.name], measures[bottom.name]
    assert above is not None
    assert below is not None
    if metric.kind == "difference":
        return Figure(value=above - below)
    interval = None
    if metric.kind == "share":
        interval = wilson(int(above), int(below))
    elif metric.weights is not None:
        return estimated(metric, measures)
    elif metric.squares is not None:
        squares = measures[metric.squares]
        assert squares is not None
        interval = mean_interval(above / top.scale, squares / METRICS[metric.squares].scale, int(below))
    return Figure(
        # one division, so that the value is the nearest double to the true quotient
        value=above * bottom.scale / (below * top.scale) if below and is_known else None,
        numerator=plain_value(top, measures),
        denominator=plain_value(bottom, measures),
        denominator_name=bottom.name,
        n=int(below),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
    )


def estimated(metric: Metric, measures: Measures) -> Figure:
    """
    Compute an estimate: its value from the weights, its parts as they were counted.

    Where all weights are alike it is the plain share. Where they differ the interval is Wilson's for the number of equal draws that
    would say as much, (sum w)^2 / sum w^2 (Kish, Survey Sampling, 1965, 11.7).
    """
    assert metric.weights is not None
    above, below, drawn_above, drawn_below, squares = (
        int(measures[str(name)] or 0)
        for name in (*metric.weights, metric.numerator, metric.denominator, metric.squares)
    )
    value = above / below if below else None
    interval = None
    if value is not None:
        equal_draws = below * below / squares
        interval = wilson(value * equal_draws, equal_draws)
    return Figure(
        value=value,
        numerator=drawn_above,
        denominator=drawn_below,
        denominator_name=metric.denominator,
        n=drawn_below,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
    )


def plain_value(metric: Metric, measures: Measures) -> Number | None:
    value = measures[metric.name]
    return value if value is None or metric.scale == 1 else value / metric.scale


def compared(present: Figure, past: Figure) -> Figure:
    """Add what the figure was in another period."""
    if present.value is None or past.value is None:
        return msgspec.structs.replace(present, previous=past.value)
    difference = present.value - past.value
    return msgspec.structs.replace(
        present,
        previous=past.value,
        difference=difference,
        relative_difference=difference / past.value if past.value else None,
    )


def figures(query: Query, present: Measures, past: Measures | None) -> dict[str, Figure]:
    """Compute every metric of a group, beside the compared period's if one is asked for."""
    made = {name: figure(name, present) for name in query.metrics}
    if past is None:
        return made
    return {name: compared(value, figure(name, past)) for name, value in made.items()}


def shown(name: str, value: Any, zone: ZoneInfo) -> str | int | None:
    """Return a dimension's value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        return None
    return int(value) if DIMENSIONS[name].type == "integer" else str(value)


def nothing(names: Sequence[str]) -> Measures:
    """Return the measures of a group without a row."""
    return {name: None if METRICS[name].kind == "quantile" else 0 for name in names}
