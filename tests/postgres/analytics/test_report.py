"""The report on attempts written by hand, against figures worked out by hand."""

from datetime import UTC, datetime

from analytics.build import build_query
from analytics.query import Filter, QueryRequest
from analytics.report import CampaignReport, campaign_report
from analytics.sql import compose_totals
from campaigns.database import Pool
from tests.postgres.analytics.facts import add_attempt, add_campaign

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
A, B, C, D, E, F, G, H = (f"+7900000000{digit}" for digit in "12345679")


async def report_of(pool: Pool, campaign_id: int, time_zone: str = "Europe/Moscow") -> CampaignReport:
    return await campaign_report(pool, campaign_id, time_zone=time_zone, now=NOW)


async def add_twelve_attempts(pool: Pool, campaign_id: int) -> None:
    """
    Twelve attempts to eight numbers over a Moscow midnight (UTC+3).

     #  Moscow  number  result          talk   PDD   disposition
     1  23:50   A       busy
     2  23:55   B       answered         12 s  1000  callback_requested
     3  00:05   A       answered         30 s  3000
     4  00:10   C       answered          6 s  2000  refused
     5  00:20   D       no_answer              1500
     6  00:40   E       invalid_number
     7  01:00   D       answered          4 s  2500  callback_requested
     8  01:10   F       rejected                500
     9  01:20   G       congested
    10  01:21   G       congested
    11  01:59   A       answered          8 s    (answered without ringing)
    12  02:00   H       under way
    """
    day = "2026-11-23T"
    # A lies in another shard of the same campaign than the others; a number lies in one
    await pool.execute(
        "INSERT INTO shards (shard_key, campaign_id) VALUES ($1, $2)", campaign_id * 256 + 255, campaign_id
    )
    await add_attempt(pool, campaign_id, day + "20:50:00Z", A, "busy", shard_slot=255)
    await add_attempt(
        pool,
        campaign_id,
        day + "20:55:00Z",
        B,
        "answered",
        talk_ms=12_000,
        pdd_ms=1000,
        disposition="callback_requested",
    )
    await add_attempt(
        pool, campaign_id, day + "21:05:00Z", A, "answered", talk_ms=30_000, pdd_ms=3000, shard_slot=255
    )
    await add_attempt(
        pool,
        campaign_id,
        day + "21:10:00Z",
        C,
        "answered",
        talk_ms=6_000,
        pdd_ms=2000,
        disposition="refused",
    )
    await add_attempt(pool, campaign_id, day + "21:20:00Z", D, "no_answer", pdd_ms=1500)
    await add_attempt(pool, campaign_id, day + "21:40:00Z", E, "invalid_number")
    await add_attempt(
        pool,
        campaign_id,
        day + "22:00:00Z",
        D,
        "answered",
        talk_ms=4_000,
        pdd_ms=2500,
        disposition="callback_requested",
    )
    await add_attempt(pool, campaign_id, day + "22:10:00Z", F, "rejected", pdd_ms=500)
    await add_attempt(pool, campaign_id, day + "22:20:00Z", G, "congested")
    await add_attempt(pool, campaign_id, day + "22:21:00Z", G, "congested")
    await add_attempt(pool, campaign_id, day + "22:59:59.999Z", A, "answered", talk_ms=8_000, shard_slot=255)
    await add_attempt(pool, campaign_id, day + "23:00:00Z", H, None)


async def test_twelve_attempts_give_the_figures_worked_out_by_hand(pool: Pool) -> None:
    """
    Settled are 11 of 12, to A B C D E F G = 7 numbers; dialed were 8. Answered: 2 3 4 7 11 = 5 attempts, A B C D = 4 numbers.
    Talk: 12 + 30 + 6 + 4 + 8 = 60 s, mean 12, median of 4 6 8 12 30 = 8.
    PDD: 500 1000 1500 2000 2500 3000, median (1500 + 2000) / 2.
    """
    campaign_id = await add_campaign(pool)
    neighbour = await add_campaign(pool, "neighbour")
    assert neighbour == campaign_id + 1
    await add_twelve_attempts(pool, campaign_id)
    await add_attempt(pool, neighbour, "2026-11-23T21:00:00Z", A, "answered", talk_ms=1_000_000)

    report = await report_of(pool, campaign_id)

    assert (report.attempts, report.settled_attempts, report.open_attempts) == (12, 11, 1)
    assert report.distinct_numbers == 8
    by_number, by_attempt = report.answered_by_number, report.answered_by_attempt
    assert (by_number.numerator, by_number.denominator, by_number.value) == (4, 7, 4 / 7)
    assert (by_attempt.numerator, by_attempt.denominator, by_attempt.value) == (5, 11, 5 / 11)
    assert by_number.denominator_name == "settled_numbers"
    assert {result: n for result, n in report.outcomes.items() if n} == {
        "answered": 5,
        "busy": 1,
        "no_answer": 1,
        "invalid_number": 1,
        "rejected": 1,
        "congested": 2,
    }
    assert len(report.outcomes) == 11
    assert (report.callback_requests, report.refusals) == (2, 1)
    assert (report.conversion.numerator, report.conversion.denominator, report.conversion.value) == (
        2,
        5,
        0.4,
    )
    talk = report.talk_seconds
    assert (talk.count, talk.sum, talk.mean, talk.median) == (5, 60.0, 12.0, 8.0)
    assert (report.pdd_ms.count, report.pdd_ms.median) == (6, 1750.0)


async def test_hours_and_days_are_those_of_the_campaigns_zone(pool: Pool) -> None:
    """Two attempts before the Moscow midnight, ten after; in UTC all twelve lie on one day."""
    campaign_id = await add_campaign(pool)
    await add_twelve_attempts(pool, campaign_id)

    report = await report_of(pool, campaign_id)

    days = [(b.start.isoformat(), b.attempts, b.answered_attempts) for b in report.by_day]
    assert days == [
        ("2026-11-23T00:00:00+03:00", 2, 1),
        ("2026-11-24T00:00:00+03:00", 10, 4),
    ]
    assert [(b.callback_requests, b.refusals, b.talk_seconds_sum) for b in report.by_day] == [
        (1, 0, 12.0),
        (1, 1, 48.0),
    ]
    hours = [(b.start.isoformat(), b.attempts, b.answered_attempts) for b in report.by_hour]
    assert hours == [
        ("2026-11-23T23:00:00+03:00", 2, 1),
        ("2026-11-24T00:00:00+03:00", 4, 2),
        ("2026-11-24T01:00:00+03:00", 5, 2),
        ("2026-11-24T02:00:00+03:00", 1, 0),
    ]
    # the open attempt has no say in the share of its hour
    assert report.by_hour[-1].answered_by_attempt.value is None


async def test_a_campaign_without_attempts_has_zero_counts_and_null_rates(pool: Pool) -> None:
    report = await report_of(pool, await add_campaign(pool))

    assert report.attempts == report.distinct_numbers == report.callback_requests == 0
    assert report.talk_seconds.sum == 0.0
    assert set(report.outcomes.values()) == {0}
    rates = (report.answered_by_number, report.answered_by_attempt, report.conversion)
    assert [rate.value for rate in rates] == [None, None, None]
    assert report.talk_seconds.mean is None
    assert report.talk_seconds.median is None
    assert report.pdd_ms.median is None
    assert report.by_hour == report.by_day == []


async def test_the_doubled_hour_of_an_autumn_night_stays_two_hours(pool: Pool) -> None:
    """Berlin goes from +02:00 to +01:00 at 01:00 UTC on 25 October 2026; that day has 25 hours."""
    campaign_id = await add_campaign(pool)
    for started in (
        "2026-10-24T22:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T22:59:00Z",
    ):
        await add_attempt(pool, campaign_id, started)

    report = await report_of(pool, campaign_id, "Europe/Berlin")

    assert [bucket.start.isoformat() for bucket in report.by_hour] == [
        "2026-10-25T00:00:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T23:00:00+01:00",
    ]
    assert [(bucket.start.isoformat(), bucket.attempts) for bucket in report.by_day] == [
        ("2026-10-25T00:00:00+02:00", 4)
    ]


async def test_the_missing_hour_of_a_spring_night_is_nobodys(pool: Pool) -> None:
    """Berlin goes from +01:00 to +02:00 at 01:00 UTC on 29 March 2026; that day has 23 hours."""
    campaign_id = await add_campaign(pool)
    for started in (
        "2026-03-29T00:59:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T21:59:00Z",
        "2026-03-29T22:00:00Z",
    ):
        await add_attempt(pool, campaign_id, started)

    report = await report_of(pool, campaign_id, "Europe/Berlin")

    assert [bucket.start.isoformat() for bucket in report.by_hour] == [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T23:00:00+02:00",
        "2026-03-30T00:00:00+02:00",
    ]
    assert [(bucket.start.isoformat(), bucket.attempts) for bucket in report.by_day] == [
        ("2026-03-29T00:00:00+01:00", 3),
        ("2026-03-30T00:00:00+02:00", 1),
    ]


async def test_hours_of_a_half_hour_zone_begin_at_its_own_full_hour(pool: Pool) -> None:
    """18:29 UTC is 23:59 in Kolkata (+05:30), 18:30 is midnight, 19:29 is 00:59."""
    campaign_id = await add_campaign(pool)
    for minute in ("18:29", "18:30", "19:29"):
        await add_attempt(pool, campaign_id, f"2026-11-23T{minute}:00Z")

    report = await report_of(pool, campaign_id, "Asia/Kolkata")

    assert [(bucket.start.isoformat(), bucket.attempts) for bucket in report.by_hour] == [
        ("2026-11-23T23:00:00+05:30", 1),
        ("2026-11-24T00:00:00+05:30", 2),
    ]


async def test_a_period_takes_its_first_instant_and_leaves_its_last(pool: Pool) -> None:
    campaign_id = await add_campaign(pool)
    for started in ("2026-11-23T09:59:59.999Z", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"):
        await add_attempt(pool, campaign_id, started)

    report = await campaign_report(
        pool,
        campaign_id,
        time_zone="UTC",
        now=NOW,
        from_time=datetime(2026, 11, 23, 10, tzinfo=UTC),
        to_time=datetime(2026, 11, 23, 11, tzinfo=UTC),
    )

    assert [bucket.start.hour for bucket in report.by_hour] == [10]
    assert report.attempts == 1


async def test_the_report_of_a_big_neighbour_is_not_read(pool: Pool) -> None:
    """The scan is bounded by the campaign's keys, not by a filter over everybody's attempts."""
    campaign_id = await add_campaign(pool)
    await add_attempt(pool, campaign_id, "2026-11-23T10:00:00Z")
    request = QueryRequest(
        metrics=["distinct_numbers"], filter=Filter(op="is", dimension="campaign", values=[campaign_id])
    )
    query = build_query(request, NOW)
    composed = compose_totals(query, query.period, [campaign_id * 256])
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        rows = await connection.fetch("EXPLAIN " + composed.text, *composed.arguments)
    assert "Index Cond: (shard_key = ANY" in "\n".join(row[0] for row in rows)
