from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.period import Stretch, compared_period, instant_of, named_period, stretches
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


def stretches_of(first: str | None, after_last: str | None) -> list[Stretch]:
    from_time, to_time = (
        None if text is None else datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)
        for text in (first, after_last)
    )
    return stretches(Span(from_time=from_time, to_time=to_time), BERLIN)


@pytest.mark.parametrize(
    ("first", "after_last", "expected"),
    [
        # + days, - days not, M months
        (
            "2026-08-28",
            "2026-11-26",
            "+2026-08-28..2026-09-01 -2026-11-26..2026-12-01 M2026-09-01..2026-12-01",
        ),
        ("2026-09-01", "2026-11-01", "M2026-09-01..2026-11-01"),
        (
            "2026-09-02",
            "2026-11-02",
            "-2026-09-01..2026-09-02 +2026-11-01..2026-11-02 M2026-09-01..2026-11-01",
        ),
        (
            "2026-10-05",
            "2026-10-30",
            "-2026-10-01..2026-10-05 -2026-10-30..2026-11-01 M2026-10-01..2026-11-01",
        ),
        ("2025-12-31", "2026-02-01", "+2025-12-31..2026-01-01 M2026-01-01..2026-02-01"),
        ("2026-10-05", "2026-10-12", "+2026-10-05..2026-10-12"),
        ("2026-10-16", "2026-10-17", "+2026-10-16..2026-10-17"),
        (None, "2026-10-20", "-2026-10-20..2026-11-01 MNone..2026-11-01"),
        ("2026-12-05", None, "-2026-12-01..2026-12-05 M2026-12-01..None"),
        (None, None, "MNone..None"),
        ("9999-12-05", "9999-12-20", "+9999-12-05..9999-12-20"),
    ],
)
def test_a_span_is_made_of_months_and_the_fewer_days_around_them(
    first: str | None, after_last: str | None, expected: str
) -> None:
    signs = {(False, False): "+", (False, True): "-", (True, False): "M"}
    told = [
        f"{signs[each.is_months, each.is_taken_away]}{each.from_day}..{each.to_day}"
        for each in stretches_of(first, after_last)
    ]
    assert " ".join(told) == expected


@given(st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.integers(1, 800))
def test_stretches_are_the_days_of_the_span_and_never_more_rows(first: date, length: int) -> None:
    after_last = first + timedelta(days=length)
    found = stretches_of(str(first), str(after_last))
    days: Counter[date] = Counter()
    rows = 0
    for each in found:
        assert each.from_day is not None
        assert each.to_day is not None
        assert not each.is_months or each.from_day.day == each.to_day.day == 1
        inside = [each.from_day + timedelta(days=n) for n in range((each.to_day - each.from_day).days)]
        for day in inside:
            days[day] += -1 if each.is_taken_away else 1
        rows += len({day.replace(day=1) for day in inside}) if each.is_months else len(inside)
    assert {day: n for day, n in days.items() if n} == {first + timedelta(days=n): 1 for n in range(length)}
    assert rows <= length


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
