"""Recordings as the API shows them."""

from datetime import date, datetime
from typing import Annotated

import msgspec

from campaigns.numbers import mask
from campaigns.recordings import CopyState, RecordingRow, RecordingState


class RecordingView(msgspec.Struct, frozen=True, kw_only=True):
    """One recording. The row stays when the sound is gone."""

    recording_id: str
    """A decimal integer beyond what JavaScript can hold, so a text; `attempt_id` too."""
    attempt_id: str
    campaign_id: int
    campaign_name: str
    contact_id: int
    number: str | None
    """E.164; masked unless the key holds numbers:read."""
    started_time: datetime
    ended_time: datetime | None
    state: RecordingState
    duration_ms: int | None
    gap_ms: int | None
    """Of `duration_ms`: what was not recorded; `cause` says why."""
    cause: str | None
    size_bytes: int | None
    sha256: str | None
    """Of the sealed file, as it lies on the disk and in the copy."""
    is_held: bool
    """Nobody deletes it until it is released."""
    held_by: str | None
    held_time: datetime | None
    held_why: str | None
    kept_until: date
    """The last day, by the campaign's clock."""
    deleted_why: str | None
    """expired, asked or erased. Without `deleted_time` it is not gone yet, and is tried again: `delete_error`."""
    deleted_time: datetime | None
    delete_error: str | None
    copy_state: CopyState | None
    """On the storage of your own; null: there was no try yet. `copied` with `deleted_time`: that copy is still there."""
    copied_time: datetime | None
    copy_error: str | None
    audio_path: str | None
    """The sound as a WAV file, on this server; null where there is none to hear."""
    page_path: str
    """Where people listen to it."""


class RecordingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Recordings, newest first."""

    items: list[RecordingView]
    next_cursor: str | None
    """Send it as `cursor` to go on; null on the last page."""


class GapView(msgspec.Struct, frozen=True, kw_only=True):
    """What was not recorded."""

    start_ms: int
    duration_ms: int
    reason: str


class WaveformView(msgspec.Struct, frozen=True, kw_only=True):
    """The loudest sample of each of equal stretches, 0 to 255, on both sides."""

    recording_id: str
    duration_ms: int
    callee: list[int]
    us: list[int]
    gaps: list[GapView]


class HoldBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it must not be deleted: the case, the request, who asked."""

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class RecordRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The call will be recorded from now, or from its answer on, if it is still there."""

    attempt_id: str
    requested_time: datetime


def recording_view(row: RecordingRow, *, shows_numbers: bool) -> RecordingView:
    facts = {name: getattr(row, name) for name in RecordingView.__struct_fields__ if hasattr(row, name)}
    facts["recording_id"], facts["attempt_id"] = str(row.recording_id), str(row.attempt_id)
    facts["sha256"] = None if row.sha256 is None else row.sha256.hex()
    if not shows_numbers and row.number is not None:
        facts["number"] = mask(row.number)
    return RecordingView(
        **facts,
        audio_path=f"/v1/recordings/{row.recording_id}/audio" if row.can_be_heard else None,
        page_path=f"/calls/{row.attempt_id}",
    )
