"""The sound of one person's calls when that person is erased: what went, what waits, and what is held and why."""

from datetime import datetime

import msgspec
import structlog

from analytics.database import Pool
from campaigns.errors import Conflict
from campaigns.late_changes import ErasedPerson
from campaigns.recording_keeper import RecordingKeeper
from campaigns.recordings import RecordingRow, RecordingStore

log = structlog.get_logger()


class WaitingRecording(msgspec.Struct, frozen=True, kw_only=True):
    """Not gone yet; it is tried again until it is."""

    recording_id: str
    error: str | None


class HeldRecording(msgspec.Struct, frozen=True, kw_only=True):
    """Kept against the erasing, for the reason that somebody gave (GDPR art. 17 (3)); it goes when it is released."""

    recording_id: str
    held_by: str | None
    held_time: datetime | None
    why: str | None


class ErasedPersonView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a person and is gone. Zeros: nothing."""

    contacts: int
    attempts: int
    rejected_rows: int
    recordings_deleted: int
    """With their copies on the storage of your own."""
    recordings_waiting: list[WaitingRecording]
    recordings_held: list[HeldRecording]


async def erase_sound(
    pool: Pool, keeper: RecordingKeeper | None, erased: ErasedPerson, actor: str
) -> ErasedPersonView:
    """Delete the recordings of an erased person now, as far as that works now; nothing here undoes the erasing."""
    rows = [await deleted(pool, keeper, recording_id, actor) for recording_id in erased.recording_ids]
    gone = [row for row in rows if row.deleted_time is not None]
    held = [row for row in rows if row.deleted_time is None and row.is_held]
    waiting = [row for row in rows if row.deleted_time is None and not row.is_held]
    return ErasedPersonView(
        contacts=erased.contacts,
        attempts=erased.attempts,
        rejected_rows=erased.rejected_rows,
        recordings_deleted=len(gone),
        recordings_waiting=[
            WaitingRecording(recording_id=str(row.recording_id), error=row.delete_error) for row in waiting
        ],
        recordings_held=[
            HeldRecording(
                recording_id=str(row.recording_id),
                held_by=row.held_by,
                held_time=row.held_time,
                why=row.held_why,
            )
            for row in held
        ],
    )


async def deleted(pool: Pool, keeper: RecordingKeeper | None, recording_id: int, actor: str) -> RecordingRow:
    """Delete one if that can be done here and now; return how it is then."""
    if keeper is not None:
        try:
            return await keeper.delete(recording_id, "erased", actor=actor)
        except Conflict as error:
            log.info("recording.kept", recording_id=recording_id, reason=error.code)
    return await RecordingStore(pool).get(recording_id)
