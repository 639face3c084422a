"""Distinct numbers and callbacks told apart by day, week, month, campaign and source: seals of days say what the facts say."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

import pytest
from structlog.testing import capture_logs

from analytics.build import build_query
from analytics.plan import reads_facts, sealed_groups
from analytics.query import ComparedPeriod, Filter, Order, Period, QueryRequest
from analytics.run import run_query
from campaigns import attribution_seals
from campaigns.callback_seals import seal_callbacks, seal_days_of
from campaigns.database import Pool
from campaigns.number_seals import seal_days, seal_months
from campaigns.rollups import fold_outbox
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.analytics.histories import change

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
METRICS = [
    "attempts",
    "distinct_numbers",
    "answered_by_number",
    "unique_target_numbers",
    "known_numbers",
    "known_by_answered_number",
    "repeat_calls",
    "asr",
    "callbacks_done",
    "callbacks_due",
    "callbacks_missed",
]
READINGS: Final[Sequence[Literal["auto", "facts"]]] = ("auto", "facts")
DAYS = ("2026-10-30", "2026-11-01", "2026-11-02", "2026-11-09", "2026-11-23")
"""Over two months and four weeks; the last is sealed too, the calls of the 24th are of a day that is not over."""


async def add_history(pool: Pool) -> int:
    """Two campaigns that share numbers; every day has numbers of other days."""
    campaigns = [await add_campaign(pool, f"sealed {index}") for index in range(2)]
    for index, (campaign_id, day) in enumerate(itertools.product(campaigns, (*DAYS, "2026-11-24"))):
        for call in range(4):
            await add_attempt(
                pool,
                campaign_id,
                f"{day}T0{call + 5}:30:00Z",
                f"+7900000{(index + call * call) % 7:04d}",
                "answered" if call % 2 else "busy",
                talk_ms=40_000 if call == 1 else 3_000,
                is_target=call == 1,
                disposition="callback_requested" if call % 2 else None,
                source=(None, "site", "search")[(index + call) % 3],
                keyword=f"word {call % 2}" if call else None,
            )
    async with pool.acquire() as connection:
        await fold_outbox(connection)
        assert await seal_days(connection, NOW) > 0
        assert await seal_months(connection, NOW) == len(campaigns) + 1  # October, of all campaigns, too
        assert await attribution_seals.seal_days(connection, NOW) == len(DAYS) * (len(campaigns) + 1)
        assert await attribution_seals.seal_months(connection, NOW) == len(campaigns) + 1
        # of the 23rd some requests may still be answered
        assert await seal_callbacks(connection, NOW) == (len(DAYS) - 1) * (len(campaigns) + 1)
    return campaigns[0]


@pytest.mark.parametrize(
    "dimensions",
    [
        ["day"],
        ["week"],
        ["month"],
        ["campaign"],
        ["campaign", "day"],
        ["month", "campaign"],
        ["source"],
        ["keyword"],
        ["ad", "month"],
        ["day", "source"],
        ["campaign", "source"],
    ],
)
@pytest.mark.parametrize("has_filter", [False, True])
async def test_sealed_days_tell_groups_apart_as_the_facts_do(
    pool: Pool, dimensions: list[str], *, has_filter: bool
) -> None:
    campaign_id = await add_history(pool)
    asked = QueryRequest(
        metrics=METRICS,
        dimensions=dimensions,
        filter=Filter(op="is", dimension="campaign", values=[campaign_id]) if has_filter else None,
        period=Period(from_time="2026-11-01", to_time="2026-11-25"),
        compare=ComparedPeriod(from_time="2026-10-01", to_time="2026-11-01"),
        order=[Order(by=name) for name in dimensions],
    )
    answers = {}
    for reading in ("auto", "facts"):
        query = build_query(
            QueryRequest(
                **{name: getattr(asked, name) for name in asked.__struct_fields__} | {"reading": reading}
            ),
            NOW,
        )
        assert bool(sealed_groups(query)) == (reading == "auto")
        answers[reading] = await run_query(pool, query)
    assert answers["auto"].rows
    assert answers["auto"].rows == answers["facts"].rows
    assert answers["auto"].totals == answers["facts"].totals


@pytest.mark.parametrize(
    ("table", "kind"),
    [("number_seals", "bytea"), ("number_month_seals", "bytea"), ("attribution_seals", "bytea[]")],
)
@pytest.mark.parametrize(
    "damaged",
    [
        # cut off in the middle, a bit of the header turned, nothing left
        "substring({0} FOR length({0}) - 1)",
        "set_bit({0}, 3, 1 - get_bit({0}, 3))",
        r"'\x'::bytea",
    ],
)
async def test_of_damaged_bitmaps_the_facts_are_read_and_it_is_said(
    pool: Pool, table: str, kind: str, damaged: str
) -> None:
    await add_history(pool)
    for column in ("dialed", "answered", "target"):
        new = damaged.format(column)
        if kind == "bytea[]":
            new = f"(SELECT array_agg({damaged.format('part')}) FROM unnest({column}) AS part)"
        await pool.execute(f"UPDATE {table} SET {column} = {new}")
    for dimensions in ([], ["month"], ["day"], ["campaign"], ["source"], ["month", "keyword"]):
        answers = []
        with capture_logs() as logs:
            for reading in READINGS:
                asked = QueryRequest(
                    metrics=METRICS,
                    dimensions=dimensions,
                    period=Period(from_time="2026-10-01", to_time="2026-11-25"),
                    order=[Order(by=name) for name in dimensions],
                    reading=reading,
                )
                answers.append(await run_query(pool, build_query(asked, NOW)))
        assert answers[0].rows == answers[1].rows
        assert answers[0].totals == answers[1].totals
        said = {each["dim"] for each in logs if each["event"] == "seal.unreadable"}
        of_values = {"source": 6, "keyword": 8}.keys() & set(dimensions)
        if table == "attribution_seals":
            assert len(said) == len(of_values)
        elif not of_values and not (table == "number_month_seals" and dimensions == ["day"]):
            assert said == {0}


async def test_an_order_by_distinct_numbers_is_the_facts_to_make(pool: Pool) -> None:
    await add_history(pool)
    asked = QueryRequest(
        metrics=METRICS, dimensions=["day"], order=[Order(by="distinct_numbers", direction="desc")], limit=2
    )
    query = build_query(asked, NOW)
    assert not sealed_groups(query)
    counts = [row.metrics["distinct_numbers"].value for row in (await run_query(pool, query)).rows]
    assert counts == sorted((count for count in counts if count is not None), reverse=True)
    assert len(counts) == 2


async def test_callbacks_are_told_without_the_facts_until_one_of_them_changes(pool: Pool) -> None:
    """Something is written to the day on which the request was answered, and the seal is not asked any more."""
    campaign_id = await add_campaign(pool, time_zone="UTC")
    answered: dict[str, Any] = {"result": "answered", "talk_ms": 9_000}
    asked = "2026-11-09T23:30:00Z"
    await add_attempt(pool, campaign_id, asked, disposition="callback_requested", **answered)
    later = await add_attempt(pool, campaign_id, "2026-11-10T23:30:00Z", **answered)
    query = build_query(
        QueryRequest(metrics=["callbacks_done", "callbacks_due", "callbacks_missed"], dimensions=["day"]), NOW
    )
    assert not reads_facts(query)

    async def told() -> list[Any]:
        row = (await run_query(pool, query)).rows[0]
        return [row.metrics[name].value for name in query.metrics]

    async with pool.acquire() as connection:
        await fold_outbox(connection)
        early = datetime(2026, 11, 10, 23, tzinfo=UTC)
        assert await seal_days_of(connection, campaign_id * 256, [date(2026, 11, 9)], early) == 1
        assert await connection.fetchval("SELECT done FROM callback_seals") == 1
        await connection.execute("UPDATE callback_seals SET done = 7")
        assert await told() == [1, 0, 0], "the seal of a campaign is not that of all"
        assert await seal_callbacks(connection, NOW) == 1
        await connection.execute("UPDATE callback_seals SET done = 0 WHERE shard_key = 0")
        assert await told() == [0, 0, 1], "the seal is believed"
        await change(pool, later, "refused")
        assert await told() == [1, 0, 0], "a day on which something was written is counted anew"


async def test_distinct_numbers_by_source_are_told_by_seals_until_a_call_of_the_day_changes(
    pool: Pool,
) -> None:
    campaign_id = await add_campaign(pool, time_zone="UTC")
    answered: dict[str, Any] = {"result": "answered", "talk_ms": 9_000}
    for number in ("+79000000001", "+79000000002"):
        await add_attempt(pool, campaign_id, "2026-11-09T09:00:00Z", number, source="site", **answered)
    changed = await add_attempt(pool, campaign_id, "2026-11-09T10:00:00Z", "+79000000001", **answered)
    query = build_query(QueryRequest(metrics=["attempts", "distinct_numbers"], dimensions=["source"]), NOW)
    assert not reads_facts(query)

    async def told() -> dict[Any, Any]:
        rows = (await run_query(pool, query)).rows
        return {row.dimensions["source"].value: row.metrics["distinct_numbers"].value for row in rows}

    async with pool.acquire() as connection:
        await fold_outbox(connection)
        assert await attribution_seals.seal_days(connection, NOW) == 0, "the numbers have no ids yet"
        assert await seal_days(connection, NOW) == 2
        assert await attribution_seals.seal_days(connection, NOW) == 2
        assert await told() == {None: 1, "site": 2}
        await connection.execute(
            "UPDATE attribution_seals SET value_texts = ARRAY['', 'site'], dialed = ARRAY[dialed[1], dialed[1]]"
            " WHERE shard_key = 0 AND dim = 6"
        )
        assert len(set((await told()).values())) == 1, "the seal is believed"
        await change(pool, changed, "refused")
        assert await told() == {None: 1, "site": 2}, "a day on which something was written is counted anew"
        await fold_outbox(connection)
        assert await seal_days(connection, NOW) == 2
        assert await attribution_seals.seal_days(connection, NOW) == 2
        assert await told() == {None: 1, "site": 2}
