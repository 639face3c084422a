"""Finding one call for whoever asks for it by its attempt id or its SIP Call-ID: the API, the page, the command line."""

from datetime import UTC, datetime, timedelta

from analytics.attempt_details import AttemptDetails, attempt_details
from analytics.database import Pool
from api.schemas.calls import without_numbers
from campaigns.call_trace import CallTrace, attempt_of, find_trace, request_trace
from campaigns.errors import NotFound
from campaigns.snowflake import time_of

_MAX_SHOWN: int = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def find_attempt(pool: Pool, key: str) -> AttemptDetails:
    """
    Return the attempt of an attempt id or a Call-ID of ours.

    Raises:
        NotFound: no attempt is called so.
    """
    attempt_id = attempt_of(key)
    if attempt_id is not None:
        around = _EPOCH + timedelta(milliseconds=time_of(attempt_id))
        details = await attempt_details(pool, attempt_id, around=around)
        if details is not None and ("-" not in key or details.call_id == key):
            return details
    raise NotFound("attempt", key[:_MAX_SHOWN])


async def trace_of(pool: Pool, details: AttemptDetails, *, shows_numbers: bool) -> CallTrace | None:
    """Return the SIP messages of an attempt, those of a live call so far; None where none are kept."""
    if details.settled_time is None:
        trace = await request_trace(pool, details.attempt_id)
    else:
        trace = await find_trace(pool, details.attempt_id)
    return trace if trace is None or shows_numbers else without_numbers(trace)
