"""
Pictures of every page, to be looked at: `python -m tests.browser.gallery FOLDER [--only floor] [--quick]`.

A database of its own is filled with invented, random calls; each page is taken in both languages, both themes and two
widths. `--quick` takes English only, and light on the desktop and dark on the phone.
"""

import argparse
import asyncio
import itertools
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, BrowserContext, StorageState, ViewportSize, async_playwright, expect

from api.report_registry import REPORTS
from api.settings import ApiSettings
from campaigns.alerts import AlertStore
from campaigns.database import Pool, open_pool
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
from campaigns.migrate import migrate
from campaigns.store import CampaignStore
from tests.browser.conftest import FLAGS, NAMES, WebServer
from tests.browser.sample import (
    add_alert,
    add_history,
    add_receivers,
    add_saved_report,
    fill,
    keep_a_node_alive,
)
from tests.postgres.analytics.facts import count_again
from tests.postgres.audits import draw_verdict

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def pages(campaign_ids: list[int], attempt_id: int) -> dict[str, str]:
    return {
        "floor": "/floor",
        "floor-wall": "/floor?wall",
        "campaigns": "/campaigns",
        "campaign": f"/campaigns/{campaign_ids[0]}",
        "draft": f"/campaigns/{campaign_ids[-1]}",
        "message": "/campaigns/4711",
        "reports": "/reports",
        **{f"report-{name}": f"/reports/{name}" for name in REPORTS},
        "saved": "/reports/saved",
        "saved-report": "/reports/saved/1",
        "calls": "/calls?query={}",
        "call": f"/calls/{attempt_id}",
        "trunks": "/trunks",
        "trunk": "/trunks/1",
        "trunk-new": "/trunks/new",
        "campaign-trunks": f"/campaigns/{campaign_ids[0]}/trunks",
        "alerts": "/alerts",
        "alert-rules": "/alerts/rules",
        "alert-rule": "/alerts/rules/new",
        "alert-receivers": "/alerts/receivers",
        "audits": "/audits",
        "answers": f"/campaigns/{campaign_ids[0]}/answers",
    }


async def take(folder: Path, only: str | None, *, is_quick: bool) -> None:
    with start_postgres(Path(tempfile.mkdtemp(prefix="obzvon-gallery-")), UNSAFE_TEST_SETTINGS) as server:
        await migrate(server.dsn, datetime.now(UTC))
        pool = await open_pool(server.dsn)
        campaign_ids = await fill(pool, random.Random(7), datetime.now(UTC))
        await add_history(pool, campaign_ids[3], datetime.now(UTC))
        attempt_id = await pool.fetchval(
            "SELECT max(attempt_id) FROM attempts WHERE campaign_id = $1 AND disposition IS NOT NULL",
            campaign_ids[0],
        )
        for hours in (50, 26):
            over = await add_alert(pool, campaign_ids[1], datetime.now(UTC) - timedelta(hours=hours))
            await AlertStore(pool).resolve(over, datetime.now(UTC) - timedelta(hours=hours - 1))
        alert_id = await add_alert(pool, campaign_ids[0], datetime.now(UTC) - timedelta(minutes=12))
        await add_receivers(pool, alert_id, datetime.now(UTC))
        await add_saved_report(pool, datetime.now(UTC))
        judged = ["machine"] * 6 + ["human"]
        for index in range(12):
            await draw_verdict(pool, campaign_ids[0], 2**62 + index, started_time=datetime.now(UTC))
        await pool.execute(
            "UPDATE attempts SET audit_judgement = ($2::text[])[attempt_id - $1::bigint + 1] WHERE attempt_id >= $1",
            2**62,
            judged,
        )
        await pool.execute(
            "UPDATE attempts SET media_packets_expected = talk_ms / 20, media_packets_lost = talk_ms * trunk_id / 8000,"
            " media_jitter_ms = 2 * trunk_id, media_is_one_way = talk_ms < 2500 WHERE result = 'answered'"
        )
        await count_again(pool)
        stop = asyncio.Event()
        node = asyncio.create_task(keep_a_node_alive(pool, campaign_ids, random.Random(7), stop), name="node")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        base_url = f"http://127.0.0.1:{port}"
        web = WebServer(ApiSettings(database_url=server.dsn, port=port, base_url=base_url), pool)
        await web.start()
        system = next((path for name in NAMES if (path := shutil.which(name))), None)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=system, args=FLAGS)
            state = await sign_in(browser, base_url, pool)
            for language, theme, (width, size) in looks(is_quick=is_quick):
                context = await browser.new_context(
                    viewport=size, color_scheme=theme, locale=language, storage_state=state
                )
                for name, path in pages(campaign_ids, attempt_id).items():
                    if only is None or only in name:
                        await picture(
                            context, base_url + path, folder / f"{name}-{language}-{theme}-{width}.png"
                        )
                await context.close()
            await browser.close()
        stop.set()
        await node
        await web.stop()
        await pool.close()


def looks(*, is_quick: bool) -> Iterator[tuple[str, Theme, tuple[str, ViewportSize]]]:
    everything = itertools.product(("en", "ru"), THEMES, (("desktop", DESKTOP), ("phone", PHONE)))
    for language, theme, width in everything:
        if not is_quick or (language == "en" and (theme == "light") == (width[0] == "desktop")):
            yield language, theme, width


async def sign_in(browser: Browser, base_url: str, pool: Pool) -> StorageState:
    token = await CampaignStore(pool).create_sign_in_link(["admin"], datetime.now(UTC), timedelta(minutes=5))
    context = await browser.new_context(locale="en")
    page = await context.new_page()
    await page.goto(f"{base_url}/sign-in/{token}")
    await page.get_by_role("button").last.click()
    await page.wait_for_load_state()
    state = await context.storage_state()
    await context.close()
    return state


async def picture(context: BrowserContext, url: str, path: Path) -> None:
    page = await context.new_page()
    await page.goto(url)
    await expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=30_000)
    await page.wait_for_timeout(900)  # a live page has heard its first event, a chart has stopped moving
    await page.screenshot(path=path, full_page=True)
    await page.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(arguments.folder, arguments.only, is_quick=arguments.quick))
