"""
Pictures of every page, to be looked at: `python -m tests.browser.gallery FOLDER [--only floor] [--quick]`.

A database of its own is filled with invented, random calls; each page is taken in both languages, both themes and two
widths. A page is loaded once in a language; only its theme and its width change then. `--quick` takes English only, and light
on the desktop and dark on the phone. FOLDER/index.html shows every picture that is in the folder.
"""

import argparse
import asyncio
import html
import itertools
import random
import shutil
import socket
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, StorageState, ViewportSize, async_playwright, expect

from api.report_registry import REPORTS
from api.settings import ApiSettings
from campaigns.alerts import AlertStore
from campaigns.database import Pool, open_pool
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
from campaigns.migrate import migrate
from campaigns.recording_storage import CopySettings
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
from tests.browser.sample_recordings import add_sound
from tests.postgres.analytics.facts import count_again
from tests.postgres.audits import draw_verdict
from tests.postgres.recordings import settings_of

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS: Mapping[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}


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
        "recordings": "/recordings",
        "audits": "/audits",
        "listening": "/audits",
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
        directory = Path(tempfile.mkdtemp(prefix="obzvon-gallery-recordings-"))
        for index in range(12):
            await draw_verdict(
                pool, campaign_ids[0], 2**62 + index, started_time=datetime.now(UTC), has_sound=False
            )
        await add_sound(pool, directory, campaign_ids, attempt_id, datetime.now(UTC))
        await pool.execute(
            "UPDATE attempts SET audit_judgement = ($2::text[])[attempt_id - $1::bigint + 1] WHERE attempt_id >= $1",
            2**62,
            judged,
        )
        await pool.execute(
            "UPDATE attempts SET media_packets_expected = talk_ms / 20, media_packets_received = talk_ms / 20,"
            " media_round_trip_ms = 30 * trunk_id, media_reported_loss = 0.004, media_packets_lost = talk_ms * trunk_id / 8000,"
            " media_jitter_ms = 2 * trunk_id, media_is_one_way = talk_ms < 2500,"
            " media_mos_hundredths = CASE WHEN talk_ms >= 2500 THEN 440 - 8 * trunk_id - 30 * (attempt_id % 4) END,"
            " media_sent_mos_hundredths = 436 WHERE result = 'answered'"
        )
        await count_again(pool)
        stop = asyncio.Event()
        node = asyncio.create_task(keep_a_node_alive(pool, campaign_ids, random.Random(7), stop), name="node")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        base_url = f"http://127.0.0.1:{port}"
        settings = ApiSettings(
            database_url=server.dsn, port=port, base_url=base_url, recordings=settings_of(directory),
            copies=CopySettings(scheme="webdav", options={"endpoint": "http://127.0.0.1:9"}),
        )  # fmt: skip
        web = WebServer(settings, pool)
        await web.start()
        system = next((path for name in NAMES if (path := shutil.which(name))), None)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=system, args=FLAGS)
            state = await sign_in(browser, base_url, pool)
            for language in ("en",) if is_quick else ("en", "ru"):
                context = await browser.new_context(
                    locale=language, storage_state=state, reduced_motion="reduce"
                )
                page = await context.new_page()
                for name, path in pages(campaign_ids, attempt_id).items():
                    if only is None or only in name:
                        if name == "listening":
                            await page.goto(base_url + path)
                            await page.locator(".audit button.primary").click()
                            await expect(page.locator(".audit audio")).to_have_count(1)
                        await pictures(
                            page, base_url + path, folder / f"{name}-{language}", is_quick=is_quick
                        )
                        await pool.execute(
                            "UPDATE verdict_audits SET claimed_by = NULL, claimed_until = NULL"
                        )
                await context.close()
            await browser.close()
        stop.set()
        await node
        await web.stop()
        await pool.close()


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


async def pictures(page: Page, url: str, stem: Path, *, is_quick: bool) -> None:
    """Take a page in every theme and width."""
    await page.goto(url)
    await expect(page.locator("[aria-busy=true], [data-state=connecting]")).to_have_count(0, timeout=30_000)
    await page.evaluate("document.fonts.ready")
    for (width, size), theme in itertools.product(WIDTHS.items(), THEMES):
        if is_quick and (theme == "light") != (width == "desktop"):
            continue
        await page.set_viewport_size(size)
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await page.wait_for_timeout(150)  # a chart has its new width
        await page.screenshot(path=stem.with_name(f"{stem.name}-{theme}-{width}.png"), full_page=True)


def write_index(folder: Path) -> None:
    """Write a page that shows the folder's pictures, those of one page in a row."""
    rows = itertools.groupby(
        sorted(picture.name for picture in folder.glob("*.png")), lambda name: name.rsplit("-", 3)[0]
    )
    lines = [
        f"<h2>{html.escape(name)}</h2><p>"
        + "".join(
            f'<a href="{picture}"><img loading="lazy" src="{picture}" alt="{picture}" title="{picture}"></a>'
            for picture in map(html.escape, found)
        )
        + "</p>"
        for name, found in rows
    ]
    style = "body{font:16px sans-serif;margin:24px}p{display:flex;gap:8px;overflow-x:auto}img{height:420px;border:1px solid #999}"
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>obzvon</title><style>{style}</style>{"".join(lines)}</html>',
        "utf-8",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(arguments.folder, arguments.only, is_quick=arguments.quick))
    write_index(arguments.folder)
