"""
CPU seconds per answered call: a whole obzvon campaign, PostgreSQL included, beside Asterisk's own AMI Originate.

Both call the same SIPp callee (built-in `uas`: 180, 200, waits for BYE) at the same rate, stay one second and hang
up; Asterisk sends no audio, we one packet. Rounds are interleaved, because these machines are noisy. Counted: for us the dialer node
and every PostgreSQL process from the campaign's start to its end (not the import of its numbers), for Asterisk its process; SIPp and the API are not counted on either side.
Then, without a database, calls with sound beside pyVoIP and the peak rate, as `tests.bench.signalling_load` measures them with more besides.

    python -m tests.bench.signalling [--quick] [--calls N] [--rounds N] [--calls-per-second N]
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil

from campaigns.database import open_pool
from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from tests.bench.campaign import make_campaign, start, until_finished
from tests.bench.signalling_load import FULL, QUICK, Plan, beside_pyvoip, peak_and_steady, ratio
from tests.lab.container import LAB

CALLEE = (LAB.callee_host, 5060)
ASTERISK_MANAGER = (LAB.asterisk_host, 5038)
HOLD_SECONDS = 1
WARM_UP_CALLS = 20
"""Of both sides, before anything is counted."""


class CpuSeconds(NamedTuple):
    """Of our side."""

    node: float
    postgres: float


class Round(NamedTuple):
    """What one campaign of ours was and cost."""

    answered: int
    spent: CpuSeconds


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its living children and those it has reaped."""
    process = psutil.Process(pid)
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:4])
    return total


@contextlib.contextmanager
def sipp_callee() -> Iterator[None]:
    """SIPp answering everything, inside the lab's container."""
    command = LAB.command("exec", "sipp", "-sn", "uas", "-i", CALLEE[0], "-p", str(CALLEE[1]), "-nostdin")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield
    finally:
        subprocess.run(LAB.command("exec", "pkill", "-f", f"sipp -sn uas -i {CALLEE[0]}"), check=False)
        process.wait(timeout=15)


class Manager:
    """As much of AMI as Originate needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, **fields: object) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(f"{lines}\r\n".encode())

    async def packets(self) -> AsyncIterator[dict[str, str]]:
        packet: dict[str, str] = {}
        while line := (await self.reader.readline()).decode():
            if name_and_value := line.strip():
                name, _, value = name_and_value.partition(": ")
                packet[name] = value
            elif packet:
                yield packet
                packet = {}


async def asterisk_round(calls: int, calls_per_second: float) -> int:
    """Originate the calls at the given rate; return how many were answered and hung up."""
    manager = Manager(*await asyncio.open_connection(*ASTERISK_MANAGER))
    manager.send(Action="Login", Username="bench", Secret="bench", Events="call")

    async def originate() -> None:
        started = time.monotonic()
        for index in range(calls):
            await asyncio.sleep(max(0.0, started + index / calls_per_second - time.monotonic()))
            manager.send(
                Action="Originate",
                Channel=f"PJSIP/7901{index:07d}@sipp",
                Application="Wait",
                Data=HOLD_SECONDS,
                Async="true",
            )

    answered = finished = failed = 0
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(originate(), name="originate")
        async for packet in manager.packets():
            if packet.get("Event") == "OriginateResponse":
                answered += packet["Response"] == "Success"
                failed += packet["Response"] != "Success"
            finished += packet.get("Event") == "Hangup"
            if finished == calls:
                break
    manager.writer.close()
    return answered


async def obzvon_round(dsn: str, calls: int, calls_per_second: float, cpu: Callable[[], CpuSeconds]) -> Round:
    """Run one campaign over the callee to its end; the CPU seconds are from its start, when it has been imported."""
    pool = await open_pool(dsn)
    try:
        campaign_id = await make_campaign(
            pool,
            trunk=CALLEE,
            numbers=[f"+7901{index:07d}" for index in range(calls)],
            calls_per_second=calls_per_second,
            hold_seconds=HOLD_SECONDS,
        )
        before = cpu()
        await start(pool, campaign_id)
        await until_finished(pool, campaign_id, seconds=60 + 2 * calls / calls_per_second)
        after = cpu()
        answered: int = await pool.fetchval(
            "SELECT count(*) FROM attempts WHERE campaign_id = $1 AND result = 'answered'", campaign_id
        )
        return Round(answered, CpuSeconds(after.node - before.node, after.postgres - before.postgres))
    finally:
        await pool.close()


@contextlib.contextmanager
def dialing_node(dsn: str, spool_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`obzvon dial` as a process of its own, as in production."""
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", "dial", "--node", "bench"],
        env={**os.environ, "DATABASE_URL": dsn, "OBZVON_SPOOL_DIR": str(spool_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(3)  # past its start, which is not what is measured
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def throw_away_database(folder: Path) -> Iterator[tuple[str, int]]:
    """A migrated embedded PostgreSQL: its address, and the pid of its first process."""
    folder.chmod(0o711)  # as root the server runs as a user of its own, which must pass through
    postgres = start_postgres(folder / "postgres")
    try:
        asyncio.run(migrate(postgres.dsn, datetime.now(UTC)))
        pid_file = folder / "postgres" / "cluster" / "postmaster.pid"
        yield postgres.dsn, int(pid_file.read_text().split()[0])
    finally:
        postgres.stop()


def main(calls: int, rounds: int, calls_per_second: float, plan: Plan) -> None:
    campaign = beside_asterisk(calls, rounds, calls_per_second)
    ours, pyvoip = beside_pyvoip(plan)
    print(
        json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "load_average": round(os.getloadavg()[0], 1),
                **campaign,
                "cpu_ratio_pyvoip": ratio(ours, pyvoip),
                **peak_and_steady(plan),
            }
        )
    )


def beside_asterisk(calls: int, rounds: int, calls_per_second: float) -> dict[str, float]:
    """Campaigns by us and by Asterisk's Originate, in turn."""
    asterisk_pid = int(LAB.run("pid"))
    spent = {"obzvon": 0.0, "postgres": 0.0, "asterisk": 0.0}
    answered = {"obzvon": 0, "asterisk": 0}
    with (
        tempfile.TemporaryDirectory() as folder,
        sipp_callee(),
        throw_away_database(Path(folder)) as (dsn, postmaster_pid),
        dialing_node(dsn, Path(folder) / "spool") as node,
    ):

        def cpu() -> CpuSeconds:
            return CpuSeconds(cpu_seconds(node.pid), cpu_seconds(postmaster_pid))

        # first plans of statements, first pages of the database: what a node does once in its life
        asyncio.run(obzvon_round(dsn, WARM_UP_CALLS, calls_per_second, cpu))
        asyncio.run(asterisk_round(WARM_UP_CALLS, calls_per_second))
        for index in range(rounds):
            ours = asyncio.run(obzvon_round(dsn, calls, calls_per_second, cpu))
            answered["obzvon"] += ours.answered
            spent["obzvon"] += ours.spent.node
            spent["postgres"] += ours.spent.postgres
            before_asterisk = cpu_seconds(asterisk_pid)
            answered["asterisk"] += asyncio.run(asterisk_round(calls, calls_per_second))
            spent["asterisk"] += cpu_seconds(asterisk_pid) - before_asterisk
            print(f"round {index + 1} of {rounds}: answered {answered}", flush=True)
    return report(calls * rounds, calls_per_second, spent, answered)


def report(
    calls: int, calls_per_second: float, spent: dict[str, float], answered: dict[str, int]
) -> dict[str, float]:
    """Print a table for people; return what programs read."""
    ours_ms = 1000 * (spent["obzvon"] + spent["postgres"]) / answered["obzvon"]
    asterisk_ms = 1000 * spent["asterisk"] / answered["asterisk"]
    print(
        f"obzvon    {ours_ms:6.2f} ms per answered call, of it PostgreSQL {1000 * spent['postgres'] / answered['obzvon']:.2f}"
    )
    print(f"Asterisk  {asterisk_ms:6.2f} ms per answered call")
    return {
        "calls": calls,
        "calls_per_second": calls_per_second,
        "answered_obzvon": answered["obzvon"],
        "answered_asterisk": answered["asterisk"],
        "cpu_ms_per_call_obzvon": round(ours_ms, 3),
        "cpu_ms_per_call_postgres_part": round(1000 * spent["postgres"] / answered["obzvon"], 3),
        "cpu_ms_per_call_asterisk": round(asterisk_ms, 3),
        "cpu_ratio_asterisk": round(ours_ms / asterisk_ms, 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two rounds of 150 calls, within 50 s")
    parser.add_argument("--calls", type=int, default=2000, help="calls per round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls-per-second", type=float, default=50.0)
    options = parser.parse_args()
    if options.quick:
        options.calls, options.rounds = 150, 2
    main(options.calls, options.rounds, options.calls_per_second, QUICK if options.quick else FULL)
