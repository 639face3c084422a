"""
The live floor under its audience: 50 pages watch while 200 attempts a second are settled.

`python -m tests.bench.floor [--quick]`. A database of its own with a history (1,000,000 attempts; 100,000 with --quick), the
API in a process of its own, the pages as raw SSE clients in this one. Phases alternate: pages on the stream, then as the
peer the same pages polling `GET /v1/floor` once a second, which is what a page without a stream does.

- behind_ms: from the commit of a settled attempt to the arrival of the first snapshot that counts it, over all pages.
- cpu_share: CPU seconds of the API process (all its threads) by the clock, 1.0 = one core.

The last line is one JSON object.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psutil

from campaigns.database import Pool, open_pool
from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from campaigns.store import CampaignStore
from tests.postgres.campaign_rows import add_campaign, add_run

PAGES = 50
EVENTS_PER_SECOND = 200
BATCH_SECONDS = 0.05
NOTIFY_SECONDS = 0.25

SERVER = """
import sys
from api.server import run_api
from api.settings import ApiSettings
run_api(ApiSettings(database_url=sys.argv[1], port=0), lambda port: print(port, flush=True))
"""


class Totals(msgspec.Struct):
    outcomes: dict[str, int]


class Seen(msgspec.Struct):
    """What a page needs of a snapshot to know how far it is."""

    totals: Totals

    @property
    def settled(self) -> int:
        return sum(self.totals.outcomes.values())


class Page:
    """One watcher: when it first saw each count of settled attempts."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, int]] = []

    def see(self, data: bytes) -> None:
        self.arrivals.append((time.monotonic(), msgspec.json.decode(data, type=Seen).settled))

    def behind_ms(self, commits: list[tuple[float, int]]) -> list[float]:
        """For each commit of events, how long until a snapshot counted the last of them."""
        found, index = [], 0
        for committed_at, settled in commits:
            while index < len(self.arrivals) and (
                self.arrivals[index][1] < settled or self.arrivals[index][0] < committed_at
            ):
                # a snapshot that came before the commit returned may count it already
                if self.arrivals[index][1] >= settled:
                    break
                index += 1
            if index == len(self.arrivals):
                break
            found.append(max(0.0, (self.arrivals[index][0] - committed_at) * 1000))
        return found


class Events:
    """Settles attempts at a steady rate, as a node would: batches, one NOTIFY per 250 ms, its stages beside it."""

    def __init__(self, pool: Pool, campaign_id: int) -> None:
        self._pool = pool
        self._campaign_id = campaign_id
        self.settled = 0
        self.commits: list[tuple[float, int]] = []

    async def run(self, seconds: float) -> None:
        started_at, notified_at = time.monotonic(), 0.0
        size = round(EVENTS_PER_SECOND * BATCH_SECONDS)
        for batch in range(round(seconds / BATCH_SECONDS)):
            await asyncio.sleep(max(0.0, started_at + batch * BATCH_SECONDS - time.monotonic()))
            await self._settle(size)
            if time.monotonic() - notified_at >= NOTIFY_SECONDS:
                notified_at = time.monotonic()
                await self._tell(batch)

    async def _settle(self, size: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, "
                "trunk_id, caller_id, call_id, run_id, gate, settled_time, result, reason, fault, ended_by, talk_ms, "
                "change_number) SELECT $1, $2, $3::bigint + n, $4, n, '+79160000000', 1, 1, '', 'call', 1, '{}', $2, "
                "(ARRAY['answered', 'busy', 'no_answer', 'rejected'])[1 + n % 4], 'normal', 'none', 'callee', 9000, 1 "
                "FROM generate_series(1, $5) AS n",
                self._campaign_id * 256, datetime.now(UTC), 10**12 + self.settled, self._campaign_id, size,
            )  # fmt: skip
        self.settled += size
        self.commits.append((time.monotonic(), self.settled))

    async def _tell(self, batch: int) -> None:
        now = datetime.now(UTC)
        stages = {str(self._campaign_id): {"dialing": batch % 7, "ringing": 40, "talking": 90}}
        await self._pool.execute("UPDATE node_runs SET heartbeat_time = $1", now)
        await self._pool.execute(
            "INSERT INTO node_state (run_id, time, state) VALUES (1, $1, $2) "
            "ON CONFLICT (run_id) DO UPDATE SET time = excluded.time, state = excluded.state",
            now, {"campaigns": stages, "trunks": {"1": stages[str(self._campaign_id)]}},
        )  # fmt: skip
        await self._pool.execute("SELECT pg_notify('live', $1)", f"[{self._campaign_id}]")


async def watch(page: Page, port: int, key: str, stop: asyncio.Event) -> None:
    """Read the stream with as little work as can be: this process is not what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writer.write(
        f"GET /v1/floor/live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    )
    is_floor = False
    closing = asyncio.create_task(stop.wait(), name="stop")
    closing.add_done_callback(lambda _: writer.close())
    while line := await read_line(reader):
        if line.startswith(b"event: "):
            is_floor = line == b"event: floor\n"
        elif is_floor and line.startswith(b"data: "):
            page.see(line[6:])
    closing.cancel()


async def read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def poll(page: Page, port: int, key: str, stop: asyncio.Event) -> None:
    """Ask once a second, each page at its own moment."""
    await asyncio.sleep((id(page) % 1000) / 1000)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    while not stop.is_set():
        asked_at = time.monotonic()
        writer.write(f"GET /v1/floor HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        page.see(await reader.readexactly(length))
        await asyncio.sleep(max(0.0, asked_at + 1 - time.monotonic()))
    writer.close()


async def phase(
    kind: str, events: Events, server: psutil.Process, port: int, key: str, seconds: float
) -> dict[str, float]:
    pages = [Page() for _ in range(PAGES)]
    stop = asyncio.Event()
    events.commits = []
    async with asyncio.TaskGroup() as tasks:
        for page in pages:
            tasks.create_task((watch if kind == "stream" else poll)(page, port, key, stop))
        await asyncio.sleep(1.5)  # everybody is there
        cpu_before, at_before = cpu_seconds(server), time.monotonic()
        await events.run(seconds)
        cpu_share = (cpu_seconds(server) - cpu_before) / (time.monotonic() - at_before)
        await asyncio.sleep(2.5)  # the last ones arrive
        stop.set()
    behind = sorted(value for page in pages for value in page.behind_ms(events.commits))
    expected = len(events.commits) * PAGES
    assert len(behind) == expected, f"{expected - len(behind)} of {expected} were never seen"
    return {
        "behind_ms_p50": statistics.median(behind),
        "behind_ms_p99": behind[int(len(behind) * 0.99)],
        "behind_ms_max": behind[-1],
        "cpu_share": cpu_share,
        "snapshots_per_second_and_page": sum(len(page.arrivals) for page in pages) / PAGES / (seconds + 4),
    }


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def add_history(pool: Pool, campaign_id: int, attempts: int) -> None:
    """Attempts of the last 90 days, none of the last hour."""
    await pool.execute(
        "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, "
        "caller_id, call_id, run_id, gate, settled_time, result, reason, fault, ended_by, change_number) "
        "SELECT $1, t, n, $2, n, '+79160000000', 1, 1, '', 'call', 1, '{}', t, 'busy', 'normal', 'none', 'callee', 1 "
        "FROM (SELECT n, $3::timestamptz - n * ($4::interval / $5) AS t FROM generate_series(1, $5) AS n) AS rows",
        campaign_id * 256, campaign_id, datetime.now(UTC) - timedelta(hours=1), timedelta(days=55), attempts,
        timeout=600,
    )  # fmt: skip
    await pool.execute("ANALYZE attempts", timeout=120)


@contextlib.asynccontextmanager
async def api_process(dsn: str) -> AsyncIterator[tuple[psutil.Process, int]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, dsn, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert child.stdout is not None
    port = int(await child.stdout.readline())
    # its log goes where its port came from, and has to be taken away
    log = asyncio.create_task(child.stdout.read(), name="log")
    try:
        yield psutil.Process(child.pid), port
    finally:
        child.terminate()
        await child.wait()
        await log


async def main(*, is_quick: bool) -> None:
    seconds, rounds, history, leads = (8.0, 1, 100_000, 20_000) if is_quick else (30.0, 3, 1_000_000, 200_000)
    folder = Path(tempfile.mkdtemp(prefix="obzvon-bench-"))
    results: dict[str, list[dict[str, float]]] = {"stream": [], "poll": []}
    with start_postgres(folder) as postgres:
        await migrate(postgres.dsn, datetime.now(UTC))
        pool = await open_pool(postgres.dsn, application_name="bench")
        await pool.execute("SET statement_timeout = 0")
        campaign_id = await add_campaign(pool, name="watched")
        for index in range(9):
            await add_campaign(pool, name=f"beside {index}")
        await pool.execute(
            "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made) "
            "SELECT $1, n, $2, '+79160000000', 'pending', now(), 0 FROM generate_series(1, $3) AS n",
            campaign_id * 256, campaign_id, leads,
        )  # fmt: skip
        await add_run(pool, 1, heartbeat_time=datetime.now(UTC))
        await add_history(pool, campaign_id, history)
        _, key = await CampaignStore(pool).create_api_key("bench", ["reports:read"], datetime.now(UTC))
        async with api_process(postgres.dsn) as (server, port):
            events = Events(pool, campaign_id)
            for _ in range(rounds):
                for kind, found in results.items():
                    figures = await phase(kind, events, server, port, key, seconds)
                    found.append(figures)
                    print(kind, {name: round(value, 3) for name, value in figures.items()}, flush=True)
        await pool.close()
    shutil.rmtree(folder)

    def middle(kind: str, name: str) -> float:
        return round(statistics.median(figures[name] for figures in results[kind]), 3)

    answer = {
        "behind_ms_p99": middle("stream", "behind_ms_p99"),
        "cpu_share": middle("stream", "cpu_share"),
        "behind_ms_p50": middle("stream", "behind_ms_p50"),
        "polling_behind_ms_p99": middle("poll", "behind_ms_p99"),
        "polling_cpu_share": middle("poll", "cpu_share"),
        "pages": PAGES,
        "events_per_second": EVENTS_PER_SECOND,
        "history": history,
        "rounds": rounds,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="within 50 seconds")
    asyncio.run(main(is_quick=parser.parse_args().quick))
