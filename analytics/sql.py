"""
The place that composes SQL, with `analytics.call_sql` for single calls. Its words come from the registries; what was asked travels as numbered arguments.

Rule 1. No text of a request becomes text of a statement.
Rule 2. A comparison with null is false, not unknown, so that `not` means not.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from analytics.binds import SLOTS, Binds
from analytics.dimensions import DIMENSIONS, Dimension
from analytics.metric import MEDIAN, Metric
from analytics.metrics import METRICS, REQUESTED, measures_of
from analytics.period import stretches
from analytics.plan import HOUR_OF_DAY_DIM, MONTH_DIMS, Part, keeps_campaigns_apart, plan, reads_months
from analytics.query import Filter, Query, Span

SQL_TYPES: Final = {"text": "text", "integer": "bigint", "instant": "timestamptz", "date": "date"}
SIGNS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
NULLS: Final = {"quantile": "NULL::float8"}
ONE_DAY: Final = timedelta(days=1)
COLUMN: Final = re.compile(r"(?<!:)\b[a-z_]+\b(?!\()")
"""In the formula of a counter: neither a word of SQL, which are written large, nor a function, nor a name of the query's."""


class Statement(msgspec.Struct, frozen=True):
    """Ready to run."""

    text: str
    arguments: tuple[Any, ...]


Shards = Sequence[int] | None

EVERY_SHARD: Final = "shard_key = ANY (ARRAY(SELECT every.shard_key FROM shards AS every))"
"""Not `<> 0`: an index that begins with the shard is then read for each of them, and not from end to end."""
TABLES: Final = {
    "attempts": "attempts",
    # an outer join, so that the planner leaves the contacts out where nothing of theirs is asked for
    "leads": "(SELECT leads.*, import_id, source, ad, keyword, region FROM leads LEFT JOIN contacts"
    " USING (shard_key, contact_id)) AS leads",
}


def compose_rows(query: Query, period: Span, shards: Shards) -> Statement:
    """
    Return the statement of one page of groups, with `row_count` = how many groups there are in all.

    `shards` are the keys that the filter's campaigns have; None = any.
    """
    binds = Binds(query, period)
    groups = compose_groups(binds, query, period, query.dimensions, shards)
    order = ", ".join(
        f"{order_expression(query, order.by)} {order.direction.upper()} NULLS LAST" for order in query.order
    )
    text = (
        f"WITH found AS ({groups}) SELECT *, count(*) OVER () AS row_count FROM found ORDER BY {order}"
        f" LIMIT {binds.add(query.limit, 'integer')} OFFSET {binds.add(query.offset, 'integer')}"
    )
    return Statement(text, tuple(binds.arguments))


def compose_totals(query: Query, period: Span, shards: Shards) -> Statement:
    """Return the statement of the one row over everything that the groups are parts of."""
    binds = Binds(query, period)
    text = compose_groups(binds, query, period, (), shards)
    return Statement(text, tuple(binds.arguments))


def compose_groups(
    binds: Binds, query: Query, period: Span, dimensions: Sequence[str], shards: Shards
) -> str:
    """
    Return a SELECT of d0, d1, ... and every measure by name.

    Measures of different sources are computed apart, each row with nulls for the others', and then brought together: each
    measure has one value per group, so max() is that value.
    """
    measures = measures_of(query.metrics)
    planned = plan(query)
    has_every_group = not dimensions or any(
        part.dim is not None and not part.is_histogram for part in planned
    )
    parts = [
        compose_part(
            binds, query, period, dimensions, measures, part, shards, has_every_group=has_every_group
        )
        for part in planned
    ]
    if len(parts) == 1:
        return parts[0]
    keys = ", ".join(f"d{index}" for index in range(len(dimensions)))
    values = ", ".join(
        f"max({measure.name}) AS {measure.name}"
        if measure.kind == "quantile"
        else f"coalesce(max({measure.name}), 0) AS {measure.name}"
        for measure in measures
    )
    union = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT {listed(keys)}{values} FROM ({union}) AS part{grouped(keys)}"


def listed(keys: str) -> str:
    return f"{keys}, " if keys else ""


def grouped(keys: str) -> str:
    return f" GROUP BY {keys}" if keys else ""


def compose_part(
    binds: Binds,
    query: Query,
    period: Span,
    dimensions: Sequence[str],
    measures: Sequence[Metric],
    part: Part,
    shards: Shards,
    *,
    has_every_group: bool,
) -> str:
    if part.is_histogram:
        return compose_histogram(binds, query, period, dimensions, measures, part, shards)
    keys = "".join(
        f"{dimension_expression(binds, DIMENSIONS[name], part)} AS d{index}, "
        for index, name in enumerate(dimensions)
    )
    values = ", ".join(
        f"{measure_expression(binds, measure, part)} AS {measure.name}" for measure in measures
    )
    where = conditions(binds, query, period, part, shards)
    if has_every_group and is_of_requests(part):
        where += f" AND {REQUESTED}"  # few attempts, which have an index of their own
    places = ", ".join(str(index + 1) for index in range(len(dimensions)))
    table = TABLES[part.source] if part.dim is None else compose_stats(binds, query, period, part)
    # corrections may have left a group of nothing
    having = " HAVING sum(attempts) <> 0" if places and part.dim is not None else ""
    return f"SELECT {keys}{values} FROM {table} WHERE {where}{grouped(places)}{having}"


def is_of_requests(part: Part) -> bool:
    """Tell whether nothing but requests to be called back is counted; groups without one must then come from elsewhere."""
    return part.source == "attempts" and all(
        (measure.where or "").startswith(REQUESTED) for measure in part.measures
    )


def measure_expression(binds: Binds, measure: Metric, part: Part) -> str:
    if measure not in part.measures:
        return NULLS.get(measure.kind, "NULL::numeric")
    if part.dim is None:
        return binds.fill(measure.formula, part)
    assert measure.counter is not None
    return f"coalesce(sum({binds.fill(measure.counter, part)}), 0)"


def dimension_expression(binds: Binds, dimension: Dimension, part: Part) -> str:
    if part.dim is None or (
        dimension.is_clock and (dimension.name, part.dim) != ("hour_of_day", HOUR_OF_DAY_DIM)
    ):
        return binds.fill(dimension.formula, part)
    if dimension.name == "campaign":
        return f"shard_key / {SLOTS}"
    value = f"split_part(value, ':', {part.keys.index(dimension.name) + 1})" if part.keys else "value"
    return f"nullif({value}, '')::bigint" if dimension.type == "integer" else f"nullif({value}, '')"


def compose_histogram(
    binds: Binds,
    query: Query,
    period: Span,
    dimensions: Sequence[str],
    measures: Sequence[Metric],
    part: Part,
    shards: Shards,
) -> str:
    """Quantiles of a histogram."""
    keys = ", ".join(f"d{index}" for index in range(len(dimensions)))
    named = "".join(
        f"{dimension_expression(binds, DIMENSIONS[name], part)} AS d{index}, "
        for index, name in enumerate(dimensions)
    )
    where = conditions(binds, query, period, part, shards)
    window = f"PARTITION BY {keys}" if keys else ""
    values = ", ".join(
        f"{quantile_expression(measure)} AS {measure.name}"
        if measure in part.measures
        else f"{NULLS.get(measure.kind, 'NULL::numeric')} AS {measure.name}"
        for measure in measures
    )
    return (
        f"SELECT {listed(keys)}{values} FROM (SELECT *, sum(n) OVER ({window} ORDER BY step) AS reached,"
        f" sum(n) OVER ({window}) AS total FROM (SELECT {named}split_part(value, ':', {len(part.keys) + 1})::float8 AS step, sum(attempts) AS n"
        f" FROM {compose_stats(binds, query, period, part)} WHERE {where} GROUP BY {listed(keys)}step HAVING sum(attempts) <> 0) AS bars"
        f") AS histogram{grouped(keys)}"
    )


def quantile_expression(measure: Metric) -> str:
    """As percentile_cont and percentile_disc have it: the values at both ranks in the middle, or at rank fraction * total."""
    if measure.fraction != MEDIAN:
        return f"min(step) FILTER (WHERE reached >= ceil({measure.fraction}::float8 * total::float8))"
    low, high = (
        f"min(step) FILTER (WHERE reached > {edge}((total - 1) / 2.0))" for edge in ("floor", "ceil")
    )
    return f"({low} + {high}) / 2"


def conditions(binds: Binds, query: Query, period: Span, part: Part, shards: Shards) -> str:
    found = []
    if shards is not None:
        found.append(f"shard_key = ANY({binds.add(list(shards), 'integer[]')})")
    elif part.dim is not None:
        found.append(EVERY_SHARD if keeps_campaigns_apart(query, part) else "shard_key = 0")
    if part.source == "attempts":
        found += bounds(binds, query, period, part)
    if query.filter is not None:
        found.append(compose_filter(binds, query.filter, part))
    return " AND ".join(found) or "true"


def bounds(binds: Binds, query: Query, period: Span, part: Part) -> list[str]:
    """The period: instants, or dates on each campaign's clock, which lie within a day of the same dates of UTC."""
    column = "started_time" if part.dim is None else "bucket_time"
    found = []
    for sign, instant, slack in ((">=", period.from_time, -ONE_DAY), ("<", period.to_time, ONE_DAY)):
        if instant is None:
            continue
        if query.clock == "zone":
            found.append(f"{column} {sign} {binds.add(instant, 'timestamptz')}")
            continue
        midnight = instant.astimezone(ZoneInfo(query.time_zone)).replace(tzinfo=UTC)
        if part.dim is not None:
            found.append(f"{column} {sign} {binds.add(midnight, 'timestamptz')}")
        else:
            found.append(f"{column} {sign} {binds.add(midnight + slack, 'timestamptz')}")
            local = binds.add(midnight.replace(tzinfo=None), "timestamp")
            found.append(f"{binds.fill(':local')} {sign} {local}")
    return found


def compose_stats(binds: Binds, query: Query, period: Span, part: Part) -> str:
    """Rows of one dimension of `stats` in the period: whole months, and days around them added or taken away, if they are fewer."""
    days = " AND ".join([f"dim = {part.dim}", *bounds(binds, query, period, part)])
    found = stretches(period, ZoneInfo(query.time_zone)) if reads_months(query, part) else []
    if not any(each.is_months for each in found):
        return f"(SELECT * FROM stats_now WHERE {days}) AS told"
    # PostgreSQL works out every column that a part of a union names
    keys, counters = "shard_key, bucket_time, value", counters_of(part)
    told = [f"SELECT {keys}, {', '.join(counters)} FROM stats_live WHERE {days}"]
    for each in found:
        columns = ", ".join(f"-{name}" if each.is_taken_away else name for name in counters)
        within = "".join(
            f" AND bucket_time {sign} {binds.add(datetime.combine(day, time(), UTC), 'timestamptz')}"
            for sign, day in ((">=", each.from_day), ("<", each.to_day))
            if day is not None
        )
        assert part.dim is not None
        dim = part.dim + MONTH_DIMS if each.is_months else part.dim
        told.append(f"SELECT {keys}, {columns} FROM stats WHERE dim = {dim}{within}")
    return f"({' UNION ALL '.join(told)}) AS told"


def counters_of(part: Part) -> list[str]:
    """Name the counters of `stats` that the measures of a part are made of, and `attempts`, which tells whether a group is there."""
    formulas = " ".join(measure.counter or "" for measure in part.measures)
    return sorted({"attempts", *COLUMN.findall(formulas)})


def compose_filter(binds: Binds, node: Filter, part: Part) -> str:
    if node.op == "not":
        return f"(NOT {compose_filter(binds, node.filters[0], part)})"
    if node.op in {"and", "or"}:
        inner = (compose_filter(binds, child, part) for child in node.filters)
        return f"({f' {node.op.upper()} '.join(inner)})"
    assert node.dimension is not None
    return compose_comparison(binds, node, DIMENSIONS[node.dimension], part)


def compose_comparison(binds: Binds, node: Filter, dimension: Dimension, part: Part) -> str:
    expression = dimension_expression(binds, dimension, part)
    sql_type = SQL_TYPES[dimension.type]
    match node.op:
        case "is_null":
            return f"({expression} IS NULL)"
        case "is" | "in":
            return f"coalesce({expression} = ANY({binds.add(node.values, f'{sql_type}[]')}), false)"
        case "is_not":
            return f"coalesce({expression} <> ALL({binds.add(node.values, f'{sql_type}[]')}), true)"
        case "contains":
            texts = binds.add([str(value) for value in node.values], "text[]")
            return (
                f"EXISTS (SELECT FROM unnest({texts}) AS wanted (part)"
                f" WHERE position(fold_case(part) IN fold_case({expression})) > 0)"
            )
        case _:
            return f"coalesce({expression} {SIGNS[node.op]} {binds.add(node.values[0], sql_type)}, false)"


def order_expression(query: Query, name: str) -> str:
    if name in query.dimensions:
        column = f"d{query.dimensions.index(name)}"
        return f'{column} COLLATE "C"' if DIMENSIONS[name].type == "text" else column
    return value_expression(METRICS[name])


def value_expression(metric: Metric) -> str:
    """What a metric is, over the columns of its measures; the scale does not change an order."""
    if metric.facts is not None:
        return metric.name
    assert metric.numerator is not None
    assert metric.denominator is not None
    numerator, denominator = metric.weights or (metric.numerator, metric.denominator)
    above, below = value_expression(METRICS[numerator]), value_expression(METRICS[denominator])
    if metric.kind == "difference":
        return f"({above} - {below})"
    return f"({above}::float8 / nullif({below}, 0))"
