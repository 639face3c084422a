"""One page of the list of recordings, for the API and for the page alike."""

from analytics.cursor import cursor_after, read_cursor
from campaigns.database import Pool
from campaigns.recordings import RecordingFilter, RecordingRow, RecordingStore


async def recordings_listed(
    pool: Pool, which: RecordingFilter, cursor: str | None, limit: int
) -> tuple[list[RecordingRow], str | None]:
    """
    Return recordings, newest first, and the cursor of the next page, None on the last.

    Raises:
        InvalidCursor: `cursor` is not one of ours.
    """
    before = None if cursor is None else read_cursor(cursor)
    rows, has_more = await RecordingStore(pool).page(which, before, limit)
    return rows, cursor_after(rows[-1].started_time, rows[-1].recording_id) if has_more else None
