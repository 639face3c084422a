"""The state of a campaign at this instant, for a page that refreshes several times a second."""

import msgspec

from analytics.attempts import Attempt
from analytics.database import Pool, statement
from analytics.metrics import Rate, rate
from analytics.report import RESULTS
from dialer.outcome import Result

LAST_CALLS = 20


class LeadCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts of the campaign by where they stand."""

    total: int
    pending: int
    dialing: int
    finished: int
    blocked: int


class LiveState(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one snapshot, and the newest attempts."""

    leads: LeadCounts
    attempts: int
    open_attempts: int
    answered: Rate
    outcomes: dict[Result, int]
    callback_requests: int
    refusals: int
    last_attempts: list[Attempt]


async def live_state(pool: Pool, campaign_id: int) -> LiveState:
    """Return the live figures of a campaign; of an unknown one, those of no leads. Numbers are whole: mask them."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        lead_rows = await connection.fetch(statement("live_leads"), campaign_id)
        rows = await connection.fetch(statement("live_attempts"), campaign_id)
        last = await connection.fetch(
            statement("attempts_page"), campaign_id, None, None, None, None, None, LAST_CALLS
        )
    leads = {row["status"]: row["leads"] for row in lead_rows}
    by_result = {row["result"]: row["attempts"] for row in rows}
    settled = sum(attempts for result, attempts in by_result.items() if result is not None)
    counts = {"answered_attempts": by_result.get("answered", 0), "settled_attempts": settled}
    return LiveState(
        leads=LeadCounts(
            total=sum(leads.values()),
            pending=leads.get("pending", 0),
            dialing=leads.get("dialing", 0),
            finished=leads.get("finished", 0),
            blocked=leads.get("blocked", 0),
        ),
        attempts=sum(by_result.values()),
        open_attempts=by_result.get(None, 0),
        answered=rate("answered_by_attempt", counts),
        outcomes={result: by_result.get(result, 0) for result in RESULTS},
        callback_requests=sum(row["callback_requests"] for row in rows),
        refusals=sum(row["refusals"] for row in rows),
        last_attempts=[msgspec.convert(dict(row), Attempt) for row in last],
    )
