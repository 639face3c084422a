"""Recordings for pictures: real sealed files in every state that a list can show, and sound for the listening queue."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from campaigns.database import Pool
from tests.postgres.recordings import add_recording

WAITING: dict[str, Any] = {"copy_state": "waiting", "copy_attempts": 4, "copy_error": "unreachable"}
STATES: tuple[dict[str, Any], ...] = (
    {},
    {"is_held": True, "held_why": "Претензия 7/26", "held_by": "key:1"},
    {"gap_ms": 4000, "cause": "disk_full"},
    {"state": "broken", "cause": "disk_full", "gap_ms": 9000},
    {"copy_state": "copied", "copied_time": True},
    WAITING,
    {**WAITING, "copy_state": "failed", "copy_attempts": 10},
    {"state": "deleted", "deleted_why": "expired", "deleted_time": True, "copy_state": "copied"},
    {"deleted_why": "asked", "delete_error": "folder_missing"},
    {"state": "writing", "ended_time": None, "duration_ms": None, "size_bytes": None},
)


async def add_sound(
    pool: Pool, directory: Path, campaign_ids: list[int], attempt_id: int, now: datetime
) -> None:
    """Record the call whose page is shown and some others, and give most drawn verdicts their first seconds."""
    calls = await pool.fetch(
        "(SELECT attempt_id, campaign_id, contact_id FROM attempts WHERE attempt_id = $1) UNION ALL"
        " (SELECT attempt_id, campaign_id, contact_id FROM attempts"
        " WHERE result = 'answered' AND audit_share IS NULL AND attempt_id <> $1 ORDER BY attempt_id DESC LIMIT $2)",
        attempt_id, 2 * len(STATES) - 1,
    )  # fmt: skip
    for index, call in enumerate(calls):
        started = now - timedelta(minutes=3 * index + 1)
        columns = {
            name: now if value is True and name.endswith("_time") else value
            for name, value in STATES[index % len(STATES)].items()
        }
        await add_recording(
            pool, directory, campaign_id=call["campaign_id"], attempt_id=call["attempt_id"],
            contact_id=call["contact_id"], started_time=started, seconds=8 + 7 * index % 60, **columns,
        )  # fmt: skip
    drawn = await pool.fetch(
        "SELECT attempt_id FROM verdict_audits WHERE shard_key / 256 = $1", campaign_ids[0]
    )
    for row in drawn[:-1]:
        await add_recording(
            pool, directory, campaign_id=campaign_ids[0], attempt_id=row["attempt_id"],
            contact_id=row["attempt_id"] % 2**31, started_time=now, seconds=12,
        )  # fmt: skip
    last = drawn[-1]["attempt_id"]
    await pool.execute("UPDATE verdict_audits SET unheard_why = 'expired' WHERE attempt_id = $1", last)
    await pool.execute("UPDATE attempts SET audit_unheard = 'expired' WHERE attempt_id = $1", last)
