"""Recordings in a browser: the sound plays and is sought, by pointer and by keyboard; holding and deleting; both languages, a phone."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from api.settings import ApiSettings
from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import just_now
from tests.browser.test_accessibility import violations
from tests.postgres.analytics.facts import add_campaign
from tests.postgres.recordings import SECONDS, add_recording, settings_of
from tests.postgres.traces import add_traced_attempt


@pytest.fixture
async def web(database: str, pool: Pool, tmp_path: Path) -> AsyncIterator[WebServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ApiSettings(
        database_url=database,
        port=port,
        base_url=f"http://127.0.0.1:{port}",
        recordings=settings_of(tmp_path),
    )
    server = WebServer(settings, pool)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def recorded(pool: Pool, tmp_path: Path) -> tuple[int, int]:
    """The ids of an attempt and of its recording."""
    campaign_id = await add_campaign(pool, name="Autumn")
    attempt_id = await add_traced_attempt(pool, campaign_id, result="answered")
    return attempt_id, await add_recording(
        pool, tmp_path, campaign_id=campaign_id, attempt_id=attempt_id,
        started_time=just_now() - timedelta(days=1),
    )  # fmt: skip


async def sound_of(page: Page, what: str) -> float:
    return float(await page.evaluate(f"Number(document.querySelector('audio').{what})"))


async def plays_from(page: Page, second: float) -> None:
    """Wait until the sound has moved on from there by itself."""
    await page.wait_for_function(
        "from => { const s = document.querySelector('audio'); return !s.paused && s.currentTime > from + 0.2 "
        "&& s.currentTime < from + 8; }",
        arg=second,
    )


async def test_a_recording_plays_and_is_sought_by_pointer_and_by_keyboard(
    page: Page, web: WebServer, pool: Pool, recorded: tuple[int, int]
) -> None:
    attempt_id, recording_id = recorded
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/audio") else None)
    await page.goto(f"{web.url}/calls/{attempt_id}")
    card = page.locator(f"#recording-{recording_id}[data-ready]")
    waveform = card.get_by_role("slider")
    await expect(waveform).to_have_attribute("aria-valuemax", str(SECONDS))
    # the callee speaks in the first half and we in the second: so do the lanes
    boxes = await page.evaluate(
        "['callee', 'us'].map(side => { const line = document.querySelector(`path.${side}`);"
        " const at = x => { let most = 0; for (let i = 0; i <= 200; i++) {"
        " const p = line.getPointAtLength(line.getTotalLength() * i / 200);"
        " if (Math.abs(p.x - x) < 40) most = Math.max(most, Math.abs(p.y - (side === 'callee' ? 30 : 90))); }"
        " return most; }; return [at(200), at(600)]; })"
    )
    assert boxes[0][0] > 5 > boxes[0][1]
    assert boxes[1][1] > 5 > boxes[1][0]
    assert asked == []
    assert await pool.fetchval("SELECT count(*) FROM audit_log") == 0

    # a place can be chosen before the first sound has come
    await waveform.focus()
    await page.keyboard.press("ArrowRight")
    await expect(waveform).to_have_attribute("aria-valuetext", f"0:05 / 0:{SECONDS}")
    assert asked == []
    await page.keyboard.press("Space")
    await plays_from(page, 5)
    assert await sound_of(page, "duration") == pytest.approx(SECONDS, abs=0.01)
    assert await sound_of(page, "error") == 0
    await page.keyboard.press("PageUp")
    await page.wait_for_function("() => document.querySelector('audio').ended")
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await expect(waveform).to_have_attribute("aria-valuetext", f"0:10 / 0:{SECONDS}")
    box = await waveform.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + 10)
    assert await sound_of(page, "currentTime") == pytest.approx(SECONDS / 4, abs=0.2)
    await page.keyboard.press("Space")
    await plays_from(page, SECONDS / 4)
    await page.keyboard.press("Space")
    assert await page.evaluate("document.querySelector('audio').paused")

    lines = await pool.fetch("SELECT subject_id, actor, new FROM audit_log WHERE action = 'listen'")
    assert [line["subject_id"] for line in lines] == [recording_id]
    assert lines[0]["actor"].startswith("session:")
    assert lines[0]["new"]["to_ms"] == SECONDS * 1000


async def test_who_may_not_listen_sees_no_recording(
    browser: BrowserContext, web: WebServer, pool: Pool, recorded: tuple[int, int]
) -> None:
    await pool.execute("UPDATE sessions SET scopes = '{reports:read}'")
    page = await browser.new_page()
    await page.goto(f"{web.url}/calls/{recorded[0]}")
    await expect(page.locator(".timeline")).to_be_visible()
    await expect(page.locator(".recording")).to_have_count(0)
    answer = await page.goto(f"{web.url}/recordings")
    assert answer is not None
    assert answer.status == 403


async def test_a_recording_is_held_released_and_deleted_from_the_list(
    page: Page, web: WebServer, pool: Pool, recorded: tuple[int, int], tmp_path: Path
) -> None:
    _, recording_id = recorded
    await page.goto(f"{web.url}/recordings")
    row = page.locator(f"#row-{recording_id}")
    await row.get_by_role("button", name="Hold").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Why it is held").fill("Case 7")
    await dialog.get_by_role("button", name="Hold").click()
    await expect(row).to_contain_text("held")
    await page.get_by_label("Which").select_option("held")
    await page.get_by_role("button", name="Show").click()
    await row.get_by_role("button", name="Release").click()
    await row.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(row).to_contain_text("deleted on request")
    assert await asyncio.to_thread(lambda: list(tmp_path.rglob("*.obz"))) == []
    actions = await pool.fetch("SELECT action FROM audit_log ORDER BY audit_id")
    assert [record["action"] for record in actions] == ["hold", "release", "delete"]


async def test_why_a_recording_is_as_it_is_is_said_in_words(
    page: Page, web: WebServer, pool: Pool, recorded: tuple[int, int]
) -> None:
    attempt_id, recording_id = recorded
    await pool.execute(
        "UPDATE recordings SET gap_ms = 4000, cause = 'disk_full', copy_state = 'waiting', copy_attempts = 3,"
        " copy_error = 'unreachable', delete_error = 'EISDIR'"
    )
    await page.goto(f"{web.url}/recordings")
    row = page.locator(f"#row-{recording_id}")
    for words in ("with gaps", "no space on the disk", "copy waits", "the storage does not answer", "EISDIR"):
        await expect(row).to_contain_text(words)
    await page.goto(f"{web.url}/language/ru?next_path=/calls/{attempt_id}")
    for words in ("на диске нет места", "хранилище не отвечает"):
        await expect(page.locator(f"#recording-{recording_id}")).to_contain_text(words)


async def test_a_campaign_is_told_what_to_record_on_its_page(
    page: Page, web: WebServer, pool: Pool, recorded: tuple[int, int]
) -> None:
    campaign_id = await pool.fetchval("SELECT campaign_id FROM campaigns")
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.get_by_label("Which calls").select_option("on_demand")
    await page.get_by_label("Kept for, days").fill("90")
    await page.locator("#recording-policy").get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Kept for, days")).to_have_value("90")
    stored = await pool.fetchrow("SELECT recording, recording_days FROM campaigns")
    assert stored is not None
    assert tuple(stored) == ("on_demand", 90)


async def test_a_file_that_cannot_be_read_says_why(
    page: Page, web: WebServer, recorded: tuple[int, int], tmp_path: Path
) -> None:
    for file in await asyncio.to_thread(lambda: list(tmp_path.rglob("*.obz"))):
        file.unlink()
    await page.goto(f"{web.url}/calls/{recorded[0]}")
    await expect(page.locator(".recording .problem")).to_contain_text("The recording cannot be read")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_on_a_phone_in_russian_nothing_runs_out_of_the_page_and_axe_finds_nothing(
    page: Page, web: WebServer, recorded: tuple[int, int], theme: str
) -> None:
    await page.set_viewport_size({"width": 375, "height": 800})
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    for path in (f"/calls/{recorded[0]}", "/recordings"):
        await page.goto(f"{web.url}/language/ru?next_path={path}")
        await expect(page.get_by_role("heading", name="Запис").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await expect(page.locator("main")).not_to_contain_text("recordings.")
        assert await violations(page) == []
