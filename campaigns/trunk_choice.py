"""
By which trunks the next calls of a campaign go. Pure.

Rule 1: the lowest priority that has a healthy trunk takes all calls. A higher one waits for its failure, not for its
        load: calls that the group has no room for wait, they do not move to a trunk that costs more.
Rule 2: within the group by weight, among those that have room for one more call.
Rule 3: a trunk that recovers gets what its circuit lets through before anybody else, unless a healthier one of lower
        priority takes the calls; it cannot hold up the rest.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

import msgspec


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk of a campaign, as it is now."""

    trunk_id: int
    priority: int
    weight: int
    is_healthy: bool
    """It may take calls at all: registered, its name known, its circuit closed."""
    is_recovering: bool = False
    """As healthy, but its circuit is half open."""
    room: int
    """How many calls it may take now, by its rate and its channels."""


def usable_groups(
    candidates: Sequence[Candidate], exclude: Collection[int] = ()
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the recovering trunks that come first (Rule 3), and the group of Rule 1; without the excluded ones."""
    there = [one for one in candidates if one.trunk_id not in exclude]
    healthy = [one for one in there if one.is_healthy]
    lowest = min((one.priority for one in healthy), default=None)
    recovering = [one for one in there if one.is_recovering and (lowest is None or one.priority <= lowest)]
    return recovering, [one for one in healthy if one.priority == lowest]


def choose_trunks(
    candidates: Sequence[Candidate],
    count: int,
    rng: Callable[[int], bytes],
    exclude: Collection[int] = (),
) -> list[int]:
    """Return the trunk of each of at most `count` calls; fewer where there is no room for more."""
    chosen: list[int] = []
    for group in usable_groups(candidates, exclude):
        room = {one.trunk_id: one.room for one in group}
        while len(chosen) < count:
            open_ones = [one for one in group if room[one.trunk_id] > 0]
            if not open_ones:
                break
            trunk_id = by_weight(open_ones, rng).trunk_id
            room[trunk_id] -= 1
            chosen.append(trunk_id)
    return chosen


class Weighted(Protocol):
    """What can be drawn."""

    @property
    def weight(self) -> int: ...


W = TypeVar("W", bound=Weighted)


def by_weight(candidates: Sequence[W], rng: Callable[[int], bytes]) -> W:
    """Draw one. 32 random bits over at most some thousands: what is uneven about it cannot be measured."""
    if len(candidates) == 1:
        return candidates[0]
    drawn = int.from_bytes(rng(4), "big") % sum(one.weight for one in candidates)
    for one in candidates:
        drawn -= one.weight
        if drawn < 0:
            return one
    raise AssertionError("the weights add up")


class Assignment:
    """Places on trunks that were chosen for some calls, given out one by one."""

    def __init__(
        self, candidates: Sequence[Candidate], trunk_ids: Sequence[int], rng: Callable[[int], bytes]
    ) -> None:
        self._candidates = candidates
        self._free = list(trunk_ids)
        self._room = {one.trunk_id: one.room for one in candidates}
        self._rng = rng
        for trunk_id in trunk_ids:
            self._room[trunk_id] -= 1

    def __len__(self) -> int:
        return len(self._free)

    def take(self, exclude: Collection[int] = ()) -> int | None:
        """Return a trunk for the next call: one of those chosen, else any other that has room. None: wait."""
        for index, trunk_id in enumerate(self._free):
            if trunk_id not in exclude:
                return self._free.pop(index)
        if not exclude:
            return None
        candidates = [msgspec.structs.replace(one, room=self._room[one.trunk_id]) for one in self._candidates]
        for trunk_id in choose_trunks(candidates, 1, self._rng, exclude):
            self._room[trunk_id] -= 1
            return trunk_id
        return None

    def is_hopeless(self, exclude: Collection[int]) -> bool:
        """Whether no trunk but the excluded ones could take the call, however long it waits."""
        return not any(usable_groups(self._candidates, exclude))
