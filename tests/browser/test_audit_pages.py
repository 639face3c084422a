"""The listening queue and the answering-machine settings of a campaign, as a supervisor works with them."""

import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from api.classifier_guard import guard_classifiers
from api.settings import ApiSettings
from campaigns.database import Pool
from campaigns.verdict_audits import VerdictAudits
from tests.browser.conftest import WebServer
from tests.browser.rows import add_known_campaign, just_now
from tests.browser.test_accessibility import violations
from tests.postgres.audits import draw_verdict
from tests.postgres.recordings import add_recording, settings_of


@pytest.fixture
async def web(database: str, pool: Pool, tmp_path: Path) -> AsyncIterator[WebServer]:
    """As `conftest.web`, with recordings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = ApiSettings(database_url=database, port=port, base_url=url, recordings=settings_of(tmp_path))
    server = WebServer(settings, pool)
    await server.start()
    yield server
    await server.stop()


async def drawn(pool: Pool, count: int) -> int:
    campaign_id = await add_known_campaign(pool)
    await pool.execute("UPDATE campaigns SET answering_machine = 'hang_up'")
    for index in range(count):
        await draw_verdict(pool, campaign_id, 9_000 + index, started_time=just_now())
    return campaign_id


async def judgements(pool: Pool) -> dict[int, str]:
    rows = await pool.fetch("SELECT attempt_id, judgement FROM verdict_audits WHERE judgement IS NOT NULL")
    return {row["attempt_id"]: row["judgement"] for row in rows}


async def test_verdicts_are_judged_by_keyboard_one_after_the_other(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await drawn(pool, 4)
    await page.goto(f"{web.url}/audits")
    await expect(page.locator('[data-count="waiting"]')).to_have_text("4 wait")
    await page.keyboard.press("Tab")
    await page.get_by_role("button", name="Listen to the next one").click()
    card = page.locator(".audit[data-ready]")
    await expect(card).to_have_attribute("data-attempt", "9003")
    await expect(card).to_contain_text("a long greeting (long_greeting)")
    await expect(card.locator("audio")).to_have_attribute("src", "/v1/recordings/9003/audio")
    for key, following in (("1", "9002"), ("2", "9001"), ("3", "9000")):
        await page.keyboard.press(key)
        await expect(card).to_have_attribute("data-attempt", following)
    assert await judgements(pool) == {9003: "human", 9002: "machine", 9001: "cannot_tell"}
    row = page.locator(f'tr[data-campaign="{campaign_id}"]')
    await expect(row).to_have_count(0)  # what others found is no hint to who listens
    # the last one is corrected
    await page.locator("#correct summary").click()
    await page.locator("#correct").get_by_role("button", name="A machine").click()
    await expect(page.locator('[data-count="waiting"]')).to_have_text("1 wait")
    assert (await judgements(pool))[9001] == "machine"
    await page.keyboard.press("n")  # nothing else waits, so it stays
    await expect(card).to_have_attribute("data-attempt", "9000")
    await page.keyboard.press("3")
    await expect(row.locator('[data-metric="audited_verdicts"]')).to_have_text(
        "3"
    )  # judged: cannot tell is none
    await expect(row.locator("td").nth(1)).to_contain_text("33.3%")


async def test_the_call_is_heard_on_the_page_and_the_space_bar_stops_it(
    page: Page, web: WebServer, pool: Pool, tmp_path: Path
) -> None:
    campaign_id = await add_known_campaign(pool)
    await draw_verdict(pool, campaign_id, 9_000, has_sound=False, started_time=just_now())
    await page.goto(f"{web.url}/audits")
    await expect(page.locator(".facts")).to_contain_text("1 without sound")
    await expect(page.locator(".audit .empty")).to_be_visible()
    await add_recording(pool, tmp_path, campaign_id=campaign_id, attempt_id=9_000, seconds=6)
    await page.reload()
    await page.get_by_role("button", name="Listen to the next one").click()
    await expect(page.locator(".audit[data-ready]")).to_be_visible()
    await page.wait_for_function("Math.abs(document.querySelector('audio').duration - 6) < 0.1")
    assert await violations(page) == []
    is_paused = "document.querySelector('audio').paused"
    await page.evaluate("document.querySelector('audio').pause()")  # it may have begun by itself
    await page.locator("h1").click()
    for paused in (False, True):
        await page.keyboard.press(" ")
        await page.wait_for_function(f"{is_paused} === {str(paused).lower()}")
    assert await pool.fetchval("SELECT count(*) FROM audit_log WHERE action LIKE '%listen%'") >= 1


async def test_a_verdict_is_said_in_russian_words(page: Page, web: WebServer, pool: Pool) -> None:
    await drawn(pool, 1)
    await page.goto(f"{web.url}/language/ru?next_path=/audits")
    await page.get_by_role("button", name="Слушать следующий").click()
    facts = page.locator(".audit[data-ready] .call-facts")
    await expect(facts).to_contain_text("длинное приветствие (long_greeting)")
    await expect(facts).to_contain_text(re.compile(r"\d{1,2} [а-я]+\.? \d{4}"))


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_an_empty_queue_says_why(page: Page, web: WebServer, language: str) -> None:
    await page.goto(f"{web.url}/language/{language}?next_path=/audits")
    words = {"en": "Nothing waits that can be heard", "ru": "Нет ничего, что можно послушать"}[language]
    await expect(page.locator(".audit .empty")).to_contain_text(words)


async def test_a_campaign_gets_its_policy_and_its_checks_in_the_form(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await page.get_by_role("link", name="Machines: ignored").click()
    await page.locator('[name="answering_machine"]').select_option("leave_message")
    await page.locator('[name="audit_share"]').fill("200")
    await page.locator('[name="false_positive_limit"]').fill("none")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#wrong-audit_share")).to_be_visible()
    await expect(page.locator("#wrong-false_positive_limit")).to_be_visible()
    await expect(page.locator('[name="audit_share"]')).to_have_value("200")
    await page.locator('[name="audit_share"]').fill("12,5")
    await page.locator('[name="false_positive_limit"]').fill("2")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("link", name="Machines: leave the message")).to_be_visible()
    row = await pool.fetchrow(
        "SELECT answering_machine, audit_share, false_positive_limit, prompt_id IS NOT NULL FROM campaigns"
    )
    assert row is not None
    assert tuple(row) == ("leave_message", 0.125, 0.02, True)


async def test_a_classifier_that_is_off_says_why_and_is_switched_on_again(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await drawn(pool, 30)
    await pool.execute(
        "UPDATE verdict_audits SET judgement = CASE WHEN attempt_id < 9008 THEN 'human' ELSE 'machine' END,"
        " judged_by = 'key:1', judged_time = drawn_time"
    )
    assert await guard_classifiers(pool, datetime.now(UTC)) == [campaign_id]
    await page.goto(f"{web.url}/campaigns/{campaign_id}")
    await expect(page.locator(".facts")).to_contain_text("classifier off")
    await page.get_by_role("link", name="Machines: hang up").click()
    why = page.locator("#classifier-off")
    await expect(why).to_contain_text(
        "of the last 30 verdicts that people listened to, 8 were persons (26.7%)"
    )
    await expect(why).to_contain_text("Whoever may change campaigns")
    await why.get_by_role("button", name="Switch on again").click()
    await expect(page.locator("#classifier-off")).to_have_count(0)
    assert await pool.fetchval("SELECT resumed_by LIKE 'session:%' FROM classifier_stops")


async def test_what_could_not_be_heard_is_counted_beside_the_estimate(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await drawn(pool, 3)
    await pool.execute(
        "UPDATE recordings SET state = 'deleted', deleted_why = 'expired', deleted_time = now() WHERE attempt_id < 9002"
    )
    assert await VerdictAudits(pool).leave_unheard(datetime.now(UTC)) == 2
    await page.goto(f"{web.url}/audits")
    await expect(page.locator('[data-count="waiting"]')).to_have_text("1 wait")
    await expect(page.locator('[data-unheard="expired"]')).to_have_text("2 deleted by age")
    row = page.locator(f'tr[data-campaign="{campaign_id}"]')
    await expect(row.locator('[data-metric="audits_unheard"]')).to_have_text("2")
    await expect(row.locator('[data-metric="audits_drawn"]')).to_have_text("3")
