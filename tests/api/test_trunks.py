"""`/v1/trunks`: what can be set, what is refused and how it is said."""

from typing import Any

import pytest

from tests.api.conftest import Client

FULL: dict[str, Any] = {
    "name": "carrier two",
    "host": "sip.example.net",
    "username": "us",
    "password": "hush",
    "identity": {"has_asserted_identity": True, "privacy": ["id"], "display_name": "Фирма"},
    "sip": {"max_redirects": 1, "session_expires_seconds": None},
    "registration": {"registrars": ["a.example.net:5070"], "expires_seconds": 120},
    "health": {"options_interval_seconds": 15, "consecutive_faults": 3},
}


async def test_a_trunk_is_created_read_changed_and_deleted(client: Client) -> None:
    created = await client.post("/v1/trunks", json=FULL)
    assert created.status_code == 201, created.text
    path = f"/v1/trunks/{created.json()['trunk_id']}"
    read = (await client.get(path)).json()
    assert read == created.json()
    for name in ("identity", "sip", "registration", "health"):
        assert read[name].items() >= FULL[name].items()
    changed = await client.patch(path, json={"registration": None, "max_channels": 3})
    assert (changed.status_code, changed.json()) == (200, {**read, "registration": None, "max_channels": 3})
    assert (await client.patch(path, json={"password": "new"})).json()["has_password"] is True
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_all_mistakes_are_named_together_and_in_words(client: Client, language: str) -> None:
    body = {
        "name": "",
        "host": "sip:example.net/x",
        "port": 0,
        "password": "hush",
        "engine": "fax",
        "identity": {"privacy": ["none", "id"], "colour": "red"},
        "sip": {"session_expires_seconds": 10, "max_redirects": 9},
        "registration": {"registrars": ["no such:place"], "expires_seconds": 1},
        "health": {"options_interval_seconds": 0.1, "fault_share": 7},
    }
    response = await client.post("/v1/trunks", json=body, headers={"Accept-Language": language})
    assert response.status_code == 422
    errors = {(error["field"], error["code"]) for error in response.json()["errors"]}
    assert errors >= {
        ("name", "empty"),
        ("host", "not_a_host"),
        ("port", "out_of_range"),
        ("username", "password_without_username"),
        ("engine", "wrong_type"),
        ("identity.colour", "unknown"),
        ("sip.session_expires_seconds", "too_small"),
        ("sip.max_redirects", "out_of_range"),
        ("registration.registrars", "not_a_host"),
        ("registration.expires_seconds", "out_of_range"),
        ("health.options_interval_seconds", "out_of_range"),
        ("health.fault_share", "out_of_range"),
    }
    assert not any("problems." in error["detail"] for error in response.json()["errors"])
    assert "hush" not in response.text


async def test_a_wrong_patch_changes_nothing(client: Client) -> None:
    path = f"/v1/trunks/{(await client.post('/v1/trunks', json=FULL)).json()['trunk_id']}"
    before = (await client.get(path)).json()
    response = await client.patch(
        path, json={"port": -1, "identity": {"privacy": ["critical"]}, "max_channels": 9}
    )
    assert {(error["field"], error["code"]) for error in response.json()["errors"]} == {
        ("port", "out_of_range"),
        ("identity.privacy", "privacy_critical_alone"),
    }
    assert (await client.patch(path, json={"engine": "pyvoip"})).status_code == 422, "it registers"
    assert (await client.get(path)).json() == before


async def test_a_trunk_in_use_is_not_deleted_and_says_by_whom(client: Client, campaign_id: int) -> None:
    trunk_id = (await client.get(f"/v1/campaigns/{campaign_id}")).json()["trunks"][0]["trunk_id"]
    response = await client.delete(f"/v1/trunks/{trunk_id}")
    assert (response.status_code, response.json()["code"]) == (409, "trunk_in_use")
    assert "autumn" in response.json()["detail"]


async def test_a_campaign_takes_one_trunk_or_a_list(client: Client, campaign_id: int) -> None:
    path = f"/v1/campaigns/{campaign_id}"
    other = (await client.post("/v1/trunks", json=FULL)).json()["trunk_id"]
    first = (await client.get(path)).json()["trunks"][0]["trunk_id"]
    wanted = [
        {"trunk_id": first, "priority": 0, "weight": 3},
        {"trunk_id": other, "priority": 1, "weight": 1},
    ]
    assert (await client.patch(path, json={"trunks": wanted})).json()["trunks"] == wanted
    for body, problem in (
        ({"trunks": [{"trunk_id": first}, {"trunk_id": first}]}, ("trunks", "same_trunk_twice")),
        ({"trunks": [{"trunk_id": first, "weight": 0}]}, ("trunks.0.weight", "out_of_range")),
        ({"trunks": [{"trunk_id": 4242}]}, ("trunks", "no_such_reference")),
        ({"trunks": wanted, "trunk_id": first}, ("trunks", "trunks_twice")),
    ):
        response = await client.patch(path, json=body)
        assert (response.status_code, [(e["field"], e["code"]) for e in response.json()["errors"]]) == (
            422,
            [problem],
        )
    assert (await client.post("/v1/campaigns", json={"name": "none"})).json()["errors"][0][
        "field"
    ] == "trunk_id"
