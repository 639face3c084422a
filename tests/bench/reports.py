"""
Reports at any size of history, beside the same questions on raw rows; settling with all rollups on; claims while people look.

    python -m tests.bench.reports [--quick] [--attempts N] [--only claims] [--claim-seconds N]

Two histories, one ten times the other, in one embedded PostgreSQL of the product's settings; every question is asked over HTTP
semantics in process (routing, keys, JSON), interleaved over large, middle and small campaigns. Peers answer from the rows:
PostgreSQL's own table, DuckDB and chdb on a copy sorted by campaign and time.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import structlog
from litestar import Litestar
from litestar.testing import AsyncTestClient

from analytics.kept_seals import KeptSeals
from api.app import create_app
from api.settings import ApiSettings
from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from tests.bench.report_calls import time_every_drill_down
from tests.bench.report_data import DAYS, History, make_history
from tests.bench.report_load import TURN_SECONDS, settle_rate, time_claims
from tests.bench.report_peers import compare
from tests.bench.report_people import people_of, reading_key
from tests.bench.report_questions import QUESTIONS, Question, body_of, panels

Client = AsyncTestClient[Litestar]
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB"}
MAX_CLAIM_SECONDS = 1_000.0
"""Eight campaigns of 800,000 leads are added for them."""


def with_database(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


@contextlib.asynccontextmanager
async def api_client(dsn: str) -> AsyncIterator[Client]:
    """The application on this database, and a key that may read."""
    secret = await reading_key(dsn)
    async with AsyncTestClient(create_app(ApiSettings(database_url=dsn))) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


async def answer_of(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(path, json=body)
    if response.status_code != HTTPStatus.OK:
        raise SystemExit(f"{path}: {response.status_code} {response.text[:500]}")
    answer: dict[str, Any] = response.json()
    return answer


async def ask(client: Client, path: str, body: dict[str, Any]) -> float:
    """Ask once; return milliseconds."""
    begun = time.perf_counter()
    await answer_of(client, path, body)
    return (time.perf_counter() - begun) * 1000


async def time_reports(
    client: Client, history: History, questions: Sequence[Question], rounds: int
) -> dict[str, list[float]]:
    campaigns = [1, len(history.sizes) // 10, len(history.sizes) // 2]
    took: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):
        for question in questions:
            for campaign_id in campaigns[: 1 if question.of_all or question.of_largest else None]:
                milliseconds = await ask(
                    client, "/v1/query", body_of(question, history.first_day, campaign_id)
                )
                if turn > 0:  # the first round connects and prepares
                    took[question.name].append(milliseconds)
    return took


async def time_nothing_kept(client: Client, history: History, rounds: int) -> float:
    """Ask for different numbers over all campaigns as a process that has read no bitmaps does (docs/adr/0031); return the median."""
    question = next(each for each in QUESTIONS if each.of_all and each.of_largest)
    took = []
    for _ in range(rounds):
        state = client.app.state
        state["readers"] = msgspec.structs.replace(state["readers"], kept=KeptSeals())
        took.append(await ask(client, "/v1/query", body_of(question, history.first_day, 1)))
    return statistics.median(took)


async def time_panels(
    client: Client, history: History, campaign_id: int, rounds: int, *, is_quick: bool
) -> tuple[float, float, list[str]]:
    """
    Ask every panel of every report page; return p95 of those that sums and bitmaps answer, and the longest and the names of the
    others.

    Those that read facts are asked once: how long they take goes with the number of calls, and is bounded by 15 s.
    """
    from_facts: list[str] = []
    period = {"from": str(history.first_day), "to": str(history.first_day + timedelta(days=DAYS))}
    quick: list[float] = []
    slow: list[tuple[float, str]] = [(0.0, "")]
    named: list[tuple[float, str]] = []
    for panel in panels(period, campaign_id, datetime.now(UTC)):
        if panel.reads_facts:
            from_facts.append(panel.name)
        if is_quick and (panel.needs_seals or panel.reads_facts):
            continue  # no day is sealed there
        if panel.reads_facts:
            begun = time.perf_counter()
            response = await client.post("/v1/query", json=panel.body)
            is_answered = response.status_code == HTTPStatus.OK
            slow.append(
                ((time.perf_counter() - begun) * 1000, panel.name + ("" if is_answered else " NOT ANSWERED"))
            )
            continue
        took = [await ask(client, "/v1/query", panel.body) for _ in range(rounds + 1)][1:]
        quick += took
        named.append((statistics.median(took), panel.name))
    print(f"  {len(named)} panels from sums and bitmaps: p95 {percentile(quick, 0.95):.1f} ms; the slowest:")
    for median, name in sorted(named, reverse=True)[:5]:
        print(f"    {name:40} p50 {median:7.1f} ms")
    print(f"  {len(slow) - 1} panels that read facts; the slowest:")
    for milliseconds, name in sorted(slow, reverse=True)[:5]:
        print(f"    {name:40} {milliseconds:7.0f} ms", flush=True)
    print(f"  read from facts: {', '.join(from_facts) or 'none'}", flush=True)
    return percentile(quick, 0.95), max(slow)[0], from_facts


async def time_drill_down(client: Client, history: History, rounds: int) -> list[float]:
    """Pages of the calls behind a campaign, several deep."""
    took = []
    for campaign_id in (1, len(history.sizes) // 10, len(history.sizes) // 2):
        cursor: str | None = None
        for _ in range(rounds):
            parameters: dict[str, str | int] = {
                "campaign_id": campaign_id,
                "limit": 100,
                **({"cursor": cursor} if cursor else {}),
            }
            begun = time.perf_counter()
            response = await client.get("/v1/attempts", params=parameters)
            took.append((time.perf_counter() - begun) * 1000)
            cursor = response.json()["next_cursor"]
    return took


async def histories_of(dsn: str, options: argparse.Namespace) -> list[History]:
    """Make the large history, and a tenth of it unless only claims are timed."""
    today = datetime.now(UTC).date()
    histories = []
    sizes = {"small": options.attempts // 10, "large": options.attempts}
    for name in ("large",) if options.only else ("small", "large"):
        database = with_database(dsn, name)
        await migrate(database, datetime.now(UTC))
        history = await make_history(
            database,
            sizes[name],
            today,
            campaigns=options.campaigns,
            seals=not options.quick,
        )
        histories.append(history)
        print(
            f"{history.attempts:,} attempts made in {history.load_seconds:.1f} s, added up in "
            f"{history.rollup_seconds:.1f} s to {history.rollup_rows:,} rows, sealed in {history.seal_seconds:.1f} s; "
            f"{history.bytes / 1e9:.1f} GB",
            flush=True,
        )
    return histories


async def run(dsn: str, options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    histories = await histories_of(dsn, options)
    large = histories[-1]
    figures = {} if options.only else await figures_of_reports(dsn, histories, options, directory)
    return {
        **figures,
        **await figures_of_claims(large, options.claim_seconds),
        "attempts": large.attempts,
        "load_average": os.getloadavg()[0],
    }


async def figures_of_claims(history: History, seconds: float) -> dict[str, Any]:
    async with people_of(history.dsn, history.first_day) as people:
        claims = await time_claims(history.dsn, people.say, seconds)
        answers = await people.say("rest")
    low, high = claims.ratio_range()
    waits = [claims.core_wait_ms(side) for side in (0, 1)]
    commits = [claims.commit_p99_ms(side) for side in (0, 1)]
    print(
        f"claims: p50 {claims.alone(0.5):.1f} ms alone, {claims.beside(0.5):.1f} beside 50 dashboards and 5 heavy reports; "
        f"p95 {claims.alone(0.95):.1f} and {claims.beside(0.95):.1f}; p99 {claims.alone(0.99):.1f} and {claims.beside(0.99):.1f}, x {claims.ratio():.3f} (90 %: {low:.2f} to {high:.2f}); "
        f"{claims.count():,} claims a side, {answers:,} reports answered; waited for cores "
        + " and ".join("unknown" if wait is None else f"{wait:.2f} ms a claim" for wait in waits)
        + f"; p99 of commits {commits[0]:.1f} and {commits[1]:.1f} ms",
        flush=True,
    )
    return {
        "claim_p50_ratio": round(claims.ratio(0.5), 3),
        "claim_p95_ratio": round(claims.ratio(0.95), 3),
        "claim_p99_ratio": round(claims.ratio(), 3),
        "claim_p99_ratio_range": [round(low, 3), round(high, 3)],
        "claim_core_wait_ms": [None if wait is None else round(wait, 3) for wait in waits],
        "commit_p99_ms": [round(each, 2) for each in commits],
        "claims_a_side": claims.count(),
        "reports_answered": answers,
    }


async def figures_of_reports(
    dsn: str, histories: Sequence[History], options: argparse.Namespace, directory: Path
) -> dict[str, Any]:
    small, large = histories
    # sealing ninety days takes longer than a quick look has
    questions = [each for each in QUESTIONS if not (options.quick and each.of_largest)]
    p95: dict[int, float] = {}
    nothing_kept: list[float] = []
    drill_down = panels_p95 = slowest = page = 0.0
    kinds, kinds_left = [0.0], 0
    from_facts: list[str] = []
    for history in histories:
        async with api_client(history.dsn) as client:
            took = await time_reports(client, history, questions, options.rounds)
            every = [value for values in took.values() for value in values]
            p95[history.attempts] = percentile(every, 0.95)
            if not options.quick:
                nothing_kept.append(await time_nothing_kept(client, history, options.rounds))
            drill_down = percentile(await time_drill_down(client, history, options.rounds), 0.95)
            page = statistics.median([await time_page(client) for _ in range(options.rounds)])
            panels_p95, slowest, from_facts = await time_panels(
                client, history, 1, options.panel_rounds, is_quick=options.quick
            )
            kinds, kinds_left = await time_every_drill_down(
                client,
                history,
                partial(answer_of, client),
                options.drill_down_seconds,
                is_quick=options.quick,
            )
        print(
            f"\n{history.attempts:,} attempts: p95 {p95[history.attempts]:.1f} ms, calls page p95 {drill_down:.1f} ms"
        )
        for name, values in took.items():
            print(f"  {name:24} p50 {statistics.median(values):7.1f}  p95 {percentile(values, 0.95):7.1f} ms")
        print(f"  the page of campaign 1 asks again: p50 {page:.1f} ms")
        if nothing_kept:
            print(f"  all: distinct numbers, no bitmap kept: p50 {nothing_kept[-1]:.1f} ms")
    async with api_client(large.dsn) as client:

        async def api(question: Question) -> int:
            answer = await answer_of(client, "/v1/query", body_of(question, large.first_day, 1))
            return int(answer["totals"]["attempts"]["value"])

        peers = await compare(large.dsn, directory, api, options.peer_rounds, installs=not options.quick)
    settled, drained = await settle_rate(with_database(dsn, "large"), options.settlements)
    print(f"\nsettled {settled:,.0f}/s; until the last was added up {drained:,.0f}/s", flush=True)
    return {
        "p95_ms": round(p95[large.attempts], 2),
        "drill_down_p95_ms": round(drill_down, 2),
        "drill_down_kinds_p95_ms": round(percentile(kinds, 0.95), 2),
        "slowest_drill_down_ms": round(max(kinds)),
        "drill_down_kinds_not_asked": kinds_left,
        "panels_p95_ms": round(panels_p95, 2),
        "slowest_panel_from_facts_ms": round(slowest),
        "panels_from_facts": from_facts,
        "campaign_page_p50_ms": round(page, 2),
        "growth_1m_10m": round(p95[large.attempts] / p95[small.attempts], 3),
        "distinct_nothing_kept_ms": [round(each, 2) for each in nothing_kept],
        "settled_per_second": round(settled),
        "settled_and_added_up_per_second": round(drained),
        "peers": peers,
    }


async def time_page(client: Client) -> float:
    """Ask what the page of the largest campaign asks again and again; return milliseconds."""
    begun = time.perf_counter()
    response = await client.get("/v1/campaigns/1/report")
    took = (time.perf_counter() - begun) * 1000
    if response.status_code != HTTPStatus.OK:
        raise SystemExit(response.text[:500])
    return took


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="100,000 and 10,000 attempts of 10 campaigns, within 50 s"
    )
    parser.add_argument("--attempts", type=int, help="of the large history (10,000,000)")
    parser.add_argument("--only", choices=["claims"], help="nothing but claims beside people who look")
    parser.add_argument(
        "--claim-seconds",
        type=float,
        help="how long claims go on alone, and as long beside people (240; with --quick 4)",
    )
    options = parser.parse_args()
    if options.claim_seconds is not None and not TURN_SECONDS <= options.claim_seconds <= MAX_CLAIM_SECONDS:
        parser.error(
            f"--claim-seconds: give {TURN_SECONDS:g} to {MAX_CLAIM_SECONDS:g}, not {options.claim_seconds:g}"
        )
    options.attempts = options.attempts or (100_000 if options.quick else 10_000_000)
    options.campaigns = 10 if options.quick else 200
    options.rounds, options.peer_rounds = (4, 1) if options.quick else (20, 3)
    options.panel_rounds = 1 if options.quick else 5
    options.drill_down_seconds = 1.5 if options.quick else 90.0
    options.settlements = 16_000 if options.quick else 400_000
    # some 36 claims a second: of four minutes the worst hundredth are eighty, of four seconds one
    options.claim_seconds = options.claim_seconds or (4.0 if options.quick else 240.0)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-"))
    data_directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-data-"))  # as root it becomes another user's
    with start_postgres(data_directory, SERVER) as server:
        result = asyncio.run(run(server.dsn, options, directory))
    shutil.rmtree(directory)
    shutil.rmtree(data_directory)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
