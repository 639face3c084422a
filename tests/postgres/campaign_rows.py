"""Rows that the tests of dialing start from."""

from datetime import UTC, datetime, timedelta

from campaigns.database import Pool

NOW = datetime.now(UTC).replace(microsecond=0)
"""The partitions of the test database are those of the months around the real now."""


def number_of(index: int) -> str:
    return f"+7916{index:07d}"


async def add_campaign(
    pool: Pool,
    *,
    leads: int = 0,
    trunk_host: str = "127.0.0.9",
    trunk_port: int = 5060,
    status: str = "running",
    **settings: object,
) -> int:
    """Add a trunk, a campaign with one shard, and `leads` leads due since a minute, the lowest number first."""
    trunk_id = await add_trunk(pool, trunk_host, trunk_port)
    values: dict[str, object] = {
        "name": "test",
        "mode": "voice_message",
        "purpose": "service",
        "status": status,
        "default_country": "RU",
        "time_zone": "Europe/Moscow",
        "window_start_minute": 0,
        "window_end_minute": 1440,
        "window_weekdays": [1, 2, 3, 4, 5, 6, 7],
        "max_calls_per_second": 1000.0,
        "max_concurrent_calls": 1000,
        "ring_timeout_seconds": 15.0,
        "max_talk_seconds": 60.0,
        "key_wait_seconds": 1.0,
        "retry_rules": {},
        "created_time": NOW,
        **settings,
    }
    columns, places = ", ".join(values), ", ".join(f"${index}" for index in range(1, len(values) + 1))
    campaign_id = int(
        await pool.fetchval(
            f"INSERT INTO campaigns ({columns}) VALUES ({places}) RETURNING campaign_id", *values.values()
        )
    )
    await use_trunk(pool, campaign_id, trunk_id)
    await pool.execute(
        "INSERT INTO shards (shard_key, campaign_id) VALUES ($1, $2)", campaign_id * 256, campaign_id
    )
    await add_leads(pool, campaign_id, leads)
    return campaign_id


async def add_trunk(pool: Pool, host: str, port: int | None) -> int:
    return int(
        await pool.fetchval(
            "INSERT INTO trunks (name, host, port, caller_id, max_calls_per_second, max_channels, created_time) "
            "VALUES ('trunk ' || (SELECT count(*) FROM trunks), $1, $2, '+74950000000', 1000, 1000, $3) "
            "RETURNING trunk_id",
            host,
            port,
            NOW,
        )
    )


async def use_trunk(
    pool: Pool, campaign_id: int, trunk_id: int, *, priority: int = 0, weight: int = 1
) -> None:
    await pool.execute(
        "INSERT INTO campaign_trunks (campaign_id, trunk_id, priority, weight) VALUES ($1, $2, $3, $4)",
        campaign_id,
        trunk_id,
        priority,
        weight,
    )


async def add_leads(pool: Pool, campaign_id: int, count: int) -> None:
    await pool.executemany(
        "INSERT INTO leads (shard_key, contact_id, campaign_id, number, status, due_time, attempts_made) "
        "VALUES ($1, $2, $3, $4, 'pending', $5, 0)",
        [
            (
                campaign_id * 256,
                index,
                campaign_id,
                number_of(index),
                NOW - timedelta(minutes=1) + timedelta(milliseconds=index),
            )
            for index in range(count)
        ],
    )


async def add_run(pool: Pool, run_id: int, *, id_node: int = 0, heartbeat_time: datetime = NOW) -> None:
    await pool.execute(
        "INSERT INTO node_runs (run_id, node_name, id_node, started_time, heartbeat_time) VALUES ($1, $2, $3, $4, $4)",
        run_id,
        f"node {run_id}",
        id_node,
        heartbeat_time,
    )


async def begin_attempt(pool: Pool, campaign_id: int, index: int, *, run_id: int, attempt_id: int) -> None:
    """Put one lead under way, as the runner's begin does."""
    await pool.execute(
        "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, "
        "trunk_id, caller_id, call_id, run_id, gate) "
        "SELECT $1, $2, $3, $4, $5, $6, 1, trunk_id, '', 'a call', $7, '{}' "
        "FROM campaign_trunks WHERE campaign_id = $4 ORDER BY trunk_id LIMIT 1",
        campaign_id * 256,
        NOW,
        attempt_id,
        campaign_id,
        index,
        number_of(index),
        run_id,
    )
    await pool.execute(
        "UPDATE leads SET status = 'dialing', due_time = NULL, attempts_made = 1, open_attempt_id = $3 "
        "WHERE shard_key = $1 AND contact_id = $2",
        campaign_id * 256,
        index,
        attempt_id,
    )
