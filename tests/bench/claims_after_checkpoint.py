"""
Claims right after a checkpoint, when the first change of a page writes the whole page to the log: as it is, or compressed (pglz).

    python -m tests.bench.claims_after_checkpoint [--quick]

One embedded PostgreSQL, turns mixed, a checkpoint before each. Leads were changed and vacuumed before, as those of a base that has
been dialed for a while: what a claim changes is not side by side. The last line is one JSON object; --quick ends within 50 s.
"""

import argparse
import asyncio
import itertools
import json
import logging
import random
import secrets
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import structlog

from campaigns.database import Connection
from campaigns.embedded_postgres import start_postgres
from campaigns.migrate import migrate
from campaigns.short_turns import answer_in_short_turns, take_short_turns
from tests.bench.report_load import CLAIM_WORKERS, add_campaigns, claims, connect, quantile, settle_and_fold

WAYS = ("off", "pglz")
LEADS = 150_000
"""Of each of eight campaigns."""
TURN_SECONDS = 5.0


async def dial_for_a_while(connection: Connection) -> None:
    """Leave room for new rows everywhere in the table of leads."""
    for part in range(3):
        await connection.execute(f"UPDATE leads SET attempts_made = 0 WHERE contact_id % 10 = {part}")
        await connection.execute("VACUUM ANALYZE leads")


async def time_ways(dsn: str, rounds: int) -> dict[str, list[float]]:
    """Return how many milliseconds claims took, by `wal_compression`."""
    await migrate(dsn, datetime.now(UTC))
    admin = await connect(dsn)
    campaigns = await add_campaigns(admin, LEADS)
    await dial_for_a_while(admin)
    ids = itertools.count(secrets.randbits(40) << 20)
    rng = random.Random(1)
    take_short_turns()
    connections = [await connect(dsn) for _ in range(CLAIM_WORKERS)]
    for connection in connections:
        await answer_in_short_turns(connection)
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    await claims(connections, campaigns, ids, TURN_SECONDS / 2)  # plans and first pages
    for turn in range(rounds):
        for way in WAYS if turn % 2 == 0 else reversed(WAYS):
            for connection in connections:
                await connection.execute(f"SET wal_compression = {way}")
            await admin.execute("CHECKPOINT")
            milliseconds, _, begun = await claims(connections, campaigns, ids, TURN_SECONDS)
            took[way] += milliseconds
            await settle_and_fold(admin, begun, rng)
    for connection in [*connections, admin]:
        await connection.close()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two rounds instead of twelve")
    rounds = 2 if parser.parse_args().quick else 12
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    data_directory = Path(tempfile.mkdtemp(prefix="obzvon-bench-data-"))
    with start_postgres(data_directory, {"shared_buffers": "1GB", "max_wal_size": "8GB"}) as server:
        took = asyncio.run(time_ways(server.dsn, rounds))
    shutil.rmtree(data_directory)
    figures: dict[str, object] = {}
    for way, milliseconds in took.items():
        p50, p95, p99 = (quantile(milliseconds, share) for share in (0.5, 0.95, 0.99))
        print(
            f"wal_compression {way}: p50 {p50:.1f} ms, p95 {p95:.1f}, p99 {p99:.1f}; {len(milliseconds):,} claims"
        )
        figures |= {f"claim_p50_ms_{way}": round(p50, 2), f"claim_p99_ms_{way}": round(p99, 2)}
    figures["claim_p99_ratio_pglz"] = round(quantile(took["pglz"], 0.99) / quantile(took["off"], 0.99), 3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
