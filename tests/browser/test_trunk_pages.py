"""The pages of trunks, as a supervisor sees them."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page, expect

from campaigns.database import Pool
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk
from dialer.config import Registration
from tests.browser.conftest import WebServer
from tests.browser.rows import add_known_campaign
from tests.postgres.campaign_rows import add_run, add_trunk, use_trunk

RUN = 9


async def say_health(pool: Pool, trunk_id: int, **columns: object) -> None:
    """As a living node does."""
    now = datetime.now(UTC)
    values: dict[str, object] = {
        "trunk_id": trunk_id,
        "run_id": RUN,
        "state": "closed",
        "channels_in_use": 0,
        "options_time": now,
        "updated_time": now,
        **columns,
    }
    places = ", ".join(f"${index}" for index in range(1, len(values) + 1))
    await pool.execute(f"INSERT INTO trunk_health ({', '.join(values)}) VALUES ({places})", *values.values())


def setting(page: Page, name: str) -> Locator:
    return page.locator(f'[name="{name}"]')


async def test_the_list_says_how_each_trunk_is(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(
        pool
    )  # 14 answered of 25 attempts, begun ten minutes ago and later
    first = await pool.fetchval("SELECT trunk_id FROM campaign_trunks WHERE campaign_id = $1", campaign_id)
    dead = await add_trunk(pool, "sip.nowhere.example", 5060)
    await use_trunk(pool, campaign_id, dead, priority=1)
    closed = await add_trunk(pool, "192.0.2.7", 5060)
    store = CampaignStore(pool)
    registers = (
        await store.create_trunk(
            NewTrunk(name="registers", host="192.0.2.8", registration=Registration()), datetime.now(UTC)
        )
    ).trunk_id
    await add_run(pool, RUN, heartbeat_time=datetime.now(UTC) + timedelta(minutes=1))
    await say_health(pool, first, options_ms=12, options_status=200, channels_in_use=3)
    await say_health(pool, dead, resolve_problem="Name or service not known", options_time=None)
    until = datetime(2026, 11, 25, 12, 30, 15, tzinfo=UTC)
    await say_health(pool, closed, state="open", reason="sip_503", open_until=until)
    await say_health(pool, registers, is_registered=False, registration_problem="password_wrong")

    await page.goto(f"{web.url}/trunks")
    row = page.locator(f'tr[data-trunk="{first}"]')
    await expect(row).to_contain_text("In service")
    await expect(row).to_contain_text("12 ms")
    await expect(row).to_contain_text("56.0%")
    await expect(row).to_contain_text("14 of 25")
    await expect(page.locator(f'tr[data-trunk="{dead}"]')).to_contain_text("Name or service not known")
    await expect(page.locator(f'tr[data-trunk="{closed}"]')).to_contain_text(
        "because of sip_503, until 12:30:15"
    )
    await expect(page.locator(f'tr[data-trunk="{closed}"]')).to_contain_text("no answer")
    await expect(page.locator(f'tr[data-trunk="{registers}"]')).to_contain_text("wrong user name or password")

    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await expect(page.locator(".facts .trunk")).to_have_count(2)
    await expect(page.locator(".facts .trunk").nth(1)).to_contain_text("Name not found")


async def test_a_trunk_is_added_changed_and_deleted_in_the_form(
    page: Page, web: WebServer, pool: Pool
) -> None:
    store = CampaignStore(pool)
    await page.goto(f"{web.url}/trunks")
    await page.get_by_role("link", name="Add a trunk").click()
    await setting(page, "name").fill("carrier")
    await setting(page, "password").fill("hush")
    await setting(page, "port").fill("many")
    await setting(page, "registration").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".wrong")).to_have_count(3)  # host, port, user name
    await expect(setting(page, "name")).to_have_value("carrier")
    await expect(setting(page, "password")).to_have_value("")

    await setting(page, "host").fill("sip.example.net")
    await setting(page, "port").fill("5070")
    await setting(page, "username").fill("us")
    await setting(page, "password").fill("hush")
    await setting(page, "registration.registrars").fill("a.example.net, b.example.net:5070")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("tr[data-trunk]")).to_have_count(1)
    (made,) = await store.list_trunks()
    assert (made.host, made.port, made.username, made.password) == ("sip.example.net", 5070, "us", "hush")
    assert made.registration == Registration(registrars=("a.example.net", "b.example.net:5070"))

    await page.get_by_role("link", name="carrier").click()
    assert "hush" not in await page.content()
    await setting(page, "registration").uncheck()
    await setting(page, "identity.has_asserted_identity").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("tr[data-trunk]")).to_have_count(1)
    changed = await store.get_trunk(made.trunk_id)
    assert (changed.registration, changed.identity.has_asserted_identity) == (None, True)
    assert changed.password == "hush", "an empty input keeps it"

    await page.get_by_role("link", name="carrier").click()
    await page.get_by_role("button", name="Delete").click()
    await expect(page.locator(".empty")).to_be_visible()
    assert await store.list_trunks() == []
