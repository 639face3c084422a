"""Few calls among many are read from indexes of their own, whatever else tells them apart (docs/adr/0037)."""

import re
from typing import Any

import pytest

from analytics import call_pages
from analytics.calls import CallsRequest, build_calls
from analytics.query import Filter
from campaigns.database import Pool
from tests.postgres.analytics.facts import add_attempt, add_campaign
from tests.postgres.analytics.histories import NOW

OTHERS = """
INSERT INTO attempts
SELECT (jsonb_populate_record(a, jsonb_build_object('attempt_id', 1000000 + n, 'started_time', a.started_time + n * interval '1 second'))).*
FROM attempts AS a, generate_series(1, 3000) AS n
WHERE a.result = 'busy'
"""


@pytest.mark.parametrize(
    ("metric", "at", "index", "is_enough"),
    [
        ("successes", {"ad": "A1"}, "attempts_successes", True),
        ("successes", {"keyword": None, "day": "2026-10-05"}, "attempts_successes", True),
        ("successes", {"region": None}, "attempts_successes", False),
        ("orders", {}, "attempts_successes", False),
        ("one_way_calls", {"trunk": 1}, "attempts_badly_heard", True),
        ("low_mos_calls", {"trunk": 1, "hour_of_day": 9}, "attempts_badly_heard", True),
    ],
)
async def test_few_calls_are_read_from_an_index_of_their_own(
    pool: Pool, metric: str, at: dict[str, str | int | None], index: str, *, is_enough: bool
) -> None:
    """And where all that is asked for stands in it, nothing but the calls of the page is read beside it."""
    campaign_id = await add_campaign(pool, time_zone="UTC")
    day = "2026-10-05T09:00"
    await add_attempt(pool, campaign_id, f"{day}:00Z", ad="A1")
    await add_attempt(pool, campaign_id, f"{day}:01Z", result="answered", disposition="order", ad="A1")
    await add_attempt(pool, campaign_id, f"{day}:02Z", result="answered", media_is_one_way=True)
    await add_attempt(pool, campaign_id, f"{day}:03Z", result="answered", media_mos_hundredths=359)
    await pool.execute(OTHERS)
    # as in a table that grew: what is on a page is known to be seen by all
    await pool.execute("VACUUM (ANALYZE) attempts")
    calls = build_calls(
        CallsRequest(
            metric=metric, at=at, filter=Filter(op="is", dimension="campaign", values=[campaign_id])
        ),
        NOW,
    )
    async with pool.acquire() as connection:
        read: list[Any] = []
        connection.add_query_logger(read.append)
        found = await call_pages.CallsBehind(connection, calls.query, calls.metric, calls.at).page(None)
        parts = await connection.fetch("SELECT relid::text AS name FROM pg_partition_tree($1)", index)
        asked = next(record for record in reversed(read) if "LATERAL" in record.query)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {asked.query}", *asked.args))
    assert len(found) == 1
    scan = re.search(r"(Index(?: Only)?) Scan Backward using (\S+) on", plan)
    assert scan is not None, plan
    assert scan[2] in {part["name"] for part in parts}, plan
    assert scan[1] == ("Index Only" if is_enough else "Index"), plan
