"""
What any work at all does to claims on this machine: the floor under `claim_p99_ratio` of tests/bench/reports.

    python -m tests.bench.claims_floor [--seconds S]

Claims alone and beside loops that only compute, at the lowest policy that the kernel has (SCHED_IDLE), in turns: two take what is
left of two cores, as people who look do. Five minutes; the last line is one JSON object.
"""

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import shutil
import tempfile
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path

import structlog

from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from tests.bench.report_load import Claims, time_claims


def compute(may_run: Event) -> None:
    os.setsid()  # a session of its own, as each process of a server is
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while may_run.wait():
        sum(number * number for number in range(20_000))


async def beside_loops(dsn: str, count: int, seconds: float) -> Claims:
    """Time claims alone and beside so many loops."""
    may_run = multiprocessing.Event()
    loops = [multiprocessing.Process(target=compute, args=(may_run,), daemon=True) for _ in range(count)]
    for loop in loops:
        loop.start()

    async def say(word: str) -> int:
        if word == "look":
            may_run.set()
        else:
            may_run.clear()
        return 0

    claims = await time_claims(dsn, say, seconds)
    for loop in loops:
        loop.kill()
    return claims


def main(seconds: float) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    figures: dict[str, object] = {}
    data_directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-data-"))
    with start_postgres(data_directory, {"shared_buffers": "1GB", "max_wal_size": "8GB"}) as server:
        asyncio.run(migrate(server.dsn, datetime.now(UTC)))
        for count in (1, 2):
            claims = asyncio.run(beside_loops(server.dsn, count, seconds))
            print(
                f"beside {count} loops: p50 {claims.alone(0.5):.1f} and {claims.beside(0.5):.1f} ms, p99 "
                f"{claims.alone(0.99):.1f} and {claims.beside(0.99):.1f}; {claims.count():,} claims a side",
                flush=True,
            )
            figures[f"claim_p99_ratio_{count}_loops"] = round(claims.ratio(), 3)
            figures[f"claim_p99_ratio_{count}_loops_range"] = [round(end, 3) for end in claims.ratio_range()]
    shutil.rmtree(data_directory)
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of claims a side, for one loop and for two"
    )
    main(parser.parse_args().seconds)
