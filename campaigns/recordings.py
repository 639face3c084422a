"""
Recordings as people see and care for them: finding, holding, and who listened.

Legal hold: a held recording is deleted by nobody, whatever its age and whoever asks. A deletion that has been decided cannot
be held up any more; both look at the row under its lock, so one of them is first.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from campaigns import audit
from campaigns.database import Connection, Pool
from campaigns.errors import Conflict, NotFound
from campaigns.statements import load_statements

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
BATCH: Final = 200
SAME_LISTENING: Final = timedelta(minutes=10)
"""A listener who comes back sooner goes on listening; later it is another time."""

RecordingState = Literal["writing", "ready", "broken", "deleted"]
CopyState = Literal["copying", "waiting", "copied", "failed", "deleted"]


class RecordingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One recording as stored, with what belongs to it."""

    shard_key: int
    recording_id: int
    attempt_id: int
    campaign_id: int
    campaign_name: str
    time_zone: str
    """The campaign's."""
    contact_id: int
    number: str | None
    """E.164, or the word that an erased person's number has become; None where it was not asked for."""
    node_name: str
    started_time: datetime
    ended_time: datetime | None
    state: RecordingState
    path: str
    duration_ms: int | None
    size_bytes: int | None
    sha256: bytes | None
    gap_ms: int | None
    cause: str | None
    is_held: bool
    held_by: str | None
    held_time: datetime | None
    held_why: str | None
    kept_until: date
    """The last day, by the campaign's clock."""
    deleted_why: str | None
    """Why it is, or is to be, deleted: expired, asked, erased."""
    deleted_time: datetime | None
    delete_tries: int
    delete_error: str | None
    copy_state: CopyState | None
    copied_time: datetime | None
    copy_error: str | None
    copy_attempts: int

    @property
    def can_be_heard(self) -> bool:
        """A held one can, also when its person has been erased meanwhile: that is what it is held for."""
        has_file = self.state == "ready" or (self.state == "broken" and self.size_bytes is not None)
        return has_file and (self.deleted_why is None or self.is_held)


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """What one key seals of the recordings that can be heard."""

    key_id: str
    recordings: int
    held: int
    oldest_time: datetime
    newest_time: datetime


class RecordingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which recordings; None = whichever."""

    campaign_id: int | None = None
    state: RecordingState | None = None
    is_held: bool | None = None
    copy_state: CopyState | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None


class RecordingStore:
    """All that the API reads and changes; safe to share between tasks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, which: RecordingFilter, before: tuple[datetime, int] | None, limit: int
    ) -> tuple[list[RecordingRow], bool]:
        """Return recordings, newest first, from before this time and id on; and whether there are more."""
        time_and_id = (None, None) if before is None else before
        rows = to_rows(
            await self._pool.fetch(
                SQL["list_recordings"], *msgspec.structs.astuple(which), *time_and_id, limit + 1
            )
        )
        return rows[:limit], len(rows) > limit

    async def get(self, recording_id: int) -> RecordingRow:
        """Raise `NotFound` if there is none."""
        rows = to_rows(await self._pool.fetch(SQL["get_recording"], recording_id))
        if not rows:
            raise NotFound("recording", str(recording_id))
        return rows[0]

    async def all_of(self, which: RecordingFilter) -> AsyncIterator[RecordingRow]:
        """Give every recording of a filter, newest first, some at a time."""
        before: tuple[datetime, int] | None = None
        has_more = True
        while has_more:
            rows, has_more = await self.page(which, before, BATCH)
            for row in rows:
                yield row
                before = row.started_time, row.recording_id

    async def keys(self) -> list[KeyUse]:
        """Return which keys the kept recordings need."""
        rows = await self._pool.fetch(SQL["count_keys"])
        return [msgspec.convert(dict(row), KeyUse) for row in rows]

    async def of_attempt(self, shard_key: int, attempt_id: int) -> list[RecordingRow]:
        return to_rows(await self._pool.fetch(SQL["recordings_of_attempt"], shard_key, attempt_id))

    async def of_contact(self, shard_key: int, contact_id: int) -> list[RecordingRow]:
        return to_rows(await self._pool.fetch(SQL["recordings_of_contact"], shard_key, contact_id))

    async def hold(self, recording_id: int, why: str, *, actor: str, now: datetime) -> RecordingRow:
        """
        Keep it from being deleted until it is released; held once, it stays as it was first held.

        Raises:
            NotFound
            Conflict: `recording_deleted`, or it has been decided that it is.
        """
        row = await self.get(recording_id)
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await connection.fetchrow(SQL["lock_recording"], row.shard_key, recording_id)
            assert locked is not None, "rows stay"
            if not locked["is_held"]:
                if locked["deleted_why"] is not None:
                    raise Conflict("recording_deleted")
                await connection.execute(SQL["hold_recording"], row.shard_key, recording_id, actor, now, why)
                await audit.record(
                    connection, now, actor, "hold", ("recording", recording_id),
                    {"is_held": False, "why": None}, {"is_held": True, "why": why},
                )  # fmt: skip
        return await self.get(recording_id)

    async def release(self, recording_id: int, *, actor: str, now: datetime) -> RecordingRow:
        """Let it be deleted when its time comes, or at once if that is overdue. Raises `NotFound`."""
        row = await self.get(recording_id)
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await connection.fetchrow(SQL["lock_recording"], row.shard_key, recording_id)
            assert locked is not None, "rows stay"
            if locked["is_held"]:
                await connection.execute(SQL["release_recording"], row.shard_key, recording_id)
                await audit.record(
                    connection, now, actor, "release", ("recording", recording_id),
                    {"is_held": True, "why": locked["held_why"]}, {"is_held": False, "why": None},
                )  # fmt: skip
        return await self.get(recording_id)

    async def note_listening(
        self, row: RecordingRow, *, actor: str, from_ms: int, to_ms: int, now: datetime
    ) -> None:
        """Write down what somebody is about to hear: one line of the audit for each time that somebody listens."""
        async with self._pool.acquire() as connection, connection.transaction():
            # two ranges at once are one listening
            await connection.fetchrow(SQL["lock_recording"], row.shard_key, row.recording_id)
            known = await connection.fetchval(
                SQL["extend_listening"], actor, row.recording_id, now - SAME_LISTENING, from_ms, to_ms, now
            )
            if known is None:
                heard = {"from_ms": from_ms, "to_ms": to_ms, "last_time": now}
                await audit.record(
                    connection, now, actor, "listen", ("recording", row.recording_id), {}, heard
                )


async def note_export(
    connection: Connection, recording_id: int, *, actor: str, now: datetime, why: str | None = None
) -> None:
    """Sound that leaves, in an answer about a person or as a file, is a listening, too."""
    noted = {"is_exported": True, **({} if why is None else {"why": why})}
    await audit.record(connection, now, actor, "export", ("recording", recording_id), {}, noted)


def to_rows(rows: Sequence[Any]) -> list[RecordingRow]:
    return [msgspec.convert(dict(row), RecordingRow) for row in rows]
