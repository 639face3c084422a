"""Order, pages, comparison and limits of answers; the figures themselves: test_reference.py."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from analytics.build import build_query
from analytics.errors import QueryTimedOut
from analytics.query import QueryRequest
from analytics.result import QueryResult
from analytics.run import run_query
from campaigns.database import Pool
from tests.postgres.analytics.facts import add_attempt, add_campaign

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def ask(pool: Pool, **asked: Any) -> QueryResult:
    request = msgspec.convert({"metrics": ["attempts"], **asked}, QueryRequest)
    return await run_query(pool, build_query(request, NOW))


def keys(result: QueryResult) -> list[Any]:
    return [tuple(value.value for value in row.dimensions.values()) for row in result.rows]


async def add_calls_of_four_sources(pool: Pool) -> int:
    """Answered of ended: a 1 of 2, b 2 of 2, c 0 of 1, none: one under way."""
    campaign_id = await add_campaign(pool)
    for source, result in (
        ("a", "answered"), ("a", "busy"), ("b", "answered"), ("b", "answered"), ("c", "busy"), (None, None)
    ):  # fmt: skip
        await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", result=result, source=source)
    return campaign_id


@pytest.mark.parametrize("reading", ["auto", "facts"])
async def test_rows_come_in_order_with_nulls_last_and_in_pages(pool: Pool, reading: str) -> None:
    await add_calls_of_four_sources(pool)
    asked: dict[str, Any] = {}
    for direction, order in (("desc", ["b", "a", "c", None]), ("asc", ["c", "a", "b", None])):
        asked = {
            "metrics": ["asr"],
            "dimensions": ["source"],
            "order": [{"by": "asr", "direction": direction}],
            "reading": reading,
        }
        assert keys(await ask(pool, **asked)) == [(source,) for source in order]
        page = await ask(pool, **asked, limit=2, offset=1)
        assert keys(page) == [(source,) for source in order[1:3]]
        assert page.row_count == 4
        assert page.totals["asr"].value == 3 / 5
    beyond = await ask(pool, **asked, offset=10)
    assert (beyond.rows, beyond.row_count) == ([], 4)


async def test_hours_are_held_against_the_same_hours_over_a_change_of_the_clock(pool: Pool) -> None:
    """Berlin goes back on 25 October 2026 at 03:00: nine o'clock is +02:00 on the 24th and +01:00 on the 25th."""
    campaign_id = await add_campaign(pool)
    for started in ("2026-10-24T07:10:00Z", "2026-10-25T08:10:00Z", "2026-10-25T08:20:00Z"):
        await add_attempt(pool, campaign_id, started)
    result = await ask(
        pool,
        dimensions=["hour"],
        time_zone="Europe/Berlin",
        period={"from": "2026-10-25", "to": "2026-10-26"},
        compare={"name": "previous_period"},
    )
    assert keys(result) == [("2026-10-25T09:00:00+01:00",)]
    attempts = result.rows[0].metrics["attempts"]
    assert (attempts.value, attempts.previous, attempts.difference) == (2, 1, 1)


async def test_ids_have_names(pool: Pool) -> None:
    campaign_id = await add_calls_of_four_sources(pool)
    result = await ask(pool, dimensions=["campaign", "trunk"])
    named = result.rows[0].dimensions
    assert (named["campaign"].value, named["campaign"].name) == (campaign_id, "autumn")
    assert str(named["trunk"].name).startswith("autumn-")


async def test_an_empty_period_has_zero_counts_and_null_rates(pool: Pool) -> None:
    await add_calls_of_four_sources(pool)
    result = await ask(
        pool,
        metrics=[
            "attempts",
            "talk_seconds_sum",
            "asr",
            "talk_seconds_mean",
            "talk_seconds_median",
            "cost_per_talk",
        ],
        dimensions=["day"],
        period={"from": "2026-01-01", "to": "2026-02-01"},
    )
    assert result.rows == []
    assert [figure.value for figure in result.totals.values()] == [0, 0.0, None, None, None, None]


async def test_an_answer_that_takes_too_long_is_cut_off(pool: Pool) -> None:
    await add_calls_of_four_sources(pool)
    query = build_query(QueryRequest(metrics=["attempts"], reading="facts"), NOW)
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("LOCK TABLE attempts")
        with pytest.raises(QueryTimedOut):
            await run_query(pool, query, timeout_seconds=0.2)
