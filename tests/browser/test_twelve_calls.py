"""
Every metric on every report page shows what docs/twelve_calls.md works out by hand; so do the files that the page gives out.

The values are written here by rules of their own, not by the page's: half up, as English writes numbers.
"""

import csv
import io
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pyarrow.parquet as pq
import pytest
from playwright.async_api import Page, expect

from analytics.metrics import METRICS
from api.report_panel import Panel
from api.report_registry import REPORTS
from campaigns.database import Pool
from tests.browser.conftest import WebServer, web_server
from tests.twelve_calls import NOW, add_twelve_calls, expected
from tests.xlsx import read_xlsx

EXPECTED = expected()
EVERYTHING = "period=all&compare=none"


@pytest.fixture
async def web(database: str, pool: Pool) -> AsyncIterator[WebServer]:
    """The server at the hour at which the twelve calls are looked at."""
    async with web_server(database, pool, clock=lambda: NOW) as server:
        yield server


def rounded(value: Fraction, digits: int) -> str:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"


def written(name: str) -> str:
    """Write a metric's expected value as the page has to."""
    value, unit = EXPECTED[name], METRICS[name].unit
    if unit == "share":
        return f"{rounded(value * 100, 1)}%"
    if unit in {"money", "score"}:
        return rounded(value, 2)
    if unit == "milliseconds" and value < 1000:
        return f"{rounded(value, 0)}\u202fms"
    if unit in {"seconds", "milliseconds"}:
        seconds = value / 1000 if unit == "milliseconds" else value
        if unit == "milliseconds" or seconds < 60:
            return f"{rounded(seconds, 1)}\u202fs"
        whole = int(rounded(seconds, 0).replace(",", ""))
        return f"{whole // 60}:{whole % 60:02}"
    return rounded(value, 0)


async def shown_totals(page: Page, panel: Panel) -> dict[str, str | None]:
    """Read the value of every metric of a panel that has totals."""
    place = page.locator(f'[data-panel="{panel.name}"]')
    if panel.chart == "figures":
        return {
            name: await place.locator(f'[data-metric="{name}"] .value').text_content()
            for name in panel.metrics
        }
    if panel.chart == "funnel":
        counts = await place.locator(".bars .count").all_text_contents()
    elif panel.chart == "periods":
        counts = await place.locator("tbody tr td:nth-child(2)").all_text_contents()
    else:
        counts = await place.locator("tfoot td").all_text_contents()
    return dict(zip(panel.metrics, counts, strict=True))


def test_every_metric_of_every_page_is_worked_out() -> None:
    assert {
        name for report in REPORTS.values() for panel in report.panels for name in panel.metrics
    } <= EXPECTED.keys()


@pytest.mark.parametrize("name", list(REPORTS))
async def test_a_page_shows_what_was_worked_out_by_hand(
    page: Page, web: WebServer, pool: Pool, name: str
) -> None:
    campaign_id = await add_twelve_calls(pool)
    await page.goto(f"{web.url}/reports/{name}?{EVERYTHING}&campaign={campaign_id}")
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    panels = [panel for panel in REPORTS[name].panels if panel.chart != "heat"]
    counted = [panel for panel in panels if any(EXPECTED[metric] for metric in panel.metrics)]
    for panel in counted:
        assert await shown_totals(page, panel) == {metric: written(metric) for metric in panel.metrics}, (
            panel.name
        )


async def test_the_hours_of_the_heat_maps(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_twelve_calls(pool)
    await page.goto(f"{web.url}/reports/hours?{EVERYTHING}&campaign={campaign_id}")
    cells: dict[tuple[str, str, str], str] = {}
    for panel in ("heat_answers", "heat_conversion"):
        table = page.locator(f'[data-panel="{panel}"] .heat')
        await expect(table.locator("tbody tr")).to_have_count(7)
        hours = await table.locator("thead th").all_text_contents()
        for day, row in zip(("Mon", "Tue"), (await table.locator("tbody tr").all())[:2], strict=True):
            words = await row.locator("td").all_text_contents()
            cells |= {(panel, day, hour): shown for hour, shown in zip(hours, words, strict=True) if shown}
    assert cells == {
        # Monday: 2 3 4 of 1 2 3 4; 6 7 of 5 6 7; 8; 9. Tuesday: none of 10 and 11, and 12 has not ended
        ("heat_answers", "Mon", "10"): "75.0%",
        ("heat_answers", "Mon", "11"): "66.7%",
        ("heat_answers", "Mon", "12"): "100.0%",
        ("heat_answers", "Mon", "15"): "100.0%",
        ("heat_answers", "Tue", "09"): "0.0%",
        # of the talks 2 and 3 both succeeded, 7 did not, 8 did, 9 did not
        ("heat_conversion", "Mon", "10"): "100.0%",
        ("heat_conversion", "Mon", "11"): "0.0%",
        ("heat_conversion", "Mon", "12"): "100.0%",
        ("heat_conversion", "Mon", "15"): "0.0%",
    }


async def test_the_rows_of_the_sources(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_twelve_calls(pool)
    await page.goto(f"{web.url}/reports/sources?{EVERYTHING}&campaign={campaign_id}")
    rows = page.locator('[data-panel="by_source"] tbody tr')
    await expect(rows).to_have_count(3)
    worked_out = {
        "site": {
            "attempts": "6", "distinct_numbers": "5", "answered_attempts": "3", "answered_by_attempt": "60.0%",
            "talks": "3", "successes": "3", "conversion_per_talk": "100.0%", "conversion_per_dial": "60.0%",
        },
        "tv": {
            "attempts": "4", "distinct_numbers": "4", "answered_attempts": "2", "answered_by_attempt": "50.0%",
            "talks": "0", "successes": "0", "conversion_per_talk": "—", "conversion_per_dial": "0.0%",
        },
        "not given": {
            "attempts": "2", "distinct_numbers": "1", "answered_attempts": "2", "answered_by_attempt": "100.0%",
            "talks": "2", "successes": "0", "conversion_per_talk": "0.0%", "conversion_per_dial": "0.0%",
        },
    }  # fmt: skip
    (panel,) = [panel for panel in REPORTS["sources"].panels if panel.name == "by_source"]
    for row in await rows.all():
        source = await row.locator("th").text_content() or ""
        words = await row.locator("td").all_text_contents()
        assert words == [worked_out[source][metric] for metric in panel.metrics], source


async def test_numbers_by_source_are_no_parts_of_a_whole(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_twelve_calls(pool)
    await page.goto(f"{web.url}/reports/target?{EVERYTHING}&campaign={campaign_id}")
    bars = page.locator('[data-panel="numbers_by_source"] .bars')
    await expect(bars).to_contain_text("site")
    assert "%" not in (await bars.text_content() or "")
    await expect(page.locator('[data-panel="by_source"] .bars')).to_contain_text("%")


async def test_the_files_of_a_page_hold_the_same(page: Page, web: WebServer, pool: Pool) -> None:
    campaign_id = await add_twelve_calls(pool)
    await page.goto(f"{web.url}/reports/comparison?{EVERYTHING}&campaign={campaign_id}")
    (panel,) = [panel for panel in REPORTS["comparison"].panels if panel.chart == "periods"]
    files = {}
    for kind in ("csv", "xlsx", "parquet"):
        async with page.expect_download() as waiting:
            await page.locator(f'[data-panel="{panel.name}"] .downloads summary').click()
            await page.locator(f'[data-panel="{panel.name}"] [data-export={kind}]').click()
        files[kind] = (await (await waiting.value).path()).read_bytes()
    values = {name: float(EXPECTED[name]) for name in panel.metrics}
    line = next(csv.DictReader(io.StringIO(files["csv"].decode("utf-8-sig"), newline="")))
    assert {name: float(line[name]) for name in panel.metrics} == values
    head, cells = read_xlsx(files["xlsx"])[:2]
    sheet = dict(zip(head, cells, strict=False))
    assert {name: sheet[name] for name in panel.metrics} == pytest.approx(values, rel=1e-14)
    row = pq.read_table(io.BytesIO(files["parquet"])).to_pylist()[0]
    assert {name: row[name] for name in panel.metrics} == values
