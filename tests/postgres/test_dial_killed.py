"""`kill -9` of a real `obzvon dial` in the middle of a campaign, twice; then it is let finish."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from campaigns.database import Pool
from dialer.testing.truth import compare
from tests.postgres.campaign_rows import add_campaign, number_of
from tests.postgres.dialing import (
    BUSY,
    HANGS_UP,
    PRESSES_1,
    PRESSES_9,
    add_prompt,
    carrier,
    is_finished,
    recorded,
    until,
)

LEADS = 150
KILLED_AFTER_CALLS = (20, 70)


async def start_dialing(database: str, directory: Path) -> asyncio.subprocess.Process:
    with (directory / "dial.log").open("ab") as log_file:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api.cli.main", "dial", "--node", "mortal",
            env={
                **os.environ,
                "DATABASE_URL": database,
                "OBZVON_SPOOL_DIR": str(directory),
                "OBZVON_DEAD_AFTER_SECONDS": "2",
            },
            stderr=log_file,
        )  # fmt: skip


async def test_a_killed_dialer_dials_nobody_twice_settles_everything_and_dials_the_rest(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(HANGS_UP, PRESSES_1, BUSY, PRESSES_9) as (far_end, truth):
        campaign_id = await add_campaign(
            pool, leads=LEADS, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool), max_calls_per_second=30.0, max_concurrent_calls=25,
        )  # fmt: skip

        for calls in KILLED_AFTER_CALLS:
            process = await start_dialing(database, tmp_path)

            async def is_in_the_middle(calls: int = calls) -> bool:
                return len(truth) >= calls and far_end.live_calls > 0

            await until(is_in_the_middle)
            process.kill()
            assert await process.wait() == -signal.SIGKILL

        process = await start_dialing(database, tmp_path)
        await until(lambda: is_finished(pool, campaign_id))
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0, (tmp_path / "dial.log").read_text()

    attempts = await recorded(pool)
    # Every lead was tried, none twice: neither by us nor as the carrier saw it.
    assert sorted(attempt.number for attempt in attempts) == [number_of(index) for index in range(LEADS)]
    assert all(row.call_number == 1 for row in truth.values())
    assert await pool.fetchval("SELECT count(*) FROM leads WHERE status <> 'finished'") == 0
    # Every attempt is settled; what died with the dialer is unknown, and only that.
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE settled_time IS NULL") == 0
    lost = {attempt.call_id for attempt in attempts if attempt.result == "unknown"}
    assert lost
    assert await pool.fetchval("SELECT count(DISTINCT run_id) FROM attempts WHERE result = 'unknown'") == 2
    # The carrier saw every call that was not lost, and no call that was not written down first.
    assert {attempt.call_id for attempt in attempts} >= set(truth)
    known_truth = {call_id: row for call_id, row in truth.items() if call_id not in lost}
    assert compare(known_truth, [attempt for attempt in attempts if attempt.call_id not in lost]) == []
    assert await pool.fetchval("SELECT count(*) FROM node_runs WHERE ended_time IS NULL") == 0
