"""Whether and when a lead is tried again after an attempt. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from campaigns.models import RetryRule

NEVER_RETRIED: Final = frozenset({"unknown"})
"""Nobody knows whether the callee was reached, so no rule may dial them again by itself (at most once)."""


MAX_RETRY_AFTER_SECONDS: Final = 86_400.0
"""A Retry-After is obeyed up to a day; more is a mistake."""


class RetryAt(msgspec.Struct, frozen=True):
    """Try again, not before this instant."""

    due_time: datetime


class Finished(msgspec.Struct, frozen=True):
    """Nothing is left to do for the lead."""


FINISHED: Final = Finished()


def next_step(
    *,
    result: str,
    disposition: str | None,
    attempts_made: int,
    rules: Mapping[str, RetryRule],
    ended_time: datetime,
    retry_after_seconds: float | None = None,
) -> RetryAt | Finished:
    """
    Decide after one attempt. `attempts_made` counts it. Who was asked to come back later (Retry-After, RFC 3261 §20.33)
    does not come earlier, whatever the rule says.

    The rule of the last result counts, and its `max_attempts` bounds all attempts of the lead, so results that
    alternate (busy, then no answer) cannot add up to more than the larger of their bounds.
    """
    rule = rules.get(result)
    if (
        rule is None
        or disposition is not None
        or result in NEVER_RETRIED
        or attempts_made >= rule.max_attempts
    ):
        return FINISHED
    wanted = min(retry_after_seconds or 0.0, MAX_RETRY_AFTER_SECONDS)
    return RetryAt(ended_time + timedelta(seconds=max(rule.delay_seconds, wanted)))
