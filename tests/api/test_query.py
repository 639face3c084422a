"""POST /v1/query and its neighbours, from outside. The figures themselves: tests/postgres/analytics/test_query.py."""

from typing import Any

import pytest

from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of
from tests.postgres.analytics.facts import add_attempt


async def ask(client: Client, language: str = "en", **query: Any) -> dict[str, Any]:
    response = await client.post("/v1/query", json=query, headers={"Accept-Language": language})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def add_three_calls(pool: Pool, campaign_id: int) -> None:
    await add_attempt(pool, campaign_id, "2026-11-22T21:30:00Z", "+79000000001", "busy")
    await add_attempt(
        pool,
        campaign_id,
        "2026-11-23T10:00:00Z",
        "+79000000001",
        "answered",
        talk_ms=40_000,
        disposition="refused",
    )
    await add_attempt(pool, campaign_id, "2026-11-23T11:00:00Z", "+79000000002", "answered", talk_ms=2_000)


async def test_an_answer_echoes_the_query_and_explains_its_figures(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    await add_three_calls(pool, campaign_id)
    answer = await ask(
        client,
        metrics=["attempts", "asr", "talk_seconds_sum"],
        dimensions=["day", "campaign"],
        filter={"op": "is", "dimension": "campaign", "values": [campaign_id]},
        period={"name": "last_7_days"},
        time_zone="Europe/Moscow",
    )
    assert answer["query"]["period"] == {"from": "2026-11-17T21:00:00Z", "to": "2026-11-24T21:00:00Z"}
    assert answer["query"]["order"] == [
        {"by": "day", "direction": "asc"},
        {"by": "campaign", "direction": "asc"},
    ]
    assert [column["title"] for column in answer["metrics"]] == ["Attempts", "ASR", "Talk time"]
    assert answer["row_count"] == 1
    row = answer["rows"][0]
    assert row["dimensions"] == {
        "day": {"value": "2026-11-23"},
        "campaign": {"value": campaign_id, "name": "autumn"},
    }
    assert row["metrics"]["attempts"] == {"value": 3}
    asr = row["metrics"]["asr"]
    assert (asr["numerator"], asr["denominator"], asr["denominator_name"], asr["n"]) == (
        2,
        3,
        "settled_attempts",
        3,
    )
    assert asr["low"] < asr["value"] == 2 / 3 < asr["high"]
    assert answer["totals"]["talk_seconds_sum"] == {"value": 42.0}


async def test_a_comparison_shows_what_changed(client: Client, pool: Pool, campaign_id: int) -> None:
    await add_three_calls(pool, campaign_id)
    answer = await ask(
        client,
        metrics=["attempts", "answered_by_attempt"],
        dimensions=["day"],
        period={"from": "2026-11-23", "to": "2026-11-24"},
        compare={"name": "previous_period"},
    )
    row = answer["rows"][0]["metrics"]
    assert row["attempts"] == {
        "value": 2,
        "previous": 1,
        "difference": 1,
        "relative_difference": 1.0,
    }
    assert (row["answered_by_attempt"]["value"], row["answered_by_attempt"]["previous"]) == (1.0, 0.0)
    assert answer["totals"]["attempts"]["previous"] == 1


async def test_everything_wrong_is_named_together_with_what_to_do(client: Client) -> None:
    response = await client.post(
        "/v1/query",
        json={
            "metrics": ["atempts", "penetration"],
            "dimensions": ["day", "colour"],
            "filter": {"op": "and", "filters": [{"op": "gt", "dimension": "result", "values": ["busy"]}]},
            "period": {"name": "today", "from": "2026-11-23"},
            "time_zone": "Europe/Moskva",
            "order": [{"by": "asr"}],
            "limit": 0,
        },
    )
    assert (response.status_code, code_of(response)) == (422, "query_refused")
    problems = {error["field"]: error for error in response.json()["errors"]}
    assert {field: problem["code"] for field, problem in problems.items()} == {
        "metrics.0": "unknown_metric",
        "dimensions.1": "unknown_dimension",
        "dimensions.0": "dimension_not_for_metric",
        "filter.filters.0.dimension": "dimension_not_for_metric",
        "filter.filters.0.values": "size_needs_number",
        "period": "name_or_instants",
        "time_zone": "unknown_time_zone",
        "order.0.by": "order_not_in_query",
        "limit": "out_of_range",
    }
    assert "attempts" in problems["metrics.0"]["detail"]
    assert "Europe/Moscow" in problems["time_zone"]["detail"]
    assert "campaign" in problems["dimensions.0"]["detail"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"metrics": "attempts"}, "metrics", "wrong_type"),
        ({"metrics": ["attempts"], "colour": 1}, "colour", "unknown"),
        ({"metrics": ["attempts"], "filter": {"op": "eq"}}, "filter.op", "wrong_type"),
        ({}, "metrics", "missing"),
    ],
)
async def test_a_body_of_the_wrong_shape_is_a_problem(
    client: Client, body: dict[str, Any], field: str, code: str
) -> None:
    response = await client.post("/v1/query", json=body)
    assert (response.status_code, code_of(response)) == (422, "request_invalid")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [(field, code)]


async def test_text_of_a_request_is_never_text_of_a_statement(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    await add_three_calls(pool, campaign_id)
    evil = "busy'; DROP TABLE attempts; --"
    answer = await ask(
        client,
        metrics=["attempts"],
        filter={
            "op": "or",
            "filters": [
                {"op": "is", "dimension": "result", "values": [evil]},
                {"op": "contains", "dimension": "caller_id", "values": [evil, "%", "_"]},
            ],
        },
    )
    assert answer["totals"]["attempts"] == {"value": 0}
    assert (await ask(client, metrics=["attempts"]))["totals"]["attempts"] == {"value": 3}


async def test_the_calls_behind_a_figure_are_listed_page_by_page(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    await add_three_calls(pool, campaign_id)
    asked: dict[str, Any] = {
        "metric": "answered_attempts",
        "at": {"day": "2026-11-23", "campaign": campaign_id},
        "time_zone": "Europe/Moscow",
        "limit": 1,
    }
    first = (await client.post("/v1/query/calls", json=asked)).json()
    second = (await client.post("/v1/query/calls", json=asked | {"cursor": first["next_cursor"]})).json()
    assert [item["talk_ms"] for item in first["items"] + second["items"]] == [2_000, 40_000]
    assert second["next_cursor"] is None


async def test_numbers_of_the_calls_behind_a_figure_are_masked(
    client: Client, anonymous: Client, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", "+79161234567")
    whole = await client.post("/v1/query/calls", json={})
    assert whole.json()["items"][0]["number"] == "+79161234567"
    blind = await anonymous.post("/v1/query/calls", json={}, headers=await make_key("reports:read"))
    assert blind.json()["items"][0]["number"] == "+79161…567"
    assert "1234567" not in blind.text


async def test_what_no_row_can_have_is_refused(client: Client) -> None:
    response = await client.post(
        "/v1/query/calls",
        json={"metric": "leads", "at": {"day": "yesterday", "colour": 1, "campaign": "autumn"}},
    )
    assert (response.status_code, code_of(response)) == (422, "query_refused")
    assert {error["field"]: error["code"] for error in response.json()["errors"]} == {
        "metric": "metric_without_calls",
        "at.day": "not_a_dimension_value",
        "at.colour": "unknown_dimension",
        "at.campaign": "not_a_dimension_value",
    }


async def test_the_registries_are_served_in_the_language_of_the_client(client: Client) -> None:
    metrics = (await client.get("/v1/metrics", headers={"Accept-Language": "ru"})).json()
    by_name = {metric["name"]: metric for metric in metrics}
    conversion = by_name["conversion_per_talk"]
    assert (conversion["title"], conversion["denominator"]) == ("Конверсия разговоров", "talks")
    assert conversion["is_null_when"] == "talks = 0"
    assert by_name["penetration"]["dimensions"] == ["campaign", "list", "source", "ad", "keyword", "region"]
    assert not by_name["penetration"]["has_calls"]
    dimensions = (await client.get("/v1/dimensions", headers={"Accept-Language": "ru"})).json()
    assert {"name": "weekday", "title": "День недели"}.items() <= next(
        dimension for dimension in dimensions if dimension["name"] == "weekday"
    ).items()


async def test_figures_need_the_right_to_read_reports(anonymous: Client, make_key: MakeKey) -> None:
    key = await make_key("campaigns:read")
    for path in ("/v1/query", "/v1/query/calls"):
        response = await anonymous.post(path, json={"metrics": ["attempts"]}, headers=key)
        assert (response.status_code, code_of(response)) == (403, "scope_missing")
