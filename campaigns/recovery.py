"""
What a dead node left open. Its attempts become `unknown` / `node_lost`, and nobody dials those numbers by himself again.

The node itself may be alive and only cut off: then it settles from its spool later, and the real outcome replaces
`unknown` (settle_buffer.sql).
"""

from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from campaigns.database import Connection
from campaigns.statements import load_statements

log = structlog.get_logger()

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))


async def recover_dead_runs(connection: Connection, *, silent_since: datetime, now: datetime) -> set[int]:
    """
    Settle the open attempts of every run that has not beaten since `silent_since`; return the campaigns concerned.

    Safe on any number of nodes at once: a run is locked by one of them.
    """
    campaign_ids: set[int] = set()
    async with connection.transaction():
        for run in await connection.fetch(STATEMENTS["lock_dead_runs"], silent_since):
            lost = await close_run(connection, run["run_id"], now)
            campaign_ids |= lost
            log.warning("node.lost", run_id=run["run_id"], node=run["node_name"])
    return campaign_ids


async def close_run(connection: Connection, run_id: int, now: datetime) -> set[int]:
    """End a run inside the caller's transaction; what it has open is lost. Return the campaigns concerned."""
    # Leads first: they are found through the attempts that are still open.
    await connection.execute(STATEMENTS["finish_lost_leads"], run_id)
    lost = await connection.fetch(STATEMENTS["settle_lost_attempts"], run_id, now)
    await connection.execute(STATEMENTS["release_shards"], run_id)
    await connection.execute(STATEMENTS["forget_trunk_health"], run_id)
    await connection.execute(STATEMENTS["end_run"], run_id, now)
    for attempt in lost:
        log.warning(
            "attempt.lost",
            campaign_id=attempt["campaign_id"],
            attempt_id=attempt["attempt_id"],
            call_id=attempt["call_id"],
            run_id=run_id,
        )
    return {attempt["campaign_id"] for attempt in lost}
