"""Routes end to end, inside the process: auth, errors in both languages, campaigns and what belongs to them."""

import re

import pytest

from api.auth import SCOPES
from campaigns.database import Pool
from campaigns.store import CampaignStore
from tests.api.conftest import NOW, Client, MakeKey, code_of


async def test_health_needs_no_key(anonymous: Client) -> None:
    response = await anonymous.get("/v1/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "The API key is not valid"), ("ru-RU,ru;q=0.9", "Ключ API недействителен")],
)
async def test_a_wrong_key_is_refused_in_the_language_asked_for(
    anonymous: Client, language: str, title: str
) -> None:
    response = await anonymous.get(
        "/v1/campaigns", headers={"Authorization": "Bearer obzvon_wrong", "Accept-Language": language}
    )
    assert (response.status_code, code_of(response)) == (401, "api_key_invalid")
    assert response.json()["title"] == title
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-language"] == language[:2]


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "", "Bearer \udcff"])
async def test_other_credentials_are_refused(anonymous: Client, header: str) -> None:
    response = await anonymous.get(
        "/v1/campaigns", headers={b"Authorization": header.encode(errors="surrogateescape")}
    )
    assert (response.status_code, code_of(response)) == (401, "api_key_invalid")


async def test_no_credentials_are_refused(anonymous: Client) -> None:
    response = await anonymous.get("/v1/campaigns")
    assert (response.status_code, code_of(response)) == (401, "credentials_missing")


async def test_a_revoked_key_is_refused(anonymous: Client, pool: Pool) -> None:
    key, secret = await CampaignStore(pool).create_api_key("gone", ["admin"], NOW)
    headers = {"Authorization": f"Bearer {secret}"}
    assert (await anonymous.get("/v1/trunks", headers=headers)).status_code == 200
    await CampaignStore(pool).revoke_api_key(key.key_id, NOW)
    assert (await anonymous.get("/v1/trunks", headers=headers)).status_code == 401


async def test_a_key_may_do_what_its_scopes_say_and_no_more(anonymous: Client, make_key: MakeKey) -> None:
    reader = await make_key("campaigns:read")
    assert (await anonymous.get("/v1/campaigns", headers=reader)).status_code == 200
    response = await anonymous.post("/v1/campaigns", headers=reader, json={})
    assert (response.status_code, code_of(response)) == (403, "scope_missing")
    assert "campaigns:write" in response.json()["detail"]


async def test_admin_may_do_everything(anonymous: Client, make_key: MakeKey) -> None:
    admin = await make_key("admin")
    for path in ("/v1/campaigns", "/v1/attempts", "/v1/dnc", "/v1/trunks", "/v1/prompts", "/v1/metrics"):
        assert (await anonymous.get(path, headers=admin)).status_code == 200, path


async def test_every_route_but_the_open_ones_asks_for_a_scope(anonymous: Client) -> None:
    document = (await anonymous.get("/v1/schema/openapi.json")).json()
    open_to_all = {"get_health"}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            response = await anonymous.request(method, re.sub("{.*?}", "1", path))
            expected = 200 if operation["operationId"] in open_to_all else 401
            assert response.status_code == expected, (method, path)
            scopes = [scope for need in operation["security"] for scope in need.get("key", ())]
            assert len(scopes) == (1 if expected == 401 else 0)
            assert set(scopes) <= set(SCOPES)


async def test_an_unknown_campaign_is_named_in_both_languages(client: Client) -> None:
    paths = ("", "/report", "/live", "/imports")
    for path in paths:
        response = await client.get(f"/v1/campaigns/4242{path}", headers={"Accept-Language": "en"})
        assert (response.status_code, code_of(response)) == (404, "campaign_not_found"), path
        assert response.json()["detail"] == "No campaign has the id 4242."
    response = await client.post("/v1/campaigns/4242/start", headers={"Accept-Language": "ru"})
    assert response.json()["detail"] == "Кампании с номером 4242 нет."


async def test_an_unknown_address_and_method_are_problems_too(client: Client) -> None:
    response = await client.get("/v1/nothing")
    assert (response.status_code, code_of(response)) == (404, "not_found")
    response = await client.put("/v1/campaigns")
    assert (response.status_code, code_of(response)) == (405, "method_not_allowed")
    assert "GET" in response.headers["allow"]


async def test_a_campaign_is_created_read_listed_changed_and_lives(client: Client, campaign_id: int) -> None:
    trunk_id = (await client.get("/v1/trunks")).json()["items"][0]["trunk_id"]
    created = await client.post("/v1/campaigns", json={"name": "winter", "trunk_id": trunk_id})
    assert created.status_code == 201
    winter = created.json()
    assert (winter["status"], winter["time_zone"]) == ("draft", "Europe/Moscow")
    path = f"/v1/campaigns/{winter['campaign_id']}"

    assert (await client.get(path)).json() == winter
    page = (await client.get("/v1/campaigns?limit=1")).json()
    assert ([c["name"] for c in page["items"]], page["next_after_id"]) == (["autumn"], campaign_id)
    page = (await client.get(f"/v1/campaigns?limit=1&after_id={campaign_id}")).json()
    assert ([c["name"] for c in page["items"]], page["next_after_id"]) == (["winter"], None)

    changed = await client.patch(path, json={"max_calls_per_second": 2.5, "caller_id": "+74950000000"})
    assert changed.status_code == 200
    assert changed.json() == {**winter, "max_calls_per_second": 2.5, "caller_id": "+74950000000"}
    cleared = await client.patch(path, json={"caller_id": None})
    assert cleared.json()["caller_id"] is None

    response = await client.post(f"{path}/start")
    assert (response.status_code, code_of(response)) == (409, "campaign_has_no_prompt")
    response = await client.post(f"{path}/pause")
    assert (response.status_code, code_of(response)) == (409, "illegal_status_change")


async def test_a_campaign_that_records_does_not_start_without_a_key(client: Client, campaign_id: int) -> None:
    path = f"/v1/campaigns/{campaign_id}"
    await client.post(
        f"{path}/contacts", content=b"phone\n+79161234567\n", headers={"Content-Type": "text/csv"}
    )
    await client.patch(path, json={"recording": "all"})
    response = await client.post(f"{path}/start")
    assert (response.status_code, code_of(response)) == (409, "recording_key_missing")
    assert "OBZVON_RECORDING_KEY" in response.json()["detail"]


async def test_a_campaign_with_contacts_starts_pauses_resumes_and_stops(
    client: Client, campaign_id: int
) -> None:
    path = f"/v1/campaigns/{campaign_id}"
    response = await client.post(f"{path}/start")
    assert (response.status_code, code_of(response)) == (409, "campaign_has_no_contacts")
    await client.post(
        f"{path}/contacts", content=b"phone\n+79161234567\n", headers={"Content-Type": "text/csv"}
    )
    statuses = [
        (await client.post(f"{path}/{action}")).json()["status"]
        for action in ("start", "pause", "resume", "stop")
    ]
    assert statuses == ["running", "paused", "running", "stopped"]


async def test_a_wrong_body_names_every_problem_at_once_in_both_languages(client: Client) -> None:
    body = {"trunk_id": "one", "colour": "red", "ring_timeout_seconds": 3, "purpose": "fun"}
    details = []
    for language, missing in (("en", "Required."), ("ru", "Обязательное поле.")):
        response = await client.post("/v1/campaigns", json=body, headers={"Accept-Language": language})
        assert (response.status_code, code_of(response)) == (422, "request_invalid")
        errors = {error["field"]: error for error in response.json()["errors"]}
        assert {field: error["code"] for field, error in errors.items()} == {
            "name": "missing",
            "trunk_id": "wrong_type",
            "colour": "unknown",
            "ring_timeout_seconds": "out_of_range",
            "purpose": "wrong_type",
        }
        assert errors["name"]["detail"] == missing
        assert not any("problems." in error["detail"] for error in errors.values())
        assert "service, advertising" in errors["purpose"]["detail"]
        details.append(response.json()["detail"])
    assert details == ["5 problems found.", "Найдено 5 ошибок."]


async def test_a_body_that_is_not_json_says_where(client: Client) -> None:
    response = await client.post("/v1/campaigns", content=b'{"name": oops}')
    assert (response.status_code, code_of(response)) == (400, "body_not_json")


async def test_a_body_of_nothing_is_a_problem(client: Client) -> None:
    response = await client.post("/v1/campaigns")
    assert (response.status_code, code_of(response)) == (400, "body_not_json")


async def test_a_body_beyond_the_limit_is_refused(client: Client) -> None:
    response = await client.post("/v1/campaigns", content=b" " * 1_000_001)
    assert (response.status_code, code_of(response)) == (413, "body_too_large")


async def test_an_unknown_trunk_is_a_problem_of_that_field(client: Client, campaign_id: int) -> None:
    response = await client.post("/v1/campaigns", json={"name": "x", "trunk_id": 4242})
    assert (response.status_code, code_of(response)) == (422, "request_invalid")
    assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [("trunk_id", "no_such_reference")]
    response = await client.patch(f"/v1/campaigns/{campaign_id}", json={"prompt_id": 4242})
    assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [
        ("prompt_id", "no_such_reference")
    ]


async def test_wrong_parameters_are_named_together(client: Client) -> None:
    response = await client.get("/v1/attempts?limit=0&result=fine&from=yesterday&campaign_id=x")
    assert (response.status_code, code_of(response)) == (400, "request_invalid")
    assert {error["field"] for error in response.json()["errors"]} == {
        "limit",
        "result",
        "from",
        "campaign_id",
    }


async def test_a_trunk_never_shows_its_password(client: Client) -> None:
    created = await client.post(
        "/v1/trunks", json={"name": "t", "host": "127.0.0.9", "username": "u", "password": "hush"}
    )
    assert created.status_code == 201
    listed = await client.get("/v1/trunks")
    for response in (created, listed):
        assert "hush" not in response.text
    assert listed.json()["items"][0]["has_password"] is True
    again = await client.post("/v1/trunks", json={"name": "t", "host": "127.0.0.9"})
    assert (again.status_code, code_of(again)) == (409, "trunk_name_taken")


async def test_the_do_not_call_list_grows_and_shrinks(
    client: Client, anonymous: Client, make_key: MakeKey
) -> None:
    added = await client.post("/v1/dnc", json={"number": "8 (916) 123-45-67"})
    assert (added.status_code, added.json()["number"], added.json()["source"]) == (201, "+79161234567", "api")
    await client.post("/v1/dnc", json={"number": "+442079460000", "default_country": "GB"})
    page = (await client.get("/v1/dnc?limit=1")).json()
    assert [entry["number"] for entry in page["items"]] == ["+442079460000"]
    page = (await client.get("/v1/dnc", params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert ([entry["number"] for entry in page["items"]], page["next_cursor"]) == (["+79161234567"], None)

    assert (await client.delete("/v1/dnc/+79161234567")).status_code == 403
    admin = await make_key("admin")
    assert (await anonymous.delete("/v1/dnc/+79161234567", headers=admin)).status_code == 204
    response = await anonymous.delete("/v1/dnc/+79161234567", headers=admin)
    assert (response.status_code, code_of(response)) == (404, "dnc_number_not_found")


@pytest.mark.parametrize(
    "body", [{"number": "call me"}, {"number": "123", "default_country": "XX"}, {"number": ""}]
)
async def test_what_is_not_a_number_does_not_enter_the_list(client: Client, body: dict[str, str]) -> None:
    response = await client.post("/v1/dnc", json=body)
    assert (response.status_code, code_of(response)) == (422, "request_invalid")


@pytest.mark.parametrize("cursor", ["!", "aGVsbG8=", "кириллица"])
@pytest.mark.parametrize("path", ["/v1/dnc", "/v1/attempts"])
async def test_a_cursor_that_is_not_ours_is_a_problem(client: Client, path: str, cursor: str) -> None:
    response = await client.get(path, params={"cursor": cursor})
    assert (response.status_code, code_of(response)) == (400, "cursor_invalid")


async def test_metrics_are_defined_in_the_language_asked_for(client: Client) -> None:
    response = await client.get("/v1/metrics", headers={"Accept-Language": "ru"})
    conversion = next(metric for metric in response.json() if metric["name"] == "conversion_per_talk")
    assert (conversion["title"], conversion["denominator"]) == ("Конверсия разговоров", "talks")


async def test_the_api_is_described_for_people_in_both_languages(anonymous: Client) -> None:
    document = (await anonymous.get("/v1/schema/openapi.json")).json()
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids)) >= 20
    for language in ("en", "ru"):
        page = (await anonymous.get("/v1/docs", headers={"Accept-Language": language})).text
        for operation_id in ids:
            assert f'id="{operation_id}"' in page
        assert "openapi.operation." not in page


async def test_a_given_request_id_comes_back_and_a_strange_one_does_not(anonymous: Client) -> None:
    assert (await anonymous.get("/v1/health", headers={"X-Request-Id": "abc-1"})).headers[
        "x-request-id"
    ] == "abc-1"
    assert (await anonymous.get("/v1/health", headers={"X-Request-Id": "a b"})).headers[
        "x-request-id"
    ] != "a b"
