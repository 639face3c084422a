"""
When a number may be called: local wall-clock hours of the callee, weekday by weekday. Pure.

Rule 1: a number whose place is not known (a Russian mobile may be in eleven zones) may be called only while
        every zone it may be in is inside the window: nobody is woken because of a guess. Unless the campaign
        says where its people live (`callee_time_zone`): then somebody who knows has decided.
Rule 2: a window is about the clock on the callee's wall, so a day with a DST change follows that clock:
        hours that do not exist are not waited for, hours that exist twice are open twice.
Rule 3: a window never spans midnight; the schema asks start < end.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

MINUTES_PER_DAY: Final = 1440
ALL_WEEKDAYS: Final = frozenset(range(1, 8))
_MINUTE: Final = timedelta(minutes=1)
_SEARCH_ROUNDS: Final = 400
"""Each round jumps to an opening of some zone; two weeks of daily openings in 24 zones fit."""
_HORIZON: Final = timedelta(days=15)
"""A week finds any pattern of weekdays; the second one steps over a DST change in the first."""


class CallingWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes after local midnight, start included, end not; ISO weekdays 1 (Monday) to 7."""

    start_minute: int
    end_minute: int
    weekdays: frozenset[int]

    @property
    def is_always_open(self) -> bool:
        return self.start_minute == 0 and self.end_minute == MINUTES_PER_DAY and self.weekdays >= ALL_WEEKDAYS


def possible_zones(of_number: tuple[str, ...], *, assumed: str | None, fallback: str) -> tuple[str, ...]:
    """
    Say in which zones a callee may be.

    Args:
        of_number: the zones that the number itself allows; one of them is certain.
        assumed: where the campaign says its people live; decides where the number leaves a choice.
        fallback: for a number that tells nothing, when nothing is assumed.
    """
    if len(of_number) == 1:
        return of_number
    return (assumed,) if assumed is not None else of_number or (fallback,)


def is_open(window: CallingWindow, zones: Iterable[str], now: datetime) -> bool:
    """Whether every zone's clock is inside the window. `now` is aware."""
    return window.is_always_open or all(_is_open_in(window, _zone(name), now) for name in zones)


def next_opening(window: CallingWindow, zones: Iterable[str], now: datetime) -> datetime | None:
    """
    Find the first instant from `now` on (UTC) at which every zone is inside the window.

    None when there is none within two weeks: the zones lie too far apart for this window.
    """
    zone_infos = [_zone(name) for name in zones]
    instant = now.astimezone(UTC)
    if window.is_always_open:
        return instant
    for _ in range(_SEARCH_ROUNDS):
        openings = [_next_opening_in(window, zone, instant) for zone in zone_infos]
        latest = max((opening for opening in openings if opening is not None), default=instant)
        if None in openings or latest - now > _HORIZON:
            return None
        if latest == instant:
            return instant
        instant = latest
    return None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _is_open_in(window: CallingWindow, zone: ZoneInfo, instant: datetime) -> bool:
    local = instant.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return window.start_minute <= minute < window.end_minute and local.isoweekday() in window.weekdays


def _next_opening_in(window: CallingWindow, zone: ZoneInfo, instant: datetime) -> datetime | None:
    if _is_open_in(window, zone, instant):
        return instant
    today = instant.astimezone(zone).date()
    for offset in range(9):
        day = today + timedelta(days=offset)
        if day.isoweekday() not in window.weekdays:
            continue
        openings = [at for at in _openings_on(window, zone, day) if at >= instant]
        if openings:
            return min(openings)
    return None


def _openings_on(window: CallingWindow, zone: ZoneInfo, day: date) -> list[datetime]:
    """Give the instants (UTC) at which the window begins on this local day: one, two when the hour repeats, or none."""
    wall = datetime.combine(day, time(window.start_minute // 60, window.start_minute % 60), tzinfo=zone)
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        # The ordinary day (both equal), or clocks go back over the start, which then happens twice.
        return [at for at in {first, second} if _is_open_in(window, zone, at)]
    # Clocks go forward over the start: the window begins with the first minute after the gap that is inside it.
    at = second
    while at <= first:
        if _is_open_in(window, zone, at):
            return [at]
        at += _MINUTE
    return []
