"""The calls behind every figure that a report page links to: each kind once, of the fullest and of the emptiest row of its panel."""

import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar
from litestar.testing import AsyncTestClient

from analytics.metrics import attempts_behind
from tests.bench.report_data import DAYS, History
from tests.bench.report_questions import Asked, panels

ROWS = 100
"""Of a page."""
CLAUSES = ("period", "filter", "time_zone")
"""What a link takes on from the panel's query."""


class DrillDown(msgspec.Struct, frozen=True):
    """One kind: the calls that meet one condition, of one row of one panel."""

    name: str
    body: dict[str, Any]
    """Of POST /v1/query/calls."""


class Page(msgspec.Struct, frozen=True):
    """How long a page took; `calls` is None where it was not answered."""

    name: str
    milliseconds: float
    calls: int | None


def drill_downs(panel: Asked, answer: dict[str, Any]) -> Iterator[DrillDown]:
    """The links of a panel's first and last figures; figures that link to the same calls once."""
    known = set()
    for name in panel.body["metrics"]:
        has_calls, condition = attempts_behind(name)
        # a figure that is 0 is no link
        rows = [row for row in answer["rows"] if row["metrics"][name]["value"]]
        if not has_calls or condition in known or not rows:
            continue
        known.add(condition)
        for place, row in {"first": rows[0], "last": rows[-1]}.items():
            if place == "last" and row is rows[0]:
                continue
            at = {dimension: value["value"] for dimension, value in row["dimensions"].items()}
            body = {clause: panel.body[clause] for clause in CLAUSES if clause in panel.body}
            yield DrillDown(
                f"{panel.name}: {name}{f', {place} row' if at else ''}",
                {**body, "metric": name, "at": at, "limit": ROWS},
            )


async def time_drill_downs(
    client: AsyncTestClient[Litestar],
    panels: list[Asked],
    answer_of: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
    seconds: float,
) -> tuple[list[Page], int]:
    """Ask first pages until the time is over; return how long they took, and how many kinds are left out."""
    waiting = [
        each for panel in panels for each in drill_downs(panel, await answer_of("/v1/query", panel.body))
    ]
    pages: list[Page] = []
    end = time.perf_counter() + seconds
    for number, each in enumerate(waiting):
        begun = time.perf_counter()
        if begun > end:
            return pages, len(waiting) - number
        response = await client.post("/v1/query/calls", json=each.body)
        took = (time.perf_counter() - begun) * 1000
        is_answered = response.status_code == HTTPStatus.OK
        pages.append(Page(each.name, took, len(response.json()["items"]) if is_answered else None))
    return pages, 0


async def time_every_drill_down(
    client: AsyncTestClient[Litestar],
    history: History,
    answer_of: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
    seconds: float,
    *,
    is_quick: bool,
) -> tuple[list[float], int]:
    """
    Ask for the calls behind every kind of figure that a report page links to, for so many seconds; return milliseconds of each, and how
    many kinds there was no time for.

    Of ninety days, which have nothing before them, and known numbers of the last thirty too.
    """
    last_day = history.first_day + timedelta(days=DAYS)
    asked = []
    for days in (DAYS, 30):
        period = {"from": str(last_day - timedelta(days=days)), "to": str(last_day)}
        asked += [
            panel
            for panel in panels(period, 1, datetime.now(UTC))
            if (days == DAYS or "known_numbers" in panel.name)
            and not (is_quick and (panel.needs_seals or panel.reads_facts))
        ]
    pages, left = await time_drill_downs(client, asked, answer_of, seconds)
    print(f"  calls behind {len(pages)} kinds of figures, {left} not asked; the slowest:")
    for page in sorted(pages, key=lambda each: -each.milliseconds)[:5]:
        rows = "NOT ANSWERED" if page.calls is None else f"{page.calls} calls"
        print(f"    {page.name:60} {page.milliseconds:7.0f} ms, {rows}", flush=True)
    return [page.milliseconds for page in pages], left
