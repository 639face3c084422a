"""From what was asked to a checked query; what is wrong is named all together. Pure."""

import difflib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from analytics.dimensions import DIMENSIONS, Dimension
from analytics.errors import QueryProblem, QueryRefused
from analytics.metrics import METRICS, measures_of
from analytics.period import compared_period, instant_of, midnight, named_period
from analytics.query import (
    MAX_ROWS,
    Filter,
    Order,
    Period,
    Query,
    QueryRequest,
    QuerySettings,
    Span,
)

MAX_DIMENSIONS: Final = 4
MAX_FILTERS: Final = 100
MAX_FILTER_DEPTH: Final = 8
MAX_VALUES: Final = 1000
MAX_OFFSET: Final = 1_000_000
DAY_SECONDS: Final = 86_400
ZONES: Final = frozenset(zoneinfo.available_timezones())
COMBINATIONS: Final = frozenset({"and", "or", "not"})
SIZE_COMPARISONS: Final = frozenset({"gt", "gte", "lt", "lte"})
INTEGER_MAX: Final = 2**31 - 1


def build_query(
    request: QueryRequest, now: datetime, *, default_zone: str = "UTC", max_rows: int = MAX_ROWS
) -> Query:
    """
    Resolve names, defaults and periods.

    `default_zone` says which day it is where the request leaves the clock to the campaigns.

    Raises:
        QueryRefused: naming every problem.
    """
    time_zone = default_zone if request.time_zone is None else request.time_zone
    zone = ZoneInfo(time_zone) if time_zone in ZONES else ZoneInfo("UTC")
    period, period_problems = span_of("period", request.period, now, zone)
    compare, compare_problems = comparison_of(request, period, now, zone)
    problems = [
        *name_problems("metrics", request.metrics, METRICS),
        *name_problems("dimensions", request.dimensions, DIMENSIONS),
        *count_problems(request, max_rows),
        *pair_problems(request),
        *(filter_problems("filter", request.filter) if request.filter else ()),
        *zone_problems(time_zone),
        *period_problems,
        *compare_problems,
        *clock_problems(request, period, compare, zone),
        *order_problems(request),
        *settings_problems(request.settings),
    ]
    if problems:
        raise QueryRefused(*problems)
    return Query(
        metrics=tuple(request.metrics),
        dimensions=tuple(request.dimensions),
        filter=request.filter,
        period=period,
        compare=compare,
        clock="campaign" if request.time_zone is None else "zone",
        time_zone=time_zone,
        order=tuple(request.order),
        limit=request.limit,
        offset=request.offset,
        settings=request.settings,
        reading=request.reading,
        now=now,
    )


def name_problems(field: str, names: list[str], known: Mapping[str, Any]) -> Iterator[QueryProblem]:
    for index, name in enumerate(names):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3) or sorted(known)
            yield QueryProblem(
                f"{field}.{index}", f"unknown_{field[:-1]}", {"value": name[:60], "names": near}
            )
        elif name in names[:index]:
            yield QueryProblem(f"{field}.{index}", "stands_twice", {"value": name})


def count_problems(request: QueryRequest, max_rows: int) -> Iterator[QueryProblem]:
    if not request.metrics:
        yield QueryProblem("metrics", "metrics_missing")
    if len(request.dimensions) > MAX_DIMENSIONS:
        yield QueryProblem("dimensions", "too_many", {"limit": MAX_DIMENSIONS})
    for field, value, low, high in (
        ("limit", request.limit, 1, max_rows),
        ("offset", request.offset, 0, MAX_OFFSET),
    ):
        if not low <= value <= high:
            yield QueryProblem(field, "out_of_range", {"min": low, "max": high})


def pair_problems(request: QueryRequest) -> Iterator[QueryProblem]:
    """A metric can be told apart, filtered and bounded only by what its facts know."""
    asked = [(f"dimensions.{index}", name) for index, name in enumerate(request.dimensions)]
    asked += list(filtered_dimensions("filter", request.filter))
    for metric in request.metrics:
        if metric not in METRICS:
            continue
        facts = {measure.facts for measure in measures_of([metric])}
        for field, name in asked:
            dimension = DIMENSIONS.get(name)
            if dimension is not None and not facts <= set(dimension.facts):
                allowed = [other.name for other in DIMENSIONS.values() if facts <= set(other.facts)]
                yield QueryProblem(
                    field, "dimension_not_for_metric", {"value": name, "metric": metric, "names": allowed}
                )


def filtered_dimensions(field: str, node: Filter | None) -> Iterator[tuple[str, str]]:
    if node is None:
        return
    if node.dimension is not None:
        yield f"{field}.dimension", node.dimension
    for index, inner in enumerate(node.filters):
        yield from filtered_dimensions(f"{field}.filters.{index}", inner)


def filter_problems(field: str, root: Filter) -> Iterator[QueryProblem]:
    if count_filters(root) > MAX_FILTERS:
        yield QueryProblem(field, "too_many", {"limit": MAX_FILTERS})
    else:
        yield from node_problems(field, root, 1)


def count_filters(node: Filter) -> int:
    return 1 + sum(count_filters(inner) for inner in node.filters)


def node_problems(field: str, node: Filter, depth: int) -> Iterator[QueryProblem]:
    if depth > MAX_FILTER_DEPTH:
        yield QueryProblem(field, "nested_too_deep", {"limit": MAX_FILTER_DEPTH})
    elif node.op in COMBINATIONS:
        if node.dimension is not None or node.values:
            yield QueryProblem(field, "filter_takes_filters", {"value": node.op})
        if not node.filters or (node.op == "not" and len(node.filters) != 1):
            yield QueryProblem(f"{field}.filters", "filters_missing", {"value": node.op})
        for index, inner in enumerate(node.filters):
            yield from node_problems(f"{field}.filters.{index}", inner, depth + 1)
    else:
        yield from comparison_problems(field, node)


def comparison_problems(field: str, node: Filter) -> Iterator[QueryProblem]:
    if node.filters:
        yield QueryProblem(f"{field}.filters", "filter_takes_values", {"value": node.op})
    dimension = DIMENSIONS.get(node.dimension) if node.dimension is not None else None
    if node.dimension is None:
        yield QueryProblem(f"{field}.dimension", "missing")
    elif dimension is None:
        yield from (
            QueryProblem(f"{field}.dimension", problem.code, problem.params)
            for problem in name_problems("dimensions", [node.dimension], DIMENSIONS)
        )
    elif dimension.is_time:
        yield QueryProblem(f"{field}.dimension", "time_is_the_period", {"value": node.dimension})
    else:
        yield from value_problems(f"{field}.values", node, dimension)


def value_problems(field: str, node: Filter, dimension: Dimension) -> Iterator[QueryProblem]:
    wanted = 0 if node.op == "is_null" else 1
    most = {"is_null": 0}.get(node.op, 1 if node.op in SIZE_COMPARISONS else MAX_VALUES)
    if not wanted <= len(node.values) <= most:
        yield QueryProblem(field, "wrong_count_of_values", {"value": node.op, "min": wanted, "max": most})
    if node.op == "contains" and dimension.type != "text":
        yield QueryProblem(field, "contains_needs_text", {"value": dimension.name})
    elif node.op in SIZE_COMPARISONS and dimension.type != "integer":
        yield QueryProblem(field, "size_needs_number", {"value": dimension.name, "op": node.op})
    else:
        expected = int if dimension.type == "integer" else str
        for index, value in enumerate(node.values):
            if not isinstance(value, expected):
                yield QueryProblem(
                    f"{field}.{index}", "wrong_type", {"expected": "int" if expected is int else "str"}
                )
            elif isinstance(value, int) and abs(value) > INTEGER_MAX:
                yield QueryProblem(
                    f"{field}.{index}", "out_of_range", {"min": -INTEGER_MAX, "max": INTEGER_MAX}
                )


def zone_problems(time_zone: str) -> Iterator[QueryProblem]:
    if time_zone not in ZONES:
        near = difflib.get_close_matches(time_zone, ZONES, n=3) or ["UTC", "Europe/Moscow"]
        yield QueryProblem("time_zone", "unknown_time_zone", {"value": time_zone[:60], "names": near})


def span_of(field: str, period: Period, now: datetime, zone: ZoneInfo) -> tuple[Span, Iterable[QueryProblem]]:
    """Return the span and what is wrong with it."""
    nothing = Span(from_time=None, to_time=None)
    if period.name is not None:
        if period.from_time is not None or period.to_time is not None:
            return nothing, [QueryProblem(field, "name_or_instants")]
        return named_period(period.name, now, zone), []
    if period.from_time is None and period.to_time is None:
        return nothing, [QueryProblem(field, "name_or_instants")]
    problems = []
    instants: dict[str, datetime | None] = {}
    for name, text in (("from", period.from_time), ("to", period.to_time)):
        instants[name] = instant_of(text, zone) if text is not None else None
        if text is not None and instants[name] is None:
            problems.append(QueryProblem(f"{field}.{name}", "not_an_instant", {"value": text[:60]}))
    first, after_last = instants["from"], instants["to"]
    if first is not None and after_last is not None and first >= after_last:
        problems.append(QueryProblem(f"{field}.to", "not_after_from"))
    return Span(from_time=first, to_time=after_last), problems


def comparison_of(
    request: QueryRequest, period: Span, now: datetime, zone: ZoneInfo
) -> tuple[Span | None, Iterable[QueryProblem]]:
    asked = request.compare
    if asked is None:
        return None, []
    if asked.name is None:
        return span_of("compare", asked, now, zone)
    if asked.from_time is not None or asked.to_time is not None:
        return None, [QueryProblem("compare", "name_or_instants")]
    if period.from_time is None or period.to_time is None:
        return None, [QueryProblem("compare", "comparison_needs_bounds")]
    try:
        return compared_period(asked.name, period, zone), []
    except (ValueError, OverflowError):
        return None, [QueryProblem("compare", "not_an_instant", {"value": asked.name})]


def clock_problems(
    request: QueryRequest, period: Span, compare: Span | None, zone: ZoneInfo
) -> Iterator[QueryProblem]:
    """Each campaign's own clock knows days; an instant is at another hour of the day for each of them."""
    if request.time_zone is not None:
        return
    for field, span in (("period", period), ("compare", compare)):
        for name, instant in (("from", span.from_time), ("to", span.to_time)) if span is not None else ():
            if instant is not None and midnight(instant.astimezone(zone).date(), zone) != instant:
                yield QueryProblem(f"{field}.{name}", "not_a_whole_day")


def order_problems(request: QueryRequest) -> Iterator[QueryProblem]:
    names = [*request.dimensions, *request.metrics]
    for index, order in enumerate(request.order):
        if order.by not in names:
            yield QueryProblem(
                f"order.{index}.by", "order_not_in_query", {"value": order.by[:60], "names": names}
            )
        elif order.by in [earlier.by for earlier in request.order[:index]]:
            yield QueryProblem(f"order.{index}.by", "stands_twice", {"value": order.by})


def settings_problems(settings: QuerySettings) -> Iterator[QueryProblem]:
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if value is not None and not 0 <= value <= DAY_SECONDS:
            yield QueryProblem(f"settings.{name}", "out_of_range", {"min": 0, "max": DAY_SECONDS})
    low, high = settings.target_min_seconds, settings.target_max_seconds
    if low is not None and high is not None and low > high:
        yield QueryProblem("settings.target_max_seconds", "less_than_minimum")


def default_order(query: Query) -> tuple[Order, ...]:
    """Time upwards; without time, the first metric downwards; ties by the dimensions, so that pages do not overlap."""
    times = [Order(by=name) for name in query.dimensions if DIMENSIONS[name].is_time]
    first = times or [Order(by=query.metrics[0], direction="desc")]
    asked = list(query.order) or first
    named = {order.by for order in asked}
    return (*asked, *(Order(by=name) for name in query.dimensions if name not in named))
