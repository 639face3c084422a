"""Attempts written by hand: a campaign, and rows whose every figure the test states."""

import itertools
import zlib
from datetime import UTC, datetime
from typing import Any

from campaigns.database import Pool
from campaigns.migrate import ensure_partitions

ATTEMPT_IDS = itertools.count(1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def add_campaign(pool: Pool, name: str = "autumn", time_zone: str = "Europe/Moscow") -> int:
    """Insert a running campaign of one shard with a trunk of its own; return its id."""
    trunk_id = await pool.fetchval(
        "INSERT INTO trunks (name, host, port, caller_id, max_calls_per_second, max_channels, created_time)"
        " VALUES ($1, '127.0.0.9', 5060, 'anonymous', 10, 10, $2) RETURNING trunk_id",
        f"{name}-{next(ATTEMPT_IDS)}",
        LONG_AGO,
    )
    campaign_id: int = await pool.fetchval(
        "INSERT INTO campaigns (name, mode, purpose, status, default_country, time_zone,"
        " window_start_minute, window_end_minute, window_weekdays, max_calls_per_second, max_concurrent_calls,"
        " ring_timeout_seconds, max_talk_seconds, key_wait_seconds, retry_rules, created_time)"
        " VALUES ($1, 'voice_message', 'service', 'running', 'RU', $2, 0, 1440, '{1,2,3,4,5,6,7}',"
        " 5, 5, 30, 300, 5, '{}', $3) RETURNING campaign_id",
        name,
        time_zone,
        LONG_AGO,
    )
    await pool.execute("INSERT INTO campaign_trunks VALUES ($1, $2, 0, 1)", campaign_id, trunk_id)
    await pool.execute(
        "INSERT INTO shards (shard_key, campaign_id) VALUES ($1, $2)", campaign_id * 256, campaign_id
    )
    return campaign_id


async def add_lead(pool: Pool, campaign_id: int, contact_id: int, status: str) -> None:
    await pool.execute(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, attempts_made)"
        " VALUES ($1, $2, $3, $4, $5, 0)",
        campaign_id * 256,
        contact_id,
        campaign_id,
        f"+7900000{contact_id:04d}",
        status,
    )


async def add_attempt(
    pool: Pool,
    campaign_id: int,
    started: str,
    number: str = "+79000000001",
    result: str | None = "busy",
    *,
    talk_ms: int | None = None,
    pdd_ms: int | None = None,
    disposition: str | None = None,
    shard_slot: int = 0,
    **facts: object,
) -> int:
    """
    Insert one attempt, and what it adds to the figures; `started` is RFC 3339. `result` None = still under way.

    `facts` are further columns of `attempts`. Returns its id.
    """
    started_time = datetime.fromisoformat(started)
    async with pool.acquire() as connection:
        await ensure_partitions(connection, started_time, months_ahead=0)
    attempt_id = next(ATTEMPT_IDS)
    columns: dict[str, Any] = {
        "shard_key": campaign_id * 256 + shard_slot,
        "started_time": started_time,
        "attempt_id": attempt_id,
        "campaign_id": campaign_id,
        # within a campaign a number is a contact, and the other way round
        "contact_id": zlib.crc32(number.encode()),
        "number": number,
        "attempt_number": 1,
        "trunk_id": 1,
        "caller_id": "anonymous",
        "call_id": f"{attempt_id}@test",
        "run_id": 1,
        "gate": {},
        "settled_time": started_time if result is not None else None,
        "result": result,
        "reason": None if result is None else f"test_{result}",
        "fault": None if result is None else "none",
        "ended_by": None if result is None else "callee",
        "talk_ms": talk_ms,
        "pdd_ms": pdd_ms,
        "disposition": disposition,
        "change_number": int(result is not None),
        **facts,
    }
    places = ", ".join(f"${index}" for index in range(1, len(columns) + 1))
    await pool.execute(f"INSERT INTO attempts ({', '.join(columns)}) VALUES ({places})", *columns.values())
    await count_in(pool, attempt_id)
    return attempt_id


async def count_in(pool: Pool, attempt_id: int) -> None:
    """Let the figures know a settled attempt that was written by hand, as the settle statement does."""
    await pool.execute(
        "INSERT INTO outbox SELECT * FROM attempt_facts WHERE attempt_id = $1 AND is_settled", attempt_id
    )


async def count_again(pool: Pool) -> None:
    """Make the figures anew of facts that a test has rewritten without telling them."""
    await pool.execute("TRUNCATE stats, outbox")
    await pool.execute("INSERT INTO outbox SELECT * FROM attempt_facts WHERE is_settled")
