"""The live floor in Chromium: what stands on the screen against rows that each test writes."""

import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from api.settings import ApiSettings
from campaigns.database import Pool, open_pool
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
from campaigns.migrate import migrate
from campaigns.store import CampaignStore
from tests.browser.conftest import WebServer
from tests.browser.rows import Group, add_attempt, tell_live
from tests.postgres.campaign_rows import add_campaign, add_run

ENDED = ((Group(1, "answered", 20_000), 6), (Group(1, "answered", 3_000), 2), (Group(1, "busy"), 12))
"""20 attempts, 8 of them answered, 2 of those shorter than 6 s."""


def value(page: Page, name: str) -> Locator:
    return page.locator(f'[data-value="{name}"]')


def part(row: Locator, name: str) -> Locator:
    return row.locator(f'[data-part="{name}"]')


async def add_running_campaign(pool: Pool, name: str = "Autumn reminder") -> int:
    """40 contacts, 20 of them called within the last half minute, 20 due."""
    prompt_id = await pool.fetchval(
        "INSERT INTO prompts (name, duration_ms, pcm_s16le_8khz, created_time) VALUES ('hello', 1, '\\x0000', $1) "
        "RETURNING prompt_id",
        datetime.now(UTC),
    )
    campaign_id = await add_campaign(
        pool, leads=40, name=name, prompt_id=prompt_id, max_calls_per_second=5.0, max_concurrent_calls=50
    )
    index = 0
    for group, count in ENDED:
        for _ in range(count):
            await add_attempt(
                pool, campaign_id, index, group, datetime.now(UTC) - timedelta(seconds=20 + index / 10)
            )
            index += 1
    return campaign_id


async def say_stages(pool: Pool, campaign_id: int, *, dialing: int, ringing: int, talking: int) -> None:
    """As a node does four times a second; the first time it starts a run."""
    if not await pool.fetchval("SELECT count(*) FROM node_runs"):
        await add_run(pool, 1, heartbeat_time=datetime.now(UTC))
    trunk_id = await pool.fetchval("SELECT trunk_id FROM campaign_trunks WHERE campaign_id = $1", campaign_id)
    stages = {"dialing": dialing, "ringing": ringing, "talking": talking}
    now = datetime.now(UTC)
    await pool.execute("UPDATE node_runs SET heartbeat_time = $1", now)
    await pool.execute(
        "INSERT INTO node_state (run_id, time, state) VALUES (1, $1, $2) "
        "ON CONFLICT (run_id) DO UPDATE SET time = excluded.time, state = excluded.state",
        now,
        {"campaigns": {str(campaign_id): stages}, "trunks": {str(trunk_id): stages}},
    )
    await pool.execute("SELECT pg_notify('live', '[]')")


@pytest.fixture
def row(page: Page) -> Locator:
    return page.locator("#campaigns .floor-row").first


async def test_every_figure_is_what_the_rows_add_up_to(
    page: Page, row: Locator, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_running_campaign(pool)
    await say_stages(pool, campaign_id, dialing=3, ringing=11, talking=4)
    await page.goto(f"{web.url}/floor")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    for name, words in {
        "under_way": "18",
        "dialing": "3",
        "ringing": "11",
        "talking": "4",
        "calls_per_minute": "20",
        "answered_per_minute": "1.6",  # 8 in five minutes
        "answered": "40.0%",
        "answered.note": "8 of 20 answered",
    }.items():
        await expect(value(page, name)).to_have_text(words)
    for name, words in {
        "contacts": "20 of 40 done",
        "dialing": "3",
        "ringing": "11",
        "talking": "4",
        "per-minute": "20/min",
        "limits": "limit 5/s, 50 at once",
        "answered": "40.0%",
        "dialable": "20 due",
    }.items():
        await expect(part(row, name)).to_have_text(words)
    await expect(part(row, "dry")).to_contain_text("runs dry at")
    await expect(page.locator("#outcomes li")).to_have_text(["Busy1260.0%", "Answered840.0%"])
    await expect(page.locator("#trunks tr").first).to_have_text("trunk 018 of 1,0002040.0%0.0%25.0%")


async def test_figures_move_without_a_reload(page: Page, row: Locator, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_running_campaign(pool)
    await say_stages(pool, campaign_id, dialing=0, ringing=0, talking=1)
    await page.goto(f"{web.url}/floor")
    await expect(value(page, "talking")).to_have_text("1")
    await say_stages(pool, campaign_id, dialing=0, ringing=2, talking=5)
    await expect(value(page, "talking")).to_have_text("5")
    await add_attempt(pool, campaign_id, 20, Group(1, "answered", 9_000), datetime.now(UTC))
    await tell_live(pool, campaign_id)
    await expect(value(page, "answered.note")).to_have_text("9 of 21 answered")
    await expect(part(row, "contacts")).to_have_text("21 of 40 done")


async def test_pause_and_resume_ask_first_and_are_kept_in_the_audit_log(
    page: Page, row: Locator, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_running_campaign(pool)
    await page.goto(f"{web.url}/floor")
    pause = row.get_by_role("button", name="Pause")
    await pause.click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert await pool.fetchval("SELECT count(*) FROM audit_log") == 0
    await pause.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Autumn reminder")
    await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    await expect(row.locator(".status")).to_have_text("Paused")
    await row.get_by_role("button", name="Resume").click()
    await page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    await expect(row.locator(".status")).to_have_text("Running")
    log = await pool.fetch("SELECT actor, action, subject_id FROM audit_log ORDER BY audit_id")
    assert [(entry["action"], entry["subject_id"]) for entry in log] == [
        ("pause", campaign_id), ("resume", campaign_id)
    ]  # fmt: skip
    assert all(entry["actor"].startswith("session:") for entry in log)


async def test_the_speed_is_changed_from_the_floor(
    page: Page, row: Locator, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_running_campaign(pool)
    await page.goto(f"{web.url}/floor")
    await row.get_by_role("button", name="Speed").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Calls per second")).to_have_value("5")
    await dialog.get_by_label("Calls per second").fill("7.5")
    await dialog.get_by_label("Calls at once").fill("80")
    await dialog.get_by_role("button", name="Speed").click()
    await expect(part(row, "limits")).to_have_text("limit 7.5/s, 80 at once")
    stored = await pool.fetchrow(
        "SELECT max_calls_per_second, max_concurrent_calls FROM campaigns WHERE campaign_id = $1", campaign_id
    )
    assert tuple(stored or ()) == (7.5, 80)
    assert await pool.fetchval("SELECT new FROM audit_log") == {
        "max_calls_per_second": 7.5, "max_concurrent_calls": 80
    }  # fmt: skip


async def test_a_change_that_is_refused_says_why(
    page: Page, row: Locator, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_running_campaign(pool)
    await page.goto(f"{web.url}/floor")
    await row.get_by_role("button", name="Pause").click()
    # somebody else was quicker
    await pool.execute("UPDATE campaigns SET status = 'stopped' WHERE campaign_id = $1", campaign_id)
    await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def test_an_alert_of_recordings_counts_them(page: Page, web: WebServer, pool: Pool) -> None:
    rule_id = await pool.fetchval(
        "INSERT INTO alert_rules (name, metric, subject_kind, comparison, threshold, window_minutes, min_count, is_enabled, "
        "created_time) VALUES ('Copies', 'failing_copies', 'all', 'above', 0, 15, 1, true, $1) RETURNING rule_id",
        datetime.now(UTC),
    )
    await pool.execute(
        "INSERT INTO alerts (rule_id, subject_kind, subject_id, state, raised_time, value, expected, last_value, last_time) "
        "VALUES ($1, 'all', 0, 'raised', $2, 21, 0, 21, $2)",
        rule_id,
        datetime.now(UTC),
    )
    await page.goto(f"{web.url}/floor")
    await expect(page.locator("#alerts li")).to_contain_text("Copies: all recordings21, above 0")


async def test_a_silent_node_makes_its_figures_old(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_running_campaign(pool)
    await say_stages(pool, campaign_id, dialing=0, ringing=0, talking=1)
    await page.goto(f"{web.url}/floor")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await expect(page.locator("#live")).to_have_attribute(
        "data-state", "stale"
    )  # nobody speaks for the node now
    await expect(page.locator("#live")).to_have_text("Old figures: nodes")
    await expect(page.locator("#nodes li")).to_contain_text("silent")
    await say_stages(pool, campaign_id, dialing=0, ringing=0, talking=2)
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")


async def test_wall_mode_hides_what_cannot_be_clicked_there_and_turns_by_arrow(
    page: Page, web: WebServer, pool: Pool
) -> None:
    await add_running_campaign(pool)
    await page.goto(f"{web.url}/floor?wall")
    await expect(page.locator("#campaigns")).to_be_visible()
    await expect(page.get_by_role("navigation")).to_be_hidden()
    await expect(page.locator("#outcomes")).to_be_hidden()
    assert await page.locator("#campaigns button:visible").count() == 0
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#outcomes")).to_be_visible()
    await expect(page.locator("#campaigns")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(page.locator("#campaigns")).to_be_visible()
    await expect(page.get_by_role("navigation")).to_be_visible()


async def test_on_the_wall_many_campaigns_take_turns(page: Page, web: WebServer, pool: Pool) -> None:
    for index in range(6):
        await add_campaign(pool, name=f"Campaign {index}")
    await page.goto(f"{web.url}/floor?wall")
    rows = page.locator("#campaigns .floor-row:visible")
    await expect(page.locator("#campaigns .floor-row")).to_have_count(6)
    await page.keyboard.press("ArrowRight")
    await expect(rows).to_have_count(2)
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#outcomes-title")).to_be_visible()
    await expect(rows).to_have_count(0)
    await page.keyboard.press("ArrowRight")
    await expect(rows).to_have_count(4)


async def test_who_may_only_read_sees_no_controls(chromium: Browser, web: WebServer, pool: Pool) -> None:
    await add_running_campaign(pool)
    token = await CampaignStore(pool).create_sign_in_link(
        ["reports:read"], datetime.now(UTC), timedelta(minutes=5)
    )
    page = await chromium.new_page(locale="en-GB")
    await page.goto(f"{web.url}/sign-in/{token}")
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{web.url}/floor")
    await expect(page.locator("#campaigns .floor-row")).to_have_count(1)
    assert await page.locator("#campaigns button").count() == 0


async def test_the_floor_speaks_russian(page: Page, row: Locator, web: WebServer, pool: Pool) -> None:
    await add_running_campaign(pool)
    await page.goto(f"{web.url}/language/ru?next_path=/floor")
    await expect(page.get_by_role("heading", name="Пульт")).to_be_visible()
    await expect(value(page, "answered.note")).to_have_text("ответили 8 из 20")
    await expect(part(row, "contacts")).to_have_text("20 из 40 пройдено")
    words = await page.locator("body").inner_text()
    assert "floor." not in words
    assert "script." not in words


@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_nothing_is_wider_than_the_window(page: Page, web: WebServer, pool: Pool, width: int) -> None:
    await add_running_campaign(pool, "A campaign with a rather long name that somebody thought helpful")
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(f"{web.url}/floor")
    await expect(value(page, "calls_per_minute")).to_have_text("20")
    assert await page.evaluate("document.documentElement.scrollWidth") == width


@pytest.fixture
async def whole_system() -> AsyncIterator[tuple[Path, ApiSettings]]:
    """A database server of its own, to be stopped and started; the server process's settings."""
    # not pytest's folder, which the database's own account cannot enter
    data_dir = Path(tempfile.mkdtemp(prefix="obzvon-restart-"))
    with start_postgres(data_dir, UNSAFE_TEST_SETTINGS) as server:
        dsn = server.dsn
        await migrate(dsn, datetime.now(UTC))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield data_dir, ApiSettings(database_url=dsn, port=port, base_url=f"http://127.0.0.1:{port}")
    shutil.rmtree(data_dir)


@pytest.mark.timeout(120)
async def test_an_open_page_survives_a_restart_of_server_and_database(
    chromium: Browser, whole_system: tuple[Path, ApiSettings]
) -> None:
    """First the database goes and comes, then the server with it; the page is never reloaded and its figures go on."""
    data_dir, settings = whole_system
    web = WebServer(settings)
    page = await chromium.new_page(locale="en-GB")
    mark = secrets.token_hex(4)

    with start_postgres(data_dir, UNSAFE_TEST_SETTINGS):
        pool = await open_pool(settings.database_url)
        campaign_id = await add_running_campaign(pool)
        token = await CampaignStore(pool).create_sign_in_link(
            ["admin"], datetime.now(UTC), timedelta(minutes=5)
        )
        await web.start()
        await page.goto(f"{settings.base_url}/sign-in/{token}")
        await page.get_by_role("button", name="Sign in").click()
        await page.goto(f"{settings.base_url}/floor")
        await page.evaluate(f"window.mark = {json.dumps(mark)}")
        await expect(value(page, "answered.note")).to_have_text("8 of 20 answered")
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")
        await pool.close()
    # the server lives, the database does not: the figures are old, and the page says which
    await expect(page.locator("#live")).to_have_attribute("data-state", "stale")
    await expect(page.locator('#ages [data-source="calls"]')).to_have_attribute("data-tone", "bad")

    with start_postgres(data_dir, UNSAFE_TEST_SETTINGS):
        pool = await open_pool(settings.database_url)
        await add_attempt(pool, campaign_id, 20, Group(1, "answered", 9_000), datetime.now(UTC))
        await expect(value(page, "answered.note")).to_have_text("9 of 21 answered", timeout=20_000)
        await expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=20_000)
        await web.stop()
        await pool.close()
    await expect(page.locator("#live")).to_have_attribute("data-state", "lost")
    await expect(page.locator("#live")).to_contain_text("No connection")

    with start_postgres(data_dir, UNSAFE_TEST_SETTINGS):
        pool = await open_pool(settings.database_url)
        await add_attempt(pool, campaign_id, 21, Group(1, "busy"), datetime.now(UTC))
        await web.start()
        await expect(value(page, "answered.note")).to_have_text("9 of 22 answered", timeout=20_000)
        await expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=20_000)
        assert await page.evaluate("window.mark") == mark  # the same page all along
        await page.close()
        await web.stop()
        await pool.close()
