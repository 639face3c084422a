"""A POST that is sent twice under one key is done once."""

import asyncio

import pytest

from campaigns.database import Pool
from tests.api.conftest import Client, MakeKey, code_of

TRUNK = {"name": "t", "host": "127.0.0.9"}


async def test_the_second_answer_is_the_first_one_again(client: Client, pool: Pool) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = await client.post("/v1/trunks", json=TRUNK, headers=headers)
    second = await client.post("/v1/trunks", json=TRUNK, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await pool.fetchval("SELECT count(*) FROM trunks") == 1


async def test_a_key_with_another_request_is_refused(client: Client) -> None:
    headers = {"Idempotency-Key": "abc"}
    await client.post("/v1/trunks", json=TRUNK, headers=headers)
    for path, body in (("/v1/trunks", {**TRUNK, "port": 5070}), ("/v1/dnc", TRUNK | {"number": "x"})):
        response = await client.post(path, json=body, headers=headers)
        assert response.status_code == 422
    response = await client.post("/v1/trunks", json={**TRUNK, "port": 5070}, headers=headers)
    assert code_of(response) == "idempotency_key_reused"


async def test_keys_of_two_senders_are_two_keys(client: Client, anonymous: Client, make_key: MakeKey) -> None:
    other = await make_key("campaigns:write")
    await client.post("/v1/trunks", json=TRUNK, headers={"Idempotency-Key": "abc"})
    response = await anonymous.post(
        "/v1/trunks", json={**TRUNK, "name": "u"}, headers={"Idempotency-Key": "abc", **other}
    )
    assert response.status_code == 201


async def test_a_request_that_failed_may_be_sent_again_under_its_key(client: Client, pool: Pool) -> None:
    headers = {"Idempotency-Key": "abc"}
    await client.post("/v1/trunks", json=TRUNK)
    response = await client.post("/v1/trunks", json=TRUNK, headers=headers)
    assert code_of(response) == "trunk_name_taken"
    await pool.execute("DELETE FROM trunks")
    assert (await client.post("/v1/trunks", json=TRUNK, headers=headers)).status_code == 201


async def test_of_many_at_once_one_works_and_the_others_repeat_or_wait(client: Client, pool: Pool) -> None:
    responses = await asyncio.gather(
        *(client.post("/v1/trunks", json=TRUNK, headers={"Idempotency-Key": "abc"}) for _ in range(8))
    )
    assert {response.status_code for response in responses} <= {201, 409}
    assert {code_of(r) for r in responses if r.status_code == 409} <= {"idempotency_key_in_progress"}
    assert await pool.fetchval("SELECT count(*) FROM trunks") == 1
    last = await client.post("/v1/trunks", json=TRUNK, headers={"Idempotency-Key": "abc"})
    assert last.status_code == 201


async def test_a_key_under_way_is_a_conflict(client: Client, pool: Pool) -> None:
    await client.post("/v1/trunks", json=TRUNK, headers={"Idempotency-Key": "abc"})
    await pool.execute("UPDATE idempotency_keys SET response_status = NULL, response_body = NULL")
    response = await client.post("/v1/trunks", json=TRUNK, headers={"Idempotency-Key": "abc"})
    assert (response.status_code, code_of(response)) == (409, "idempotency_key_in_progress")


async def test_a_key_older_than_a_day_is_forgotten(client: Client, pool: Pool) -> None:
    await client.post("/v1/dnc", json={"number": "+79161234567"}, headers={"Idempotency-Key": "abc"})
    await pool.execute("UPDATE idempotency_keys SET created_time = created_time - interval '25 hours'")
    response = await client.post(
        "/v1/dnc", json={"number": "+79161234568"}, headers={"Idempotency-Key": "abc"}
    )
    assert (response.status_code, response.json()["number"]) == (201, "+79161234568")


@pytest.mark.parametrize("key", ["", "x" * 256, "кл"])
async def test_a_key_must_be_short_and_visible(client: Client, key: str) -> None:
    response = await client.post("/v1/trunks", json=TRUNK, headers={b"Idempotency-Key": key.encode()})
    assert (response.status_code, code_of(response)) == (400, "idempotency_key_invalid")
