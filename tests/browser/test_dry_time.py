"""The lists report says when a base runs dry, by the clock and the speed of this very moment."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Page, expect

from campaigns.database import Pool
from tests.browser.conftest import WebServer, web_server
from tests.browser.rows import Group, add_attempt
from tests.postgres.campaign_rows import NOW, add_campaign


@pytest.fixture
async def web(database: str, pool: Pool) -> AsyncIterator[WebServer]:
    """A server whose clock stands still, so that the last minute stays what it is."""
    async with web_server(database, pool, clock=lambda: NOW) as server:
        yield server


async def test_the_lists_report_says_when_a_base_runs_dry(page: Page, web: WebServer, pool: Pool) -> None:
    """30 are due and five calls were begun in the last minute: they last six minutes."""
    campaign_id = await add_campaign(pool, leads=35, name="Autumn reminder", status="running")
    paused_id = await add_campaign(pool, leads=7, name="Paused", status="paused")
    for index in range(5):
        await add_attempt(pool, campaign_id, index, Group(1, "answered", 9_000), NOW - timedelta(seconds=30))
    await page.goto(f"{web.url}/reports/lists?period=all")
    card = page.locator("#dry-time")
    running = card.locator(f"tr[data-campaign='{campaign_id}']")
    at = (NOW + timedelta(minutes=6)).astimezone(ZoneInfo("Europe/Moscow"))
    await expect(running.locator("th")).to_have_text("Autumn reminder")
    await expect(running.locator("td")).to_have_text(
        ["5 / 35", "30", "30", "5", re.compile(f"runs dry at {at.day} .*, {at:%H:%M}")]
    )
    paused = card.locator(f"tr[data-campaign='{paused_id}'] td")
    await expect(paused).to_have_text(["0 / 7", "7", "7", "0", "—"])
    await card.get_by_text("What the columns mean").click()
    await expect(card).to_contain_text("divided by the calls of the last minute")
    await page.goto(f"{web.url}/reports/lists?period=all&campaign={paused_id}")
    await expect(card.locator("tbody tr")).to_have_count(1)
