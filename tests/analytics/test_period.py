from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.period import compared_period, instant_of, named_period
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
