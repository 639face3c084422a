"""Attempts as the API shows them."""

from datetime import datetime

import msgspec

from analytics.attempts import Attempt, Disposition
from campaigns.numbers import mask
from dialer.outcome import EndedBy, Fault, Result


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One try to reach one number. What did not happen, or has not yet, is null."""

    attempt_id: str
    """A decimal integer beyond what JavaScript can hold, so a text."""
    campaign_id: int
    contact_id: int
    number: str
    """E.164; masked unless the key holds numbers:read."""
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


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts, newest first."""

    items: list[AttemptView]
    next_cursor: str | None
    """Send it as `cursor` to go on; null on the last page."""


def attempt_view(attempt: Attempt, *, shows_numbers: bool) -> AttemptView:
    facts = msgspec.structs.asdict(attempt)
    facts["attempt_id"] = str(attempt.attempt_id)
    if not shows_numbers:
        facts["number"] = mask(attempt.number)
    return AttemptView(**facts)
