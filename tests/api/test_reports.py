"""Reports and attempts over HTTP."""

import pytest

from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of
from tests.postgres.analytics.facts import add_attempt


async def test_the_report_of_a_campaign_carries_numerators_and_nulls(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    path = f"/v1/campaigns/{campaign_id}/report"
    empty = (await client.get(path)).json()
    assert empty["conversion"] == {
        "numerator": 0,
        "denominator": 0,
        "denominator_name": "answered_attempts",
        "value": None,
    }
    await add_attempt(pool, campaign_id, "2026-11-23T20:59:00Z", result="answered", talk_ms=4000)
    await add_attempt(
        pool,
        campaign_id,
        "2026-11-23T21:00:00Z",
        result="answered",
        talk_ms=6000,
        disposition="callback_requested",
    )
    report = (await client.get(path)).json()
    assert (report["conversion"]["numerator"], report["conversion"]["value"]) == (1, 0.5)
    assert report["talk_seconds"] == {"count": 2, "sum": 10.0, "mean": 5.0, "median": 5.0}
    assert [(day["start"], day["attempts"]) for day in report["by_day"]] == [
        ("2026-11-23T00:00:00+03:00", 1),
        ("2026-11-24T00:00:00+03:00", 1),
    ]
    part = await client.get(
        path, params={"from": "2026-11-24T00:00:00+03:00", "to": "2026-11-25T00:00:00+03:00"}
    )
    assert part.json()["attempts"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-24T00:00:00", "from"),
        ("from=yesterday", "from"),
        ("from=2026-11-24T00:00:00Z&to=2026-11-24T00:00:00Z", "to"),
    ],
)
async def test_a_period_that_is_none_is_a_problem(
    client: Client, campaign_id: int, query: str, field: str
) -> None:
    response = await client.get(f"/v1/campaigns/{campaign_id}/report?{query}")
    assert (response.status_code, code_of(response)) == (400, "request_invalid")
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_attempts_are_read_page_by_page(client: Client, pool: Pool, campaign_id: int) -> None:
    ids = [str(await add_attempt(pool, campaign_id, f"2026-11-23T10:00:0{n}Z")) for n in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": 2, "campaign_id": campaign_id} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/attempts", params=params)).json()
        seen += [attempt["attempt_id"] for attempt in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (ids[::-1], None)


async def test_numbers_are_masked_unless_the_key_may_see_them(
    client: Client, anonymous: Client, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z", "+79161234567")
    assert (await client.get("/v1/attempts")).json()["items"][0]["number"] == "+79161234567"
    blind = await make_key("reports:read")
    response = await anonymous.get("/v1/attempts", headers=blind)
    assert response.json()["items"][0]["number"] == "+79161…567"
    assert "1234567" not in response.text


async def test_attempts_of_an_unknown_campaign_are_not_an_empty_list(client: Client) -> None:
    response = await client.get("/v1/attempts?campaign_id=4242")
    assert (response.status_code, code_of(response)) == (404, "campaign_not_found")
