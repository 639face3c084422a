"""Named periods and their comparisons as spans of instants. Pure: `now` and the zone are arguments."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from analytics.query import ComparisonName, PeriodName, Query, Span

ONE_DAY: Final = timedelta(days=1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def month_after(day: date, months: int) -> date:
    """Return the first day of the month so many months after (before, if negative) that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of days, or of whole months, to add or to take away."""

    from_day: date | None
    to_day: date | None
    """Not part of it; None = open, as is the other end."""
    is_months: bool = False
    is_taken_away: bool = False


def stretches(span: Span, zone: ZoneInfo) -> list[Stretch]:
    """
    Make a span of whole days out of few rows: months, and at either end the days that it has of a month or has not.

    A span of which all its days are as few is one stretch of days.
    """
    from_day, to_day = (
        None if instant is None else instant.astimezone(zone).date()
        for instant in (span.from_time, span.to_time)
    )
    days = Stretch(from_day=from_day, to_day=to_day)
    if date.max.year in {day.year for day in (from_day, to_day) if day}:
        return [days]  # the calendar ends
    first, found = from_day, []
    if from_day is not None and from_day.day > 1:
        begun, next_ = month_after(from_day, 0), month_after(from_day, 1)
        takes_away = from_day - begun <= next_ - from_day
        first = begun if takes_away else next_
        found.append(
            Stretch(from_day=begun, to_day=from_day, is_taken_away=True)
            if takes_away
            else Stretch(from_day=from_day, to_day=next_)
        )
    last = to_day
    if to_day is not None and to_day.day > 1:
        begun, next_ = month_after(to_day, 0), month_after(to_day, 1)
        takes_away = next_ - to_day < to_day - begun
        last = next_ if takes_away else begun
        found.append(
            Stretch(from_day=to_day, to_day=next_, is_taken_away=True)
            if takes_away
            else Stretch(from_day=begun, to_day=to_day)
        )
    if first is None or last is None or first < last:
        found.append(Stretch(from_day=first, to_day=last, is_months=True))
    return [days] if from_day and to_day and (to_day - from_day).days <= sum(map(rows_of, found)) else found


def rows_of(part: Stretch) -> int:
    """How many rows a value can have there."""
    assert part.from_day is not None
    assert part.to_day is not None
    if part.is_months:
        return (part.to_day.year - part.from_day.year) * 12 + part.to_day.month - part.from_day.month
    return (part.to_day - part.from_day).days


Days = tuple[date | None, date | None]
"""From the first to before the second; None = open."""
CALENDAR: Final[Mapping[str, Callable[[date], date]]] = {
    "day": lambda day: day + ONE_DAY,
    "week": lambda day: day + 7 * ONE_DAY,
    "month": lambda day: month_after(day, 1),
}
"""When the stretch that begins with a day is over."""
OTHER_CLOCKS: Final = 2 * ONE_DAY
"""How far the date of a campaign's clock may lie from that of any other clock."""


def days_of(query: Query, at: Mapping[str, Any], since: datetime | None = None) -> Days:
    """
    Return the days of the campaigns' clocks that hold all attempts of a row with these dimension values in the query's period, and
    not before an instant.
    """
    zone = ZoneInfo(query.time_zone)
    spans = [(query.period.from_time, query.period.to_time)]
    if since is not None:
        # by whatever clock
        spans.append((since - OTHER_CLOCKS, None))
    if at.get("hour") is not None:
        spans.append((at["hour"], at["hour"] + timedelta(hours=1)))
    days = [
        (
            None if first is None else first.astimezone(zone).date(),
            None if end is None else (end - timedelta(microseconds=1)).astimezone(zone).date() + ONE_DAY,
        )
        for first, end in spans
    ]
    days += [(at[name], end_of(at[name])) for name, end_of in CALENDAR.items() if at.get(name) is not None]
    slack = timedelta(0) if query.clock == "campaign" else OTHER_CLOCKS
    first_days = [day for day, _ in days if day is not None]
    end_days = [day for _, day in days if day is not None]
    return (
        max(first_days) - slack if first_days else None,
        min(end_days) + slack if end_days else None,
    )


def week_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


DAYS: Final[Mapping[PeriodName, Callable[[date], tuple[date, date]]]] = {
    "today": lambda today: (today, today + ONE_DAY),
    "yesterday": lambda today: (today - ONE_DAY, today),
    "last_7_days": lambda today: (today - 6 * ONE_DAY, today + ONE_DAY),
    "last_30_days": lambda today: (today - 29 * ONE_DAY, today + ONE_DAY),
    "last_90_days": lambda today: (today - 89 * ONE_DAY, today + ONE_DAY),
    "this_week": lambda today: (week_of(today), week_of(today) + 7 * ONE_DAY),
    "last_week": lambda today: (week_of(today) - 7 * ONE_DAY, week_of(today)),
    "this_month": lambda today: (month_after(today, 0), month_after(today, 1)),
    "last_month": lambda today: (month_after(today, -1), month_after(today, 0)),
    "this_year": lambda today: (date(today.year, 1, 1), date(today.year + 1, 1, 1)),
    "last_year": lambda today: (date(today.year - 1, 1, 1), date(today.year, 1, 1)),
}
"""First day and the day after the last; today counts as a day of the last seven."""


def named_period(name: PeriodName, now: datetime, zone: ZoneInfo) -> Span:
    """Return the span that a name stands for at this instant."""
    if name == "all":
        return Span(from_time=None, to_time=None)
    first, after_last = DAYS[name](now.astimezone(zone).date())
    return Span(from_time=midnight(first, zone), to_time=midnight(after_last, zone))


def compared_period(name: ComparisonName, period: Span, zone: ZoneInfo) -> Span:
    """
    Return the span to compare a bounded one with: just before it and as long, or the same dates of the year before.

    Whole local days stay whole local days, also where a clock was changed.
    """
    assert period.from_time is not None
    assert period.to_time is not None
    first, last = period.from_time.astimezone(zone), period.to_time.astimezone(zone)
    if name == "year_ago":
        return Span(from_time=year_before(first), to_time=year_before(last))
    if first.time() == last.time() == time():
        days = last.date() - first.date()
        return Span(from_time=midnight(first.date() - days, zone), to_time=period.from_time)
    return Span(from_time=period.from_time - (period.to_time - period.from_time), to_time=period.from_time)


def year_before(local: datetime) -> datetime:
    """The same local time a year before; of 29 February, 1 March, so that a span keeps its end."""
    try:
        moved = local.replace(year=local.year - 1)
    except ValueError:
        moved = local.replace(year=local.year - 1, month=3, day=1)
    return moved.astimezone(UTC)


def instant_of(text: str, zone: ZoneInfo) -> datetime | None:
    """Read a date or an RFC 3339 instant with an offset; None for anything else."""
    try:
        if len(text) == len("2026-11-25"):
            return midnight(date.fromisoformat(text), zone)
        instant = datetime.fromisoformat(text)
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
