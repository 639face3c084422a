"""How the answer of a saved query is drawn: by what it is asked by. Pure."""

from typing import Final

from analytics.metrics import METRICS
from analytics.query import QueryRequest
from api.report_panel import Chart, Panel, Report

IN_ORDER: Final = frozenset({"hour", "day", "week", "month", "hour_of_day", "weekday", "attempt_number"})
"""Dimensions whose values follow each other; the others are told apart by how much they are."""
MAX_DRAWN: Final = 3


def report_of(query: QueryRequest) -> Report:
    """Return a page of one panel that shows the query's answer."""
    order = query.order[0] if query.order else None
    return Report(
        name="saved",
        panels=(
            Panel(
                name="saved",
                chart=chart_of(query),
                metrics=tuple(query.metrics),
                drawn=drawn(query.metrics),
                dimensions=tuple(query.dimensions),
                order_by=order.by if order else None,
                is_ascending=order is None or order.direction == "asc",
                limit=query.limit,
            ),
        ),
    )


def chart_of(query: QueryRequest) -> Chart:
    if not query.dimensions:
        return "figures"
    if set(query.dimensions) == {"weekday", "hour_of_day"} and len(query.metrics) > 1:
        return "heat"
    if len(query.dimensions) == 1 and query.dimensions[0] in IN_ORDER:
        return "lines" if METRICS[query.metrics[0]].unit == "share" else "columns"
    return "bars"


def drawn(metrics: list[str]) -> tuple[str, ...]:
    """Return the metrics of one chart: those that share the unit of the first."""
    return tuple(name for name in metrics if METRICS[name].unit == METRICS[metrics[0]].unit)[:MAX_DRAWN]
