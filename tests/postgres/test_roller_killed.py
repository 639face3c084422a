"""kill -9 of the process that adds figures up, again and again, while calls are begun and settled: no figure is ever wrong."""

import asyncio
import random
import subprocess
import sys

import asyncpg
import pytest

from campaigns.database import prepare_connection
from campaigns.rollups import fold_outbox
from tests.postgres.slow_recount import by_month, recount, told, told_of_months
from tests.postgres.test_rollup_histories import MOMENTS, History, make_campaigns

KILLS = 12


@pytest.mark.timeout(180)
async def test_a_roller_killed_at_any_point_loses_and_doubles_nothing(database: str) -> None:
    rng = random.Random(7)
    zones = await make_campaigns(database)
    connection = await asyncpg.connect(database, server_settings={"timezone": "UTC"})
    await prepare_connection(connection)
    life = History(connection, zones)
    await life.clear()
    for _ in range(KILLS):
        with subprocess.Popen(  # noqa: ASYNC220 - killed by us, not waited for
            [sys.executable, "-m", "tests.postgres.roller_process", database, "roll"], stdout=subprocess.PIPE
        ) as roller:
            assert roller.stdout is not None
            await asyncio.to_thread(roller.stdout.readline)
            for _ in range(rng.randrange(5, 25)):
                await life.begin(
                    rng.randrange(len(zones)), rng.choice(MOMENTS), rng.randrange(60), rng.randrange(4)
                )
                await life.settle(
                    len(life.attempts) - 1,
                    {
                        "result": "answered",
                        "fault": "none",
                        "talk_ms": rng.randrange(90_000),
                        "disposition": "meeting",
                    },
                )
                await life.set_disposition(rng.randrange(30), rng.choice(["order", None]))
            roller.kill()
        recounted = await recount(connection, zones)
        assert await told(connection) == recounted
        assert await told_of_months(connection) == by_month(recounted)
    await fold_outbox(connection)
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert await told(connection, "stats") == await recount(connection, zones)
    await connection.close()
