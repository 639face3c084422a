"""How calls are judged and priced, over HTTP."""

import pytest

from campaigns.database import Pool
from tests.api.conftest import Client, code_of


async def test_the_rules_of_a_campaign_are_read_and_set(client: Client, campaign_id: int, pool: Pool) -> None:
    path = f"/v1/campaigns/{campaign_id}/report-rules"
    usual = {"target_min_seconds": 30, "target_max_seconds": 3600, "machine_counts_as_success": False}
    assert (await client.get(path)).json() == usual
    wanted = {"target_min_seconds": 60, "target_max_seconds": 60, "machine_counts_as_success": True}
    response = await client.put(path, json=wanted)
    assert response.status_code == 200, response.text
    assert (await client.get(path)).json() == wanted
    change = await pool.fetchrow(
        "SELECT action, subject_kind, old FROM audit_log ORDER BY audit_id DESC LIMIT 1"
    )
    assert change is not None
    assert (change["action"], change["subject_kind"], change["old"]) == ("change", "campaign", usual)


async def test_the_prices_of_a_trunk_are_unknown_until_set(client: Client, campaign_id: int) -> None:
    path = "/v1/trunks/1/prices"
    assert (await client.get(path)).json()["price_per_minute_micros"] is None
    wanted = {
        "price_per_minute_micros": 1_250_000,
        "price_per_connection_micros": None,
        "billing_increment_seconds": 1,
    }
    assert (await client.put(path, json=wanted)).json() == wanted
    assert (await client.get(path)).json() == wanted


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("campaigns/1/report-rules", {"target_min_seconds": -1}, "target_min_seconds"),
        (
            "campaigns/1/report-rules",
            {"target_min_seconds": 50, "target_max_seconds": 40},
            "target_max_seconds",
        ),
        ("trunks/1/prices", {"price_per_minute_micros": -5}, "price_per_minute_micros"),
        ("trunks/1/prices", {"billing_increment_seconds": 0}, "billing_increment_seconds"),
    ],
)
async def test_rules_that_cannot_be_are_named(
    client: Client, campaign_id: int, path: str, body: dict[str, int], field: str
) -> None:
    response = await client.put(f"/v1/{path}", json=body)
    assert response.status_code == 422, response.text
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_what_does_not_exist_has_no_rules(client: Client) -> None:
    for path in ("campaigns/9/report-rules", "trunks/9/prices"):
        response = await client.put(f"/v1/{path}", json={})
        assert (response.status_code, code_of(response)) == (404, f"{path.split('s/')[0]}_not_found")
