import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.access import AccessStore
from campaigns.database import Pool
from campaigns.errors import NotFound

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def access(pool: Pool) -> AccessStore:
    return AccessStore(pool)


async def test_a_key_is_found_by_its_secret_until_it_is_revoked(access: AccessStore) -> None:
    key, secret = await access.create_api_key("crm", ["reports:read"], NOW)
    assert await access.find_api_key(secret) == key
    assert await access.find_api_key(secret + "x") is None
    assert await access.find_api_key("\ud800\0") is None
    revoked = await access.revoke_api_key(key.key_id, NOW + HOUR)
    assert await access.find_api_key(secret) is None
    assert (await access.revoke_api_key(key.key_id, NOW + 2 * HOUR)).revoked_time == NOW + HOUR
    assert await access.list_api_keys() == [revoked]
    with pytest.raises(NotFound):
        await access.revoke_api_key(99, NOW)


async def test_no_secret_is_stored(access: AccessStore, pool: Pool) -> None:
    _, secret = await access.create_api_key("crm", ["admin"], NOW)
    row = await pool.fetchrow("SELECT * FROM api_keys")
    assert row is not None
    assert secret not in repr(row)


async def test_a_link_opens_one_session_however_many_come_at_once(access: AccessStore) -> None:
    link = await access.create_sign_in_link(["admin"], NOW, HOUR)
    opened = await asyncio.gather(*(access.open_session(link, NOW, HOUR) for _ in range(5)))
    tokens = [token for token in opened if token is not None]
    assert len(tokens) == 1
    session = await access.find_session(tokens[0], NOW)
    assert session is not None
    assert (session.scopes, session.expires_time) == (("admin",), NOW + HOUR)
    await access.close_session(tokens[0])
    assert await access.find_session(tokens[0], NOW) is None


async def test_links_and_sessions_end(access: AccessStore, pool: Pool) -> None:
    old = await access.create_sign_in_link(["admin"], NOW, HOUR)
    assert await access.open_session(old, NOW + HOUR, HOUR) is None
    token = await access.open_session(await access.create_sign_in_link(["admin"], NOW, HOUR), NOW, HOUR)
    assert token is not None
    assert await access.find_session(token, NOW + HOUR) is None
    await access.create_sign_in_link(["admin"], NOW + 2 * HOUR, HOUR)
    assert await pool.fetchval("SELECT count(*) FROM sessions") == 0, "what has ended is forgotten"
    assert await access.open_session("unknown", NOW, HOUR) is None
