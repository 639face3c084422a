import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from campaigns.trunk_choice import Assignment, Candidate, choose_trunks

RNG = random.Random(7).randbytes


def trunk(
    trunk_id: int, *, priority: int = 0, weight: int = 1, room: int = 100, state: str = "up"
) -> Candidate:
    return Candidate(
        trunk_id=trunk_id,
        priority=priority,
        weight=weight,
        is_healthy=state == "up",
        is_recovering=state == "recovering",
        room=room,
    )


def test_the_lowest_healthy_priority_takes_all_calls() -> None:
    assert set(choose_trunks([trunk(1, priority=5), trunk(2, priority=3)], 20, RNG)) == {2}
    assert set(choose_trunks([trunk(1, priority=5), trunk(2, priority=3, state="down")], 20, RNG)) == {1}


def test_calls_wait_for_room_and_do_not_move_to_a_trunk_of_another_priority() -> None:
    assert choose_trunks([trunk(1, priority=0, room=3), trunk(2, priority=1)], 10, RNG) == [1, 1, 1]


def test_within_a_priority_the_weight_decides_and_room_bounds_it() -> None:
    chosen = Counter(choose_trunks([trunk(1, weight=3, room=10_000), trunk(2, room=10_000)], 8_000, RNG))
    assert 0.72 < chosen[1] / 8_000 < 0.78
    assert Counter(choose_trunks([trunk(1, weight=1000, room=2), trunk(2, room=9)], 8, RNG)) == {1: 2, 2: 6}


def test_a_recovering_trunk_gets_its_probe_and_holds_nobody_up() -> None:
    candidates = [trunk(1, state="recovering", room=1), trunk(2, priority=1)]
    assert choose_trunks(candidates, 4, RNG) == [1, 2, 2, 2]
    assert choose_trunks([trunk(1), trunk(2, priority=1, state="recovering", room=1)], 3, RNG) == [1, 1, 1]
    assert choose_trunks([trunk(1, state="recovering", room=1), trunk(2, state="down")], 3, RNG) == [1]


def test_no_trunk_no_call() -> None:
    assert choose_trunks([], 3, RNG) == []
    assert choose_trunks([trunk(1, state="down")], 3, RNG) == []
    assert choose_trunks([trunk(1)], 3, RNG, exclude=(1,)) == []


def test_a_call_that_failed_over_gets_another_trunk_while_the_others_keep_theirs() -> None:
    candidates = [trunk(1, room=2), trunk(2, priority=1, room=1)]
    places = Assignment(candidates, [1, 1], RNG)
    assert [places.take(exclude=(1,)), places.take(), places.take(exclude=(1,))] == [2, 1, None]
    assert not places.is_hopeless((1,))
    assert places.is_hopeless((1, 2))


@given(
    rooms=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=6),
    count=st.integers(0, 20),
)
def test_no_trunk_gets_more_than_it_has_room_for(rooms: list[tuple[int, int, bool]], count: int) -> None:
    candidates = [
        trunk(index, priority=priority, room=room, state="up" if is_up else "recovering")
        for index, (priority, room, is_up) in enumerate(rooms)
    ]
    chosen = Counter(choose_trunks(candidates, count, RNG))
    assert chosen.total() <= count
    assert all(chosen[one.trunk_id] <= one.room for one in candidates)
