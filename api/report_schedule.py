"""When a scheduled report is due. Pure: instants and the zone are arguments."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from api.report_models import Rhythm


def next_due(rhythm: Rhythm, after: datetime) -> datetime:
    """
    Return the first due instant later than `after`, in UTC.

    By the clock on the wall of the zone: a time that a spring night leaves out is due when the clock has jumped over it, one that an
    autumn night has twice is due the first time.
    """
    zone = ZoneInfo(rhythm.time_zone)
    day = after.astimezone(zone).date()
    while True:
        if falls_on(rhythm, day):
            clock = time(rhythm.minute // 60, rhythm.minute % 60)
            due = datetime.combine(day, clock, zone).astimezone(UTC)
            if due > after:
                return due
        day += timedelta(days=1)


def falls_on(rhythm: Rhythm, day: date) -> bool:
    if rhythm.every == "week":
        return day.isoweekday() == rhythm.weekday
    if rhythm.every == "month":
        assert rhythm.month_day is not None
        return day.day == min(rhythm.month_day, calendar.monthrange(day.year, day.month)[1])
    return True
