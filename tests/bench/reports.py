"""
Reports at any size of history, beside the same questions on raw rows; settling with all rollups on; claims while people look.

    python -m tests.bench.reports [--quick] [--attempts N]

Two histories, one ten times the other, in one embedded PostgreSQL of the product's settings; every question is asked over HTTP
semantics in process (routing, keys, JSON), interleaved over large, middle and small campaigns. Peers answer from the rows:
PostgreSQL's own table, DuckDB and chdb on a copy sorted by campaign and time.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from litestar import Litestar
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.niceness import step_back
from api.readers import NICENESS
from api.settings import ApiSettings
from campaigns.database import open_pool
from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from campaigns.store import CampaignStore
from tests.bench.report_data import DAYS, History, make_history
from tests.bench.report_load import claim_ratio, look, settle_rate
from tests.bench.report_peers import chdb_peer, duckdb_peer, export_rows, postgres_peer
from tests.bench.report_questions import QUESTIONS, Question, panels

Client = AsyncTestClient[Litestar]
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB"}


def with_database(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


@contextlib.asynccontextmanager
async def api_client(dsn: str) -> AsyncIterator[Client]:
    """The application on this database, and a key that may read."""
    pool = await open_pool(dsn)
    _, secret = await CampaignStore(pool).create_api_key(
        "bench", ["reports:read", "campaigns:read"], datetime.now(UTC)
    )
    await pool.close()
    async with AsyncTestClient(create_app(ApiSettings(database_url=dsn))) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


def body_of(question: Question, history: History, campaign_id: int) -> dict[str, Any]:
    last_day = history.first_day + timedelta(days=DAYS)
    body = {**question.body, "period": {"from": str(history.first_day), "to": str(last_day)}}
    if not question.of_all:
        body["filter"] = {"op": "is", "dimension": "campaign", "values": [campaign_id]}
    return body


async def ask(client: Client, path: str, body: dict[str, Any]) -> float:
    """Ask once; return milliseconds."""
    begun = time.perf_counter()
    response = await client.post(path, json=body)
    took = (time.perf_counter() - begun) * 1000
    if response.status_code != 200:
        raise SystemExit(f"{path}: {response.status_code} {response.text[:500]}")
    return took


async def time_reports(
    client: Client, history: History, questions: Sequence[Question], rounds: int
) -> dict[str, list[float]]:
    campaigns = [1, len(history.sizes) // 10, len(history.sizes) // 2]
    took: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):
        for question in questions:
            for campaign_id in campaigns[: 1 if question.of_all or question.of_largest else None]:
                milliseconds = await ask(client, "/v1/query", body_of(question, history, campaign_id))
                if turn > 0:  # the first round connects and prepares
                    took[question.name].append(milliseconds)
    return took


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


async def run(dsn: str, options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    histories = []
    for name, attempts in (("small", options.attempts // 10), ("large", options.attempts)):
        database = with_database(dsn, name)
        await migrate(database, datetime.now(UTC))
        history = await make_history(
            database, attempts, today, campaigns=options.campaigns, seals=not options.quick
        )
        histories.append(history)
        print(
            f"{history.attempts:,} attempts made in {history.load_seconds:.1f} s, added up in "
            f"{history.rollup_seconds:.1f} s to {history.rollup_rows:,} rows, sealed in {history.seal_seconds:.1f} s; "
            f"{history.bytes / 1e9:.1f} GB",
            flush=True,
        )
    small, large = histories
    # sealing ninety days takes longer than a quick look has
    questions = [each for each in QUESTIONS if not (options.quick and each.of_largest)]
    p95: dict[int, float] = {}
    drill_down = panels_p95 = slowest = page = 0.0
    from_facts: list[str] = []
    for history in histories:
        async with api_client(history.dsn) as client:
            took = await time_reports(client, history, questions, options.rounds)
            every = [value for values in took.values() for value in values]
            p95[history.attempts] = percentile(every, 0.95)
            drill_down = percentile(await time_drill_down(client, history, options.rounds), 0.95)
            page = statistics.median([await time_page(client) for _ in range(options.rounds)])
            panels_p95, slowest, from_facts = await time_panels(
                client, history, 1, options.panel_rounds, is_quick=options.quick
            )
        print(
            f"\n{history.attempts:,} attempts: p95 {p95[history.attempts]:.1f} ms, calls page p95 {drill_down:.1f} ms"
        )
        for name, values in took.items():
            print(f"  {name:24} p50 {statistics.median(values):7.1f}  p95 {percentile(values, 0.95):7.1f} ms")
        print(f"  the page of campaign 1 asks again: p50 {page:.1f} ms")
    await compare(large, directory, options)
    settled, drained = await settle_rate(with_database(dsn, "large"), options.settlements)
    print(f"\nsettled {settled:,.0f}/s; until the last was added up {drained:,.0f}/s", flush=True)
    ratio, quiet, busy = await claim_ratio(
        large.dsn, lambda: people_looking(large), seconds=options.claim_seconds
    )
    print(
        f"claim p99 {quiet:.1f} ms alone, {busy:.1f} ms beside 50 dashboards and 5 heavy reports", flush=True
    )
    return {
        "p95_ms": round(p95[large.attempts], 2),
        "drill_down_p95_ms": round(drill_down, 2),
        "panels_p95_ms": round(panels_p95, 2),
        "slowest_panel_from_facts_ms": round(slowest),
        "panels_from_facts": from_facts,
        "campaign_page_p50_ms": round(page, 2),
        "growth_1m_10m": round(p95[large.attempts] / p95[small.attempts], 3),
        "settled_per_second": round(settled),
        "settled_and_added_up_per_second": round(drained),
        "claim_p99_ratio": round(ratio, 3),
        "attempts": large.attempts,
        "load_average": os.getloadavg()[0],
    }


async def time_page(client: Client) -> float:
    """Ask what the page of the largest campaign asks again and again; return milliseconds."""
    begun = time.perf_counter()
    response = await client.get("/v1/campaigns/1/report")
    took = (time.perf_counter() - begun) * 1000
    if response.status_code != HTTPStatus.OK:
        raise SystemExit(response.text[:500])
    return took


@contextlib.asynccontextmanager
async def people_looking(history: History) -> AsyncIterator[None]:
    """Dashboards and heavy reports, from a process of its own that goes last, as `obzvon serve` starts the API."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.reports",
        "--look",
        history.dsn,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    await step_back(process.pid, NICENESS)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline(), "the process that looks did not start"
        yield
    finally:
        process.terminate()
        await process.wait()


async def look_at(dsn: str) -> None:
    first_day = datetime.now(UTC).date() - timedelta(days=DAYS)
    history = History(dsn, 0, [], first_day, 0, 0, 0, 0, 0)
    bodies = [body_of(question, history, 1) for question in QUESTIONS if not question.of_largest]
    async with api_client(dsn) as client:
        await ask(client, "/v1/query", bodies[2])
        print("looking", flush=True)
        await look(
            lambda: ask(client, "/v1/query", bodies[2]),
            lambda index: ask(client, "/v1/query", bodies[len(bodies) - 1 - index]),
        )


async def compare(history: History, directory: Path, options: argparse.Namespace) -> None:
    """The same questions on the rows themselves; medians of a few tries, in milliseconds."""
    rows = await export_rows(history.dsn, directory)
    peers: dict[str, Callable[[str], Awaitable[None]]] = {}
    async with contextlib.AsyncExitStack() as stack:
        peers["PostgreSQL rows"] = await stack.enter_async_context(postgres_peer(history.dsn))
        peers["DuckDB"] = stack.enter_context(duckdb_peer(rows))
        if importlib.util.find_spec("chdb"):
            peers["chdb"] = stack.enter_context(chdb_peer(rows, directory))
        else:
            print("chdb is not installed and left out: uv pip install chdb", flush=True)
        print(f"\nthe same on rows, p50 ms {'':5}" + "".join(f"{name:>18}" for name in peers))
        for question in QUESTIONS:
            if question.raw is None:
                continue
            cells = []
            for peer in peers.values():
                took = []
                for _ in range(options.peer_rounds + 1):
                    begun = time.perf_counter()
                    await peer(question.sql(1))
                    took.append((time.perf_counter() - begun) * 1000)
                cells.append(statistics.median(took[1:]))
            print(f"  {question.name:28}" + "".join(f"{cell:18.1f}" for cell in cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="500,000 and 50,000 attempts of 20 campaigns, within 50 s"
    )
    parser.add_argument("--attempts", type=int, help="of the large history (10,000,000)")
    parser.add_argument("--look", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.attempts = options.attempts or (500_000 if options.quick else 10_000_000)
    options.campaigns = 20 if options.quick else 200
    options.rounds, options.peer_rounds = (4, 1) if options.quick else (20, 3)
    options.panel_rounds = 1 if options.quick else 5
    options.settlements = 32_000 if options.quick else 400_000
    options.claim_seconds = 6.0 if options.quick else 20.0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if options.look:
        asyncio.run(look_at(options.look))
        return
    directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-"))
    data_directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-data-"))  # as root it becomes another user's
    with start_postgres(data_directory, SERVER) as server:
        result = asyncio.run(run(server.dsn, options, directory))
    shutil.rmtree(directory)
    shutil.rmtree(data_directory)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
