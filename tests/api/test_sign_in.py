"""One-time links and browser sessions."""

from datetime import timedelta

import pytest

from api.auth import SESSION_COOKIE
from campaigns.database import Pool
from campaigns.store import CampaignStore
from tests.api.conftest import NOW, Client, code_of

HOST = "testserver.local"
OWN_PAGE = {"Origin": f"http://{HOST}"}
TRUNK = {"name": "t", "host": "127.0.0.9"}


async def signed_in(client: Client, pool: Pool, *scopes: str) -> str:
    token = await CampaignStore(pool).create_sign_in_link(scopes, NOW, timedelta(minutes=15))
    response = await client.post(f"/sign-in/{token}", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/campaigns")
    return token


async def test_looking_at_a_link_does_not_use_it_up(anonymous: Client, pool: Pool) -> None:
    token = await CampaignStore(pool).create_sign_in_link(["admin"], NOW, timedelta(minutes=15))
    for language, button in (("en", "Sign in"), ("ru", "Войти")):
        response = await anonymous.get(f"/sign-in/{token}", headers={"Accept-Language": language})
        assert response.status_code == 200
        assert f">{button}</button>" in response.text
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["referrer-policy"] in {"no-referrer", "same-origin"}
    response = await anonymous.post(f"/sign-in/{token}", follow_redirects=False)
    assert response.status_code == 303


async def test_a_link_opens_one_session_and_no_second(anonymous: Client, pool: Pool) -> None:
    token = await signed_in(anonymous, pool, "campaigns:read")
    assert (await anonymous.get("/v1/campaigns")).status_code == 200
    again = await anonymous.post(f"/sign-in/{token}", follow_redirects=False)
    assert (again.status_code, "set-cookie" in again.headers) == (410, False)


async def test_a_link_that_is_too_old_or_made_up_opens_nothing(anonymous: Client, pool: Pool) -> None:
    old = await CampaignStore(pool).create_sign_in_link(
        ["admin"], NOW - timedelta(minutes=16), timedelta(minutes=15)
    )
    for token in (old, "made-up", "%00"):
        response = await anonymous.post(f"/sign-in/{token}", headers={"Accept-Language": "ru"})
        assert response.status_code == 410
        assert "Ссылка уже использована" in response.text


async def test_the_cookie_is_kept_from_scripts_and_other_sites(anonymous: Client, pool: Pool) -> None:
    token = await CampaignStore(pool).create_sign_in_link(["admin"], NOW, timedelta(minutes=15))
    response = await anonymous.post(f"/sign-in/{token}", follow_redirects=False)
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_a_session_may_do_what_its_link_says(anonymous: Client, pool: Pool) -> None:
    await signed_in(anonymous, pool, "campaigns:read")
    response = await anonymous.get("/v1/attempts")
    assert (response.status_code, code_of(response)) == (403, "scope_missing")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": f"http://{HOST}.evil.example"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_another_site_cannot_write_through_a_session(
    anonymous: Client, pool: Pool, headers: dict[str, str]
) -> None:
    await signed_in(anonymous, pool, "admin")
    response = await anonymous.post("/v1/trunks", json=TRUNK, headers=headers)
    assert (response.status_code, code_of(response)) == (403, "cross_site_write")
    assert await pool.fetchval("SELECT count(*) FROM trunks") == 0


@pytest.mark.parametrize("headers", [OWN_PAGE, {"Sec-Fetch-Site": "same-origin"}])
async def test_our_own_page_can_write(anonymous: Client, pool: Pool, headers: dict[str, str]) -> None:
    await signed_in(anonymous, pool, "admin")
    assert (await anonymous.post("/v1/trunks", json=TRUNK, headers=headers)).status_code == 201


async def test_a_session_that_has_ended_says_so(anonymous: Client, pool: Pool) -> None:
    await signed_in(anonymous, pool, "admin")
    await pool.execute("UPDATE sessions SET expires_time = $1", NOW - timedelta(seconds=1))
    response = await anonymous.get("/v1/campaigns")
    assert (response.status_code, code_of(response)) == (401, "session_expired")
    anonymous.cookies.delete(SESSION_COOKIE)
    assert code_of(await anonymous.get("/v1/campaigns")) == "credentials_missing"
