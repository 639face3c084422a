"""The keeper's tasks: they begin by themselves, outlive a database that says no, and end when told to."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from campaigns import recording_tasks
from campaigns.database import Pool
from campaigns.recording_keeper import RecordingKeeper
from campaigns.recording_storage import CopyStorage
from campaigns.recording_tasks import keeping_recordings
from campaigns.verdict_audits import VerdictAudits
from tests.campaigns.storages import webdav
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.recordings import add_recording


async def test_both_tasks_work_by_themselves_also_after_a_failure(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_tasks, "KEEP_SECONDS", 0.05)
    monkeypatch.setattr(recording_tasks, "COPY_SECONDS", 0.05)
    now = datetime.now(UTC)
    campaign_id = await add_campaign(pool)
    old, new = [
        await add_recording(
            pool, tmp_path, campaign_id=campaign_id, attempt_id=1, seconds=1,
            started_time=now - timedelta(days=days),
        )
        for days in (40, 1)
    ]  # fmt: skip
    (tmp_path / "dav").mkdir()
    await pool.execute("ALTER TABLE audit_log RENAME TO audit_log_away")
    with webdav(tmp_path / "dav") as server, capture_logs() as logs:
        keeper = RecordingKeeper(pool, tmp_path, lambda: datetime.now(UTC), CopyStorage(server.settings()))
        async with keeping_recordings(
            keeper, lambda stop: VerdictAudits(pool).leave_unheard(datetime.now(UTC), stop)
        ):
            while not any(entry["event"] == "recordings.delayed" for entry in logs):
                await asyncio.sleep(0.01)
            await pool.execute("ALTER TABLE audit_log_away RENAME TO audit_log")
            await pool.execute("UPDATE recordings SET next_delete_time = NULL")  # its lease
            while await unfinished(pool, old, new):
                await asyncio.sleep(0.01)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("recordings ")]


async def unfinished(pool: Pool, old: int, new: int) -> bool:
    rows = await pool.fetch("SELECT recording_id, state, copy_state FROM recordings")
    found = {row["recording_id"]: (row["state"], row["copy_state"]) for row in rows}
    return found[old][0] != "deleted" or found[new] != ("ready", "copied")
