"""What reports must not slow: settling with all rollups on, and claiming while people look at figures."""

import asyncio
import contextlib
import itertools
import os
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec

from campaigns.claim import STATEMENTS as CLAIM
from campaigns.database import Connection, prepare_connection
from campaigns.rollups import fold_outbox
from campaigns.settle_buffer import _COLUMNS
from campaigns.settle_buffer import STATEMENTS as SETTLE
from campaigns.settlement import AnswerFacts
from campaigns.short_turns import answer_in_short_turns, take_short_turns
from dialer.events import MediaQuality
from tests.campaigns.settlements import settlement

SHARDS = 8
BATCH = 250
CLIENTS = 4
CLAIM_BATCH = 50
CLAIM_WORKERS = 2
CLAIM_PACE_SECONDS = 0.05
TURN_SECONDS = 3.0
SETTLING_DOWN_SECONDS = 0.3
LEADS_PER_SECOND = 800
"""Of each campaign, for both sides and what is claimed before."""
BOOTSTRAPS = 500


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


class Begun(msgspec.Struct, frozen=True):
    """What one claim began."""

    campaign_id: int
    started: datetime
    attempt_ids: list[int]


class Turn(msgspec.Struct, frozen=True):
    """Claims of some seconds."""

    took: list[float]
    """Milliseconds, of each."""
    commits: list[float]
    """Milliseconds of each that its commit took: where a disk that stalls is seen."""
    core_wait_ms: float | None
    """How long whoever claims and the server's processes stood behind others, ready to run; None where the kernel does not tell."""


class Claims(msgspec.Struct, frozen=True):
    """Pairs of turns: alone, and beside people who look."""

    pairs: list[tuple[Turn, Turn]]

    def count(self) -> int:
        """Return how many there are of the side that has fewer."""
        return min(len(self.took(side)) for side in (0, 1))

    def took(self, side: int) -> list[float]:
        return [took for pair in self.pairs for took in pair[side].took]

    def commit_p99_ms(self, side: int) -> float:
        return quantile([each for pair in self.pairs for each in pair[side].commits], 0.99)

    def alone(self, share: float) -> float:
        return quantile(self.took(0), share)

    def beside(self, share: float) -> float:
        return quantile(self.took(1), share)

    def ratio(self, share: float = 0.99) -> float:
        return self.beside(share) / self.alone(share)

    def core_wait_ms(self, side: int) -> float | None:
        """Return how long a claim waited for cores on the average: free of the disk's noise, which the p99 is full of."""
        waits = [pair[side].core_wait_ms for pair in self.pairs]
        known = [wait for wait in waits if wait is not None]
        return sum(known) / len(self.took(side)) if len(known) == len(waits) else None

    def ratio_range(self) -> tuple[float, float]:
        """Return where 90 of 100 such runs have the ratio: a bootstrap of the pairs, so that a bad minute counts as one."""
        rng = random.Random(1)
        ratios = sorted(Claims(rng.choices(self.pairs, k=len(self.pairs))).ratio() for _ in range(BOOTSTRAPS))
        return quantile(ratios, 0.05), quantile(ratios, 0.95)


def waited_for_cores(pids: Sequence[int]) -> float | None:
    """Return for how many milliseconds these processes have been ready to run and did not (Documentation/scheduler/sched-stats)."""
    try:
        return sum(
            int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e6 for pid in pids
        )
    except OSError:
        return None


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]


async def time_claims(dsn: str, say: Callable[[str], Awaitable[int]], seconds: float) -> Claims:
    """
    Time claim and begin for so many seconds alone and as many beside people, whom `say` tells to `look` or to `rest`.

    In turns of a few seconds, either way round, as these machines are noisy; nothing is started or connected in a turn, and
    what it began is settled after it, while people rest: a report counts calls that go on one by one, and there are never
    as many as a whole run begins.
    """
    admin = await connect(dsn)
    campaigns = await add_campaigns(admin, round(LEADS_PER_SECOND * seconds))
    ids = itertools.count(secrets.randbits(40) << 20)
    take_short_turns()  # as a node does, and so do its server's processes
    connections = [await connect(dsn) for _ in range(CLAIM_WORKERS)]
    for connection in connections:
        await answer_in_short_turns(connection)
    at_work = [os.getpid(), *[connection.get_server_pid() for connection in connections]]
    rng = random.Random(1)
    _, _, begun = await claims(connections, campaigns, ids, TURN_SECONDS / 2)  # plans and first pages
    await settle_and_fold(admin, begun, rng)
    pairs = []
    turns = max(2, round(seconds / TURN_SECONDS))
    for pair in range(turns):
        turn: dict[str, Turn] = {}
        # neither has the better seconds
        for word in ("rest", "look") if pair % 2 == 0 else ("look", "rest"):
            await say(word)
            await asyncio.sleep(SETTLING_DOWN_SECONDS)
            before = waited_for_cores(at_work)
            took, commits, begun = await claims(connections, campaigns, ids, seconds / turns)
            after = waited_for_cores(at_work)
            turn[word] = Turn(took, commits, None if before is None or after is None else after - before)
            await say("rest")
            await settle_and_fold(admin, begun, rng)
        pairs.append((turn["rest"], turn["look"]))
    for connection in [*connections, admin]:
        await connection.close()
    return Claims(pairs)


async def settle_and_fold(connection: Connection, begun: Sequence[Begun], rng: random.Random) -> None:
    """End these attempts, and add them up."""
    for each in begun:
        columns = outcomes(each.campaign_id, each.started, each.attempt_ids, rng)
        await connection.fetch(
            SETTLE["settle_attempts"],
            each.campaign_id * 256,
            datetime.now(UTC),
            each.started,
            each.started,
            *columns,
        )
    while await fold_outbox(connection):
        pass


async def claims(
    connections: Sequence[Connection], campaigns: list[int], ids: Iterator[int], seconds: float
) -> tuple[list[float], list[float], list[Begun]]:
    """
    Claim and begin at a steady pace, as nodes do, each on a connection of its own.

    Return how many milliseconds each took, how many of them its commit, and what it began.
    """
    took: list[float] = []
    commits: list[float] = []
    batches: list[Begun] = []
    end = time.perf_counter() + seconds

    async def worker(connection: Connection, own: list[int]) -> None:
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
                attempt_ids = await begin(connection, campaign_id, leads, ids, now)
                committing = time.perf_counter()
            committed = time.perf_counter()
            took.append((committed - begun) * 1000)
            commits.append((committed - committing) * 1000)
            batches.append(Begun(campaign_id, now, attempt_ids))
            if len(leads) < CLAIM_BATCH:
                raise SystemExit("the leads to claim ran out: what is timed would be less than a claim")
            await asyncio.sleep(CLAIM_PACE_SECONDS)

    await asyncio.gather(
        *(worker(connection, campaigns[index::CLAIM_WORKERS]) for index, connection in enumerate(connections))
    )
    return took, commits, batches
