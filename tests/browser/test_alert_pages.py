"""The pages of alerts: rules are made and changed, alerts acknowledged, and it is seen who was told and who was not."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page, expect

from api.alert_models import NewReceiver
from api.alert_receivers import ReceiverStore
from campaigns.alerts import AlertStore
from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import add_known_campaign
from tests.browser.sample import add_alert


def field(page: Page, name: str) -> Locator:
    return page.locator(f'[name="{name}"]')


async def test_a_rule_is_made_changed_and_switched_off_by_keyboard_and_form(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/alerts")
    await expect(page.locator("#alert-lists")).to_contain_text("No rule watches anything yet")
    await page.get_by_role("link", name="Add a rule").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".wrong")).to_have_count(1)  # a name
    await field(page, "name").fill("Answers sag")
    await field(page, "subject").select_option(f"campaign:{campaign_id}")
    await field(page, "comparison").select_option("below")
    await field(page, "threshold").fill("many")
    await field(page, "window_minutes").fill("0")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".wrong")).to_have_count(2)
    await expect(field(page, "subject")).to_have_value(f"campaign:{campaign_id}")
    await field(page, "threshold").fill("22,5")
    await field(page, "window_minutes").fill("10")
    await page.get_by_role("button", name="Save").click()
    row = page.locator("#rules tbody tr")
    await expect(row).to_contain_text("Answer rate is below 22.5%")
    await expect(row).to_contain_text("over 10 min, from 50 calls")
    await expect(row).to_contain_text("Autumn reminder")
    (made,) = await AlertStore(pool).list_rules()
    assert (made.threshold, made.subject_kind, made.subject_id) == (0.225, "campaign", campaign_id)

    await page.get_by_role("link", name="Answers sag").click()
    await expect(field(page, "threshold")).to_have_value("22.5")
    await field(page, "comparison").select_option("worse_than_usual")
    await field(page, "threshold").fill("")
    await field(page, "subject").select_option("campaign")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("Answer rate is worse than usual")
    await page.get_by_role("button", name="Switch off").click()
    await expect(row).to_contain_text("Off")
    (changed,) = await AlertStore(pool).list_rules()
    assert (changed.threshold, changed.subject_id, changed.is_enabled) == (None, None, False)


async def test_an_alert_is_acknowledged_and_its_failed_delivery_is_seen(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    now = datetime.now(UTC)
    store = ReceiverStore(pool)
    to = await store.add(NewReceiver(recipients=["lead@example.org"]), now)
    alert_id = await add_alert(pool, campaign_id, now - timedelta(minutes=12))
    await pool.execute(
        "INSERT INTO alert_deliveries (receiver_id, alert_id, event, status, tries, next_try_time, error_code, last_error) "
        "VALUES ($1, $2, 'raised', 'failed', 9, $3, 'mail_refused', 'SMTPAuthenticationError: 535 no')",
        to.receiver_id, alert_id, now,
    )  # fmt: skip
    await page.goto(f"{web.url}/alerts")
    alert = page.locator(f"#alert-{alert_id}")
    await expect(alert).to_contain_text("Autumn reminder")
    await expect(alert).to_contain_text("19.3%, usually 34.2%")
    await expect(alert).to_contain_text("failed: 1")
    await expect(alert).to_contain_text("The mail server did not take it")
    await expect(alert).to_contain_text("535 no")
    await page.goto(f"{web.url}/language/ru?next_path=/alerts")
    await expect(alert).to_contain_text("Почтовый сервер не принял письмо")
    await expect(alert.locator("q[lang=en]")).to_have_text("SMTPAuthenticationError: 535 no")
    await page.goto(f"{web.url}/language/en?next_path=/alerts")
    await alert.get_by_role("button", name="Acknowledge").click()
    await expect(alert).to_contain_text("Acknowledged")
    await expect(page.locator("#history")).to_have_count(0)
    await AlertStore(pool).resolve(alert_id, now)
    await page.reload()
    row = page.locator("#history tbody tr")
    await expect(row).to_contain_text("12 min")
    # the word that it is over may have failed by now, too: this server has no mail settings
    await expect(row).to_contain_text(re.compile("failed: [12]"))
    await expect(page.locator("#alert-lists")).to_contain_text("Nothing is open")


async def test_the_history_goes_back_page_by_page(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    now = datetime.now(UTC)
    for _ in range(53):
        alert_id = await add_alert(pool, campaign_id, now - timedelta(hours=1))
        await AlertStore(pool).resolve(alert_id, now)
    await page.goto(f"{web.url}/alerts")
    await expect(page.locator("#history tbody tr")).to_have_count(50)
    await page.get_by_role("link", name="Earlier ones").click()
    await expect(page.locator("#history tbody tr")).to_have_count(3)
    await expect(page.get_by_role("link", name="Earlier ones")).to_have_count(0)


async def test_receivers_are_added_shown_with_their_secret_once_and_removed(
    page: Page, web: WebServer, pool: Pool
) -> None:
    await page.goto(f"{web.url}/alerts/receivers")
    await expect(page.locator("main")).to_contain_text("OBZVON_SMTP_URL")
    await field(page, "recipients").fill("lead@example.org, nobody")
    await field(page, "webhook_url").fill("ftp://example.org")
    await page.get_by_role("button", name="Add a receiver").click()
    await expect(page.locator("[role=alert] p")).to_have_count(3)
    await expect(field(page, "recipients")).to_have_value("lead@example.org, nobody")
    await field(page, "recipients").fill("")
    await field(page, "webhook_url").fill("https://example.org/hook")
    await page.get_by_role("button", name="Add a receiver").click()
    await expect(page.locator(".secret code")).to_contain_text("whsec_")
    await page.goto(f"{web.url}/alerts/receivers")
    await expect(page.locator(".secret")).to_have_count(0)
    await expect(page.locator("#receivers tbody tr")).to_contain_text("https://example.org/hook")
    await page.get_by_role("button", name="Remove").click()
    await expect(page.locator("#receivers")).to_have_count(0)
    assert await ReceiverStore(pool).receivers() == []
