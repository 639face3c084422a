"""Drawn verdicts for tests, as settling leaves them: an attempt, its place in the queue, and its sound."""

from datetime import datetime, timedelta

from campaigns.database import Pool
from tests.postgres.campaign_rows import NOW


async def draw_verdict(
    pool: Pool,
    campaign_id: int,
    attempt_id: int,
    *,
    share: float = 0.05,
    answered_by: str = "machine",
    has_sound: bool = True,
    started_time: datetime = NOW,
) -> None:
    key = campaign_id * 256
    answered = started_time + timedelta(seconds=4)
    await pool.execute(
        "INSERT INTO attempts (shard_key, started_time, attempt_id, campaign_id, contact_id, number, attempt_number, trunk_id,"
        " caller_id, call_id, run_id, gate, settled_time, result, reason, fault, ended_by, answered_time, ended_time, talk_ms,"
        " answered_by, answered_by_cause, verdict_time, audit_share, change_number)"
        " SELECT $1, $2::timestamptz, $3, $4, $8, '+79160000000', 1, trunk_id, '+74950000000', 'call', 1, '{}',"
        " $2::timestamptz + interval '20 s', 'answered', 'normal', 'none', 'us', $5::timestamptz,"
        " $5::timestamptz + interval '6 s', 6000, $6, 'long_greeting', $5::timestamptz + interval '2310 ms', $7, 1"
        " FROM campaign_trunks WHERE campaign_id = $4 LIMIT 1",
        key, started_time, attempt_id, campaign_id, answered, answered_by, share,
        attempt_id % 2**31,  # contacts of a base are counted from 1
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO outbox SELECT * FROM attempt_facts WHERE shard_key = $1 AND attempt_id = $2",
        key,
        attempt_id,
    )
    await pool.execute(
        "INSERT INTO verdict_audits (shard_key, attempt_id, started_time, drawn_time) VALUES ($1, $2, $3, $3)",
        key, attempt_id, started_time,
    )  # fmt: skip
    if has_sound:
        await pool.execute(
            "INSERT INTO recordings (shard_key, recording_id, attempt_id, campaign_id, contact_id, node_name, started_time,"
            " state, path, duration_ms) VALUES ($1, $2, $2, $3, $2, 'test', $4, 'ready', 'nowhere', 6000)",
            key, attempt_id, campaign_id, answered,
        )  # fmt: skip
