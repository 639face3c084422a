"""A line chart has a mark wherever there is a figure: also for a day that stands alone, which no line leads to."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, expect

from campaigns.database import Pool
from tests.browser.conftest import WebServer
from tests.browser.rows import Group, add_attempt, hear_answers
from tests.postgres.campaign_rows import add_campaign

NOVEMBER = "period=custom&from=2026-11-01&to=2026-11-30"

MARKS = """
([panel, colour]) => {
    // by columns of pixels between legend and axes: whatever hangs together is one mark
    const place = document.querySelector(`[data-panel=${panel}] .series`);
    const canvas = place.querySelector("canvas");
    const probe = document.createElement("canvas").getContext("2d");
    const span = document.createElement("span");
    span.style.color = `var(--${colour})`;
    document.body.append(span);
    probe.fillStyle = getComputedStyle(span).color;
    span.remove();
    probe.fillRect(0, 0, 1, 1);
    const wanted = probe.getImageData(0, 0, 1, 1).data;
    const ratio = canvas.width / place.clientWidth;
    const [top, below, left] = [36, 24, 34].map((pixels) => Math.round(pixels * ratio));
    const { data, width, height } = canvas
        .getContext("2d").getImageData(left, top, canvas.width - left, canvas.height - top - below);
    const inked = (x) => {
        for (let y = 0; y < height; y++) {
            const at = 4 * (y * width + x);
            if (data[at + 3] > 250 && [0, 1, 2].every((part) => Math.abs(data[at + part] - wanted[part]) < 24)) return true;
        }
        return false;
    };
    const found = [];
    for (let x = 0, start = null; x <= width; x++) {
        const isInked = x < width && inked(x);
        if (isInked && start === null) start = x;
        if (!isInked && start !== null) { found.push((x - start) / ratio); start = null; }
    }
    return found;
}
"""


async def marks(page: Page, panel: str, colour: str = "accent") -> list[float]:
    """Return how wide each mark of a colour is, in CSS pixels, from left to right."""
    await expect(page.locator(f'[data-panel="{panel}"][aria-busy=false] canvas')).to_be_visible()
    found: list[float] = await page.evaluate(MARKS, [panel, colour])
    return found


async def add_calls(pool: Pool, calls: Mapping[datetime, int]) -> None:
    """Add this many calls a day, every second of them answered and heard."""
    campaign_id = await add_campaign(pool, leads=400)
    index = 0
    for at, count in calls.items():
        for number in range(count):
            group = Group(1, "answered", 9_000) if number % 2 else Group(1, "busy")
            await add_attempt(pool, campaign_id, index, group, at)
            index += 1
    await hear_answers(pool)


def day(number: int, month: int = 11) -> datetime:
    return datetime(2026, month, number, 9, tzinfo=UTC)


async def open_report(page: Page, web: WebServer, name: str, query: str) -> None:
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await page.goto(f"{web.url}/reports/{name}?{query}")
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


@pytest.mark.parametrize(
    ("report", "panel"),
    [
        ("media", "mos_over_days"), ("media", "media_over_days"), ("network", "by_day"),
    ],
)  # fmt: skip
async def test_a_single_day_is_a_point(
    page: Page, web: WebServer, pool: Pool, report: str, panel: str
) -> None:
    await add_calls(pool, {day(3): 4})
    await open_report(page, web, report, f"{NOVEMBER}&compare=none")
    (point,) = await marks(page, panel)
    assert 4 < point < 12


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_day_between_gaps_is_a_point(page: Page, web: WebServer, pool: Pool, width: int) -> None:
    """The 2nd and the 7th stand alone, the 4th and the 5th are joined, and the last day of September is far away."""
    await page.set_viewport_size({"width": width, "height": 844})
    await add_calls(pool, {day(30, 9): 4, day(2): 2, day(4): 4, day(5): 4, day(7): 2})
    await open_report(page, web, "network", f"{NOVEMBER}&compare=none")
    await page.get_by_role("button", name="ASR", exact=True).click()
    alone, joined, last = await marks(page, "by_day")
    assert alone == pytest.approx(last, abs=1)
    assert joined > 2 * alone
    # over weeks there is not room for a label of each day; the points are there all the same
    await open_report(page, web, "network", "period=custom&from=2026-09-01&to=2026-11-30&compare=none")
    await page.get_by_role("button", name="ASR", exact=True).click()
    assert len(await marks(page, "by_day")) == 4


async def test_a_day_of_the_other_period_is_a_point(page: Page, web: WebServer, pool: Pool) -> None:
    await add_calls(pool, {day(10): 4, day(11): 4, day(12): 4, day(4): 3})
    await open_report(
        page, web, "network", "period=custom&from=2026-11-09&to=2026-11-15&compare=previous_period"
    )
    await page.get_by_role("button", name="ASR", exact=True).click()
    assert len(await marks(page, "by_day")) == 1
    (point,) = await marks(page, "by_day", "ink-2")
    assert 2 < point < 12
