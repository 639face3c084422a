"""Recorded campaigns: a real node, real calls, real files; the row says what the file holds."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog

from campaigns.database import Pool
from campaigns.recording_rows import request_recording
from campaigns.recording_settings import RecordingSettings
from dialer.media.g711 import to_ulaw
from dialer.recording.container import Header
from dialer.recording.keyring import new_entry, parse_keyring
from dialer.recording.reader import G711, Recording
from tests.dialer.recording.recorded_calls import spoken
from tests.postgres.campaign_rows import add_campaign
from tests.postgres.dialing import (
    BUSY,
    KEYRING,
    LISTENS,
    add_prompt,
    carrier,
    is_finished,
    running_node,
    settings_of,
    until,
)


async def test_a_campaign_that_records_all_has_every_answered_call_from_its_answer_on(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS, BUSY) as (far_end, _):
        prompt_id = await add_prompt(pool)
        campaign_id = await add_campaign(
            pool, leads=6, trunk_host=far_end.address[0], trunk_port=far_end.address[1], prompt_id=prompt_id,
            key_wait_seconds=0.5, recording="all",
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
    rows = await pool.fetch(
        "SELECT r.*, a.answered_time, a.result, a.contact_id AS attempt_contact, a.talk_ms "
        "FROM recordings r JOIN attempts a USING (shard_key, attempt_id)"
    )
    assert len(rows) == 3
    pcm = await pool.fetchval("SELECT pcm_s16le_8khz FROM prompts")
    for row in rows:
        assert (row["state"], row["cause"], row["gap_ms"], row["key_id"]) == ("ready", None, 0, "k1")
        assert (row["result"], row["attempt_contact"]) == ("answered", row["contact_id"])
        assert abs((row["started_time"] - row["answered_time"]).total_seconds()) < 1.0
        path = tmp_path / "recordings" / row["path"]
        assert path.stat().st_size == row["size_bytes"]
        recording = Recording.open(path, KEYRING)
        assert isinstance(recording, Recording)
        with recording:
            assert recording.samples == row["duration_ms"] * 8
            sound = recording.read_g711(0, recording.samples)
        assert isinstance(sound, G711)
        assert spoken(sound.us) == spoken(to_ulaw(pcm))


async def test_a_campaign_that_records_nothing_has_nothing(pool: Pool, database: str, tmp_path: Path) -> None:
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool), key_wait_seconds=0.2,
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)):
            await until(lambda: is_finished(pool, campaign_id))
    assert await pool.fetchval("SELECT count(*) FROM recordings") == 0
    assert not (tmp_path / "recordings").exists()


async def test_on_demand_the_live_call_that_was_asked_for_is_recorded_and_no_other(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=2, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool, seconds=6.0), key_wait_seconds=0.2, recording="on_demand",
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)) as drained:

            async def both_talk() -> bool:
                return far_end.live_calls == 2

            await until(both_talk)  # or ring still: the request waits for the answer
            attempt_id = await pool.fetchval("SELECT min(attempt_id) FROM attempts")
            await request_recording(pool, campaign_id * 256, attempt_id, datetime.now(UTC))
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
    row = await pool.fetchrow("SELECT * FROM recordings")
    assert row is not None
    assert await pool.fetchval("SELECT count(*) FROM recordings") == 1
    assert (row["attempt_id"], row["state"]) == (attempt_id, "ready")
    assert row["duration_ms"] > 0
    assert await pool.fetchval("SELECT count(*) FROM recording_requests") == 0


async def test_without_a_key_the_call_goes_on_and_its_row_says_why_there_is_no_sound(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool), key_wait_seconds=0.2, recording="all",
        )  # fmt: skip
        settings = settings_of(database, tmp_path, recordings=RecordingSettings(directory=tmp_path / "r"))
        with structlog.testing.capture_logs() as logs:
            async with running_node(settings) as drained:
                await until(lambda: is_finished(pool, campaign_id))
                await drained()
    row = await pool.fetchrow(
        "SELECT r.state, r.cause, a.result FROM recordings r JOIN attempts a USING (shard_key, attempt_id)"
    )
    assert row is not None
    assert tuple(row) == ("broken", "no_key", "answered")
    assert [entry["cause"] for entry in logs if entry["event"] == "recording.not_begun"] == ["no_key"]


async def test_an_unreachable_directory_costs_no_call(pool: Pool, database: str, tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("a file stands where the directory should")
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=2, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool), key_wait_seconds=0.2, recording="all",
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
    rows = await pool.fetch(
        "SELECT r.state, r.cause, r.gap_ms = r.duration_ms AS is_all_missing, a.result, a.message_played_ms "
        "FROM recordings r JOIN attempts a USING (shard_key, attempt_id)"
    )
    assert [tuple(row) for row in rows] == [("broken", "unreachable", True, "answered", 500)] * 2


async def test_a_killed_node_leaves_recordings_that_its_next_life_settles(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    entry = new_entry("spring", os.urandom)
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=4, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool, seconds=8.0), key_wait_seconds=0.2, recording="all",
        )  # fmt: skip
        process = await start_dialing(database, tmp_path, entry)
        parts = tmp_path / "recordings" / "writing" / "mortal"

        async def some_seconds_are_written() -> bool:
            sizes = [path.stat().st_size for path in parts.glob("*")] if parts.exists() else []
            rows = await pool.fetchval("SELECT count(*) FROM recordings WHERE state = 'writing'")
            return len(sizes) == 4 == rows and min(sizes) > 2 * 16_200

        await until(some_seconds_are_written)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        process = await start_dialing(database, tmp_path, entry)

        async def all_are_settled() -> bool:
            return bool(await pool.fetchval("SELECT count(*) = 0 FROM recordings WHERE state = 'writing'"))

        await until(all_are_settled)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0, (tmp_path / "dial.log").read_text()
    assert not list(parts.iterdir())
    rows = await pool.fetch("SELECT * FROM recordings")
    assert len(rows) == 4
    prompt = spoken(to_ulaw(await pool.fetchval("SELECT pcm_s16le_8khz FROM prompts")))
    for row in rows:
        assert (row["state"], row["cause"]) == ("ready", "cut")
        assert row["duration_ms"] >= 2_000
        assert row["campaign_id"] == campaign_id
        recording = Recording.open(tmp_path / "recordings" / row["path"], parse_keyring(entry))
        assert isinstance(recording, Recording)
        with recording:
            assert recording.is_cut
            assert recording.samples == row["duration_ms"] * 8
            sound = recording.read_g711(0, recording.samples)
        assert isinstance(sound, G711)
        said = spoken(sound.us)
        assert len(said) > 8_000
        assert prompt.startswith(said)
    log = (tmp_path / "dial.log").read_text()
    assert log.count("recording.damaged") == 4
    # what was under way is unknown, as ever, and nobody was called twice
    assert await pool.fetchval("SELECT count(*) FROM attempts") == 4


async def test_rows_whose_files_are_gone_or_were_closed_in_time_are_settled_too(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=2, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool), key_wait_seconds=0.2, recording="all",
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
    closed = await pool.fetch("SELECT * FROM recordings ORDER BY recording_id")
    # as if the database had gone away before the end could be written
    await pool.execute(
        "UPDATE recordings SET state = 'writing', sha256 = NULL, size_bytes = NULL, duration_ms = NULL"
    )
    (tmp_path / "recordings" / closed[1]["path"]).unlink()
    async with running_node(settings_of(database, tmp_path)) as drained:

        async def all_are_settled() -> bool:
            return bool(await pool.fetchval("SELECT count(*) = 0 FROM recordings WHERE state = 'writing'"))

        await until(all_are_settled)
        await drained()
    found, lost = await pool.fetch("SELECT * FROM recordings ORDER BY recording_id")
    assert dict(found) == dict(closed[0])
    assert (lost["state"], lost["cause"]) == ("broken", "missing")


async def test_a_stop_while_the_database_is_away_loses_no_recording(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    """A row that was never written, not even its beginning, comes from the file at the next start."""
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool, seconds=3.0), key_wait_seconds=0.2, recording="all",
        )  # fmt: skip
        await pool.execute("ALTER TABLE recordings RENAME TO away")
        async with running_node(settings_of(database, tmp_path)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
        await pool.execute("ALTER TABLE away RENAME TO recordings")
    assert await pool.fetchval("SELECT count(*) FROM recordings") == 0
    async with running_node(settings_of(database, tmp_path)) as drained:

        async def is_there() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM recordings"))

        await until(is_there)
        await drained()
    row = await pool.fetchrow(
        "SELECT r.*, a.result FROM recordings r JOIN attempts a USING (shard_key, attempt_id)"
    )
    assert row is not None
    assert (row["state"], row["cause"], row["campaign_id"], row["result"]) == (
        "ready",
        None,
        campaign_id,
        "answered",
    )
    assert row["duration_ms"] >= 3_000
    assert (tmp_path / "recordings" / row["path"]).stat().st_size == row["size_bytes"]
    assert not list((tmp_path / "recordings" / "writing" / "test").iterdir())


async def test_what_was_deleted_does_not_come_back_from_the_first_name_of_its_file(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    async with carrier(LISTENS) as (far_end, _):
        campaign_id = await add_campaign(
            pool, leads=1, trunk_host=far_end.address[0], trunk_port=far_end.address[1],
            prompt_id=await add_prompt(pool, seconds=1.2), key_wait_seconds=0.2, recording="all",
        )  # fmt: skip
        async with running_node(settings_of(database, tmp_path)) as drained:
            await until(lambda: is_finished(pool, campaign_id))
            await drained()
    row = await pool.fetchrow("SELECT path, recording_id FROM recordings WHERE state = 'ready'")
    assert row is not None
    file = tmp_path / "recordings" / row["path"]
    # as if killed right after the row was written; the recording is deleted before the node starts again
    part = tmp_path / "recordings" / "writing" / "test" / f"{row['recording_id']}.part"
    file.rename(part)
    await pool.execute("UPDATE recordings SET state = 'deleted'")
    async with running_node(settings_of(database, tmp_path)) as drained:

        async def is_forgotten() -> bool:
            return not part.exists()

        await until(is_forgotten)
        await drained()
    assert not file.exists()
    assert await pool.fetchval("SELECT state FROM recordings") == "deleted"


async def test_a_call_that_was_killed_in_its_first_second_has_a_row_and_no_file(
    pool: Pool, database: str, tmp_path: Path
) -> None:
    campaign_id = await add_campaign(pool, recording="all")
    await pool.execute(
        "INSERT INTO recordings (shard_key, recording_id, attempt_id, campaign_id, contact_id, node_name, started_time, "
        "state, path, key_id) VALUES ($1, 7, 1, $2, 1, 'test', now() - interval '1 min', 'writing', '2026/1/1/7.obz', 'k1')",
        campaign_id * 256,
        campaign_id,
    )
    header = Header(recording_id=7, key_id="k1", salt=bytes(16), started_ms=2**63, owner=b"\xff" * 32)
    part = tmp_path / "recordings" / "writing" / "test" / "7.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(header.pack() + bytes(100))
    (part.parent / "8.part").write_bytes(b"no recording")
    async with running_node(settings_of(database, tmp_path)) as drained:

        async def is_settled() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM recordings WHERE state = 'broken'"))

        await until(is_settled)
        await drained()
    assert await pool.fetchval("SELECT cause FROM recordings") == "cut"
    assert [path.name for path in part.parent.iterdir()] == ["8.part"]


async def start_dialing(database: str, directory: Path, keys: str) -> asyncio.subprocess.Process:
    with (directory / "dial.log").open("ab") as log_file:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api.cli.main", "dial", "--node", "mortal",
            env={
                **os.environ,
                "DATABASE_URL": database,
                "OBZVON_SPOOL_DIR": str(directory),
                "OBZVON_RECORDINGS_DIR": str(directory / "recordings"),
                "OBZVON_RECORDINGS_KEEP_FREE_MB": "0",
                "OBZVON_RECORDING_KEY": keys,
                "OBZVON_DEAD_AFTER_SECONDS": "2",
            },
            stderr=log_file,
        )  # fmt: skip
