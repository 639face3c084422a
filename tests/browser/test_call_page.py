"""The page of one call in a browser: what it says, that a message opens, both languages, a phone, the dark theme."""

from playwright.async_api import Page, expect

from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.postgres.analytics.facts import add_campaign
from tests.postgres.traces import NUMBER, add_traced_attempt


async def test_a_call_is_told_from_its_first_message_to_its_last(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_campaign(pool, name="Autumn <b>offer</b>")
    attempt_id = await add_traced_attempt(pool, campaign_id)

    await page.goto(f"{web.url}/calls/{attempt_id}")

    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Call to {NUMBER}")
    await expect(page.locator(".heading .facts")).to_contain_text("Network congested")
    await expect(page.get_by_role("link", name="Autumn <b>offer</b>")).to_have_attribute(
        "href", f"/campaigns/{campaign_id}"
    )
    await expect(page.locator(".timeline li .name")).to_have_text(["Dialing began", "Recorded"])
    arrows = page.locator(".ladder summary .arrow")
    await expect(arrows).to_have_text(["Sent INVITE", "Received 503 No Line", "Sent ACK"])
    first = page.locator(".ladder details").first
    await first.locator("summary").click()
    await expect(first.locator("pre")).to_contain_text(f"INVITE sip:{NUMBER}@127.0.0.9 SIP/2.0")
    assert "secret" not in await page.content()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="pcap").click()
    assert (await download.value).suggested_filename == f"call-{attempt_id}.pcap"


async def test_what_was_heard_is_said(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    attempt_id = await add_traced_attempt(pool, campaign_id)
    await page.goto(f"{web.url}/calls/{attempt_id}")
    await expect(page.locator("#sound")).to_have_count(0)

    await pool.execute(
        "UPDATE attempts SET answered_by = 'machine', disposition = 'voicemail_left', media_packets_received = 1250, media_packets_expected = 1254, "
        "media_packets_lost = 4, media_reported_loss = 0.125, media_jitter_ms = 2.25, media_is_one_way = false, "
        "media_mos_hundredths = 438, media_sent_mos_hundredths = 309"
    )
    await page.reload()

    await expect(page.locator("#sound")).to_contain_text("1,250")
    await expect(page.locator("#sound")).to_contain_text("12.5%")
    await expect(page.locator("#sound dl")).to_contain_text("MOS, estimated: what we heard4.4")
    await expect(page.locator("#sound dl")).to_contain_text("MOS, estimated: what the callee heard3.1")
    await expect(page.locator("main")).to_contain_text("Answering machine")
    await expect(page.locator("main")).to_contain_text("Message left")

    await pool.execute(
        "UPDATE attempts SET reason = 'ring_timeout', answered_by_cause = 'beep', gate = "
        '\'{"passed": ["dnc", "calling_window"], "purpose": "advertising"}\''
    )
    await page.goto(f"{web.url}/language/ru?next_path=/calls/{attempt_id}")
    facts = page.locator(".call-facts")
    await expect(facts.first).to_contain_text("гудки шли сколько разрешено (ring_timeout)")
    await expect(facts.first).to_contain_text("сигнал автоответчика (beep)")
    await expect(facts.nth(1)).to_contain_text(
        "нет в списке отказов (dnc); в разрешённые часы (calling_window)"
    )
    await expect(facts.nth(1)).to_contain_text("реклама (advertising)")


async def test_the_other_tries_of_a_contact_lead_to_each_other(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_campaign(pool)
    first = await add_traced_attempt(pool, campaign_id, has_trace=False)
    second = await add_traced_attempt(
        pool, campaign_id, "2026-11-24T12:00:00+03:00", attempt_number=2, result="answered"
    )
    await pool.execute(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made) "
        "SELECT shard_key, contact_id, campaign_id, number, 'finished', 2 FROM attempts LIMIT 1 "
        "ON CONFLICT (shard_key, contact_id) DO UPDATE SET attempts_made = 2"
    )

    await page.goto(f"{web.url}/calls/{first}")
    await expect(page.locator("#ladder .empty")).to_contain_text("not kept")
    await page.locator(".rows").get_by_role("link", name="2").click()
    await page.wait_for_url(f"**/calls/{second}")
    await expect(page.locator(".rows [aria-current]")).to_have_text("2")


async def test_on_a_phone_in_russian_in_the_dark_nothing_runs_out_of_the_page(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_campaign(pool)
    attempt_id = await add_traced_attempt(pool, campaign_id)
    await page.set_viewport_size({"width": 375, "height": 800})
    await page.emulate_media(color_scheme="dark")

    await page.goto(f"{web.url}/language/ru?next_path=/calls/{attempt_id}")

    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Звонок на {NUMBER}")
    await page.locator(".ladder summary").first.click()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await expect(page.locator("main")).not_to_contain_text("calls.")


async def test_an_unknown_call_is_a_page_that_says_so(page: Page, web: WebServer) -> None:
    await page.goto(f"{web.url}/calls/nobody")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is no such attempt")
