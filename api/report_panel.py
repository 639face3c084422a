"""What a report is made of: panels, each one query and how it is drawn. The reports: `api.report_registry`."""

from typing import Final, Literal

import msgspec

Chart = Literal["figures", "funnel", "columns", "bars", "heat", "lines", "periods"]
"""
figures: totals side by side, one value each. funnel: totals, each a part of the one before. columns: over time or another order.
lines: shares over time. bars: one per row, longest first. heat: hour of day by weekday. periods: one line per metric, two periods.
"""


class Panel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One query and how it is drawn."""

    name: str
    chart: Chart
    metrics: tuple[str, ...]
    """Columns of the table, in this order."""
    drawn: tuple[str, ...] = ()
    """What the chart shows; the first metric when empty."""
    dimensions: tuple[str, ...] = ()
    order_by: str | None = None
    """Upwards for a dimension, downwards for a metric; None leaves it to the query."""
    is_ascending: bool = True
    limit: int = 200


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    name: str
    panels: tuple[Panel, ...]
    is_compared: bool = False
    """Holds the period against the one before it unless the visitor chooses otherwise."""
    has_dry_time: bool = False
    """Shows when the bases run dry, below its first panel: what is so now, whatever the period."""


RESULTS: Final = (
    "attempts",
    "answered_attempts",
    "answered_by_attempt",
    "talks",
    "successes",
    "conversion_per_talk",
    "conversion_per_dial",
)
"""Of any dimension: the sums answer them. Distinct numbers they answer by day, week, month and campaign only (docs/rollups.md)."""
CAMPAIGN_RESULTS: Final = ("attempts", "distinct_numbers", *RESULTS[1:])


def by(dimension: str, metrics: tuple[str, ...] = RESULTS, drawn: tuple[str, ...] = ("attempts",)) -> Panel:
    """Return the panel of one dimension whose values have no order: the most calls first."""
    return Panel(
        name=f"by_{dimension}",
        chart="bars",
        metrics=metrics,
        drawn=drawn,
        dimensions=(dimension,),
        order_by=metrics[0],
        is_ascending=False,
    )


def over(dimension: str, metrics: tuple[str, ...], drawn: tuple[str, ...], chart: Chart = "columns") -> Panel:
    """Return the panel of a dimension that has an order of its own."""
    return Panel(
        name=f"by_{dimension}",
        chart=chart,
        metrics=metrics,
        drawn=drawn,
        dimensions=(dimension,),
        order_by=dimension,
    )
