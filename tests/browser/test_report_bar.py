"""The bar above a report: what is chosen is seen, goes by a click, and is taken on to the next report; nothing waits below the first screen."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import Group, add_attempt, add_known_campaign, just_now
from tests.browser.test_accessibility import violations
from tests.postgres.campaign_rows import add_campaign

PHONE = (390, 844)


async def open_page(page: Page, address: str) -> None:
    await page.goto(address)
    await expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=30_000)


async def test_what_is_chosen_is_seen_and_goes_by_a_click(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await open_page(
        page,
        f"{web.url}/reports/summary?period=custom&from=2026-11-02&to=2026-11-09&compare=previous_period"
        f"&campaign={campaign_id}&zone=Asia/Kolkata",
    )
    await expect(page.locator(".toolbar .days")).to_have_text("2–9 Nov 2026")
    chips = page.locator(".chips li span")
    await expect(chips).to_have_text(
        [
            "Chosen dates",
            "Compared with 25 Oct – 1 Nov 2026",
            "Campaign: Autumn reminder",
            "Time zone: Asia/Kolkata",
        ],
        use_inner_text=True,
    )
    await page.get_by_role("link", name="Remove: Compared with").click()
    await page.get_by_role("link", name="Remove: Time zone: Asia/Kolkata").click()
    await page.get_by_role("link", name="Remove: Chosen dates").click()
    await expect(chips).to_have_text(["Campaign: Autumn reminder"])
    await expect(page.get_by_role("navigation", name="Usual periods").locator("[aria-current]")).to_have_text(
        "Last 30 days"
    )
    assert await page.locator("#report-data").evaluate("data => JSON.parse(data.textContent).request") == {
        "period": {"name": "last_30_days"},
        "compare": None,
        "filter": {"op": "is", "dimension": "campaign", "values": [campaign_id]},
        "time_zone": None,
    }


async def test_the_next_report_is_of_the_same_calls(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await add_campaign(pool, leads=1)
    await open_page(page, f"{web.url}/reports/summary?period=last_7_days&campaign={campaign_id}")
    await page.locator("summary", has_text="Other reports").click()
    others = page.get_by_role("navigation", name="Other reports")
    await expect(others.locator("[aria-current=page]")).to_have_text("Summary and funnel")
    await others.get_by_role("link", name="Outcomes and SIP causes").click()
    await expect(page.locator("h1")).to_have_text("Outcomes and SIP causes")
    await expect(page.locator(".chips li span")).to_have_text(["Campaign: Autumn reminder"])
    await expect(page.locator('[data-panel="by_result"] tfoot td').first).to_have_text("25")


async def test_the_filter_is_used_by_keyboard(page: Page, web: WebServer, pool: Pool) -> None:
    await add_known_campaign(pool)
    await open_page(page, f"{web.url}/reports/causes")
    summary = page.locator(".filter > summary")
    period = page.locator("select[name=period]")
    await expect(period).to_be_hidden()
    await summary.press("Enter")
    await expect(period).to_be_visible()
    assert await violations(page) == []
    await period.press("Escape")
    await expect(period).to_be_hidden()
    await expect(summary).to_be_focused()
    await summary.press("Enter")
    await period.select_option("last_90_days")
    await page.get_by_role("button", name="Show").press("Enter")
    await expect(page.locator(".chips li span")).to_have_text(["Last 90 days"])


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_a_phone_shows_figures_at_once(page: Page, web: WebServer, pool: Pool, language: str) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await page.goto(f"{web.url}/language/{language}?next_path=/reports")
    for name, first in (
        ("summary", "[data-metric=attempts] .value"),
        ("causes", ".bars .count"),
        ("target", "[data-metric=attempts] .value"),
    ):
        await open_page(page, f"{web.url}/reports/{name}?campaign={campaign_id}&period=all&compare=none")
        await expect(page.locator(first).first).to_be_in_viewport(ratio=1)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


async def test_a_figure_says_what_it_was(page: Page, web: WebServer, pool: Pool) -> None:
    """8 calls are held against 5 nine days before, 4 answers against 1."""
    campaign_id = await add_campaign(pool, leads=20)
    for days, calls, answers in ((0, 8, 4), (9, 5, 1)):
        for index in range(calls):
            group = Group(1, "answered", 9_000) if index < answers else Group(1, "busy")
            await add_attempt(
                pool,
                campaign_id,
                10 * (days > 0) + index,
                group,
                just_now() - timedelta(days=days, minutes=1),
            )
    await open_page(page, f"{web.url}/reports/summary?period=last_7_days&compare=previous_period")
    attempts = page.locator('[data-metric="attempts"] .note')
    await expect(attempts).to_have_text("+60.0%was 5")
    await expect(page.locator('[data-metric="answered_by_number"] .note').last).to_contain_text("was 20.0%")


async def test_the_step_before_stands_behind_each_step_of_the_funnel(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    await open_page(page, f"{web.url}/reports/summary?period=all&compare=none&campaign={campaign_id}")
    funnel = page.locator('[data-panel="funnel"]')
    await expect(funnel.locator(".scale")).to_contain_text("of the step above")
    # 14 of 25 were answered: the second bar ends at 56 %, and its line where the first one did
    answered = funnel.locator(".bars li").nth(1)
    await expect(answered.locator("rect")).to_have_attribute("width", "56.0%")
    await expect(answered.locator("line")).to_have_attribute("x1", "100.0%")
    await expect(funnel.locator(".bars li").nth(2).locator("line")).to_have_attribute("x1", "56.0%")


async def test_a_heat_map_shades_only_what_is_no_chance(page: Page, web: WebServer, pool: Pool) -> None:
    """12 calls at ten are enough for a shade, 2 at noon are not; on a phone the hours stand below each other."""
    campaign_id = await add_campaign(pool, leads=60)
    for hour, calls, answers in ((10, 12, 6), (12, 2, 2)):
        at = datetime(2026, 11, 2, hour, tzinfo=UTC)  # Monday
        for index in range(calls):
            group = Group(1, "answered", 9_000) if index < answers else Group(1, "busy")
            await add_attempt(pool, campaign_id, 20 * (hour - 10) + index, group, at)
    await open_page(page, f"{web.url}/reports/hours?period=custom&from=2026-11-02&to=2026-11-02")
    panel = page.locator('[data-panel="heat_answers"]')
    shaded = panel.locator("td[data-level]")
    few = panel.locator("td[data-few]")
    for heads, width in (
        (["10", "11", "12"], 1280),
        (["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], PHONE[0]),
    ):
        await page.set_viewport_size({"width": width, "height": PHONE[1]})
        await expect(panel.locator("thead th")).to_have_text(heads)
        await expect(shaded).to_have_text(["50.0%"])
        await expect(shaded).to_have_attribute("data-level", "6")
        await expect(few).to_have_text(["100.0%"])
        await expect(panel.locator(".heat-scale")).to_have_text("0.0%50.0%Below 10 calls: not shaded.")
        assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("name", ["summary", "hours", "comparison"])
async def test_a_report_fits_on_paper(page: Page, web: WebServer, pool: Pool, name: str) -> None:
    """A4 is 794 px wide; what is to be clicked is not printed, what was chosen is."""
    campaign_id = await add_known_campaign(pool)
    await page.set_viewport_size({"width": 794, "height": 1123})
    await open_page(page, f"{web.url}/reports/{name}?period=last_7_days&campaign={campaign_id}")
    await page.emulate_media(media="print")
    assert await page.evaluate("document.documentElement.scrollWidth") == 794
    await expect(page.locator(".presets, .filter, .others, .downloads")).to_have_count(
        3 + await page.locator(".downloads").count()
    )
    for part in await page.locator(".presets, .filter, .others, .downloads").all():
        await expect(part).to_be_hidden()
    await expect(page.get_by_text("Campaign: Autumn reminder")).to_be_visible()
