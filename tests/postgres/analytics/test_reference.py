"""
Every metric of every query against tests/analytics/reference.py, to the last digit: on histories over nights when clocks change,
in half-hour zones, with late dispositions, with corrections half added up, from the rollups and from the facts.
"""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from analytics.build import build_query
from analytics.metrics import METRICS
from analytics.query import Filter, Period, QueryRequest, QuerySettings
from analytics.result import Figure, QueryResult
from analytics.run import run_query
from campaigns.database import Pool
from campaigns.migrate import ensure_partitions
from tests.analytics import reference
from tests.postgres.analytics.histories import CHANGES, FOLDS, LEADS, NOW, attempts, prepare, write

BASE = {
    "leads",
    "leads_attempted",
    "penetration",
    "leads_pending",
    "leads_finished",
    "leads_blocked",
    "dialable_now",
}
OF_ATTEMPTS = [name for name in METRICS if name not in BASE | {"conversion_per_lead"}]
SPECIAL = [
    "list", "source", "ad", "keyword", "region", "trunk", "caller_id", "result", "reason", "fault", "ended_by", "sip_status",
    "q850_cause", "disposition", "attempt_number", "answered_by",
]  # fmt: skip
CLOCK = ["hour", "day", "week", "month", "hour_of_day", "weekday"]
QUERY_ZONES = [
    None, None, None, "UTC", "Europe/Berlin", "Asia/Kathmandu", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe",
]  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "campaign": [1, 2, 99], "trunk": [1, 2], "result": ["answered", "busy"], "source": ["Яндекс", "yandex"],
    "hour_of_day": [2, 3], "weekday": [7], "sip_status": [200, 486], "disposition": ["order"], "list": [1],
}  # fmt: skip


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(VALUES)))
    node: dict[str, Any] = {"dimension": name}
    is_text = isinstance(VALUES[name][0], str)
    node["op"] = draw(
        st.sampled_from(
            ["is", "in", "is_not", "is_null", "contains" if is_text else "gt", "lte" if not is_text else "is"]
        )
    )
    if node["op"] in {"gt", "lte"}:
        node["values"] = [draw(st.sampled_from(VALUES[name]))]
    elif node["op"] != "is_null":
        node["values"] = draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=2, unique=True))
    return node


FILTERS = st.none() | st.recursive(
    comparisons(),
    lambda inner: st.builds(
        lambda op, filters: {"op": op, "filters": filters[:1] if op == "not" else filters},
        st.sampled_from(["and", "or", "not"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    special = draw(st.lists(st.sampled_from(SPECIAL), max_size=1) | st.just(["list", "attempt_number"]))
    # four dimensions are the most that a query has
    names = draw(st.lists(st.sampled_from(CLOCK), max_size=3 - max(1, len(special)), unique=True)) + special
    names += draw(st.lists(st.just("campaign"), max_size=1))
    bounds = draw(
        st.sampled_from(
            [
                (None, None),
                ("2026-10-25", "2026-10-26"),
                ("2026-03-29", None),
                (None, "2026-10-25"),
                ("2026-01-01", "2026-01-02"),
                # whole months with days before and after them, without, and on one side
                ("2026-03-15", "2026-10-26"),
                ("2026-10-01", "2026-11-01"),
                ("2026-03-29", "2026-11-01"),
                ("2026-09-01", "2026-10-31"),
            ]
        )
    )
    return {
        "dimensions": names,
        "filter": draw(FILTERS),
        "time_zone": draw(st.sampled_from(QUERY_ZONES)),
        "bounds": bounds,
        "target": draw(st.sampled_from([None, None, (6, 60)])),
        "short_seconds": draw(st.sampled_from([6, 6, 30])),
        "limit": draw(st.sampled_from([10_000, 10_000, 1])),
    }


def request_of(query: dict[str, Any], metrics: list[str], reading: Any) -> QueryRequest:
    first, after_last = query["bounds"]
    target = query["target"] or (None, None)
    return QueryRequest(
        metrics=metrics,
        dimensions=query["dimensions"],
        filter=msgspec.convert(query["filter"], Filter | None),
        period=Period(name="all")
        if first is after_last is None
        else Period(from_time=first, to_time=after_last),
        time_zone=query["time_zone"],
        limit=query["limit"],
        settings=QuerySettings(
            target_min_seconds=target[0],
            target_max_seconds=target[1],
            short_call_seconds=query["short_seconds"],
        ),
        reading=reading,
    )


def bounds_of(query: dict[str, Any]) -> tuple[Any, Any]:
    """Dates of the campaigns' own clocks, or instants of the zone's; None where the period is open."""
    zone = query["time_zone"]
    first, after_last = (
        None if text is None else date.fromisoformat(text) if zone is None else reference.midnight(text, zone)
        for text in query["bounds"]
    )
    return first, after_last


def before(query: dict[str, Any]) -> Callable[[reference.Attempt], bool]:
    first, _ = bounds_of(query)
    return lambda a: first is not None and reference.in_period(a, query["time_zone"], None, first)


def rows_within(world: reference.World, query: dict[str, Any]) -> list[dict[str, Any]]:
    zone = query["time_zone"]
    first, after_last = bounds_of(query)
    return [
        a
        for a in world.attempts
        if reference.in_period(a, zone, first, after_last) and reference.matches(query["filter"], a, zone)
    ]


def same(figure: Figure, expected: Any, name: str) -> None:
    assert figure.value == expected, (name, figure, expected)


def check_parts(world: reference.World, rows: reference.Attempts, figures: dict[str, Figure]) -> None:
    """Numerator, denominator and interval of every rate."""
    for name, (above, below) in reference.SHARES.items():
        figure = figures[name]
        counts = reference.COUNTS[above](world, rows), reference.COUNTS[below](world, rows)
        assert (figure.numerator, figure.denominator, figure.denominator_name) == (*counts, below)
        interval = reference.wilson(*counts) if counts[0] <= counts[1] else None
        if interval is None:
            assert (figure.low, figure.high) == (None, None)
        else:
            assert figure.low is not None
            assert figure.high is not None
            assert math.isclose(figure.low, interval[0], abs_tol=1e-7), name
            assert math.isclose(figure.high, interval[1], abs_tol=1e-7), name


def check(world: reference.World, query: dict[str, Any], result: QueryResult) -> None:
    rows = rows_within(world, query)
    for name, expected in reference.values(world, rows).items():
        same(result.totals[name], expected, name)
    check_parts(world, rows, result.totals)
    if not query["dimensions"]:
        return
    expected_groups = reference.groups(rows, query["dimensions"], query["time_zone"])
    found = {}
    for row in result.rows:
        key = tuple(
            datetime.fromisoformat(str(value.value)).astimezone(UTC)
            if name == "hour"
            else date.fromisoformat(str(value.value))
            if name in {"day", "week", "month"}
            else value.value
            for name, value in row.dimensions.items()
        )
        assert key not in found
        found[key] = row.metrics
    assert found.keys() <= expected_groups.keys()
    assert len(found) == min(query["limit"], len(expected_groups))
    assert result.row_count == len(expected_groups)
    for key in found:
        for name, expected in reference.values(world, expected_groups[key]).items():
            same(found[key][name], expected, f"{key} {name}")


@pytest.mark.timeout(400)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    rows=st.lists(attempts(), max_size=25),
    leads=st.lists(LEADS, max_size=4),
    changes=CHANGES,
    folds=FOLDS,
    asked=st.lists(queries(), min_size=3, max_size=3),
)
async def test_every_metric_is_what_a_slow_and_obvious_count_gives(
    pool: Pool,
    rows: list[dict[str, Any]],
    leads: list[dict[str, Any]],
    changes: list[tuple[int, Any]],
    folds: list[tuple[int, int]],
    asked: list[dict[str, Any]],
) -> None:
    if await pool.fetchval("SELECT count(*) FROM campaigns") == 0:
        await prepare(pool)
        async with pool.acquire() as connection:
            for month in range(1, 13):
                await ensure_partitions(connection, datetime(2026, month, 1, tzinfo=UTC), months_ahead=0)
    await write(pool, rows, leads, changes, folds)
    await check_base(pool, reference.World(rows, leads, {2}, NOW), {1, 2})
    for query in asked:
        world = reference.World(
            rows,
            leads,
            {2},
            NOW,
            target=query["target"],
            short_seconds=query["short_seconds"],
            is_before=before(query),
            asked=reference.asked_campaigns(query["filter"]),
        )
        for reading in ("auto", "facts"):
            request = request_of(query, OF_ATTEMPTS, reading)
            result = await run_query(pool, build_query(request, NOW))
            note(f"{query} {reading}")
            check(world, query, result)


async def check_base(pool: Pool, world: reference.World, campaign_ids: set[int]) -> None:
    """The base as it is now: of all, by campaign, and of a filter."""
    names = sorted(BASE)
    request = QueryRequest(metrics=names, dimensions=["campaign"])
    result = await run_query(pool, build_query(request, NOW))
    assert {name: figure.value for name, figure in result.totals.items()} == reference.base_values(
        world, campaign_ids
    )
    assert {
        row.dimensions["campaign"].value: {name: figure.value for name, figure in row.metrics.items()}
        for row in result.rows
    } == {
        campaign_id: reference.base_values(world, {campaign_id})
        for campaign_id in {lead["campaign_id"] for lead in world.leads}
    }


def test_the_reference_knows_every_metric() -> None:
    world = reference.World([], [], set(), NOW)
    known = reference.values(world, []).keys() | reference.base_values(world, set()).keys()
    assert METRICS.keys() - known == {"conversion_per_lead"}
    assert known <= METRICS.keys()
