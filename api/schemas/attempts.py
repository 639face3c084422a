"""Attempts as the API shows them."""

from collections.abc import Sequence

import msgspec

from analytics.attempts import Attempt, AttemptFacts
from campaigns.numbers import mask


class AttemptView(AttemptFacts, frozen=True, kw_only=True):
    """One try to reach one number. What did not happen, or has not yet, is null."""

    attempt_id: str
    """A decimal integer beyond what JavaScript can hold, so a text."""
    failover_of: str | None = None
    """The attempt of the same try whose trunk did not place the call, so that this one went by another."""
    page_path: str
    """Where people read about it, on this server."""


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts, newest first."""

    items: list[AttemptView]
    next_cursor: str | None
    """Send it as `cursor` to go on; null on the last page."""


def attempt_page(attempts: Sequence[Attempt], next_cursor: str | None, *, shows_numbers: bool) -> AttemptPage:
    return AttemptPage(
        items=[attempt_view(attempt, shows_numbers=shows_numbers) for attempt in attempts],
        next_cursor=next_cursor,
    )


def attempt_view(attempt: Attempt, *, shows_numbers: bool) -> AttemptView:
    facts = msgspec.structs.asdict(attempt)
    facts["attempt_id"] = str(attempt.attempt_id)
    facts["failover_of"] = None if attempt.failover_of is None else str(attempt.failover_of)
    facts["page_path"] = f"/calls/{attempt.attempt_id}"
    if not shows_numbers:
        facts["number"] = mask(attempt.number)
    return AttemptView(**facts)
