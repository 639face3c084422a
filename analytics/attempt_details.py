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


async def attempt_details(pool: Pool, attempt_id: int, *, around: datetime) -> AttemptDetails | None:
    """Return the attempt; `around` is the time in its id, which leads to its partition. None if there is none."""
    row = await pool.fetchrow(statement("attempt_details"), attempt_id, around - _SLACK, around + _SLACK)
    return None if row is None else msgspec.convert(dict(row), AttemptDetails)


async def attempts_of_contact(pool: Pool, shard_key: int, contact_id: int) -> list[Attempt]:
    """Return the newest attempts of a contact of a campaign, oldest first, if there is more than one."""
    rows = await pool.fetch(statement("attempts_of_contact"), shard_key, contact_id, MAX_OTHER_ATTEMPTS)
    return [msgspec.convert(dict(row), Attempt) for row in reversed(rows)]
