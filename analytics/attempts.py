"""
The list of attempts, newest first, page by page. A page continues after the last row seen, so rows added meanwhile neither
repeat nor hide others.
"""

from datetime import datetime
from typing import Literal

import msgspec

from analytics.cursor import cursor_after, read_cursor
from analytics.database import Pool, statement
from dialer.events import AnsweredBy
from dialer.outcome import EndedBy, Fault, Result

Disposition = Literal[
    "order", "meeting", "offer_requested", "callback_requested", "refused", "voicemail_left"
]


class AttemptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One try to reach one number. What did not happen, or has not yet, is null."""

    campaign_id: int
    contact_id: int
    number: str
    """E.164; the API masks it unless the key holds numbers:read."""
    attempt_number: int
    """1 is the first try of this contact in this campaign."""
    trunk_id: int
    caller_id: str
    call_id: str
    """SIP Call-ID."""
    started_time: datetime
    settled_time: datetime | None
    result: Result | None
    reason: str | None
    fault: Fault | None
    sip_status: int | None
    q850_cause: int | None
    ended_by: EndedBy | None
    ringing_time: datetime | None
    early_media_time: datetime | None
    answered_time: datetime | None
    ended_time: datetime | None
    pdd_ms: int | None
    talk_ms: int | None
    digits: str | None
    message_played_ms: int | None
    disposition: Disposition | None
    answered_by: AnsweredBy | None
    """Who or what answered, where somebody listened (`answering_machine` of the campaign)."""
    answered_by_cause: str | None
    speech_started_ms: int | None
    """After the answer."""
    greeting_ended_time: datetime | None
    verdict_time: datetime | None


class Attempt(AttemptFacts, frozen=True, kw_only=True):
    """As stored."""

    attempt_id: int
    failover_of: int | None = None
    """The attempt of the same try whose trunk did not place the call (docs/adr/0010)."""


async def attempts_page(
    pool: Pool,
    *,
    campaign_id: int | None = None,
    result: Result | None = None,
    from_time: datetime | None = None,
    to_time: datetime | None = None,
    cursor: str | None = None,
    limit: int,
) -> tuple[list[Attempt], str | None]:
    """
    Return up to `limit` attempts of one campaign or of all, and the cursor of the next page, None on the last.

    Raises:
        InvalidCursor: `cursor` is not one of ours.
    """
    before = read_cursor(cursor) if cursor is not None else (None, None)
    rows = await pool.fetch(
        statement("attempts_page"), campaign_id, result, from_time, to_time, *before, limit + 1
    )
    attempts = [msgspec.convert(dict(row), Attempt) for row in rows[:limit]]
    return attempts, cursor_after(attempts[-1].started_time, attempts[-1].attempt_id) if len(
        rows
    ) > limit else None
