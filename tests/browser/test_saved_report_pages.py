"""A report is saved where it is seen, sent when it is asked for, and its page says what became of that."""

import asyncio
from datetime import UTC, datetime

from playwright.async_api import Locator, Page, expect

from analytics.query import Period, QueryRequest
from api.delivery import Sender, Ways
from api.mail import read_mail_server
from api.readers import Readers
from api.report_models import NewReport, NewSchedule
from api.report_sender import ReportQueue
from api.report_store import ReportStore
from campaigns.database import Pool
from tests.api.smtp_server import SmtpServer
from tests.browser.conftest import WebServer
from tests.browser.rows import add_known_campaign


def field(page: Page, name: str) -> Locator:
    return page.locator(f'.schedule [name="{name}"]')


async def save_totals(pool: Pool) -> int:
    query = QueryRequest(
        metrics=["attempts", "answered_by_attempt"], dimensions=["result"], period=Period(name="last_7_days")
    )
    saved = await ReportStore(pool).add(NewReport(name="Итоги", query=query), "key:1", datetime.now(UTC))
    return saved.report_id


async def test_a_panel_is_saved_with_its_filter_and_shows_the_same_figures(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    await page.goto(f"{web.url}/reports/causes?period=last_7_days&campaign={campaign_id}")
    await page.locator('[data-panel="by_result"] [data-save]').click()
    name = page.locator("#save-name")
    await expect(name).to_have_value("Outcomes and SIP causes: By outcome")
    await expect(name).to_be_focused()
    await name.fill("How calls end")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/reports/saved/*")
    (saved,) = await ReportStore(pool).page(0, 10)
    assert saved.name == "How calls end"
    assert saved.query.period == Period(name="last_7_days")
    assert saved.query.filter is not None
    assert saved.query.filter.values == [campaign_id]
    await expect(page.locator("h1")).to_have_text("How calls end")
    await expect(page.locator(".heading")).to_contain_text("Last 7 days")
    busy = page.locator('[data-panel="saved"] tbody tr').filter(has_text="Busy")
    await expect(busy.locator("td").first).to_have_text("4")
    await expect(page.locator('[data-panel="saved"] tfoot td').first).to_have_text("25")
    await page.goto(f"{web.url}/reports/saved")
    await expect(page.locator("#saved tbody tr")).to_contain_text("not scheduled")


async def test_figures_without_rows_are_saved_too(page: Page, web: WebServer, pool: Pool) -> None:
    await add_known_campaign(pool)
    await page.goto(f"{web.url}/reports/summary?period=all&compare=none")
    await page.locator('[data-panel="totals"] [data-save]').click()
    await page.locator("#save-yes").click()
    await page.wait_for_url("**/reports/saved/*")
    await expect(page.locator('[data-panel="saved"] [data-metric="attempts"] .value')).to_have_text("25")


async def test_a_refusal_is_said_in_the_dialog_and_the_name_stays(
    page: Page, web: WebServer, pool: Pool
) -> None:
    await add_known_campaign(pool)
    await page.goto(f"{web.url}/reports/causes?period=all")
    await page.locator('[data-panel="by_result"] [data-save]').click()
    await page.locator("#save-name").fill("   ")
    await page.locator("#save-yes").click()
    await expect(page.locator("#save-problem")).to_contain_text("Not saved")
    await page.keyboard.press("Escape")
    await expect(page.locator("#save")).to_be_hidden()
    assert await ReportStore(pool).page(0, 10) == []


async def test_a_schedule_is_made_sent_at_once_and_its_result_seen(
    page: Page, web: WebServer, pool: Pool
) -> None:
    report_id = await save_totals(pool)
    await page.goto(f"{web.url}/reports/saved/{report_id}")
    await expect(field(page, "month_day")).to_be_hidden()
    await field(page, "every").select_option("month")
    await expect(field(page, "weekday")).to_be_hidden()
    await field(page, "month_day").fill("32")
    await field(page, "time_zone").fill("Mars/Olympus")
    await field(page, "recipients").fill("owner@example.org, nobody")
    await page.get_by_role("button", name="Add the schedule").click()
    await expect(page.locator("[role=alert] p")).to_have_count(3)
    await field(page, "month_day").fill("31")
    await field(page, "time_zone").fill("Europe/Moscow")
    await field(page, "recipients").fill("owner@example.org")
    await field(page, "at").fill("08:30")
    await field(page, "format").select_option("csv")
    await page.get_by_role("button", name="Add the schedule").click()
    row = page.locator("[data-schedule]")
    await expect(row).to_contain_text("on day 31 of the month at 08:30, Europe/Moscow")
    (schedule,) = await ReportStore(pool).schedules(report_id)
    assert (schedule.month_day, schedule.minute, schedule.format) == (31, 510, "csv")

    await page.get_by_role("button", name="Send now").click()
    runs = page.locator("#runs tbody tr")
    await expect(runs).to_have_count(1)
    await expect(runs).to_contain_text("Failed")  # the server of this test has no mail server
    await expect(runs).to_contain_text("OBZVON_SMTP_URL")
    async with SmtpServer().running() as smtp:
        server = read_mail_server(f"smtp://127.0.0.1:{smtp.port}", "reports@example.org")
        ways = Ways(mail_server=server, allows_private_webhooks=False)
        now = datetime.now(UTC)
        await ReportStore(pool).begin_now(schedule.schedule_id, now)
        sending = Sender(
            [ReportQueue(pool, Readers(sums=pool, facts=pool), lambda: now, ways)],
            lambda: now,
            interval_seconds=60,
        )
        await asyncio.gather(sending.work(), sending.work())
    await page.reload()
    await expect(runs.first).to_contain_text("Sent")
    await page.get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)


async def test_a_webhook_shows_its_secret_once_and_the_report_goes_with_its_schedules(
    page: Page, web: WebServer, pool: Pool
) -> None:
    report_id = await save_totals(pool)
    await page.goto(f"{web.url}/reports/saved/{report_id}")
    await field(page, "webhook_url").fill("https://example.org/hook")
    await page.get_by_role("button", name="Add the schedule").click()
    await expect(page.locator(".secret code")).to_contain_text("whsec_")
    await page.goto(f"{web.url}/reports/saved/{report_id}")
    await expect(page.locator(".secret")).to_have_count(0)
    await page.get_by_role("button", name="Rename").click()
    await page.locator("#rename input").fill("Другое")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Другое")
    await page.get_by_role("button", name="Delete", exact=True).click()
    await page.locator("#delete").get_by_role("button", name="Delete").click()
    await expect(page.locator("main .empty")).to_contain_text("Nothing is saved yet")
    assert await pool.fetchval("SELECT count(*) FROM report_schedules") == 0


async def test_a_schedule_that_has_ended_is_not_sent(page: Page, web: WebServer, pool: Pool) -> None:
    report_id = await save_totals(pool)
    store = ReportStore(pool)
    made = await store.add_schedule(
        report_id,
        NewSchedule(every="day", minute=0, time_zone="Europe/Moscow", webhook_url="https://example.org/"),
        datetime.now(UTC),
    )
    await page.goto(f"{web.url}/reports/saved/{report_id}")
    await store.end_schedule(made.schedule_id)
    await page.get_by_role("button", name="Send now").click()
    await expect(page.locator("main [role=alert]")).to_contain_text("has ended")


async def test_on_paper_are_the_figures_and_who_gets_them_and_nothing_to_press(
    page: Page, web: WebServer, pool: Pool
) -> None:
    await add_known_campaign(pool)
    report_id = await save_totals(pool)
    await page.goto(f"{web.url}/reports/saved/{report_id}")
    await expect(page.locator('[data-panel="saved"] tfoot td').first).to_have_text("25")
    await page.emulate_media(media="print")
    await expect(page.locator('[data-panel="saved"] tfoot td').first).to_be_visible()
    await expect(page.locator("#sending")).to_be_visible()
    await expect(page.locator(".schedule")).to_be_hidden()
    for button in await page.locator("main .button").all():
        await expect(button).to_be_hidden()
