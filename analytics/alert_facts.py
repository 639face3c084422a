"""The figures that alert rules are judged by, read for all subjects of a rule at once."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from analytics.alert_rule import Figure, MetricName
from analytics.database import Pool, statement
from analytics.dry_time import minutes_until_dry
from analytics.floor import lead_counts, recent_calls

Subject = tuple[str, int]
"""Kind and id; ("all", 0) is everything."""
EVERYTHING: Final[Subject] = ("all", 0)

WEEKS: Final = 4
"""Of history: the same minutes of the same weekday."""
KEEPS_FAILING: Final = 3
"""Tries of one copy: with the keeper's pauses some six minutes."""
LONGEST_CALL: Final = timedelta(days=1)
CALLBACKS_WITHIN: Final = timedelta(hours=24)

SHARES: Final[Mapping[str, tuple[str, str]]] = {
    "answer_rate": ("answered", "ended"),
    "asr": ("answered", "ended"),
    "conversion": ("successes", "answered"),
    "short_calls": ("short_calls", "answered"),
    "trunk_failures": ("trunk_faults", "ended"),
}
"""Metric to the columns of its numerator and denominator in alert_shares.sql."""


class Counts(msgspec.Struct):
    """Numerator and denominator, now and in the weeks before."""

    now: list[int]
    usual: list[int]


async def figures(pool: Pool, metric: MetricName, window: timedelta, now: datetime) -> dict[Subject, Figure]:
    """Return the figure of every subject that has any."""
    match metric:
        case "idle_minutes":
            rows = await pool.fetch(statement("alert_idle"), now)
            return {("campaign", row["campaign_id"]): Figure(value=row["minutes"]) for row in rows}
        case "classifier_off":
            rows = await pool.fetch(statement("alert_classifier"))
            return {("campaign", row["campaign_id"]): share_of(row["humans"], row["judged"]) for row in rows}
        case "missed_callbacks":
            rows = await pool.fetch(statement("alert_callbacks"), now - CALLBACKS_WITHIN, now - window)
            return {("campaign", row["campaign_id"]): Figure(value=float(row["callbacks"])) for row in rows}
        case "dry_minutes":
            return await dry_minutes(pool, now)
        case "failing_copies":
            return {EVERYTHING: await failing_copies(pool)}
        case "damaged_recordings":
            return {EVERYTHING: await damaged_recordings(pool, window, now)}
        case _:
            return await shares(pool, metric, window, now)


async def shares(pool: Pool, metric: str, window: timedelta, now: datetime) -> dict[Subject, Figure]:
    ends = [now - timedelta(weeks=week) for week in range(WEEKS + 1)]
    rows = await pool.fetch(statement("alert_shares"), [end - window for end in ends], ends)
    return figures_of(rows, *SHARES[metric])


def figures_of(rows: Iterable[Any], numerator: str, denominator: str) -> dict[Subject, Figure]:
    """Add rows of alert_shares up by campaign, by trunk and over all. Period 1 is now, the others are history."""
    counts: dict[Subject, Counts] = {}
    for row in rows:
        for subject in (EVERYTHING, ("campaign", row["campaign_id"]), ("trunk", row["trunk_id"])):
            own = counts.setdefault(subject, Counts([0, 0], [0, 0]))
            pair = own.now if row["period"] == 1 else own.usual
            pair[0] += row[numerator]
            pair[1] += row[denominator]
    return {
        subject: Figure(
            value=own.now[0] / own.now[1] if own.now[1] else None,
            numerator=own.now[0],
            denominator=own.now[1],
            usual_numerator=own.usual[0],
            usual_denominator=own.usual[1],
        )
        for subject, own in counts.items()
    }


async def failing_copies(pool: Pool) -> Figure:
    """Count the recordings that wait for their copy; 0 while nothing has failed `KEEPS_FAILING` times: one hiccup is no alert."""
    row = await pool.fetchrow(statement("alert_copies"))
    assert row is not None, "an aggregate is one row"
    if row["tries"] < KEEPS_FAILING:
        return Figure(value=0.0)
    oldest: datetime | None = row["oldest_time"]
    detail = {"oldest_time": None if oldest is None else oldest.isoformat(), "error": row["error"]}
    return Figure(value=float(row["waiting"]), detail=detail)


async def damaged_recordings(pool: Pool, window: timedelta, now: datetime) -> Figure:
    row = await pool.fetchrow(statement("alert_damage"), now - LONGEST_CALL - window, now - window)
    assert row is not None, "an aggregate is one row"
    if not row["recordings"]:
        return Figure(value=0.0)
    detail = {"gap_ms": row["gap_ms"], "cause": row["cause"], "node_name": row["node_name"]}
    return Figure(value=float(row["recordings"]), detail=detail)


def share_of(numerator: int, denominator: int) -> Figure:
    return Figure(value=numerator / denominator, numerator=numerator, denominator=denominator)


async def dry_minutes(pool: Pool, now: datetime) -> dict[Subject, Figure]:
    ids = [row["campaign_id"] for row in await pool.fetch(statement("alert_running"))]
    speed: dict[int, int] = {}
    for call in await recent_calls(pool, ids, now):
        speed[call.campaign_id] = speed.get(call.campaign_id, 0) + call.last_minute
    return {
        ("campaign", row.campaign_id): Figure(
            value=minutes_until_dry(row.due_curve, speed.get(row.campaign_id, 0))
        )
        for row in await lead_counts(pool, ids, now)
    }
