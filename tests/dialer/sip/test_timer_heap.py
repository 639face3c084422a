from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dialer.sip.timer_heap import TimerEntry, TimerHeap


class Owner:
    def __init__(self, at: float | None = None) -> None:
        self.at = at
        self.timer_entry: TimerEntry[Any] | None = None

    def get_timer(self) -> float | None:
        return self.at


def test_owners_come_out_in_the_order_of_their_timers() -> None:
    heap: TimerHeap[Owner] = TimerHeap()
    owners = [Owner(at) for at in (3.0, 1.0, 2.0)]
    for owner in owners:
        heap.schedule(owner)

    assert heap.get_timer() == 1.0
    assert [heap.pop_due(2.0), heap.pop_due(2.0), heap.pop_due(2.0)] == [owners[1], owners[2], None]
    assert len(heap) == 1


def test_a_timer_at_zero_is_a_timer() -> None:
    heap: TimerHeap[Owner] = TimerHeap()
    owner = Owner(0.0)
    heap.schedule(owner)

    assert heap.pop_due(0.0) is owner


def test_a_timer_that_moved_earlier_wakes_earlier() -> None:
    heap: TimerHeap[Owner] = TimerHeap()
    owner = Owner(5.0)
    heap.schedule(owner)
    owner.at = 2.0
    heap.schedule(owner)

    assert heap.get_timer() == 2.0
    assert len(heap) == 1


def test_a_timer_that_moved_later_is_not_woken_before() -> None:
    heap: TimerHeap[Owner] = TimerHeap()
    owner = Owner(2.0)
    heap.schedule(owner)
    owner.at = 5.0
    heap.schedule(owner)

    assert heap.pop_due(2.0) is None
    assert heap.get_timer() == 5.0
    assert heap.pop_due(5.0) is owner


def test_a_stopped_timer_lets_go_of_its_owner() -> None:
    heap: TimerHeap[Owner] = TimerHeap()
    owner = Owner(2.0)
    heap.schedule(owner)
    entry = owner.timer_entry
    owner.at = None
    heap.schedule(owner)

    assert entry is not None
    assert entry.owner is None
    assert owner.timer_entry is None
    assert (len(heap), heap.get_timer(), heap.pop_due(9.0)) == (0, None, None)


def test_a_heap_of_mostly_dead_entries_is_rebuilt() -> None:
    """A call that ends after a minute must not wait in memory for its talk limit of an hour."""
    heap: TimerHeap[Owner] = TimerHeap()
    living = Owner(9.0)
    heap.schedule(living)
    for number in range(10_000):
        owner = Owner(3_600.0 + number)
        heap.schedule(owner)
        owner.at = None
        heap.schedule(owner)

    assert len(heap) == 1
    assert len(heap._entries) < 200
    assert heap.pop_due(9.0) is living


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.floats(0, 100)), max_size=200))
def test_each_owner_is_woken_at_its_last_timer(changes: list[tuple[int, float | None]]) -> None:
    heap: TimerHeap[Owner] = TimerHeap()
    owners = [Owner() for _ in range(6)]
    for number, at in changes:
        owners[number].at = at
        heap.schedule(owners[number])
    expected = sorted(owner.at for owner in owners if owner.at is not None)

    assert len(heap) == len(expected)
    woken = []
    while (due := heap.get_timer()) is not None:
        owner = heap.pop_due(due)
        if owner is not None:
            assert owner.at is not None
            woken.append(owner.at)
            owner.at = None
            heap.schedule(owner)
    assert woken == expected
