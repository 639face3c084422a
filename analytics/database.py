"""What analytics asks of the database: an asyncpg pool or connection, and statements of one `.sql` file each."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection


@functools.cache
def statement(name: str) -> str:
    """Return the text of `NAME.sql` beside this module; its header says what $1, $2, ... are."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
