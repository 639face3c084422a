from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from analytics.build import build_query
from analytics.plan import plan, reads_months, source_of, sources
from analytics.query import Query, QueryRequest

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = {"from": "2026-11-23", "to": "2026-11-24"}


def query(**asked: Any) -> Query:
    return build_query(msgspec.convert({"metrics": ["attempts"], **asked}, QueryRequest), NOW)


def is_(dimension: str, value: Any = "x") -> dict[str, Any]:
    return {"op": "is", "dimension": dimension, "values": [value]}


@pytest.mark.parametrize(
    ("asked", "dim"),
    [
        ({}, 1),
        ({"dimensions": ["campaign"], "period": DAY}, 1),
        ({"dimensions": ["weekday", "hour_of_day"]}, 2),
        ({"dimensions": ["day", "trunk"], "filter": is_("campaign", 1)}, 3),
        ({"dimensions": ["day"], "filter": is_("source")}, 6),
        ({"dimensions": ["hour"], "time_zone": "Asia/Kathmandu", "period": DAY}, 0),
        ({"dimensions": ["result"], "time_zone": "UTC"}, 10),
        ({"dimensions": ["list", "attempt_number"]}, 20),
        ({"dimensions": ["day", "list"], "filter": is_("attempt_number", 2)}, 20),
        # what the facts must answer
        ({"dimensions": ["hour"]}, None),
        ({"dimensions": ["result"], "time_zone": "UTC", "period": DAY}, None),
        ({"dimensions": ["trunk", "result"]}, None),
        ({"dimensions": ["trunk"], "filter": is_("source")}, None),
        ({"dimensions": ["trunk", "hour_of_day"]}, None),
        ({"dimensions": ["list", "attempt_number", "hour_of_day"]}, None),
        ({"dimensions": ["list", "attempt_number", "trunk"]}, None),
        ({"dimensions": ["reason"]}, None),
        ({"time_zone": "UTC", "period": {"from": "2026-11-23T00:07:00Z", "to": "2026-11-24"}}, None),
        ({"reading": "facts"}, None),
    ],
)
def test_the_rollups_answer_what_one_of_their_dimensions_tells_apart(
    asked: dict[str, Any], dim: int | None
) -> None:
    assert [part.dim for part in plan(query(**asked))] == [dim]


@pytest.mark.parametrize(
    ("asked", "does"),
    [
        ({}, True),
        ({"dimensions": ["campaign", "month"]}, True),
        ({"dimensions": ["source"], "filter": is_("campaign", 1)}, True),
        ({"dimensions": ["hour_of_day"]}, True),
        ({"dimensions": ["result"], "time_zone": "UTC"}, True),
        # a day, a week or a weekday is a part of a month
        ({"dimensions": ["day"]}, False),
        ({"dimensions": ["week"]}, False),
        ({"dimensions": ["weekday", "hour_of_day"]}, False),
        ({"filter": is_("weekday", 1)}, False),
        # months of another clock begin in the middle of a day
        ({"dimensions": ["month"], "time_zone": "UTC"}, False),
        ({"period": DAY, "time_zone": "UTC"}, False),
        ({"reading": "facts"}, False),
    ],
)
def test_rows_of_months_do_where_nothing_asks_for_less(asked: dict[str, Any], *, does: bool) -> None:
    built = query(**asked)
    assert [reads_months(built, part) for part in plan(built)] == [does]


def test_a_metric_says_what_it_is_made_of() -> None:
    asked = query(metrics=["asr", "answered_by_number", "penetration", "talk_seconds_median"])
    by_measure = sources(plan(asked))
    assert {name: source_of(name, by_measure) for name in asked.metrics} == {
        "asr": "rollups",
        "answered_by_number": "attempts",
        "penetration": "leads",
        "talk_seconds_median": "rollups",
    }


def test_other_thresholds_than_the_kept_ones_are_counted_anew() -> None:
    asked = query(metrics=["target_calls", "short_calls", "attempts"], settings={"target_min_seconds": 10})
    by_measure = sources(plan(asked))
    assert by_measure == {"target_calls": "attempts", "short_calls": "rollups", "attempts": "rollups"}
    asked = query(metrics=["target_calls", "short_calls", "talks"], settings={"short_call_seconds": 10})
    assert sources(plan(asked)) == {"target_calls": "rollups", "short_calls": "attempts", "talks": "attempts"}


@pytest.mark.parametrize(
    ("asked", "dims"),
    [
        ({}, {1, 18, 19}),
        ({"dimensions": ["day"], "period": DAY}, {1, 18, 19}),
        # each knows one thing beside the day; what it does not know is read from the facts
        ({"dimensions": ["trunk"]}, {3, 19, None}),
        ({"filter": is_("answered_by", "machine")}, {15, 18, None}),
        ({"dimensions": ["source"]}, {6, None}),
    ],
)
def test_quantiles_come_from_the_histogram_that_knows_the_groups(
    asked: dict[str, Any], dims: set[int | None]
) -> None:
    parts = plan(query(**asked, metrics=["attempts", "verdict_ms_p95", "jitter_ms_p95"]))
    assert {part.dim for part in parts} == dims


def test_groups_that_a_histogram_lacks_come_from_the_sums() -> None:
    parts = plan(query(metrics=["jitter_ms_p95"], dimensions=["trunk"]))
    assert [(part.dim, len(part.measures)) for part in parts] == [(19, 1), (3, 0)]
