"""The report of one campaign: every figure of one instant, made of the queries that anybody can ask."""

from datetime import date, datetime, time
from typing import Final, get_args
from zoneinfo import ZoneInfo

import msgspec

from analytics.build import build_query
from analytics.database import Pool
from analytics.kept_seals import KeptSeals
from analytics.metrics import Rate
from analytics.optimize import optimize
from analytics.query import Filter, Period, QueryRequest
from analytics.result import Figure, QueryResult, Row
from analytics.run import TIMEOUT_SECONDS, Answer, reading
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
    """One hour or day that has attempts; they count where they started. All of it is in the rollups: a page asks for it often."""

    start: datetime
    """With the offset that the zone had then."""
    attempts: int
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


TOTALS: Final = (
    "attempts", "settled_attempts", "open_attempts", "distinct_numbers", "answered_by_number", "answered_by_attempt",
    "callback_requests", "refusals", "callback_requests_per_answer", "timed_answers", "talk_seconds_sum",
    "talk_seconds_mean", "talk_seconds_median", "rung_attempts", "pdd_ms_median",
)  # fmt: skip
SERIES: Final = (
    "attempts", "answered_attempts", "answered_by_attempt", "callback_requests", "refusals", "talk_seconds_sum",
)  # fmt: skip
MAX_HOURS: Final = 1_000_000
"""More than a century of them: the series of a report is whole."""


async def campaign_report(
    pool: Pool,
    campaign_id: int,
    *,
    time_zone: str,
    now: datetime,
    from_time: datetime | None = None,
    to_time: datetime | None = None,
    kept: KeptSeals | None = None,
) -> CampaignReport:
    """
    Return the report of attempts started in [from_time, to_time), made of four queries on one snapshot.

    The totals are the sums of their parts while calls are being settled. An unknown campaign gives the report of no attempts.
    """
    asked = QueryRequest(
        metrics=list(TOTALS),
        filter=Filter(op="is", dimension="campaign", values=[campaign_id]),
        period=period_of(from_time, to_time),
        time_zone=time_zone,
        limit=MAX_HOURS,
    )

    async def answer(dimensions: list[str], metrics: tuple[str, ...]) -> QueryResult:
        request = msgspec.structs.replace(asked, metrics=list(metrics), dimensions=dimensions)
        query = optimize(build_query(request, now, max_rows=MAX_HOURS))
        return await Answer(connection, query, kept).result()

    async with reading(pool, TIMEOUT_SECONDS) as connection:
        totals = (await answer([], TOTALS)).totals
        outcomes = await answer(["result"], ("attempts",))
        by_hour = await answer(["hour"], SERIES)
        by_day = await answer(["day"], SERIES)
    attempts_by_result = {
        row.dimensions["result"].value: whole(row.metrics["attempts"]) for row in outcomes.rows
    }
    zone = ZoneInfo(time_zone)
    return CampaignReport(
        campaign_id=campaign_id,
        from_time=from_time,
        to_time=to_time,
        time_zone=time_zone,
        generated_time=now,
        attempts=whole(totals["attempts"]),
        settled_attempts=whole(totals["settled_attempts"]),
        open_attempts=whole(totals["open_attempts"]),
        distinct_numbers=whole(totals["distinct_numbers"]),
        answered_by_number=rate_of(totals["answered_by_number"]),
        answered_by_attempt=rate_of(totals["answered_by_attempt"]),
        outcomes={result: attempts_by_result.get(result, 0) for result in RESULTS},
        callback_requests=whole(totals["callback_requests"]),
        refusals=whole(totals["refusals"]),
        conversion=rate_of(totals["callback_requests_per_answer"]),
        talk_seconds=TalkSeconds(
            count=whole(totals["timed_answers"]),
            sum=totals["talk_seconds_sum"].value or 0.0,
            mean=totals["talk_seconds_mean"].value,
            median=totals["talk_seconds_median"].value,
        ),
        pdd_ms=PddMs(count=whole(totals["rung_attempts"]), median=totals["pdd_ms_median"].value),
        by_hour=[
            bucket(datetime.fromisoformat(str(row.dimensions["hour"].value)), row) for row in by_hour.rows
        ],
        by_day=[
            bucket(datetime.combine(date.fromisoformat(str(row.dimensions["day"].value)), time(), zone), row)
            for row in by_day.rows
        ],
    )


def period_of(from_time: datetime | None, to_time: datetime | None) -> Period:
    if from_time is None and to_time is None:
        return Period(name="all")
    return Period(
        from_time=from_time.isoformat() if from_time else None,
        to_time=to_time.isoformat() if to_time else None,
    )


def bucket(start: datetime, row: Row) -> Bucket:
    figures = row.metrics
    return Bucket(
        start=start,
        attempts=whole(figures["attempts"]),
        answered_attempts=whole(figures["answered_attempts"]),
        answered_by_attempt=rate_of(figures["answered_by_attempt"]),
        callback_requests=whole(figures["callback_requests"]),
        refusals=whole(figures["refusals"]),
        talk_seconds_sum=figures["talk_seconds_sum"].value or 0.0,
    )


def whole(figure: Figure) -> int:
    """Return a count, which is never null."""
    assert isinstance(figure.value, int)
    return figure.value


def rate_of(figure: Figure) -> Rate:
    assert isinstance(figure.numerator, int)
    assert isinstance(figure.denominator, int)
    assert figure.denominator_name is not None
    return Rate(
        numerator=figure.numerator,
        denominator=figure.denominator,
        denominator_name=figure.denominator_name,
        value=figure.value,
    )
