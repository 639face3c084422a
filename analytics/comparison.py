"""Which group of another period a group is held against. Pure."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analytics.query import Query, Span

Key = tuple[Any, ...]


def place_of(query: Query, period: Span, key: Key) -> Key:
    """
    Return the key with stretches of time as their place in the period: the third day is held against the third day.

    Periods without a first instant are not compared, so there always is one.
    """
    zone = ZoneInfo(query.time_zone)
    assert period.from_time is not None
    first = period.from_time.astimezone(zone)
    return tuple(
        place_in_time(name, value, first, zone) for name, value in zip(query.dimensions, key, strict=True)
    )


def place_in_time(name: str, value: Any, first: datetime, zone: ZoneInfo) -> Any:
    day = first.date()
    match name:
        case "hour":
            # by the clock on the wall: 9 o'clock is held against 9 o'clock, also over a change of the clock
            local = value.astimezone(zone).replace(tzinfo=None)
            start = first.replace(minute=0, second=0, microsecond=0, tzinfo=None)
            return (local - start) // timedelta(hours=1)
        case "day":
            return (value - day).days
        case "week":
            return (value - (day - timedelta(days=day.weekday()))).days // 7
        case "month":
            return months(value) - months(day)
        case _:
            return value


def months(day: date) -> int:
    return day.year * 12 + day.month
