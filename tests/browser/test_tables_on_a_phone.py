"""A table whose rows stand as cards on a phone is a table all the same for a screen reader."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page

from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import add_known_campaign
from tests.browser.sample import add_alert, add_receivers, add_saved_report
from tests.browser.test_accessibility import violations

PATHS = [
    "/campaigns",
    "/calls?query={}",
    "/trunks",
    "/campaigns/1/trunks",
    "/reports/saved",
    "/reports/saved/1",
    "/reports/lists",
    "/alerts",
    "/alerts/rules",
    "/alerts/receivers",
]
WITHOUT_ROLE = """
[...document.querySelectorAll(":is(table.cards, table.cards :is(thead, tbody, tr, th, td)):not([role])")].map(e => e.outerHTML)
"""


async def accessible_nodes(page: Page) -> list[dict[str, Any]]:
    """Return the browser's own accessibility tree, which a screen reader is given."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    return [node for node in tree["nodes"] if not node["ignored"]]


@pytest.mark.parametrize("path", PATHS)
async def test_rows_of_cards_keep_their_table(page: Page, web: WebServer, pool: Pool, path: str) -> None:
    campaign_id = await add_known_campaign(pool)
    now = datetime.now(UTC)
    alert_id = await add_alert(pool, campaign_id, now)
    await add_receivers(pool, alert_id, now)
    await pool.execute("UPDATE alerts SET state = 'resolved', resolved_time = $1", now)
    await add_saved_report(pool, now)
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(web.url + path)
    table = page.locator("table.cards").first
    assert await table.locator("tbody td").first.evaluate("cell => getComputedStyle(cell).display") == "block"
    assert await page.evaluate(WITHOUT_ROLE) == []
    shown = await page.evaluate(
        "[...document.querySelectorAll('table.cards')].map(t => [t.tHead.rows[0].cells.length, t.tBodies[0].rows.length])"
    )
    roles = Counter(node["role"]["value"] for node in await accessible_nodes(page))
    assert roles["columnheader"] >= sum(columns for columns, _ in shown)
    assert roles["row"] >= sum(rows + 1 for _, rows in shown)
    assert roles["cell"] + roles["rowheader"] >= sum(columns * rows for columns, rows in shown)
    assert roles["rowgroup"] >= 2 * len(shown)
    assert await violations(page) == []
