"""
What `GET /v1/campaigns/{campaign_id}/live` sends: server-sent events, made for a page that shows one campaign.

    event: snapshot     id: seq      data: LiveSnapshot as JSON, at most four a second; the first one comes at once
    event: heartbeat    (no id)      data: {"time": "..."}; every few seconds, so that a page can show its staleness

Each snapshot is whole, so a client that missed some needs only the next. Numbers are always masked.
"""

from datetime import datetime

import msgspec

from dialer.outcome import EndedBy, Result


class LeadCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The contacts of the campaign by where they stand; the four add up to `total`."""

    total: int
    pending: int
    """Not dialed yet, or waiting for another attempt."""
    dialing: int
    finished: int
    blocked: int
    """The gate forbids them: do-not-call, advertising without a human, ..."""


class LiveRate(msgspec.Struct, frozen=True, kw_only=True):
    """A share; `value` is null when there is nothing to divide by."""

    numerator: int
    denominator: int
    value: float | None


class LiveCall(msgspec.Struct, frozen=True, kw_only=True):
    """One of the 20 newest attempts, newest first. Everything that did not happen (yet) is null."""

    attempt_id: str
    number: str
    """Masked: +7900***00-01 style, never whole."""
    attempt_number: int
    started_time: datetime
    result: Result | None
    """Null while the call is under way."""
    reason: str | None
    sip_status: int | None
    ended_by: EndedBy | None
    pdd_ms: int | None
    talk_ms: int | None
    digits: str | None
    disposition: str | None


class LiveSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The campaign at one instant."""

    campaign_id: int
    name: str
    status: str
    """draft, running, paused, stopped or finished."""
    seq: int
    """Grows with each snapshot of the server process; a smaller one than before means that it was restarted."""
    time: datetime
    leads: LeadCounts
    attempts: int
    open_attempts: int
    """Under way now."""
    answered: LiveRate
    """Of attempts that have ended."""
    outcomes: dict[str, int]
    """Every result with its count, zero included."""
    callback_requests: int
    refusals: int
    last_calls: list[LiveCall]
