"""
Where the calls behind a figure are: in which hours of which shards, newest first, so that a page of few calls among many reads no
others. Pure.

What tells it (`stats`, bitmaps) may name a day too many, never one too few. Days are those of the campaigns' own clocks, which are
12 hours behind UTC to 14 ahead of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

ONE_DAY: Final = timedelta(days=1)
AHEAD: Final = timedelta(hours=14)
BEHIND: Final = timedelta(hours=12)


class Place(msgspec.Struct, frozen=True):
    """A stretch of time of a shard, which calls lie in; None = open."""

    shard_key: int
    from_time: datetime | None = None
    to_time: datetime | None = None


class Known(msgspec.Struct, frozen=True):
    """Numbers that had been tried before a period."""

    is_of_all: bool
    """By the ids of `numbers`, and by their text where they have none; otherwise contacts of one campaign."""
    ids: Sequence[int] | None
    """None = all numbers: who asks knows which of them are meant."""
    texts: Sequence[str] = ()


EVERYONE: Final = Known(is_of_all=True, ids=None)


class Stretch(msgspec.Struct, frozen=True):
    """Days, newest first, that hold all calls from `from_time` on to where the page begins."""

    days: Sequence[date]
    from_time: datetime | None
    """None = they are the last days."""


def first_instant(day: date) -> datetime:
    """Return when a day begins, where it begins first."""
    return datetime.combine(day, time(), UTC) - AHEAD


def after_last_instant(day: date) -> datetime:
    """Return when a day is over everywhere."""
    return datetime.combine(day, time(), UTC) + ONE_DAY + BEHIND


def next_stretch(counts: Mapping[date, int], before: datetime | None, wanted: int) -> Stretch:
    """
    Return the newest days that may hold calls before an instant, so many of them that `wanted` calls lie in the stretch if `counts`,
    by day, are right.
    """
    days = sorted((day for day in counts if before is None or first_instant(day) <= before), reverse=True)
    found = inside = 0
    for place, day in enumerate(days):
        # all of a day is in a stretch that ends where the next older one is over everywhere
        while inside < place and first_instant(days[inside]) >= after_last_instant(day):
            if before is None or after_last_instant(days[inside]) <= before:
                found += counts[days[inside]]
            inside += 1
        if found >= wanted:
            return Stretch(days[:place], after_last_instant(day))
    return Stretch(days, None)


def places_of(found: Iterable[tuple[int, date]], stretch: Stretch, before: datetime | None) -> list[Place]:
    """Return the hours of a stretch that these days of shards may have, each once."""
    by_shard: dict[int, set[date]] = {}
    for shard_key, day in found:
        by_shard.setdefault(shard_key, set()).add(day)
    places = []
    for shard_key, days in by_shard.items():
        begun: datetime | None = None
        ended: datetime | None = None
        for day in sorted(days):
            if ended is None or begun is None or first_instant(day) > ended:
                if begun is not None:
                    places.append(Place(shard_key, begun, ended))
                begun = first_instant(day)
            ended = after_last_instant(day)
        places.append(Place(shard_key, begun, ended))
    return [
        place
        for each in places
        if (place := clipped(each, stretch.from_time, before)).from_time is None
        or place.to_time is None
        or place.from_time < place.to_time
    ]


def clipped(place: Place, from_time: datetime | None, to_time: datetime | None) -> Place:
    """Return the part of a place in [from_time, to_time]; the instant of the end itself is in it."""
    begun, ended = place.from_time, place.to_time
    if from_time is not None and begun is not None:
        begun = max(begun, from_time)
    if to_time is not None and ended is not None:
        ended = min(ended, to_time + timedelta(microseconds=1))
    return Place(place.shard_key, begun, ended)
