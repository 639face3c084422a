"""A clock that stands where a test puts it."""

from datetime import datetime


class Clock:
    """Call it for the time; set `now` to let time pass."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
