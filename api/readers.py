"""
The connections that reports are read with: few, apart from all others, and last in line for the cores.

Rule 1. Whoever looks must not slow dialing: more questions than connections wait here, not beside a claim.
Rule 2. A question that reads facts waits for the other one that does, never in front of one that the sums answer.
Rule 3. Where the server's processes are ours to order, the kernel lets everything else go first (docs/adr/0023).
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from analytics.database import Pool
from analytics.kept_seals import KeptSeals
from analytics.plan import reads_facts
from analytics.query import Query
from campaigns.database import open_pool
from campaigns.niceness import LAST_SETTINGS, answer_last

SUMS_CONNECTIONS: Final = 3
FACTS_CONNECTIONS: Final = 1
SETTINGS: Final = {"application_name": "obzvon-reports", **LAST_SETTINGS}


class Readers(msgspec.Struct, frozen=True):
    """Two pools, so that a slow question holds up none that is quick."""

    sums: Pool
    facts: Pool
    kept: KeptSeals = msgspec.field(default_factory=KeptSeals)
    """Bitmaps that both have read."""

    def of(self, query: Query) -> Pool:
        """Return the connections for this query."""
        return self.facts if reads_facts(query) else self.sums


@contextlib.asynccontextmanager
async def reading_connections(dsn: str) -> AsyncIterator[Readers]:
    """
    Open them for the life of an application.

    Raises:
        OSError, asyncpg.PostgresError: the server cannot be reached, or refuses.
    """
    async with contextlib.AsyncExitStack() as stack:
        pools = []
        for size in (SUMS_CONNECTIONS, FACTS_CONNECTIONS):
            pool = await open_pool(dsn, max_size=size, settings=SETTINGS, on_connect=answer_last)
            stack.push_async_callback(pool.close)
            pools.append(pool)
        sums, facts = pools
        yield Readers(sums, facts)
