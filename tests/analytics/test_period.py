from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.period import compared_period, instant_of, named_period, whole_months
from analytics.query import ComparisonName, PeriodName, Span

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 10, 26, 23, 30, tzinfo=UTC)
"""Half past midnight of Tuesday the 27th in Berlin, two days after the clock went back."""


def span(first: str, after_last: str) -> Span:
    return Span(
        from_time=datetime.fromisoformat(first).replace(tzinfo=BERLIN).astimezone(UTC),
        to_time=datetime.fromisoformat(after_last).replace(tzinfo=BERLIN).astimezone(UTC),
    )


@pytest.mark.parametrize(
    ("name", "first", "after_last"),
    [
        ("today", "2026-10-27", "2026-10-28"),
        ("yesterday", "2026-10-26", "2026-10-27"),
        ("last_7_days", "2026-10-21", "2026-10-28"),
        ("this_week", "2026-10-26", "2026-11-02"),
        ("last_week", "2026-10-19", "2026-10-26"),
        ("this_month", "2026-10-01", "2026-11-01"),
        ("last_month", "2026-09-01", "2026-10-01"),
        ("this_year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
    ],
)
def test_a_name_stands_for_whole_local_days(name: PeriodName, first: str, after_last: str) -> None:
    assert named_period(name, NOW, BERLIN) == span(first, after_last)


@pytest.mark.parametrize(
    ("first", "after_last", "months"),
    [
        ("2026-08-28", "2026-11-26", ("2026-09-01", "2026-11-01")),
        ("2026-09-01", "2026-11-01", ("2026-09-01", "2026-11-01")),
        ("2026-09-02", "2026-10-31", None),
        ("2026-09-02", "2026-11-01", ("2026-10-01", "2026-11-01")),
        ("2026-09-01", "2026-09-30", None),
        ("2025-12-31", "2026-02-01", ("2026-01-01", "2026-02-01")),
        ("2026-10-05", "2026-10-20", None),
        (None, "2026-10-20", (None, "2026-10-01")),
        ("2026-12-05", None, ("2027-01-01", None)),
        (None, None, (None, None)),
        # nothing is whole where the calendar ends
        ("9999-12-05", "9999-12-20", None),
    ],
)
def test_the_whole_months_of_a_span(
    first: str | None, after_last: str | None, months: tuple[str | None, str | None] | None
) -> None:
    from_time, to_time = (
        text and datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)
        for text in (first, after_last)
    )
    found = whole_months(Span(from_time=from_time or None, to_time=to_time or None), BERLIN)
    assert (found and tuple(day and day.isoformat() for day in found)) == months


def test_all_has_no_bounds() -> None:
    assert named_period("all", NOW, BERLIN) == Span(from_time=None, to_time=None)


@pytest.mark.parametrize(
    ("name", "period", "compared"),
    [
        # three days of 73 hours are held against three days of 72
        ("previous_period", ("2026-10-24", "2026-10-27"), ("2026-10-21", "2026-10-24")),
        (
            "previous_period",
            ("2026-10-27T09:00", "2026-10-27T10:30"),
            ("2026-10-27T07:30", "2026-10-27T09:00"),
        ),
        ("year_ago", ("2026-10-24", "2026-10-27"), ("2025-10-24", "2025-10-27")),
        ("year_ago", ("2024-02-29", "2024-03-01"), ("2023-03-01", "2023-03-01")),
    ],
)
def test_a_period_is_compared_with_as_many_local_days(
    name: ComparisonName, period: tuple[str, str], compared: tuple[str, str]
) -> None:
    assert compared_period(name, span(*period), BERLIN) == span(*compared)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-10-25", datetime(2026, 10, 24, 22, tzinfo=UTC)),
        ("2026-10-25T00:00:00+03:00", datetime(2026, 10, 24, 21, tzinfo=UTC)),
        ("2026-10-25T00:00:00Z", datetime(2026, 10, 25, tzinfo=UTC)),
        ("2026-10-25T00:00:00", None),
        ("2026-10-32", None),
        ("yesterday", None),
        ("0001-01-01", None),
        ("", None),
    ],
)
def test_a_date_is_midnight_of_the_zone_and_an_instant_has_an_offset(
    text: str, instant: datetime | None
) -> None:
    assert instant_of(text, BERLIN) == instant
