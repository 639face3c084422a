"""The report pages show what the rows add up to, and lead from each figure to the calls behind it."""

import io
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect
from pyarrow import parquet

from api.report_registry import REPORTS
from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import Group, add_attempt, add_known_campaign, just_now
from tests.postgres.campaign_rows import add_campaign
from tests.xlsx import read_xlsx

ALL_TIME = "period=all&compare=none"


async def open_report(page: Page, web: WebServer, name: str, more: str = "") -> None:
    await page.goto(f"{web.url}/reports/{name}?{ALL_TIME}{more}")
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


async def test_the_list_leads_to_every_report(page: Page, web: WebServer) -> None:
    await page.goto(f"{web.url}/reports")
    links = page.locator(".report-list a")
    assert [await link.get_attribute("href") for link in await links.all()] == [
        f"/reports/{name}" for name in REPORTS
    ]


@pytest.mark.parametrize("name", list(REPORTS))
async def test_every_panel_of_every_report_is_counted(
    page: Page, web: WebServer, pool: Pool, name: str
) -> None:
    await add_known_campaign(pool)
    await open_report(page, web, name)
    for note in await page.locator(".note-line").all():
        # a panel without calls says so; one that could not be counted says something else
        assert await note.text_content() in {"", "No calls in this period."}


async def test_figures_funnel_and_tables_are_what_the_rows_add_up_to(
    page: Page, web: WebServer, pool: Pool
) -> None:
    campaign_id = await add_known_campaign(pool)
    await open_report(page, web, "summary", f"&campaign={campaign_id}")
    totals = page.locator('[data-panel="totals"]')
    await expect(totals.locator('[data-metric="attempts"] .value')).to_have_text("25")
    await expect(totals.locator('[data-metric="answered_by_number"]')).to_contain_text("56.0%")
    await expect(totals.locator('[data-metric="answered_by_number"]')).to_contain_text("14 of 25")
    await expect(totals.locator('[data-metric="callback_requests"] .value')).to_have_text("3")
    funnel = page.locator('[data-panel="funnel"] .bars li')
    await expect(funnel.nth(0)).to_contain_text("25")
    await expect(funnel.nth(1)).to_contain_text("14")
    await expect(funnel.nth(1)).to_contain_text("56.0%")
    foot = page.locator('[data-panel="by_day"] tfoot td')
    await expect(foot.first).to_have_text("25")
    rows = page.locator('[data-panel="by_campaign"] tbody tr')
    await expect(rows).to_have_count(1)
    await expect(page.locator('[data-panel="by_day"] canvas')).to_be_visible()


async def test_a_figure_leads_to_exactly_its_calls(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await open_report(page, web, "causes", f"&campaign={campaign_id}")
    busy = page.locator('[data-panel="by_result"] tbody tr').filter(has_text="Busy")
    figure = busy.locator("td a").first
    await expect(figure).to_have_text("4")
    await figure.click()
    await expect(page.locator("#calls tbody tr")).to_have_count(4)
    await expect(page.locator("#calls .result[data-result=busy]")).to_have_count(4)
    assert "+79160000024" not in await page.content()  # numbers are masked


async def download(page: Page, panel: str, kind: str) -> bytes:
    async with page.expect_download() as waiting:
        await page.locator(f'[data-panel="{panel}"] .downloads summary').click()
        await page.locator(f'[data-panel="{panel}"] [data-export={kind}]').click()
    found = await waiting.value
    assert found.suggested_filename.endswith(f"-{panel}.{kind}")
    return (await found.path()).read_bytes()


async def test_a_download_holds_the_same_figures(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    await open_report(page, web, "causes", f"&campaign={campaign_id}")
    lines = (await download(page, "by_result", "csv")).decode("utf-8-sig").splitlines()
    assert any(line.startswith("busy,4") for line in lines), lines
    assert ["busy", 4.0] in [row[:2] for row in read_xlsx(await download(page, "by_result", "xlsx"))]
    table = parquet.read_table(io.BytesIO(await download(page, "by_result", "parquet"))).to_pylist()
    assert [row["settled_attempts"] for row in table if row["result"] == "busy"] == [4]


@pytest.mark.parametrize("name", list(REPORTS))
async def test_every_report_can_be_taken_away(page: Page, web: WebServer, pool: Pool, name: str) -> None:
    campaign_id = await add_known_campaign(pool)
    await open_report(page, web, name, f"&campaign={campaign_id}")
    for panel in REPORTS[name].panels:
        if await page.locator(f'[data-panel="{panel.name}"] .downloads').is_visible():
            head = (await download(page, panel.name, "csv")).decode("utf-8-sig").splitlines()[0].split(",")
            assert set(panel.metrics) <= set(head), head


async def test_small_shares_fill_a_scale_that_both_periods_share(
    page: Page, web: WebServer, pool: Pool
) -> None:
    """3 of 40 calls are answered, of 40 nine days before 2: on a scale of 0 to 100 % both would hardly be seen."""
    campaign_id = await add_campaign(pool, leads=80)
    for days, answers in ((0, 3), (9, 2)):
        at = just_now() - timedelta(days=days, minutes=1)
        for index in range(40):
            group = Group(1, "answered", 9_000) if index < answers else Group(1, "busy")
            await add_attempt(pool, campaign_id, 40 * (days > 0) + index, group, at)
    await page.goto(f"{web.url}/reports/network?period=last_7_days&compare=previous_period")
    panel = page.locator('[data-panel="by_trunk"]')
    await expect(panel.locator(".scale")).to_have_text(
        "The full width is 8.0%; a line stands where the other period was."
    )
    await expect(panel.locator(".bars .count")).to_have_text("7.5%")
    await expect(panel.locator(".bars rect")).to_have_attribute("width", "93.8%")
    await expect(panel.locator(".bars line")).to_have_attribute("x1", "62.5%")


async def test_the_page_says_whether_the_sums_are_proven(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_known_campaign(pool)
    proof = page.locator('[data-value="proof"]')
    await open_report(page, web, "causes")
    await expect(proof).to_have_text("Sums are being held against the facts")
    await pool.execute(
        "INSERT INTO rollup_checks (shard_key, month, checked_time, differences, wrong_days, is_repaired) "
        "VALUES ($1, '2026-11-01', now(), 3, '{2026-11-02,2026-11-03}', false)",
        campaign_id * 256,
    )
    await open_report(page, web, "causes")
    await expect(proof).to_contain_text("differ from the facts on days: 2")


async def test_a_wrong_filter_is_said_and_not_counted(page: Page, web: WebServer, pool: Pool) -> None:
    await add_known_campaign(pool)
    await page.goto(f"{web.url}/reports/summary?period=custom&from=2026-13-01&compare=none&zone=Mars/Olympus")
    problems = page.locator("main [role=alert] li")
    await expect(problems).to_have_count(2)
    assert any("2026-13-01" in words for words in await problems.all_text_contents())
    await expect(page.locator("[data-panel]")).to_have_count(0)


async def test_an_unknown_report_is_not_found(page: Page, web: WebServer) -> None:
    answer = await page.goto(f"{web.url}/reports/horoscope")
    assert answer is not None
    assert answer.status == 404


async def test_wrong_queries_of_the_calls_page_are_said(page: Page, web: WebServer) -> None:
    for query in ("nonsense", '{"metric": "horoscope"}', '{"period": {"name": "never"}}'):
        answer = await page.goto(f"{web.url}/calls?query={query}")
        assert answer is not None
        assert answer.status == 200
        await expect(page.locator("main [role=alert] li")).to_have_count(1)


async def test_russian(page: Page, web: WebServer, pool: Pool) -> None:
    await add_known_campaign(pool)
    await page.goto(f"{web.url}/language/ru?next_path=/reports/summary")
    await page.goto(f"{web.url}/reports/summary?{ALL_TIME}")
    await expect(page.locator("h1")).to_have_text("Итоги и воронка")
    await expect(page.locator('[data-panel="totals"] [data-metric="answered_by_number"]')).to_contain_text(
        "56,0"
    )


async def test_any_column_can_be_the_chart(page: Page, web: WebServer, pool: Pool) -> None:
    await add_known_campaign(pool)
    await page.emulate_media(reduced_motion="reduce")
    await open_report(page, web, "summary")
    panel = page.locator('[data-panel="by_day"]')
    choice = panel.get_by_role("group", name="What the chart shows")
    pressed = choice.locator("[aria-pressed=true]")
    await expect(pressed).to_have_text(["Attempts", "Answered attempts"])
    picture = "document.querySelector('[data-panel=by_day] canvas').toDataURL()"
    before = await page.evaluate(picture)
    await choice.get_by_role("button", name="Talks", exact=True).click()
    await expect(pressed).to_have_text(["Talks"])
    await page.wait_for_function(f"before => {picture} !== before", arg=before)
