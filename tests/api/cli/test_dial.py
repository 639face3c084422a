"""`obzvon dial` as a person starts it: what keeps it from running is said, and its process says goodbye properly."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec

from campaigns.database import Pool
from campaigns.spool import Spool
from dialer.testing.truth import compare
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.dialing import LISTENS, carrier, recorded, until


async def start(**environment: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api.cli.main", "dial", "--node", "node",
        env={**inherited, "OBZVON_LANG": "en", **environment},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def run(**environment: str) -> tuple[int | None, str]:
    process = await start(**environment)
    _, said = await process.communicate()
    return process.returncode, said.decode()


async def test_everything_that_is_wrong_with_the_settings_is_said_in_the_users_language() -> None:
    assert await run(OBZVON_SIP_PORT="five", OBZVON_RTP_PORTS="1-2") == (
        2,
        (
            "DATABASE_URL is not set.\n"
            "OBZVON_RTP_PORTS must be a port range such as 20000-39999 above 1023, not “1-2”.\n"
            "OBZVON_SIP_PORT must be a number, not “five”.\n"
        ),
    )
    assert await run(OBZVON_LANG="ru") == (2, "Не задана переменная DATABASE_URL.\n")


async def test_a_database_that_does_not_answer_is_named_as_the_cause(tmp_path: Path) -> None:
    status, said = await run(
        DATABASE_URL=f"postgresql://nobody@/nowhere?host={tmp_path}", OBZVON_SPOOL_DIR=str(tmp_path)
    )
    assert status == 3
    assert said.startswith("The database does not answer:")
    assert "Traceback" not in said


async def test_a_node_that_runs_already_is_not_started_twice(database: str, tmp_path: Path) -> None:
    spool = Spool(tmp_path, "node")
    status, said = await run(DATABASE_URL=database, OBZVON_SPOOL_DIR=str(tmp_path))
    spool.close()
    assert (status, said.splitlines()[-1]) == (
        3,
        "Node node runs already on this machine. Choose another name with --node, or stop the other process.",
    )


async def test_an_address_that_is_not_ours_is_said_and_the_run_is_ended(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    status, said = await run(
        DATABASE_URL=database, OBZVON_SPOOL_DIR=str(tmp_path), OBZVON_SIP_HOST="192.0.2.1"
    )
    assert status == 3
    assert "The signalling address cannot be used:" in said.splitlines()[-1]
    assert await pool.fetchval("SELECT count(*) FROM node_runs WHERE ended_time IS NULL") == 0


async def test_sigterm_ends_the_run_and_the_log_is_json_lines(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    process = await start(DATABASE_URL=database, OBZVON_SPOOL_DIR=str(tmp_path))

    async def has_started() -> object:
        return await pool.fetchval("SELECT count(*) FROM node_runs")

    await until(has_started)
    process.send_signal(signal.SIGTERM)
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    events = [msgspec.json.decode(line)["event"] for line in said.splitlines()]
    assert events == ["node.started", "node.draining", "node.stopped"]
    assert await pool.fetchval("SELECT count(*) FROM node_runs WHERE ended_time IS NULL") == 0


async def test_a_second_sigterm_hangs_up_at_once_and_settles_all_the_same(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS) as (far_end, truth):
        await add_campaign(
            pool, leads=5, trunk_host=far_end.address[0], trunk_port=far_end.address[1], key_wait_seconds=60.0
        )
        process = await start(DATABASE_URL=database, OBZVON_SPOOL_DIR=str(tmp_path))

        async def all_are_talking() -> bool:
            return sum(row.sip_status == 200 for row in truth.values()) == 5

        await until(all_are_talking)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    assert process.returncode == 130
    assert compare(truth, await recorded(pool)) == []
    assert {attempt.ended_by for attempt in await recorded(pool)} == {"us"}
    assert await pool.fetchval("SELECT count(*) FROM node_runs WHERE ended_time IS NULL") == 0
