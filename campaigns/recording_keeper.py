"""
What becomes of recordings: deleted when their time has come, copied to the user's own storage.

    keep    every minute: what is too old and not held is deleted, and whatever deletion has not worked yet
    copy    every few seconds: what is new is copied, sealed as it is, and read back

Rule 1: a row is taken by a lease, so that any number of processes may do this, and a process that dies loses only time.
Rule 2: one file that fails holds up no other, and comes again; a deletion is never given up, a copy after `COPY_BACK_OFF`, until others go through.
Rule 3: first the file, then the row: `deleted_time` is only written when the file is gone.
"""

import asyncio
import errno
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, get_args

import msgspec
import structlog

from campaigns import audit
from campaigns.database import Pool
from campaigns.errors import Conflict
from campaigns.recording_storage import CopyStorage, Failure, StorageFailed
from campaigns.recordings import RecordingRow, RecordingStore
from campaigns.statements import load_statements
from dialer.recording.recorder import part_directory
from dialer.recording.recording_file import PART_SUFFIX

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
LEASE: Final = timedelta(minutes=10)
BATCH: Final = 100
LONGEST_PAUSE: Final = timedelta(days=1)
COPY_BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (60, 300, 1800, 7200, 21_600, 43_200, 86_400, 86_400)
)
"""Between the tries of a copy: some three days, then it has failed, and somebody has to look, unless the storage takes others again."""
HURRY_EVERY: Final = timedelta(minutes=10)

Why = Literal["expired", "asked", "erased"]


class _Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that is to be deleted by us, now."""

    shard_key: int
    recording_id: int
    node_name: str
    state: str
    path: str
    size_bytes: int | None
    deleted_why: Why
    delete_tries: int
    copy_state: str | None
    copy_attempts: int


class DueOfCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """What of one campaign would be deleted now."""

    campaign_id: int
    campaign_name: str
    recordings: int
    size_bytes: int
    oldest_time: datetime


class RecordingKeeper:
    """Deletes and copies the recordings of one directory. `storage` None: nothing is copied."""

    def __init__(
        self,
        pool: Pool,
        directory: Path,
        clock: Callable[[], datetime],
        storage: CopyStorage | None = None,
        *,
        copies_expire: bool = False,
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._clock = clock
        self._storage = storage
        self._copies_expire = copies_expire
        self._hurried_time: datetime | None = None

    async def delete(self, recording_id: int, why: Why, *, actor: str) -> RecordingRow:
        """
        Delete one that somebody asked for. What does not work now is tried again: then `deleted_time` is None yet.

        Raises:
            NotFound
            Conflict: `recording_held`, `recording_writing`.
        """
        store = RecordingStore(self._pool)
        row = await store.get(recording_id)
        if row.deleted_time is not None:
            return row
        now = self._clock()
        taken = await self._pool.fetchrow(SQL["take_one"], row.shard_key, recording_id, why, now, now + LEASE)
        if taken is not None:
            await self._delete(msgspec.convert(dict(taken), _Taken), actor)
            return await store.get(recording_id)
        row = await store.get(recording_id)
        if row.is_held:
            raise Conflict("recording_held", why=row.held_why or "")
        if row.state == "writing":
            raise Conflict("recording_writing")
        # a copy is under way: both go when it has ended
        await self._pool.execute(SQL["decide_deletion"], row.shard_key, recording_id, why)
        return await store.get(recording_id)

    async def due(self) -> list[DueOfCampaign]:
        """Return what is too old, or is to go for another reason, and nothing is deleted."""
        rows = await self._pool.fetch(SQL["count_due"], self._clock())
        return [msgspec.convert(dict(row), DueOfCampaign) for row in rows]

    async def delete_due(self, stop: asyncio.Event | None = None, *, actor: str = audit.SYSTEM) -> int:
        """Delete what is due; return how many were tried."""
        tried = 0
        while stop is None or not stop.is_set():
            now = self._clock()
            rows = await self._pool.fetch(SQL["take_due"], now, now + LEASE, BATCH)
            for row in rows:
                await self._delete(msgspec.convert(dict(row), _Taken), actor)
            tried += len(rows)
            if not rows:
                break
        return tried

    async def _delete(self, taken: _Taken, actor: str) -> None:
        part = part_directory(self._directory, taken.node_name) / f"{taken.recording_id}{PART_SUFFIX}"
        error = await asyncio.to_thread(remove_part, part) or await asyncio.to_thread(
            remove_file, self._directory, taken.path, had_file=taken.size_bytes is not None
        )
        copy_state = taken.copy_state
        if error is None and taken.copy_attempts and copy_state != "deleted" and self._copy_goes(taken):
            error = await self._delete_copy(taken.path)
            copy_state = "deleted"
        if error is not None:
            pause = min(LONGEST_PAUSE, timedelta(minutes=2 ** min(taken.delete_tries - 1, 11)))
            log.warning(
                "recording.delete_postponed",
                recording_id=taken.recording_id,
                error=error,
                tries=taken.delete_tries,
            )
            await self._pool.execute(
                SQL["postpone_deletion"], taken.shard_key, taken.recording_id, error, self._clock() + pause
            )
            return
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.fetchval(
                SQL["finish_deletion"], taken.shard_key, taken.recording_id, now, copy_state
            )
            if done is None:
                return
            await audit.record(
                connection, now, actor, "delete", ("recording", taken.recording_id),
                {"state": taken.state}, {"state": "deleted", "why": taken.deleted_why, "copy": copy_state},
            )  # fmt: skip
        log.info("recording.deleted", recording_id=taken.recording_id, why=taken.deleted_why)

    def _copy_goes(self, taken: _Taken) -> bool:
        return taken.deleted_why != "expired" or self._copies_expire

    async def _delete_copy(self, path: str) -> str | None:
        if self._storage is None:
            return "copy_storage_not_set"
        try:
            await self._storage.delete(path)
        except StorageFailed as failed:
            return f"copy_{failed.code}"
        return None

    async def copy_again(self, recording_id: int) -> RecordingRow:
        """Try a copy anew that has failed. Raises `NotFound`."""
        store = RecordingStore(self._pool)
        row = await store.get(recording_id)
        await self._pool.execute(SQL["copy_again"], row.shard_key, recording_id)
        return await store.get(recording_id)

    async def copy_due(self, stop: asyncio.Event | None = None) -> int:
        """Copy what waits; return how many were copied. A storage that is away is left alone until the next turn."""
        copied = 0
        while self._storage is not None and (stop is None or not stop.is_set()):
            now = self._clock()
            row = await self._pool.fetchrow(SQL["take_uncopied"], now, now + LEASE, 1)
            if row is None:
                break
            try:
                await self._copy(self._storage, row)
            except StorageFailed as failed:
                await self._postpone_copy(row, failed.code)
                break
            except OSError as error:
                await self._postpone_copy(row, errno.errorcode.get(error.errno or 0, "unreadable"))
            except LocalDiffers:
                await self._postpone_copy(row, "local_file_differs")
            else:
                copied += 1
                await self._hurry_others(now)
        return copied

    async def _hurry_others(self, now: datetime) -> None:
        """A copy went through, so the others need not wait out their pauses; seldom, for one of them may fail by itself."""
        if self._hurried_time is None or now - self._hurried_time >= HURRY_EVERY:
            self._hurried_time = now
            await self._pool.execute(SQL["hurry_copies"], get_args(Failure), now)

    async def _copy(self, storage: CopyStorage, row: Any) -> None:
        data = await asyncio.to_thread(place_of(self._directory, row["path"]).read_bytes)
        if row["sha256"] is not None and hashlib.sha256(data).digest() != row["sha256"]:
            raise LocalDiffers
        await storage.put(row["path"], data)
        done = await self._pool.fetchval(
            SQL["finish_copy"], row["shard_key"], row["recording_id"], self._clock()
        )
        if done is None:
            # it is to be deleted: whoever does that sees an ended lease, and deletes the copy with it
            await self._pool.execute(
                SQL["postpone_copy"], row["shard_key"], row["recording_id"], "waiting", None, None, None
            )
            return
        log.info("recording.copied", recording_id=row["recording_id"], tries=row["copy_attempts"])

    async def _postpone_copy(self, row: Any, error: str) -> None:
        tries = row["copy_attempts"]
        is_last = tries > len(COPY_BACK_OFF)
        key = {"recording_id": row["recording_id"], "error": error, "tries": tries}
        if is_last:
            log.error("recording.copy_failed", **key)
        else:
            log.warning("recording.copy_postponed", **key)
        await self._pool.execute(
            SQL["postpone_copy"],
            row["shard_key"],
            row["recording_id"],
            "failed" if is_last else "waiting",
            error,
            None if is_last else self._clock() + COPY_BACK_OFF[tries - 1],
            self._clock(),
        )


class LocalDiffers(Exception):
    """Our own file is not the one that was written."""


def place_of(directory: Path, path: str) -> Path:
    """Return where a recording lies. A path is ours, and yet it leads nowhere else."""
    parts = PurePosixPath(path)
    assert not parts.is_absolute(), "paths are relative"
    assert ".." not in parts.parts, "paths stay below the directory"
    return directory / parts


def remove_part(part: Path) -> str | None:
    """Remove what a node could not close or move: its next life would put it in its place. Return None when it is gone. Blocking."""
    try:
        part.unlink(missing_ok=True)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown")
    return None


def remove_file(directory: Path, path: str, *, had_file: bool) -> str | None:
    """
    Remove a file; return None when it is gone, else why it is not. Blocking.

    A file that is not there is gone if its folder is there: a folder that is missing may be a disk that is not mounted.
    """
    place = place_of(directory, path)
    try:
        place.unlink()
    except FileNotFoundError:
        return None if place.parent.is_dir() or not had_file else "folder_missing"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown")
    return None
