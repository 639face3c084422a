"""The calls behind figures: as many as the figure says, each once, newest first, wherever the pages end."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from analytics import call_pages
from analytics.attempts import Attempt
from analytics.build import build_query
from analytics.calls import CallsRequest, build_calls, calls_page
from analytics.kept_seals import KeptSeals
from analytics.metrics import METRICS, attempts_behind
from analytics.query import Filter, Order, Period, QueryRequest
from analytics.run import run_query
from campaigns.database import Pool
from campaigns.migrate import ensure_partitions
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.analytics.histories import CHANGES, FOLDS, NOW, attempts, prepare, write
from tests.postgres.analytics.test_reference import queries, request_of
from tests.postgres.test_seal_check import seal

COUNTED = [
    name
    for name, metric in METRICS.items()
    if metric.kind in {"count", "distinct"} and attempts_behind(name)[0]
]
LATER = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD = "2026-11-02"
DAYS = ("2026-11-03", "2026-11-04", "2026-11-12", "2026-11-24")
"""Of the period; the last is not over."""


async def every_call(
    pool: Pool, request: CallsRequest, now: datetime, kept: KeptSeals | None = None
) -> list[Attempt]:
    """Turn the pages to the last."""
    calls = build_calls(request, now)
    found: list[Attempt] = []
    cursor: str | None = None
    while True:
        page, cursor = await calls_page(
            pool, build_calls(replaced(request, cursor), now) if cursor else calls, kept
        )
        found += page
        if cursor is None:
            break
        assert len(page) == request.limit
    assert found == sorted(found, key=lambda call: (call.started_time, call.attempt_id), reverse=True)
    assert len({call.attempt_id for call in found}) == len(found)
    return found


def replaced(request: CallsRequest, cursor: str) -> CallsRequest:
    return CallsRequest(
        **{name: getattr(request, name) for name in request.__struct_fields__} | {"cursor": cursor}
    )


@pytest.mark.timeout(400)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    rows=st.lists(attempts(), max_size=25),
    changes=CHANGES,
    folds=FOLDS,
    asked=queries(),
    metrics=st.lists(st.sampled_from(COUNTED), min_size=1, max_size=4, unique=True),
    limit=st.integers(1, 4),
    picks=st.randoms(use_true_random=False),
)
async def test_behind_a_figure_are_as_many_calls_as_it_counts(
    pool: Pool,
    rows: list[dict[str, Any]],
    changes: list[tuple[int, Any]],
    folds: list[tuple[int, int]],
    asked: dict[str, Any],
    metrics: list[str],
    limit: int,
    picks: Any,
) -> None:
    """What a figure is, tests/postgres/analytics/test_reference.py proves."""
    if await pool.fetchval("SELECT count(*) FROM campaigns") == 0:
        await prepare(pool)
        async with pool.acquire() as connection:
            for month in range(1, 13):
                await ensure_partitions(connection, datetime(2026, month, 1, tzinfo=UTC), months_ahead=0)
    await write(pool, rows, [], changes, folds)
    query = request_of(asked, metrics, "facts")
    found = (await run_query(pool, build_query(query, NOW))).rows
    for row in picks.sample(found, min(2, len(found))):
        for metric in metrics:
            calls = await every_call(
                pool,
                CallsRequest(
                    metric=metric,
                    at={name: value.value for name, value in row.dimensions.items()},
                    filter=query.filter,
                    period=query.period,
                    time_zone=query.time_zone,
                    settings=query.settings,
                    limit=limit,
                ),
                NOW,
            )
            note(f"{query} {row} {metric}")
            is_of_numbers = METRICS[metric].kind == "distinct"
            counted = len({call.number for call in calls}) if is_of_numbers else len(calls)
            assert counted == row.metrics[metric].value


async def add_history(pool: Pool, *, strangers: int) -> int:
    """Two campaigns in zones eleven hours apart: three numbers called on the old day and in the period, and strangers beside them."""
    campaigns = [
        await add_campaign(pool, "west", "America/New_York"),
        await add_campaign(pool, "east", "Asia/Vladivostok"),
    ]
    for campaign_id in campaigns:
        for place, day in enumerate((OLD, *DAYS)):
            for call in range(3 + (strangers if day != OLD else 0)):
                # on the 12th nobody whom the first campaign knows
                number = (
                    call + campaign_id * 10
                    if call < 3 and (day != DAYS[2] or campaign_id != campaigns[0])
                    else place * 100 + call
                )
                await add_attempt(
                    pool,
                    campaign_id,
                    f"{day}T{2 * (call % 11):02}:00:00Z",
                    f"+7900{number:07d}",
                    "answered" if call % 2 else "busy",
                    talk_ms=9_000 if call % 2 else None,
                    source="site" if call % 3 else None,
                )
    # known to the other campaign alone
    await add_attempt(pool, campaigns[0], f"{DAYS[1]}T09:00:00Z", f"+7900{1 + campaigns[1] * 10:07d}", "busy")
    async with pool.acquire() as connection:
        await seal(connection, LATER)
    return campaigns[0]


@pytest.mark.parametrize("strangers", [0, 1, 30])
@pytest.mark.parametrize("is_common", [None, False, True])
async def test_calls_to_known_numbers_are_found_by_bitmaps_as_by_facts(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, strangers: int, *, is_common: bool | None
) -> None:
    """Whether the server is told the numbers, or all calls are read and the others left out."""
    if is_common is not None:
        monkeypatch.setattr(call_pages, "COMMON_SHARE", 0.0 if is_common else 2.0)
    campaign_id = await add_history(pool, strangers=strangers)
    questions: tuple[tuple[list[int | str] | None, str, dict[str, str | int | None]], ...] = (
        (None, "known_numbers", {}),
        (None, "known_answered_numbers", {}),
        (None, "known_numbers", {"day": DAYS[1]}),
        (None, "known_numbers", {"day": DAYS[3]}),
        (None, "known_numbers", {"campaign": campaign_id}),
        (None, "known_numbers", {"source": "site", "week": "2026-11-09"}),
        ([campaign_id], "known_numbers", {}),
        ([campaign_id], "known_answered_numbers", {"day": DAYS[0]}),
        ([campaign_id], "known_numbers", {"source": None}),
        ([campaign_id + 1], "known_numbers", {"day": DAYS[2]}),
        # by facts, both
        ([campaign_id, campaign_id + 1], "known_numbers", {}),
    )
    for node, metric, at in questions:
        of_campaigns = None if node is None else Filter(op="in", dimension="campaign", values=node)
        period = Period(from_time=DAYS[0], to_time="2026-11-25")
        asked = QueryRequest(
            metrics=[metric],
            dimensions=list(at),
            filter=of_campaigns,
            period=period,
            reading="facts",
            order=[Order(by=name) for name in at],
        )
        rows = (await run_query(pool, build_query(asked, LATER))).rows
        figure = next((row for row in rows if {name: row.dimensions[name].value for name in at} == at), None)
        calls: list[Attempt] = []
        for limit in (1, 2, 100):
            request = CallsRequest(metric=metric, at=at, filter=of_campaigns, period=period, limit=limit)
            calls = await every_call(pool, request, LATER, KeptSeals())
            said = 0 if figure is None else figure.metrics[metric].value
            assert len({call.number for call in calls}) == said, (node, metric, at)
        everyone = CallsRequest(
            metric="answered_numbers" if "answered" in metric else "attempts",
            at=at,
            filter=of_campaigns,
            period=period,
        )
        numbers = {call.number for call in calls}
        assert calls == [
            call for call in await every_call(pool, everyone, LATER) if call.number in numbers
        ], "every call of such a number"


async def test_nothing_was_known_before_all_time(pool: Pool) -> None:
    campaign_id = await add_history(pool, strangers=0)
    for values in ([campaign_id], [campaign_id, campaign_id + 1]):
        request = CallsRequest(
            metric="known_numbers", filter=Filter(op="in", dimension="campaign", values=list(values))
        )
        assert await every_call(pool, request, LATER) == []


async def test_few_calls_among_many_days_are_found_without_reading_those_between(pool: Pool) -> None:
    campaign_id = await add_campaign(pool, time_zone="UTC")
    for day in range(1, 29):
        for call in range(3):
            is_rare = day in {2, 27} and call == 1
            await add_attempt(
                pool, campaign_id, f"2026-09-{day:02}T0{call}:00:00Z", source="rare" if is_rare else "site"
            )
    calls = build_calls(CallsRequest(at={"source": "rare"}, limit=5), NOW)
    async with pool.acquire() as connection:
        read: list[Any] = []
        connection.add_query_logger(read.append)
        behind = call_pages.CallsBehind(connection, calls.query, calls.metric, calls.at)
        found = await behind.page(None)
    assert [row["started_time"].day for row in found] == [27, 2]
    places = next(record.args for record in reversed(read) if "LATERAL" in record.query)
    hours = sum(
        (end - begin).total_seconds() / 3600 for begin, end in zip(places[-2], places[-1], strict=True)
    )
    assert hours == 2 * 50, "a day on any clock, twice"
