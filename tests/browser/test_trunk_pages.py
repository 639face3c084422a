"""The pages of trunks, as a supervisor sees them."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page, expect

from campaigns.database import Pool
from campaigns.report_rules import ReportRules, TrunkPrices
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


async def test_prices_stand_in_the_form_and_are_kept_exactly(page: Page, web: WebServer, pool: Pool) -> None:
    rules = ReportRules(pool)
    await page.goto(f"{web.url}/trunks/new")
    await setting(page, "name").fill("carrier")
    await setting(page, "host").fill("192.0.2.1")
    await setting(page, "price_per_minute_micros").fill("cheap")
    await setting(page, "billing_increment_seconds").fill("0")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".wrong")).to_have_count(2)
    await setting(page, "price_per_minute_micros").fill("1,234567")
    await setting(page, "price_per_connection_micros").fill("0.1")
    await setting(page, "billing_increment_seconds").fill("6")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("link", name="carrier").click()
    await expect(setting(page, "price_per_minute_micros")).to_have_value("1.234567")
    (trunk,) = await CampaignStore(pool).list_trunks()
    assert await rules.trunk_prices(trunk.trunk_id) == TrunkPrices(
        price_per_minute_micros=1_234_567, price_per_connection_micros=100_000, billing_increment_seconds=6
    )
    await setting(page, "price_per_connection_micros").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("tr[data-trunk]")).to_have_count(1)
    assert (await rules.trunk_prices(trunk.trunk_id)).price_per_connection_micros is None


async def test_a_campaign_is_given_several_trunks_with_priority_and_weight(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    first = await pool.fetchval("SELECT trunk_id FROM campaign_trunks WHERE campaign_id = $1", campaign_id)
    second, third = [await add_trunk(pool, f"192.0.2.{index}", 5060) for index in (2, 3)]
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.locator(".facts .trunk a").click()
    await expect(setting(page, f"use-{first}")).to_be_checked()
    await setting(page, f"use-{first}").uncheck()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_be_visible()  # a campaign needs one
    await setting(page, f"use-{first}").check()
    await setting(page, f"use-{third}").check()
    await setting(page, f"priority-{third}").fill("1000")
    await setting(page, f"weight-{third}").fill("heavy")
    await page.get_by_role("button", name="Save").click()
    wrong = page.locator(f"tr[data-trunk='{third}'] .wrong")
    await expect(wrong).to_have_count(1)  # what is no number is named before what is out of range
    await setting(page, f"weight-{third}").fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(wrong).to_have_count(1)
    await setting(page, f"priority-{third}").fill("1")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".facts .trunk")).to_have_count(2)
    campaign = await CampaignStore(pool).get_campaign(campaign_id)
    assert [(use.trunk_id, use.priority, use.weight) for use in campaign.trunks] == [
        (first, 0, 1),
        (third, 1, 3),
    ]
    assert second not in {use.trunk_id for use in campaign.trunks}
