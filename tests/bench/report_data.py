"""A history of calls made inside PostgreSQL: campaigns of unequal size (Zipf 0.8), 90 days, everything reports group by."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import msgspec

from campaigns.database import Connection
from campaigns.migrate import ensure_partitions
from campaigns.number_seals import DayToSeal, seal_day
from campaigns.rollup_statements import REPAIR
from campaigns.rollups import TOTALS_SHARD, Slice, check_slice, midnight, slices_of

CAMPAIGNS = 200
DAYS = 90
TRUNKS = 20
CALLER_IDS = 500
ZIPF = 0.8
NUMBERS = 2_450_000
"""Telephone numbers that all bases draw from: the same person stands in several."""
TRIES = 4
"""Attempts per contact."""
WORKERS = 2

ATTEMPTS = """
INSERT INTO attempts (
    shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id,
    run_id, gate, utc_offset_minutes, import_id, source, ad, keyword, region, settled_time, result, reason, fault,
    sip_status, q850_cause, ended_by, pdd_ms, talk_ms, disposition, answered_by, is_target, cost_micros, change_number,
    answered_time, ended_time
)
SELECT
    $1 * 256, started, (extract(epoch FROM started) * 1000 - 1577836800000)::bigint << 22 | (i % 4194304), $1, contact,
    '+79' || lpad(((contact * 104729::bigint + $1 * 7919) % $5)::text, 9, '0'), 1 + i / $4, 1 + (r[1] * 20)::int % 20,
    '+7495' || lpad((($1 * 37 + (r[2] * 10)::int) % 500)::text, 7, '0'), 'call', 1, '{}', 180, 1 + contact % 3,
    CASE WHEN r[3] < 0.8 THEN 'source ' || (r[3] * 10)::int END, CASE WHEN r[3] < 0.8 THEN 'ad ' || (r[3] * 37)::int END,
    CASE WHEN r[3] < 0.5 THEN 'word ' || (r[3] * 160)::int END, CASE WHEN contact % 5 > 0 THEN 'Moscow' ELSE 'Russia' END,
    started + interval '40 s', result, 'bench', CASE WHEN result = 'congested' THEN 'trunk' ELSE 'callee' END,
    CASE result WHEN 'answered' THEN 200 WHEN 'busy' THEN 486 WHEN 'no_answer' THEN 487 WHEN 'rejected' THEN 603
        WHEN 'congested' THEN 503 ELSE 404 END,
    CASE result WHEN 'busy' THEN 17 WHEN 'congested' THEN 34 END, 'callee', 200 + (r[4] * r[4] * 6000)::int, talk,
    CASE WHEN talk IS NULL THEN NULL WHEN r[5] < 0.03 THEN 'order' WHEN r[5] < 0.08 THEN 'meeting'
        WHEN r[5] < 0.2 THEN 'callback_requested' WHEN r[5] < 0.3 THEN 'refused' END,
    CASE WHEN talk IS NULL THEN NULL WHEN r[6] < 0.75 THEN 'human' ELSE 'machine' END,
    coalesce(talk BETWEEN 30000 AND 3600000, false), coalesce(ceil(talk / 60000.0)::bigint * 1200000, 0), 1,
    CASE WHEN talk IS NOT NULL THEN started + interval '8 s' END, started + interval '40 s'
FROM (
    SELECT
        i, r, 1 + i % $4 AS contact,
        date_bin('1 ms', $3::timestamptz + i * 90 / $2 * interval '1 day' + interval '6 hours' + r[7] * interval '11 hours',
            '2000-01-01 00:00:00+00') AS started,
        CASE WHEN r[8] < 0.35 THEN 'answered' WHEN r[8] < 0.5 THEN 'busy' WHEN r[8] < 0.85 THEN 'no_answer'
            WHEN r[8] < 0.9 THEN 'rejected' WHEN r[8] < 0.95 THEN 'unreachable' WHEN r[8] < 0.98 THEN 'invalid_number'
            ELSE 'congested' END AS result,
        CASE WHEN r[8] < 0.35 THEN (1000 + r[9] * r[9] * 180000)::int END AS talk
    FROM (
        SELECT i, ARRAY[random(), random(), random(), random(), random(), random(), random(), random(), random()] AS r
        FROM generate_series(0::bigint, $2::bigint - 1) AS i
    ) AS drawn
) AS made
"""
"""(campaign, attempts, first_day, contacts, numbers)"""


class History(msgspec.Struct, frozen=True):
    """What was made."""

    dsn: str
    attempts: int
    sizes: Sequence[int]
    """Attempts by campaign, the largest first; campaign ids begin with 1."""
    first_day: date
    load_seconds: float
    rollup_seconds: float
    rollup_rows: int


def zipf_sizes(attempts: int, campaigns: int) -> list[int]:
    weights = [1 / (rank**ZIPF) for rank in range(1, campaigns + 1)]
    return [max(DAYS, round(attempts * weight / sum(weights))) for weight in weights]


async def make_history(
    dsn: str, attempts: int, today: date, *, campaigns: int = CAMPAIGNS, seals: bool = True
) -> History:
    """Fill a migrated, empty database, the sums included; the last day is yesterday."""
    sizes = zipf_sizes(attempts, campaigns)
    first_day = today - timedelta(days=DAYS)
    connection = await asyncpg.connect(dsn)
    await add_reference_rows(connection, campaigns)
    for back in range(5):
        await ensure_partitions(
            connection, datetime(today.year, today.month, 1, tzinfo=UTC) - timedelta(days=29 * back), 0
        )
    begun = time.perf_counter()
    await in_parallel(dsn, sizes, lambda each, campaign: add_attempts(each, campaign, sizes, first_day))
    await connection.execute("VACUUM (ANALYZE) attempts")
    loaded = time.perf_counter()
    slices = await slices_of(connection)
    by_campaign = [
        [part for part in slices if part.shard_key == campaign * 256] for campaign in range(1, campaigns + 1)
    ]
    await in_parallel(dsn, sizes, lambda each, campaign: add_up(each, by_campaign[campaign - 1]))
    for part in slices:
        if part.shard_key == TOTALS_SHARD:
            await check_slice(connection, part, datetime.now(UTC), repair=True)
    await connection.execute("VACUUM (ANALYZE) stats")
    for shard_key in (256, TOTALS_SHARD) if seals else ():
        for day in range(DAYS):
            await seal_day(
                connection, DayToSeal(shard_key, first_day + timedelta(days=day)), datetime.now(UTC)
            )
    rows = await connection.fetchval("SELECT count(*) FROM stats")
    await connection.close()
    return History(dsn, sum(sizes), sizes, first_day, loaded - begun, time.perf_counter() - loaded, rows)


async def in_parallel(
    dsn: str, sizes: Sequence[int], work: Callable[[Connection, int], Awaitable[None]]
) -> None:
    """Do the work of each campaign, the large ones first, on a few connections."""
    queue = list(range(len(sizes), 0, -1))

    async def worker() -> None:
        connection = await asyncpg.connect(
            dsn, server_settings={"work_mem": "128MB", "timezone": "UTC", "synchronous_commit": "off"}
        )
        while queue:
            await work(connection, queue.pop())
        await connection.close()

    await asyncio.gather(*(worker() for _ in range(WORKERS)))


async def add_attempts(connection: Connection, campaign: int, sizes: Sequence[int], first_day: date) -> None:
    size = sizes[campaign - 1]
    await connection.execute(
        ATTEMPTS, campaign, size, datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC), -(-size // TRIES), NUMBERS
    )  # fmt: skip


async def add_up(connection: Connection, slices: list[Slice]) -> None:
    """Build the sums from the facts by the statement of `obzvon rollups rebuild`; without its lock, as no campaign comes twice."""
    for part in slices:
        days = part.days()
        await connection.execute(REPAIR, part.shard_key, midnight(days[0]), midnight(days[-1]))


async def add_reference_rows(connection: Connection, campaigns: int) -> None:
    now = datetime.now(UTC)
    await connection.execute(
        "INSERT INTO trunks (name, host, port, caller_id, max_calls_per_second, max_channels, created_time, "
        "price_per_minute_micros) SELECT 'trunk ' || n, '127.0.0.9', 5060, '', 1000, 1000, $1, 1200000 "
        "FROM generate_series(1, $2) AS n",
        now,
        TRUNKS,
    )
    await connection.execute(
        "INSERT INTO campaigns (name, mode, purpose, status, default_country, time_zone, window_start_minute, "
        "window_end_minute, window_weekdays, max_calls_per_second, max_concurrent_calls, ring_timeout_seconds, "
        "max_talk_seconds, key_wait_seconds, retry_rules, created_time) "
        "SELECT 'campaign ' || n, 'voice_message', 'service', 'running', 'RU', 'Europe/Moscow', 0, 1440, "
        "'{1,2,3,4,5,6,7}', 1000, 1000, 30, 60, 5, '{}', $1 FROM generate_series(1, $2) AS n",
        now,
        campaigns,
    )
    await connection.execute(
        "INSERT INTO shards (shard_key, campaign_id) SELECT n * 256, n FROM generate_series(1, $1) AS n",
        campaigns,
    )
