"""One heap for all timers of a user agent: 2,000 calls cost a few heap steps per message, not a scan."""

from heapq import heapify, heappop, heappush
from typing import Any, Final, Generic, Protocol, TypeVar

_COMPACT_ABOVE: Final = 64
"""Dead entries that are always tolerated."""


class Timed(Protocol):
    """What may sit in the heap. `timer_entry` belongs to the heap alone."""

    timer_entry: "TimerEntry[Any] | None"

    def get_timer(self) -> float | None:
        """When it wants to be woken, monotonic seconds; None = not at all."""


T = TypeVar("T", bound=Timed)


class TimerEntry(Generic[T]):
    """One place in the heap; `owner` is None once it is dead (lazy deletion)."""

    __slots__ = ("at", "owner")

    def __init__(self, at: float, owner: T) -> None:
        self.at = at
        self.owner: T | None = owner


class TimerHeap(Generic[T]):
    """
    Wakes each owner at its `get_timer()`.

    Rule 1: after anything that may have changed an owner's timer, call `schedule(owner)`.
    Rule 2: a timer that moved later keeps its early entry and is put back when that one comes up; this makes the
    usual case (a 180 stops Timer A) free. So `get_timer()` may be early, never late.
    Rule 3: a dead entry lets go of its owner at once, and the heap is rebuilt when half of it is dead.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, TimerEntry[T]]] = []
        """Time, order of arrival, entry: tuples, because the heap compares them in C."""
        self._order = 0
        self._dead = 0

    def __len__(self) -> int:
        """How many owners wait."""
        return len(self._entries) - self._dead

    def schedule(self, owner: T) -> None:
        """Note the owner's present timer."""
        at = owner.get_timer()
        entry = owner.timer_entry
        if entry is not None:
            if at is not None and entry.at <= at:
                return
            self._bury(entry)
        if at is None:
            owner.timer_entry = None
            return
        self._order += 1
        owner.timer_entry = entry = TimerEntry(at, owner)
        heappush(self._entries, (at, self._order, entry))

    def get_timer(self) -> float | None:
        """The earliest entry, None when nobody waits."""
        entries = self._entries
        while entries and entries[0][2].owner is None:
            heappop(entries)
            self._dead -= 1
        return entries[0][0] if entries else None

    def pop_due(self, now: float) -> T | None:
        """Take out one owner whose timer has come; it must be given its turn and scheduled again."""
        while (at := self.get_timer()) is not None and at <= now:
            owner = heappop(self._entries)[2].owner
            assert owner is not None  # get_timer leaves a live entry on top
            owner.timer_entry = None
            wanted_at = owner.get_timer()
            if wanted_at is not None and wanted_at <= now:
                return owner
            self.schedule(owner)  # Rule 2
        return None

    def _bury(self, entry: TimerEntry[T]) -> None:
        entry.owner = None
        self._dead += 1
        if self._dead > _COMPACT_ABOVE and self._dead * 2 > len(self._entries):
            self._entries = [place for place in self._entries if place[2].owner is not None]
            heapify(self._entries)
            self._dead = 0
