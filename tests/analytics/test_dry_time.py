import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.dry_time import minutes_until_dry

FLAT = [(0, 100), (60, 100), (1440, 100)]


def test_leads_that_are_all_due_last_their_number_divided_by_the_speed() -> None:
    assert minutes_until_dry(FLAT, 10) == 10


def test_leads_that_become_due_on_the_way_make_it_later() -> None:
    # 100 now and 5 more a minute, at 10 a minute: 100 / (10 - 5)
    assert minutes_until_dry([(0, 100), (60, 400), (120, 400)], 10) == 20


def test_a_base_that_fills_faster_than_it_is_called_does_not_run_dry() -> None:
    assert minutes_until_dry([(0, 100), (60, 1000)], 10) is None


def test_no_speed_or_no_curve_is_no_answer() -> None:
    assert minutes_until_dry(FLAT, 0) is None
    assert minutes_until_dry([], 10) is None


def test_nobody_due_is_dry_now() -> None:
    assert minutes_until_dry([(0, 0), (60, 500)], 10) == 0


@given(
    due=st.lists(st.integers(0, 10_000), min_size=2, max_size=6).map(sorted),
    speed=st.floats(0.1, 1000),
)
def test_at_the_answer_the_calls_made_are_the_leads_due(due: list[int], speed: float) -> None:
    curve = [(float(15 * index), count) for index, count in enumerate(due)]
    minutes = minutes_until_dry(curve, speed)
    if minutes is None:
        assert curve[-1][1] > speed * curve[-1][0] * (1 - 1e-9)
        return
    index = min(int(minutes // 15), len(due) - 2)
    (start, count), (end, next_count) = curve[index], curve[index + 1]
    due_then = count + (next_count - count) * (minutes - start) / (end - start)
    assert due_then == pytest.approx(speed * minutes, rel=1e-6, abs=1e-6)
