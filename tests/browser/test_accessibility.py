"""axe-core over every page, in both themes: WCAG 2.0 to 2.2, levels A and AA, without a violation."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page

from api.navigation import SECTIONS
from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import add_known_campaign
from tests.browser.sample import add_alert, add_saved_report

AXE = Path(__file__).parents[2] / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATHS = [
    "/campaigns/{campaign_id}",
    "/campaigns/4711",
    "/floor?wall",
    "/reports/summary",
    "/reports/saved",
    "/reports/saved/1",
    "/reports/hours",
    "/reports/lists",
    "/reports/comparison",
    "/calls",
    "/trunks/new",
    "/campaigns/{campaign_id}/trunks",
    "/alerts/rules",
    "/alerts/rules/new",
    "/alerts/receivers",
    "/reports/machines",
    "/campaigns/{campaign_id}/answers",
    *(section.path for section in SECTIONS),
]

FILLED = {"/campaigns/{": "#call-rows tr", "/floor": "#campaigns .floor-row"}
"""What stands on a page once its script has done its work, by the beginning of its path."""


async def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands: rule, what it asks, and the elements."""
    await page.evaluate(AXE.read_text())  # not as a script element: the page's policy forbids those of others
    found = await page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [
        f"{item['id']}: {item['help']}: {[node['html'][:200] for node in item['nodes']]}"
        for item in found["violations"]
    ]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
async def test_axe_finds_nothing(
    page: Page, web: WebServer, pool: Pool, path: str, theme: str, width: int
) -> None:
    campaign_id = await add_known_campaign(pool)
    await add_alert(pool, campaign_id, datetime.now(UTC))
    await add_saved_report(pool, datetime.now(UTC))
    await page.set_viewport_size({"width": width, "height": 900})
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    await page.goto(web.url + path.format(campaign_id=campaign_id))
    await page.wait_for_load_state("networkidle") if not path.endswith(
        "{campaign_id}"
    ) else await page.wait_for_selector("#call-rows tr")
    assert await violations(page) == []


async def test_axe_does_find_something(page: Page, web: WebServer) -> None:
    await page.goto(f"{web.url}/campaigns")
    await page.evaluate("document.querySelector('h1').style.color = '#ccc'")
    assert any(found.startswith("color-contrast") for found in await violations(page))


async def test_every_section_of_the_bar_opens(page: Page, web: WebServer) -> None:
    for section in SECTIONS:
        answer = await page.goto(web.url + section.path)
        assert answer is not None
        assert answer.status == 200
        current = page.get_by_role("navigation", name="Pages").locator("a[aria-current=page]")
        assert await current.get_attribute("href") == section.path
