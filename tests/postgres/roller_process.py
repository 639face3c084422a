"""
To be killed: adds up a few rows at a time, or seals a day or a month at a time, again and again.

    python -m tests.postgres.roller_process DSN roll|seal
"""

import asyncio
import contextlib
import sys
from datetime import UTC, datetime

import asyncpg

from campaigns import attribution_seals
from campaigns.number_seals import seal_days, seal_months
from campaigns.rollups import fold_outbox

SEALING = datetime(2027, 2, 1, tzinfo=UTC)


async def work(dsn: str, task: str) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    print("working", flush=True)
    while True:
        if task == "roll":
            await fold_outbox(connection, rows=2)
            continue
        for seal in (seal_days, seal_months, attribution_seals.seal_days, attribution_seals.seal_months):
            # what was killed before may hold its row a moment longer; the task tries again, too
            with contextlib.suppress(asyncpg.SerializationError):
                await seal(connection, SEALING, 1)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
