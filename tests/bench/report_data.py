"""
A history of calls made inside PostgreSQL: campaigns of unequal size (Zipf 0.8), 90 days, everything reports group by.

Days are made one after another and their calls in the order of time, as a table that grew has them.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import asyncpg
import msgspec

from campaigns import attribution_seals
from campaigns.callback_seals import seal_days_of
from campaigns.database import Connection
from campaigns.migrate import ensure_partitions
from campaigns.number_seals import SQL as SEAL
from campaigns.number_seals import DayToSeal, seal_day, seal_months
from campaigns.rollup_statements import REPAIR, REPAIR_MONTHS, TOTALS_SHARD
from campaigns.rollups import Slice, check_slice, midnight, slices_of

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
PROGRESS_SECONDS = 10.0
T = TypeVar("T")

ATTEMPTS = f"""
INSERT INTO attempts (
    shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id, caller_id, call_id,
    run_id, gate, utc_offset_minutes, import_id, source, ad, keyword, region, settled_time, result, reason, fault,
    sip_status, q850_cause, ended_by, pdd_ms, talk_ms, disposition, answered_by, is_target, cost_micros, change_number,
    answered_time, ended_time, verdict_time, audit_share, audit_judgement, media_packets_expected, media_packets_lost,
    media_jitter_ms, media_is_one_way, media_mos_hundredths
)
SELECT
    campaign * 256, started, (extract(epoch FROM started) * 1000 - 1577836800000)::bigint << 22 | (i % 4194304), campaign, contact,
    '+79' || lpad(((contact * 104729::bigint + campaign * 7919) % $4)::text, 9, '0'), 1 + i / contacts, 1 + (r[1] * 20)::int % 20,
    '+7495' || lpad(((campaign * 37 + (r[2] * 10)::int) % 500)::text, 7, '0'), 'call', 1, '{{}}', 180, 1 + contact % 3,
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
    CASE WHEN talk IS NOT NULL THEN started + interval '8 s' END, started + interval '40 s',
    CASE WHEN talk IS NOT NULL THEN started + interval '8.4 s' + r[10] * r[10] * interval '3 s' END,
    CASE WHEN talk IS NOT NULL AND r[6] >= 0.95 THEN 0.2 END,
    CASE WHEN talk IS NOT NULL AND r[6] >= 0.96 THEN CASE WHEN r[6] >= 0.999 THEN 'human' ELSE 'machine' END END,
    talk / 20, CASE WHEN talk IS NOT NULL THEN (r[11] ^ 8 * talk / 200)::int END,
    CASE WHEN talk IS NOT NULL THEN (r[12] * r[12] * r[12] * 60)::real END, CASE WHEN talk IS NOT NULL THEN r[11] < 0.01 END,
    CASE WHEN talk IS NOT NULL AND r[11] >= 0.01 THEN (439 - r[11] ^ 8 * 150)::int END
FROM (
    SELECT
        campaign, contacts, i, r, 1 + i % contacts AS contact,
        date_bin('1 ms', $1::timestamptz + interval '6 hours' + r[7] * interval '11 hours', '2000-01-01 00:00:00+00') AS started,
        CASE WHEN r[8] < 0.35 THEN 'answered' WHEN r[8] < 0.5 THEN 'busy' WHEN r[8] < 0.85 THEN 'no_answer'
            WHEN r[8] < 0.9 THEN 'rejected' WHEN r[8] < 0.95 THEN 'unreachable' WHEN r[8] < 0.98 THEN 'invalid_number'
            ELSE 'congested' END AS result,
        CASE WHEN r[8] < 0.35 THEN (1000 + r[9] * r[9] * 180000)::int END AS talk
    FROM (
        SELECT
            campaign, -(-size / {TRIES}) AS contacts, i,
            ARRAY[random(), random(), random(), random(), random(), random(), random(), random(), random(), random(),
                random(), random()] AS r
        FROM unnest($3::bigint[]) WITH ORDINALITY AS c (size, campaign)
        CROSS JOIN LATERAL generate_series($2::bigint * size / {DAYS}, ($2::bigint + 1) * size / {DAYS} - 1) AS i
    ) AS drawn
) AS made
ORDER BY started
"""
"""(day, its number, attempts of each campaign, telephone numbers)"""


class History(msgspec.Struct, frozen=True):
    """What was made."""

    dsn: str
    attempts: int
    sizes: Sequence[int]
    """Attempts by campaign, the largest first; campaign ids begin with 1."""
    first_day: date
    load_seconds: float
    rollup_seconds: float
    seal_seconds: float
    rollup_rows: int
    bytes: int
    """On disk, indexes included."""


def zipf_sizes(attempts: int, campaigns: int) -> list[int]:
    weights = [1 / (rank**ZIPF) for rank in range(1, campaigns + 1)]
    return [max(DAYS, round(attempts * weight / sum(weights))) for weight in weights]


class Progress:
    """Says now and then how far a long piece of work has come."""

    def __init__(self, what: str, steps: int) -> None:
        self._what, self._steps, self._done = what, steps, 0
        self._begun = self._said = time.perf_counter()

    def step(self) -> None:
        self._done += 1
        now = time.perf_counter()
        if now - self._said >= PROGRESS_SECONDS:
            self._said = now
            share = self._done / self._steps
            print(
                f"  {self._what}: {share:.0%}, {(now - self._begun) * (1 / share - 1):.0f} s to go",
                flush=True,
            )


async def make_history(
    dsn: str, attempts: int, today: date, *, campaigns: int = CAMPAIGNS, seals: bool = True
) -> History:
    """
    Fill a migrated, empty database, the sums included; the last day is yesterday.

    With `seals` every day of every campaign has its bitmaps, as the sealer would have made them in ninety days.
    """
    sizes = zipf_sizes(attempts, campaigns)
    first_day = today - timedelta(days=DAYS)
    days = [first_day + timedelta(days=number) for number in range(DAYS)]
    connection = await asyncpg.connect(dsn)
    await add_reference_rows(connection, campaigns)
    for back in range(5):
        await ensure_partitions(
            connection, datetime(today.year, today.month, 1, tzinfo=UTC) - timedelta(days=29 * back), 0
        )
    times = [time.perf_counter()]

    async def add_day(each: Connection, number: int) -> None:
        await each.execute(ATTEMPTS, midnight(days[number]), number, sizes, NUMBERS)

    await in_parallel(dsn, "calls", range(DAYS), add_day)
    await connection.execute("VACUUM (ANALYZE) attempts")
    times.append(time.perf_counter())
    slices = await slices_of(connection)
    by_shard: dict[int, list[Slice]] = {}
    for part in slices:
        by_shard.setdefault(part.shard_key, []).append(part)
    totals = by_shard.pop(TOTALS_SHARD)
    await in_parallel(dsn, "sums", list(by_shard.values()), add_up)
    for part in totals:
        await check_slice(connection, part, datetime.now(UTC), repair=True)
    await connection.execute("VACUUM (ANALYZE) stats")
    times.append(time.perf_counter())
    if seals:
        # the numbers over all campaigns first: one process at a time gives ids
        parts = [DayToSeal(shard_key, day) for shard_key in (TOTALS_SHARD, *by_shard) for day in days]
        for day in days:
            await connection.execute(SEAL["learn_numbers"], day)
        await in_parallel(dsn, "seals", parts, lambda each, part: seal_day(each, part, datetime.now(UTC)))
        while await seal_months(connection, datetime.now(UTC)):
            pass
        await in_parallel(
            dsn,
            "seals by source",
            parts,
            lambda each, part: attribution_seals.seal_day(each, part, datetime.now(UTC)),
        )
        while await attribution_seals.seal_months(connection, datetime.now(UTC)):
            pass
        for shard_key in (*by_shard, TOTALS_SHARD):
            await seal_days_of(connection, shard_key, days, datetime.now(UTC))
        await connection.execute(
            "VACUUM (ANALYZE) number_seals, number_month_seals, attribution_seals, numbers, callback_seals"
        )
    times.append(time.perf_counter())
    rows = await connection.fetchval("SELECT count(*) FROM stats")
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    await connection.close()
    load, rollup, seal = (after - before for before, after in itertools.pairwise(times))
    return History(dsn, sum(sizes), sizes, first_day, load, rollup, seal, rows, size)


async def in_parallel(
    dsn: str, what: str, parts: Sequence[T], work: Callable[[Connection, T], Awaitable[object]]
) -> None:
    """Do the parts in their order on a few connections."""
    queue = deque(parts)
    progress = Progress(what, len(parts))

    async def worker() -> None:
        connection = await asyncpg.connect(
            dsn, server_settings={"work_mem": "256MB", "timezone": "UTC", "synchronous_commit": "off"}
        )
        while queue:
            await work(connection, queue.popleft())
            progress.step()
        await connection.close()

    await asyncio.gather(*(worker() for _ in range(WORKERS)))


async def add_up(connection: Connection, slices: list[Slice]) -> None:
    """Build the sums from the facts by the statements of `obzvon rollups rebuild`; without its lock, as no campaign comes twice."""
    for part in slices:
        days = part.days()
        for text in (REPAIR, REPAIR_MONTHS):
            await connection.execute(text, part.shard_key, midnight(days[0]), midnight(days[-1]))


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
