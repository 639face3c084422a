"""What came before the period of a query, as SQL over the facts."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analytics.query import Query, Span


def before_period(query: Query, period: Span, add: Callable[[Any, str], str]) -> str:
    """
    Return the condition that the attempt `earlier` began before the period, by the clock that the period is read by.

    `add` takes an argument of a type and returns its place. Nothing came before a period without a beginning.
    """
    start = period.from_time
    if start is None:
        return "false"
    if query.clock == "zone":
        return f"earlier.started_time < {add(start, 'timestamptz')}"
    midnight = start.astimezone(ZoneInfo(query.time_zone)).replace(tzinfo=None)
    # a campaign's clock is less than a day away from UTC: that bound finds the months, the other one the attempts
    return (
        f"earlier.started_time < {add(midnight.replace(tzinfo=UTC) + timedelta(days=1), 'timestamptz')} AND "
        "earlier.started_time AT TIME ZONE 'UTC' + earlier.utc_offset_minutes * interval '1 minute'"
        f" < {add(midnight, 'timestamp')}"
    )
