from datetime import UTC, datetime
from typing import Any

import pytest

from api.report_models import Rhythm
from api.report_schedule import next_due


def rhythm(every: Any, minute: int, zone: str = "Europe/Berlin", **more: int) -> Rhythm:
    return Rhythm(every=every, minute=minute, time_zone=zone, **more)


@pytest.mark.parametrize(
    ("asked", "after", "due"),
    [
        (rhythm("day", 9 * 60), "2026-11-24T07:59:59Z", "2026-11-24T08:00:00Z"),
        (rhythm("day", 9 * 60), "2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"),
        (rhythm("week", 0, "Europe/Moscow", weekday=1), "2026-11-24T12:00:00Z", "2026-11-29T21:00:00Z"),
        (
            rhythm("month", 600, "Asia/Kathmandu", month_day=31),
            "2026-01-31T12:00:00Z",
            "2026-02-28T04:15:00Z",
        ),
        (rhythm("month", 600, "UTC", month_day=29), "2028-02-01T12:00:00Z", "2028-02-29T10:00:00Z"),
        # the clock of Berlin has no 02:30 on 29 March and two of them on 25 October 2026
        (rhythm("day", 150), "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        (rhythm("day", 150), "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
        (rhythm("day", 150), "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        (rhythm("day", 150), "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ],
)
def test_a_report_is_due_by_the_clock_on_the_wall(asked: Rhythm, after: str, due: str) -> None:
    assert next_due(asked, datetime.fromisoformat(after)) == datetime.fromisoformat(due).astimezone(UTC)
