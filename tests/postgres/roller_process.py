"""A roller to be killed: adds up a few rows at a time, again and again. `python -m tests.postgres.roller_process DSN`."""

import asyncio
import sys

import asyncpg

from campaigns.rollups import fold_outbox


async def roll(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    print("rolling", flush=True)
    while True:
        await fold_outbox(connection, rows=2)


if __name__ == "__main__":
    asyncio.run(roll(sys.argv[1]))
