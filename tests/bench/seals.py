"""
What sealing closed days costs, and what holding seals against the facts does, in CPU seconds per million attempts, beside recounting the sums.

    python -m tests.bench.seals [--quick] [--attempts N]

One connection does what the tasks of the API process do, one after the other, without waiting for the disk; counted are its server process and this one.
"""

import argparse
import asyncio
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import structlog

from campaigns import attribution_seals, number_seals
from campaigns.callback_seals import seal_callbacks
from campaigns.database import Connection, prepare_connection
from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from campaigns.rollup_statements import TOTALS_SHARD
from campaigns.rollups import Slice, check_slice, slices_of
from campaigns.seal_check import check_seals
from tests.bench.report_data import DAYS, make_history
from tests.bench.reports import SERVER, with_database

TICKS = os.sysconf("SC_CLK_TCK")
DAY_SECONDS = 86_400
CHECKED_DAILY_DAYS = 45
"""This month and the one before it are checked daily: so many days at the middle of a month."""


class Cost(msgspec.Struct):
    """CPU seconds of the server and of this process, and the longest statement, by the clock."""

    server: float = 0.0
    client: float = 0.0
    longest: float = 0.0
    statement: str = ""

    def per_million(self, attempts: int) -> float:
        return (self.server + self.client) * 1_000_000 / attempts


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measured(connection: Connection, work: Callable[[], Awaitable[object]]) -> Cost:
    cost = Cost()

    def heard(query: Any) -> None:
        if query.elapsed > cost.longest:
            cost.longest, cost.statement = query.elapsed, " ".join(query.query.split())[:100]

    pid = connection.get_server_pid()
    server, client = cpu_of(pid), time.process_time()
    with connection.query_logger(heard):
        await work()
    cost.server, cost.client = cpu_of(pid) - server, time.process_time() - client
    return cost


async def until_done(make: Callable[[Connection, datetime], Awaitable[int]], connection: Connection) -> None:
    while await make(connection, datetime.now(UTC)):
        pass


async def run(dsn: str, options: argparse.Namespace) -> dict[str, Any]:
    database = with_database(dsn, "seals")
    await migrate(database, datetime.now(UTC))
    today = datetime.now(UTC).date()
    history = await make_history(database, options.attempts, today, campaigns=options.campaigns, seals=False)
    return await costs_of(database, history.attempts)


async def costs_of(database: str, attempts: int) -> dict[str, Any]:
    """Seal and check a history that has sums and no seals."""
    connection = await asyncpg.connect(
        database, server_settings={"timezone": "UTC", "synchronous_commit": "off"}
    )
    await prepare_connection(connection)
    slices = await slices_of(connection)

    async def seals(parts: list[Slice]) -> None:
        for part in parts:
            days = part.days()
            found = await check_seals(
                connection, part.shard_key, days[0], days[-1], datetime.now(UTC), repair=False
            )
            assert not found, "a seal of untouched facts is right"

    async def everything() -> None:
        for part in slices:
            verdict = await check_slice(connection, part, datetime.now(UTC), repair=False)
            assert not verdict.differences

    costs = {}
    for name, work in {
        "days sealed": lambda: until_done(number_seals.seal_days, connection),
        "months sealed": lambda: until_done(number_seals.seal_months, connection),
        "days sealed by source": lambda: until_done(attribution_seals.seal_days, connection),
        "months sealed by source": lambda: until_done(attribution_seals.seal_months, connection),
        "callbacks sealed": lambda: until_done(seal_callbacks, connection),
        "seals checked, campaigns": lambda: seals(
            [part for part in slices if part.shard_key != TOTALS_SHARD]
        ),
        "seals checked, over all": lambda: seals([part for part in slices if part.shard_key == TOTALS_SHARD]),
        "sums and seals checked": everything,
    }.items():
        cost = costs[name] = await measured(connection, work)
        print(
            f"  {name:26} {cost.per_million(attempts):7.1f} s per million attempts ({cost.server:.1f} s the server, "
            f"{cost.client:.1f} s the process); the longest statement {cost.longest * 1000:.0f} ms: {cost.statement}",
            flush=True,
        )
        if name == "callbacks sealed":
            await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
    sealed = sum(cost.per_million(attempts) for name, cost in costs.items() if "sealed" in name)
    checked = sum(cost.per_million(attempts) for name, cost in costs.items() if name.startswith("seals"))
    share = checked / 1_000_000 * attempts / DAYS * CHECKED_DAILY_DAYS / DAY_SECONDS
    return {
        "attempts": attempts,
        "sealing_seconds_per_million": round(sealed, 1),
        "seal_check_seconds_per_million": round(checked, 1),
        "sum_check_seconds_per_million": round(
            costs["sums and seals checked"].per_million(attempts) - checked, 1
        ),
        "seal_check_core_share": round(share, 5),
        "longest_statement_ms": round(max(cost.longest for cost in costs.values()) * 1000),
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10,000 attempts of 2 campaigns, within 50 s")
    parser.add_argument("--attempts", type=int, help="of the history (500,000)")
    options = parser.parse_args()
    options.attempts = options.attempts or (10_000 if options.quick else 500_000)
    options.campaigns = 2 if options.quick else 200
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-data-"))  # as root it becomes another user's
    with start_postgres(directory, SERVER) as server:
        result = asyncio.run(run(server.dsn, options))
    shutil.rmtree(directory)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
