"""One attempt with everything that is stored of it, and the other attempts of the same contact."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from analytics.attempts import Attempt
from analytics.database import Pool, statement

_SLACK: Final = timedelta(minutes=5)
"""Ids may run a little ahead of the clock of their node."""
MAX_OTHER_ATTEMPTS: Final = 50


class AttemptDetails(Attempt, frozen=True, kw_only=True):
    """As stored, with the names of what it belongs to."""

    shard_key: int
    gate: dict[str, Any]
    """The facts that the gate saw and the rules it passed."""
    campaign_name: str
    time_zone: str
    """The campaign's."""
    trunk_name: str | None
    media_packets_expected: int | None
    media_packets_received: int | None
    """How well the call was heard (dialer/rtp/quality.py); null where no audio was agreed on."""
    media_packets_lost: int | None
    media_packets_late: int | None
    media_packets_sent: int | None
    media_reported_loss: float | None
    """Share of our packets that the callee lost, as it said last."""
    media_jitter_ms: float | None
    media_round_trip_ms: float | None
    media_is_one_way: bool | None
    """Answered, and nothing was ever heard of the callee."""
    estimated_mos_received: float | None
    """How it may have sounded (docs/media_quality.md), as estimated when the call ended; None where nothing came."""
    estimated_mos_sent: float | None
    """The same of what the callee's end got; None where it did not report its loss."""


async def attempt_details(pool: Pool, attempt_id: int, *, around: datetime) -> AttemptDetails | None:
    """Return the attempt; `around` is the time in its id, which leads to its partition. None if there is none."""
    row = await pool.fetchrow(statement("attempt_details"), attempt_id, around - _SLACK, around + _SLACK)
    return None if row is None else msgspec.convert(dict(row), AttemptDetails)


async def attempts_of_contact(pool: Pool, one: AttemptDetails) -> list[Attempt]:
    """Return the newest attempts of the same contact of a campaign, oldest first, if there may be more than this one."""
    may_have_failed_over = one.failover_of is not None or one.fault == "trunk"
    rows = await pool.fetch(
        statement("attempts_of_contact"),
        one.shard_key,
        one.contact_id,
        may_have_failed_over,
        MAX_OTHER_ATTEMPTS,
    )
    return [msgspec.convert(dict(row), Attempt) for row in reversed(rows)]
