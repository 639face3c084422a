"""What reports must not slow: settling with all rollups on, and claiming while people look at figures."""

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg

from campaigns.database import Connection, prepare_connection
from campaigns.rollups import fold_outbox
from campaigns.runner import STATEMENTS as CLAIM
from campaigns.settle_buffer import _COLUMNS
from campaigns.settle_buffer import STATEMENTS as SETTLE
from campaigns.settlement import AnswerFacts
from dialer.events import MediaQuality
from tests.campaigns.settlements import settlement

SHARDS = 8
BATCH = 250
CLIENTS = 4
CLAIM_BATCH = 50
CLAIM_WORKERS = 2
CLAIM_PACE_SECONDS = 0.05
DASHBOARDS = 50
HEAVY_REPORTS = 5


async def connect(dsn: str) -> Connection:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    await prepare_connection(connection)
    return connection


async def add_campaigns(connection: Connection, leads: int) -> list[int]:
    """Add campaigns with leads that are due; return their ids."""
    ids = []
    for _ in range(SHARDS):
        campaign_id = await connection.fetchval(
            "INSERT INTO campaigns (name, mode, purpose, status, default_country, time_zone, window_start_minute, "
            "window_end_minute, window_weekdays, max_calls_per_second, max_concurrent_calls, ring_timeout_seconds, "
            "max_talk_seconds, key_wait_seconds, retry_rules, created_time) "
            "VALUES ('load', 'voice_message', 'service', 'running', 'RU', 'Europe/Moscow', 0, 1440, "
            "'{1,2,3,4,5,6,7}', 1000, 1000, 30, 60, 5, '{}', now()) RETURNING campaign_id"
        )
        await connection.execute(
            "INSERT INTO shards (shard_key, campaign_id, run_id, lease_until) VALUES ($1 * 256, $1, 1, 'infinity')",
            campaign_id,
        )
        await connection.execute(
            "INSERT INTO contacts (shard_key, contact_id, campaign_id, number, fields, import_id, source) "
            "SELECT $1 * 256, n, $1, '+7916' || lpad(n::text, 7, '0'), '{}', 1, 'source ' || n % 5 "
            "FROM generate_series(1, $2) AS n",
            campaign_id,
            leads,
        )
        await connection.execute(
            "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made) "
            "SELECT shard_key, contact_id, campaign_id, number, 'pending', now() - interval '1 day', 0 FROM contacts "
            "WHERE shard_key = $1 * 256",
            campaign_id,
        )
        ids.append(campaign_id)
    await connection.execute("ANALYZE leads")
    await connection.execute("ANALYZE contacts")
    return ids


async def begin(
    connection: Connection,
    campaign_id: int,
    leads: list[asyncpg.Record],
    ids: Iterator[int],
    now: datetime,
) -> list[int]:
    attempt_ids = [next(ids) for _ in leads]
    await connection.execute(
        CLAIM["begin_attempts"], campaign_id * 256, now, campaign_id, 1, [1 + each % 20 for each in attempt_ids],
        [f"+7495000{each % 50:04d}" for each in attempt_ids], attempt_ids, [lead["contact_id"] for lead in leads],
        [lead["number"] for lead in leads], [1] * len(leads), ["call"] * len(leads), [{}] * len(leads), [None] * len(leads),
    )  # fmt: skip
    return attempt_ids


def outcomes(
    campaign_id: int, started: datetime, attempt_ids: list[int], rng: random.Random
) -> list[list[object]]:
    """Columns of a batch of settlements: a third answered, talks and delays of every length."""
    batch = []
    for attempt_id in attempt_ids:
        facts: dict[str, object] = {"result": "busy", "pdd_ms": rng.randrange(200, 6000)}
        if rng.random() < 0.35:
            facts |= {
                "result": "answered",
                "fault": "none",
                "sip_status": 200,
                "talk_ms": int(rng.random() ** 2 * 180_000),
                "disposition": rng.choice([None, None, None, "callback_requested", "order"]),
                "answered_by": rng.choice(["human", "human", "machine"]),
                "answered_time": started,
                "answer": AnswerFacts(
                    cause="short_greeting",
                    verdict_time=started + timedelta(milliseconds=rng.randrange(400, 4000)),
                ),
                "media": MediaQuality(
                    packets_expected=rng.randrange(50, 9000),
                    packets_received=0,
                    packets_lost=rng.randrange(9),
                    packets_late=0,
                    packets_duplicated=0,
                    packets_sent=0,
                    jitter_ms=rng.random() * 40,
                    round_trip_ms=None,
                    reported_loss=None,
                    is_one_way=False,
                ),
            }
        batch.append(settlement(attempt_id, shard_key=campaign_id * 256, started_time=started, **facts))
    return [[getattr(each, name) for each in batch] for name in _COLUMNS]


async def settle_rate(dsn: str, settlements: int) -> tuple[float, float]:
    """
    Return outcomes per second by the product's settle statement while the roller adds up every second, and the same until
    the outbox is empty.
    """
    admin = await connect(dsn)
    rng = random.Random(1)
    ids = itertools.count(secrets.randbits(40) << 20)
    now = datetime.now(UTC)
    per_campaign = settlements // SHARDS
    batches: list[tuple[int, datetime, list[list[object]]]] = []
    for campaign_id in await add_campaigns(admin, per_campaign):
        leads = await admin.fetch(
            "SELECT contact_id, number FROM leads WHERE shard_key = $1 ORDER BY contact_id", campaign_id * 256
        )
        for number, first in enumerate(range(0, len(leads), BATCH)):
            started = now - timedelta(milliseconds=number)
            attempt_ids = await begin(admin, campaign_id, leads[first : first + BATCH], ids, started)
            batches.append((campaign_id, started, outcomes(campaign_id, started, attempt_ids, rng)))
    await admin.execute("ANALYZE attempts")
    rng.shuffle(batches)
    count = sum(len(columns[0]) for _, _, columns in batches)
    done = asyncio.Event()
    roller = await connect(dsn)

    async def settle() -> None:
        connection = await connect(dsn)
        while batches:
            campaign_id, started, columns = batches.pop()
            rows = await connection.fetch(
                SETTLE["settle_attempts"], campaign_id * 256, datetime.now(UTC), started, started, *columns
            )
            assert len(rows) == len(columns[0])
        await connection.close()

    async def roll() -> None:
        while not done.is_set():
            await fold_outbox(roller)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), 1.0)

    begun = time.perf_counter()
    rolling = asyncio.create_task(roll(), name="roller")
    await asyncio.gather(*(settle() for _ in range(CLIENTS)))
    settled = time.perf_counter()
    done.set()
    await rolling
    while await fold_outbox(roller):
        pass
    drained = time.perf_counter()
    assert await admin.fetchval("SELECT count(*) FROM outbox") == 0
    await roller.close()
    await admin.close()
    return count / (settled - begun), count / (drained - begun)


async def claim_ratio(
    dsn: str, people: Callable[[], AbstractAsyncContextManager[None]], seconds: float
) -> tuple[float, float, float]:
    """
    Return p99 of claim and begin while `people` look, over p99 alone, and both in milliseconds; in turns, as these machines
    are noisy. People look from a process of their own, as the API is one.
    """
    admin = await connect(dsn)
    campaigns = await add_campaigns(admin, round(600 * seconds))
    await admin.close()
    ids = itertools.count(secrets.randbits(40) << 20)
    quiet: list[float] = []
    busy: list[float] = []
    for _ in range(2):
        quiet += await claims(dsn, campaigns, ids, seconds / 2)
        async with people():
            busy += await claims(dsn, campaigns, ids, seconds / 2)
    p99 = [sorted(values)[int(0.99 * (len(values) - 1))] for values in (quiet, busy)]
    return p99[1] / p99[0], p99[0], p99[1]


async def look(dashboard: Callable[[], Awaitable[float]], heavy: Callable[[int], Awaitable[float]]) -> None:
    """
    50 dashboards, each anew a second after it is answered, and 5 heavy reports likewise; until cancelled.

    More than pages ask: a report page asks when it is opened, the page of a campaign once a second at most and seldom when
    answers are slow. The heavy ones are the last five questions: caller IDs, keywords and medians over all campaigns and 90 days.
    """
    async with asyncio.TaskGroup() as tasks:
        for index in range(DASHBOARDS):
            tasks.create_task(again(dashboard, index / DASHBOARDS), name=f"dashboard {index}")
        for index in range(HEAVY_REPORTS):
            tasks.create_task(again(partial(heavy, index), 0.0), name=f"heavy report {index}")


async def again(work: Callable[[], Awaitable[float]], offset: float) -> None:
    await asyncio.sleep(offset)
    while True:
        await work()
        await asyncio.sleep(1.0)


async def claims(dsn: str, campaigns: list[int], ids: Iterator[int], seconds: float) -> list[float]:
    """Claim and begin at a steady pace, as nodes do; return milliseconds of each turn."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def worker(own: list[int]) -> None:
        connection = await connect(dsn)
        for campaign_id in itertools.cycle(own):
            if time.perf_counter() > end:
                break
            begun = time.perf_counter()
            async with connection.transaction():
                now = datetime.now(UTC)
                leads = await connection.fetch(
                    CLAIM["claim_leads"],
                    campaign_id * 256,
                    1,
                    now,
                    datetime(1970, 1, 1, tzinfo=UTC),
                    CLAIM_BATCH,
                )
                await begin(connection, campaign_id, leads, ids, now)
            took.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(CLAIM_PACE_SECONDS)
        await connection.close()

    await asyncio.gather(*(worker(campaigns[index::CLAIM_WORKERS]) for index in range(CLAIM_WORKERS)))
    return took
