"""The report of one campaign: every figure of one instant, made of the facts in `attempts`."""

from datetime import datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from analytics.database import Connection, Pool, statement
from analytics.metrics import Rate, rate
from dialer.outcome import Result

RESULTS: tuple[Result, ...] = get_args(Result)


class TalkSeconds(msgspec.Struct, frozen=True, kw_only=True):
    """How long the answered calls lasted, from our ACK to the BYE."""

    count: int
    sum: float
    mean: float | None
    median: float | None


class PddMs(msgspec.Struct, frozen=True, kw_only=True):
    """Post-dial delay: from the INVITE to the first 180-183."""

    count: int
    """Attempts that were rung."""
    median: float | None


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One hour or day that has attempts; they count where they started."""

    start: datetime
    """With the offset that the zone had then."""
    attempts: int
    distinct_numbers: int
    answered_attempts: int
    answered_by_attempt: Rate
    callback_requests: int
    refusals: int
    talk_seconds_sum: float


class CampaignReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a campaign; definitions in `analytics.metrics`."""

    campaign_id: int
    from_time: datetime | None
    """Attempts started at or after this; null = from the first."""
    to_time: datetime | None
    """Attempts started before this; null = to the last."""
    time_zone: str
    """IANA zone of the hours and days."""
    generated_time: datetime
    attempts: int
    settled_attempts: int
    open_attempts: int
    distinct_numbers: int
    answered_by_number: Rate
    answered_by_attempt: Rate
    outcomes: dict[Result, int]
    """Every result, zero included; they add up to `settled_attempts`."""
    callback_requests: int
    refusals: int
    conversion: Rate
    """Callback requests per answered attempt."""
    talk_seconds: TalkSeconds
    pdd_ms: PddMs
    by_hour: list[Bucket]
    by_day: list[Bucket]


async def campaign_report(
    pool: Pool,
    campaign_id: int,
    *,
    time_zone: str,
    now: datetime,
    from_time: datetime | None = None,
    to_time: datetime | None = None,
) -> CampaignReport:
    """
    Return the report of attempts started in [from_time, to_time).

    All statements read one snapshot, so the totals are the sums of their parts while calls are being settled.
    An unknown campaign gives the report of no attempts.
    """
    period = (campaign_id, from_time, to_time)
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        totals = await connection.fetchrow(statement("report_totals"), *period)
        assert totals is not None
        outcomes = await connection.fetch(statement("report_outcomes"), *period)
        by_hour = await series(connection, period, "hour", time_zone)
        by_day = await series(connection, period, "day", time_zone)
    counts = dict(totals)
    attempts_by_result = {row["result"]: row["attempts"] for row in outcomes}
    return CampaignReport(
        campaign_id=campaign_id,
        from_time=from_time,
        to_time=to_time,
        time_zone=time_zone,
        generated_time=now,
        attempts=totals["attempts"],
        settled_attempts=totals["settled_attempts"],
        open_attempts=totals["attempts"] - totals["settled_attempts"],
        distinct_numbers=totals["distinct_numbers"],
        answered_by_number=rate("answered_by_number", counts),
        answered_by_attempt=rate("answered_by_attempt", counts),
        outcomes={result: attempts_by_result.get(result, 0) for result in RESULTS},
        callback_requests=totals["callback_requests"],
        refusals=totals["refusals"],
        conversion=rate("callback_requests_per_answer", counts),
        talk_seconds=TalkSeconds(
            count=totals["talk_count"],
            sum=totals["talk_seconds_sum"],
            mean=totals["talk_seconds_mean"],
            median=totals["talk_seconds_median"],
        ),
        pdd_ms=PddMs(count=totals["pdd_count"], median=totals["pdd_ms_median"]),
        by_hour=by_hour,
        by_day=by_day,
    )


async def series(
    connection: Connection, period: tuple[Any, ...], unit: Literal["hour", "day"], time_zone: str
) -> list[Bucket]:
    zone = ZoneInfo(time_zone)
    return [
        Bucket(
            start=row["start"].astimezone(zone),
            attempts=row["attempts"],
            distinct_numbers=row["distinct_numbers"],
            answered_attempts=row["answered_attempts"],
            answered_by_attempt=rate("answered_by_attempt", dict(row)),
            callback_requests=row["callback_requests"],
            refusals=row["refusals"],
            talk_seconds_sum=row["talk_seconds_sum"],
        )
        for row in await connection.fetch(statement("report_series"), *period, unit, time_zone)
    ]
