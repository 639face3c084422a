"""
The only place that composes SQL. Its words come from the registries; what was asked travels as numbered arguments.

Rule 1. No text of a request becomes text of a statement.
Rule 2. A comparison with null is false, not unknown, so that `not` means not.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from analytics.dimensions import DIMENSIONS, Dimension
from analytics.metrics import METRICS, Facts, Metric, attempts_behind, measures_of
from analytics.optimize import campaigns_of
from analytics.query import Filter, Query, Span

SLOTS: Final = 256
"""Shards of a campaign: campaign_id * 256 .. + 255 (docs/adr/0006)."""
MAX_CAMPAIGN_ID: Final = 2**23 - 1
NAMED: Final = re.compile(r"(?<!:):([a-z_]+)")
SQL_TYPES: Final = {"text": "text", "integer": "bigint", "instant": "timestamptz", "date": "date"}
SIGNS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
CALL_COLUMNS: Final = (
    "attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id, started_time,"
    " settled_time, result, reason, fault, sip_status, q850_cause, ended_by, ringing_time, early_media_time,"
    " answered_time, ended_time, pdd_ms, talk_ms, digits, message_played_ms, disposition"
)


class Statement(msgspec.Struct, frozen=True):
    """Ready to run."""

    text: str
    arguments: tuple[Any, ...]


class Binds:
    """Numbers the arguments of one statement."""

    def __init__(self, query: Query) -> None:
        self.arguments: list[Any] = []
        self._named: dict[str, str] = {}
        settings = query.settings
        self._values: dict[str, tuple[Any, str]] = {
            "zone": (query.time_zone, "text"),
            "now": (query.now, "timestamptz"),
            "short_ms": (settings.short_call_seconds * 1000, "integer"),
            "target_min_ms": (settings.target_min_seconds * 1000, "integer"),
            "target_max_ms": (settings.target_max_seconds * 1000, "integer"),
        }

    def add(self, value: Any, sql_type: str) -> str:
        """Take one more argument; return its place."""
        self.arguments.append(value)
        return f"${len(self.arguments)}::{sql_type}"

    def fill(self, formula: str) -> str:
        """Put the settings of the query where a formula of the registry names them."""
        return NAMED.sub(lambda match: self._setting(match[1]), formula)

    def _setting(self, name: str) -> str:
        if name not in self._named:
            self._named[name] = self.add(*self._values[name])
        return self._named[name]


def compose_rows(query: Query, period: Span) -> Statement:
    """Return the statement of one page of groups, with `row_count` = how many groups there are in all."""
    binds = Binds(query)
    names = [f"d{index}" for index in range(len(query.dimensions))]
    groups = compose_groups(binds, query, period, query.dimensions)
    order = ", ".join(
        f"{order_expression(query, order.by)} {order.direction.upper()} NULLS LAST" for order in query.order
    )
    text = (
        f"WITH found AS ({groups}) SELECT *, count(*) OVER () AS row_count FROM found"
        f"{f' ORDER BY {order}' if names else ''}"
        f" LIMIT {binds.add(query.limit, 'integer')} OFFSET {binds.add(query.offset, 'integer')}"
    )
    return Statement(text, tuple(binds.arguments))


def compose_totals(query: Query, period: Span) -> Statement:
    """Return the statement of the one row over everything that the groups are parts of."""
    binds = Binds(query)
    text = compose_groups(binds, query, period, ())
    return Statement(text, tuple(binds.arguments))


def compose_groups(binds: Binds, query: Query, period: Span, dimensions: Sequence[str]) -> str:
    """
    Return a SELECT of d0, d1, ... and every measure by name.

    Measures of different facts are counted apart, each row with nulls for the others', and then brought together: each
    measure has one value per group, so max() is that value.
    """
    measures = measures_of(query.metrics)
    kinds = list(dict.fromkeys(measure.facts for measure in measures))
    parts = [compose_part(binds, query, period, dimensions, measures, facts) for facts in kinds if facts]
    if len(parts) == 1:
        return parts[0]
    keys = ", ".join(f"d{index}" for index in range(len(dimensions)))
    values = ", ".join(
        f"{'max' if measure.kind == 'quantile' else 'coalesce(max'}({measure.name})"
        f"{'' if measure.kind == 'quantile' else ', 0)'} AS {measure.name}"
        for measure in measures
    )
    union = " UNION ALL ".join(f"({part})" for part in parts)
    return (
        f"SELECT {keys + ', ' if keys else ''}{values} FROM ({union}) AS part"
        f"{f' GROUP BY {keys}' if keys else ''}"
    )


def compose_part(
    binds: Binds,
    query: Query,
    period: Span,
    dimensions: Sequence[str],
    measures: Sequence[Metric],
    facts: Facts,
) -> str:
    keys = [f"{binds.fill(DIMENSIONS[name].formula)} AS d{index}" for index, name in enumerate(dimensions)]
    values = [
        f"{binds.fill(measure.formula) if measure.facts == facts else 'NULL'} AS {measure.name}"
        for measure in measures
    ]
    where = conditions(binds, query, period if facts == "attempts" else None)
    grouping = ", ".join(str(index + 1) for index in range(len(dimensions)))
    return (
        f"SELECT {', '.join(keys + values)} FROM {facts} WHERE {where}"
        f"{f' GROUP BY {grouping}' if grouping else ''}"
    )


def conditions(binds: Binds, query: Query, period: Span | None) -> str:
    found = []
    campaigns = campaigns_of(query.filter)
    if campaigns:
        low, high = (
            min(max(campaign, 0), MAX_CAMPAIGN_ID) * SLOTS for campaign in (min(campaigns), max(campaigns))
        )
        found.append(
            f"shard_key BETWEEN {binds.add(low, 'integer')} AND {binds.add(high + SLOTS - 1, 'integer')}"
        )
    if period is not None and period.from_time is not None:
        found.append(f"started_time >= {binds.add(period.from_time, 'timestamptz')}")
    if period is not None and period.to_time is not None:
        found.append(f"started_time < {binds.add(period.to_time, 'timestamptz')}")
    if query.filter is not None:
        found.append(compose_filter(binds, query.filter))
    return " AND ".join(found) or "true"


def compose_filter(binds: Binds, node: Filter) -> str:
    if node.op == "not":
        return f"(NOT {compose_filter(binds, node.filters[0])})"
    if node.op in {"and", "or"}:
        return f"({f' {node.op.upper()} '.join(compose_filter(binds, inner) for inner in node.filters)})"
    assert node.dimension is not None
    return compose_comparison(binds, node, DIMENSIONS[node.dimension])


def compose_comparison(binds: Binds, node: Filter, dimension: Dimension) -> str:
    expression = binds.fill(dimension.formula)
    sql_type = SQL_TYPES[dimension.type]
    match node.op:
        case "is_null":
            return f"({expression} IS NULL)"
        case "is" | "in":
            return f"coalesce({expression} = ANY({binds.add(node.values, f'{sql_type}[]')}), false)"
        case "is_not":
            return f"coalesce({expression} <> ALL({binds.add(node.values, f'{sql_type}[]')}), true)"
        case "contains":
            texts = binds.add([str(value).lower() for value in node.values], "text[]")
            return (
                f"EXISTS (SELECT FROM unnest({texts}) AS wanted (part)"
                f" WHERE position(part IN lower({expression})) > 0)"
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
    above, below = value_expression(METRICS[metric.numerator]), value_expression(METRICS[metric.denominator])
    if metric.kind == "difference":
        return f"({above} - {below})"
    return f"({above}::float8 / nullif({below}, 0))"


def compose_calls(
    query: Query,
    metric: str,
    at: dict[str, Any],
    before: tuple[datetime, int] | None,
) -> Statement:
    """
    Return the statement of a page of the attempts behind a figure, newest first.

    `at` are the dimension values of its row. Each shard gives its own newest rows by its primary key, so that a page
    costs the same anywhere in the list.
    """
    binds = Binds(query)
    _, behind = attempts_behind(metric)
    where = [conditions(binds, query, query.period)]
    if behind is not None:
        where.append(f"({binds.fill(behind)})")
    for name, value in at.items():
        expression = binds.fill(DIMENSIONS[name].formula)
        place = binds.add(value, SQL_TYPES[DIMENSIONS[name].type])
        where.append(f"{expression} IS NOT DISTINCT FROM {place}")
    if before is not None:
        time_place, id_place = binds.add(before[0], "timestamptz"), binds.add(before[1], "bigint")
        where.append(f"(started_time, attempt_id) < ({time_place}, {id_place})")
    limit = binds.add(query.limit + 1, "integer")
    newest = "ORDER BY started_time DESC, attempt_id DESC"
    text = (
        f"SELECT page.* FROM shards CROSS JOIN LATERAL (SELECT {CALL_COLUMNS} FROM attempts"
        f" WHERE attempts.shard_key = shards.shard_key AND {' AND '.join(where)} {newest} LIMIT {limit}) AS page"
        f" {newest} LIMIT {limit}"
    )
    return Statement(text, tuple(binds.arguments))
