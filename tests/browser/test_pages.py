from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import Group, add_attempt, add_known_campaign, just_now, tell_live
from tests.postgres.campaign_rows import add_campaign


def value(page: Page, name: str) -> Locator:
    return page.locator(f'[data-value="{name}"]')


async def status_in_database(pool: Pool, campaign_id: int) -> object:
    return await pool.fetchval("SELECT status FROM campaigns WHERE campaign_id = $1", campaign_id)


async def test_every_figure_is_what_the_rows_add_up_to(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    expected = {
        "share": "62.5%",  # 25 of 40 contacts
        "done": "25",
        "total": "40",
        "finished": "25",
        "pending": "15",
        "dialing": "0",
        "blocked": "0",
        "attempts": "25",
        "distinct_numbers": "25",
        "answered_by_number": "56.0%",
        "answered_by_number.note": "14 of 25 numbers called",
        "answered_by_attempt.note": "by attempts: 56.0%, 14 of 25",
        "conversion": "21.4%",
        "conversion.note": "3 callback requests of 14 answered calls",
        "callback_requests": "3",
        "refusals": "2",
        "talk_sum": "1:10",
        "talk_mean": "5.0\u202fs",
        "talk_median": "4.0\u202fs",
        "pdd_median": "100\u202fms",
    }
    for name, words in expected.items():
        await expect(value(page, name)).to_have_text(words)
    rows = page.locator("#outcome-rows li")
    await expect(rows).to_have_text(
        ["Answered1456.0%", "No answer520.0%", "Busy416.0%", "Declined28.0%"],
    )
    calls = page.locator("#call-rows tr")
    await expect(calls).to_have_count(20)
    await expect(calls.first).to_contain_text("Declined")
    assert "+79160000024" not in await page.content()  # numbers are masked
    await expect(page.locator("#hour-chart canvas")).to_be_visible()


async def test_a_call_that_ends_appears_without_reload(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await expect(value(page, "done")).to_have_text("25")
    await add_attempt(pool, campaign_id, 25, Group(1, "answered", 6_000, "callback_requested"), just_now())
    await tell_live(pool, campaign_id)
    await expect(value(page, "done")).to_have_text("26")
    await expect(page.locator("#call-rows tr").first).to_contain_text("Call back")
    await expect(value(page, "conversion.note")).to_have_text("4 callback requests of 15 answered calls")
    await expect(page.locator('#outcome-rows li[data-result="answered"]')).to_contain_text("15")


async def test_pause_and_resume_change_the_campaign_and_keep_the_keyboard(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.get_by_role("button", name="Pause").focus()
    await page.keyboard.press("Enter")
    resume = page.get_by_role("button", name="Resume")
    await expect(resume).to_be_focused()
    await expect(page.locator("#status")).to_have_text("Paused")
    assert await status_in_database(pool, campaign_id) == "paused"
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(page.locator("#status")).to_have_text("Running")
    assert await status_in_database(pool, campaign_id) == "running"
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Start")).to_be_visible()
    assert await status_in_database(pool, campaign_id) == "stopped"


async def test_a_change_made_elsewhere_changes_the_buttons(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await pool.execute("UPDATE campaigns SET status = 'paused' WHERE campaign_id = $1", campaign_id)
    await expect(page.get_by_role("button", name="Resume")).to_be_visible()


async def test_a_start_with_nobody_to_call_says_so_beside_the_button(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool, status="stopped")
    await pool.execute("UPDATE leads SET status = 'finished', due_time = NULL")
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("nobody to call")
    assert await status_in_database(pool, campaign_id) == "stopped"


async def test_an_upload_shows_each_rejected_row_with_its_reason(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_campaign(pool, status="draft")
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    table = b"phone;name\n+79161234567;Anna\nletters;Boris\n+79161234567;Anna again\n"
    await page.set_input_files(
        "input[type=file]", {"name": "base.csv", "mimeType": "text/csv", "buffer": table}
    )
    await page.get_by_role("button", name="Upload").click()
    await expect(page.locator("#import-result")).to_contain_text("base.csv: 1 of 3 rows taken.")
    await expect(page.locator("#rejected tbody tr")).to_have_text(
        ["3lettersThis is not a phone number.", "4+79161234567The number stands in this file already."]
    )
    assert await pool.fetchval("SELECT count(*) FROM leads WHERE campaign_id = $1", campaign_id) == 1


async def test_an_empty_file_is_refused_in_words(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_campaign(pool, status="draft")
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.set_input_files(
        "input[type=file]", {"name": "empty.csv", "mimeType": "text/csv", "buffer": b""}
    )
    await page.get_by_role("button", name="Upload").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("alert")).not_to_contain_text("problems.")


async def test_a_lost_connection_is_shown_and_comes_back(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await web.stop()
    await expect(page.locator("#live")).to_have_attribute("data-state", "lost")
    await expect(page.locator("#live")).to_contain_text("No connection")
    await add_attempt(pool, campaign_id, 25, Group(1, "busy"), just_now())
    await web.start()
    await expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=15_000)
    await expect(value(page, "done")).to_have_text("26")


async def test_the_page_speaks_russian(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool, name="Осеннее напоминание")
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.get_by_role("link", name="RU", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("lang", "ru")
    await expect(value(page, "conversion")).to_have_text("21,4\xa0%")
    await expect(value(page, "conversion.note")).to_have_text(
        "просьбы перезвонить: 3 на 14 отвеченных звонков"
    )
    await expect(page.locator("#outcome-rows li").first).to_contain_text("Ответили")
    await page.get_by_role("button", name="Пауза").click()
    await expect(page.locator("#status")).to_have_text("На паузе")
    await page.goto(f"{web.url}/campaigns")
    await expect(page.get_by_role("heading", name="Кампании")).to_be_visible()
    await expect(page.get_by_role("row").nth(1)).to_contain_text("56,0\xa0%")
    assert "pages." not in await page.locator("body").inner_text()
    await page.go_back()
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await expect(page.locator("#status")).to_have_text("На паузе")


async def test_the_list_shows_progress_and_leads_to_the_campaign(
    page: Page, web: WebServer, pool: Pool
) -> None:
    await add_campaign(pool, name="Empty one", status="draft")
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns")
    row = page.get_by_role("row").filter(has_text="Autumn reminder")
    await expect(row).to_contain_text("25 of 40 contacts")
    await expect(row).to_contain_text("56.0%")
    await expect(page.get_by_role("row").filter(has_text="Empty one")).to_contain_text("—")
    await add_attempt(pool, campaign_id, 25, Group(1, "busy"), just_now() + timedelta(seconds=1))
    await expect(row).to_contain_text("26 of 40 contacts")  # by itself
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Autumn reminder")).to_be_visible()


async def test_the_theme_is_switched_and_remembered(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    toggle = page.get_by_role("button", name="Dark theme")
    await expect(toggle).to_have_attribute("aria-pressed", "false")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-pressed", "true")
    await page.reload()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light


@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_nothing_is_wider_than_the_window(page: Page, web: WebServer, pool: Pool, width: int) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await expect(value(page, "done")).to_have_text("25")
    assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_a_stranger_is_told_how_to_sign_in(chromium: Browser, web: WebServer) -> None:
    page = await chromium.new_page(locale="ru-RU")
    answer = await page.goto(f"{web.url}/campaigns")
    assert answer is not None
    assert answer.status == 401
    await expect(page.locator("main")).to_contain_text("obzvon keys link")


async def test_an_unknown_campaign_is_a_page_that_says_so(page: Page, web: WebServer) -> None:
    answer = await page.goto(f"{web.url}/campaigns/4711")
    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("heading")).to_contain_text("no such campaign")


async def test_a_sign_in_link_works_once(chromium: Browser, sign_in_link: str) -> None:
    first = await chromium.new_page()
    await first.goto(sign_in_link)
    await first.get_by_role("button", name="Sign in").click()
    await first.wait_for_url("**/campaigns")
    second = await chromium.new_page()
    await second.goto(sign_in_link)
    async with second.expect_response(lambda response: response.request.method == "POST") as answer:
        await second.get_by_role("button", name="Sign in").click()
    assert (await answer.value).status == 410


async def test_a_language_link_does_not_lead_to_another_site(page: Page, web: WebServer) -> None:
    await page.goto(f"{web.url}/language/en?next_path=//example.com")
    assert page.url == f"{web.url}/campaigns"
