"""A report's table is as wide as its card on a desktop, whatever the language; on a phone it scrolls, and the page does not."""

import pytest
from playwright.async_api import Page, expect

from api.report_registry import REPORTS
from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.gallery import WIDTHS
from tests.browser.rows import add_known_campaign, hear_answers

CUT = """
[...document.querySelectorAll("main .scroll, main .tabs")].filter(e => e.scrollWidth > e.clientWidth)
    .map(e => `${e.closest("section").id || e.closest("section").dataset.panel} ${e.className}: ${e.scrollWidth} of ${e.clientWidth} px`)
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_nothing_of_a_report_is_cut_on_a_desktop(
    page: Page, web: WebServer, pool: Pool, language: str
) -> None:
    await add_known_campaign(pool)
    await hear_answers(pool)
    await page.goto(f"{web.url}/language/{language}?next_path=/reports")
    cut: dict[str, list[str]] = {}
    for name in REPORTS:
        await page.set_viewport_size(WIDTHS["desktop"])
        await page.goto(f"{web.url}/reports/{name}?compare=previous_period")
        await expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=30_000)
        cut[name] = await page.evaluate(CUT)
        await page.set_viewport_size(WIDTHS["phone"])
        assert await page.evaluate("document.documentElement.scrollWidth") == WIDTHS["phone"]["width"], name
    assert {name: parts for name, parts in cut.items() if parts} == {}
