"""
axe-core over every page, in both languages, themes and widths: WCAG 2.0 to 2.2, levels A and AA, without a violation.

Four looks at a page have every pair of language, theme and width.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from litestar import Response
from litestar.routes import HTTPRoute
from playwright.async_api import Page, expect

from api.app import create_app
from api.catalogue import Catalogue
from api.navigation import SECTIONS
from api.pages import page_router
from api.report_registry import REPORTS
from api.settings import ApiSettings
from campaigns.database import Pool
from campaigns.store import CampaignStore
from tests.browser.conftest import WebServer
from tests.browser.gallery import WIDTHS, Theme
from tests.browser.rows import add_known_campaign, hear_answers, just_now
from tests.browser.sample import add_alert, add_saved_report
from tests.postgres.traces import add_traced_attempt

AXE = Path(__file__).parents[2] / "api" / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATHS: Final = {
    "/sign-in/{token}": "/sign-in/{token:str}",
    "/campaigns/{campaign_id}": "/campaigns/{campaign_id:int}",
    "/campaigns/4711": "/campaigns/{campaign_id:int}",
    "/campaigns/{campaign_id}/trunks": "/campaigns/{campaign_id:int}/trunks",
    "/campaigns/{campaign_id}/answers": "/campaigns/{campaign_id:int}/answers",
    "/floor?wall": "/floor",
    "/reports/saved": "/reports/saved",
    "/reports/saved/1": "/reports/saved/{report_id:int}",
    "/calls": "/calls",
    "/calls?query={{}}": "/calls",
    "/calls/{attempt_id}": "/calls/{key:str}",
    "/trunks/1": "/trunks/{trunk_id:int}",
    "/trunks/new": "/trunks/new",
    "/alerts/rules": "/alerts/rules",
    "/alerts/rules/1": "/alerts/rules/{rule_id:int}",
    "/alerts/rules/new": "/alerts/rules/new",
    "/alerts/receivers": "/alerts/receivers",
    **{f"/reports/{name}": "/reports/{name:str}" for name in REPORTS},
    **{section.path: section.path for section in SECTIONS},
}
"""What is visited, and the route that serves it."""
PARTS: Final = {
    "/campaigns/{campaign_id:int}/controls": "the buttons of a campaign's page, for htmx",
    "/reports/lists/dry-time": "a card of the lists report, for htmx",
}
"""Routes that serve words, but no page."""
LOOKS: Final[tuple[tuple[str, Theme, str], ...]] = (
    ("en", "light", "desktop"), ("en", "dark", "phone"), ("ru", "light", "phone"), ("ru", "dark", "desktop"),
)  # fmt: skip
KEY = re.compile(
    rf"\b(?:{'|'.join({key.partition('.')[0] for key in Catalogue.load().forms['en']})})\.[a-z_]+\b"
)
"""A text that has no sentence stands on the page by its name."""


def test_every_page_that_is_served_is_visited() -> None:
    """A new page fails here until it stands in PATHS, or in PARTS with the reason why it is none."""
    app = create_app(ApiSettings(database_url="postgresql://nowhere"), pages=[page_router])
    served = {
        route.path
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/v1/")
        for handler in route.route_handlers
        if "GET" in handler.http_methods
        and handler.parsed_fn_signature.return_type.annotation == Response[str]
    }
    assert {"/", "/campaigns", "/static/{file_path:path}"} & served == {"/campaigns"}
    assert served == {*PATHS.values(), *PARTS}


WORDS = """
body => { const words = body.cloneNode(true); words.querySelectorAll("script, pre, code").forEach(e => e.remove()); return words.textContent; }
"""


async def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands: rule, what it asks, and the elements."""
    await page.evaluate(AXE.read_text())  # not as a script element: the page's policy forbids those of others
    found = await page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [
        f"{item['id']}: {item['help']}: {[node['html'][:200] for node in item['nodes']]}"
        for item in found["violations"]
    ]


@pytest.mark.timeout(150)
@pytest.mark.parametrize("path", PATHS)
async def test_axe_finds_nothing(page: Page, web: WebServer, pool: Pool, path: str) -> None:
    now = just_now()
    campaign_id = await add_known_campaign(pool)
    await hear_answers(pool)
    attempt_id = await add_traced_attempt(pool, campaign_id)
    await add_alert(pool, campaign_id, now)
    await add_saved_report(pool, now)
    token = await CampaignStore(pool).create_sign_in_link(["admin"], now, timedelta(minutes=5))
    address = web.url + path.format(campaign_id=campaign_id, attempt_id=attempt_id, token=token)
    found: dict[str, list[str]] = {}
    for language, theme, width in LOOKS:
        await page.set_viewport_size(WIDTHS[width])
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await page.goto(f"{web.url}/language/{language}?next_path=/reports")
        await page.goto(address)
        assert await page.locator("html").get_attribute("lang") == language
        await expect(page.locator("[aria-busy=true], [data-state=connecting]")).to_have_count(
            0, timeout=30_000
        )
        words = await page.locator("body").evaluate(WORDS)
        found[f"{language} {theme} {width}"] = [*await violations(page), *KEY.findall(words)]
    assert {looked: faults for looked, faults in found.items() if faults} == {}


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
