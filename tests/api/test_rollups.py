"""Facts that people change after the call, and the state of the sums, over HTTP."""

from datetime import UTC, datetime

from campaigns.database import Pool
from campaigns.rollups import fold_outbox
from campaigns.snowflake import SnowflakeIds
from tests.api.conftest import Client, MakeKey, code_of
from tests.postgres.analytics.facts import add_attempt

STARTED = "2026-11-23T10:00:00Z"
# contact 809924222 below is what tests.postgres.analytics.facts makes of +79161234567


async def add_call(
    pool: Pool, campaign_id: int, number: str = "+79000000001", digits: str | None = None
) -> int:
    """A settled call whose id holds its time, as a node makes it."""
    made = await add_attempt(pool, campaign_id, STARTED, number, "answered", talk_ms=40_000, digits=digits)
    attempt_id = SnowflakeIds(1).next(int(datetime.fromisoformat(STARTED).timestamp() * 1000)) + made % 1000
    await pool.execute("UPDATE attempts SET attempt_id = $2 WHERE attempt_id = $1", made, attempt_id)
    await pool.execute("UPDATE outbox SET attempt_id = $2 WHERE attempt_id = $1", made, attempt_id)
    return attempt_id


async def figure(pool: Pool, campaign_id: int, name: str) -> int:
    found: int = await pool.fetchval(
        f"SELECT coalesce(sum({name}), 0)::bigint FROM stats_now WHERE shard_key = $1 AND dim = 1",
        campaign_id * 256,
    )
    return found


async def test_a_disposition_given_later_moves_the_figures_once(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    attempt_id = await add_call(pool, campaign_id)
    path = f"/v1/attempts/{attempt_id}/disposition"

    first = await client.post(path, json={"disposition": "order"})
    assert first.status_code == 200, first.text
    assert first.json() == {"attempt_id": str(attempt_id), "old_disposition": None, "disposition": "order"}
    again = await client.post(path, json={"disposition": "order"})
    assert again.json()["old_disposition"] == "order"
    assert (await figure(pool, campaign_id, "orders"), await figure(pool, campaign_id, "meetings")) == (1, 0)

    async with pool.acquire() as connection:
        await fold_outbox(connection)
    await client.post(path, json={"disposition": "meeting"})
    assert (await figure(pool, campaign_id, "orders"), await figure(pool, campaign_id, "meetings")) == (0, 1)
    await client.post(path, json={"disposition": None})
    assert (await figure(pool, campaign_id, "meetings"), await figure(pool, campaign_id, "attempts")) == (
        0,
        1,
    )

    audit = await pool.fetch(
        "SELECT changed_by, old_disposition, new_disposition FROM fact_changes ORDER BY change_id"
    )
    assert [(row["old_disposition"], row["new_disposition"]) for row in audit] == [
        (None, "order"),
        ("order", "meeting"),
        ("meeting", None),
    ]
    assert {row["changed_by"] for row in audit} == {"key:1"}


async def test_a_refusal_given_later_forbids_the_number(client: Client, pool: Pool, campaign_id: int) -> None:
    attempt_id = await add_call(pool, campaign_id, "+79000000005")
    await client.post(f"/v1/attempts/{attempt_id}/disposition", json={"disposition": "refused"})
    assert await pool.fetchval("SELECT source FROM dnc_numbers WHERE number = '+79000000005'") == "api"


async def test_an_attempt_that_is_none_or_not_over_cannot_have_a_disposition(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    unknown = await client.post("/v1/attempts/123/disposition", json={"disposition": "order"})
    assert (unknown.status_code, code_of(unknown)) == (404, "attempt_not_found")
    attempt_id = await add_call(pool, campaign_id)
    await pool.execute("UPDATE attempts SET settled_time = NULL")
    open_one = await client.post(f"/v1/attempts/{attempt_id}/disposition", json={"disposition": "order"})
    assert (open_one.status_code, code_of(open_one)) == (409, "attempt_under_way")
    nonsense = await client.post(f"/v1/attempts/{attempt_id}/disposition", json={"disposition": "sold"})
    assert nonsense.status_code == 422


async def test_an_erased_person_leaves_the_figures_as_they_were(
    client: Client, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    number = "+79161234567"
    await pool.execute(
        "INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id) "
        'VALUES ($1 * 256, 809924222, $1, $2, \'{"name": "Ivan"}\', 1)',
        campaign_id,
        number,
    )
    await pool.execute(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made) "
        "VALUES ($1 * 256, 809924222, $1, $2, 'pending', $3, 1)",
        campaign_id,
        number,
        datetime(2026, 11, 24, tzinfo=UTC),
    )
    await pool.execute(
        "INSERT INTO import_rejections (shard_key, import_id, line, value, code, params) "
        "VALUES ($1 * 256, 1, 2, '8 (916) 123-45-67', 'duplicate_in_file', '{}')",
        campaign_id,
    )
    await add_call(pool, campaign_id, number, digits="12")
    await pool.execute(
        "INSERT INTO call_traces (shard_key, attempt_id, call_id, started_time, written_time, is_complete, messages) "
        "SELECT shard_key, attempt_id, call_id, started_time, started_time, true, $1 FROM attempts",
        f"INVITE sip:{number}@carrier SIP/2.0".encode(),
    )
    forbidden = await client.post("/v1/contacts/erase", json={"number": number})
    assert forbidden.status_code == 403

    response = await client.post(
        "/v1/contacts/erase", json={"number": "8 916 123-45-67"}, headers=await make_key("admin")
    )

    assert response.status_code == 200, response.text
    assert response.json() == {
        "contacts": 1,
        "attempts": 1,
        "rejected_rows": 1,
        "recordings_deleted": 0,
        "recordings_waiting": [],
        "recordings_held": [],
    }
    words = {
        await pool.fetchval(f"SELECT number FROM {table}") for table in ("contacts", "leads", "attempts")
    }
    assert len(words) == 1
    assert words.pop().startswith("erased-")
    assert await pool.fetchval("SELECT fields FROM contacts") == {}
    assert await pool.fetchval("SELECT due_time FROM leads") is None
    assert await pool.fetchval("SELECT digits FROM attempts") is None
    assert await figure(pool, campaign_id, "attempts") == 1
    assert await pool.fetchval("SELECT count(*) FROM call_traces") == 0
    for table in ("contacts", "leads", "attempts", "import_rejections", "fact_changes", "idempotency_keys"):
        assert (
            await pool.fetchval(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%79161234567%'") == 0
        ), table


async def test_a_person_in_a_call_is_erased_when_it_is_over(
    client: Client, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    await pool.execute(
        "INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id) "
        "VALUES ($1 * 256, 809924222, $1, '+79161234567', '{}', 1)",
        campaign_id,
    )
    await pool.execute(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made, open_attempt_id) "
        "VALUES ($1 * 256, 809924222, $1, '+79161234567', 'dialing', 1, 9)",
        campaign_id,
    )
    response = await client.post(
        "/v1/contacts/erase", json={"number": "+79161234567"}, headers=await make_key("admin")
    )
    assert (response.status_code, code_of(response)) == (409, "call_under_way")


async def test_the_state_says_whether_the_figures_are_proven(
    client: Client, pool: Pool, campaign_id: int
) -> None:
    nothing = (await client.get("/v1/rollups")).json()
    assert (nothing["is_proven"], nothing["outbox_rows"], nothing["wrong"]) == (True, 0, [])
    await add_call(pool, campaign_id)
    assert (await client.get("/v1/rollups")).json()["outbox_rows"] == 1
    async with pool.acquire() as connection:
        await fold_outbox(connection)
    unchecked = (await client.get("/v1/rollups")).json()
    assert (unchecked["is_proven"], unchecked["outbox_rows"]) == (False, 0)
