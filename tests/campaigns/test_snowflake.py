import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.snowflake import EPOCH_MS, SnowflakeIds, shard_key, time_of

NOW_MS = EPOCH_MS + 123_456_789


@given(st.lists(st.integers(0, 5), max_size=50), st.integers(0, 1023))
def test_ids_grow_whatever_the_clock_does(steps_back: list[int], id_node: int) -> None:
    ids = SnowflakeIds(id_node)
    made = [ids.next(NOW_MS - step) for step in steps_back]
    assert made == sorted(set(made))


def test_more_ids_than_a_millisecond_holds_borrow_from_the_next() -> None:
    ids = SnowflakeIds(1)
    made = [ids.next(NOW_MS) for _ in range(10_000)]
    assert len(set(made)) == 10_000
    assert time_of(made[0]) == NOW_MS
    assert time_of(made[-1]) == NOW_MS + 2


def test_two_nodes_never_make_the_same_id() -> None:
    first, second = SnowflakeIds(0), SnowflakeIds(1023)
    assert {first.next(NOW_MS) for _ in range(5000)}.isdisjoint(second.next(NOW_MS) for _ in range(5000))


def test_an_id_fits_bigint_until_2089() -> None:
    assert SnowflakeIds(1023).next(EPOCH_MS + (1 << 41) - 1) < 1 << 63


def test_a_node_has_ten_bits() -> None:
    with pytest.raises(ValueError, match="ten bits"):
        SnowflakeIds(1024)


def test_a_number_keeps_its_shard_and_a_campaign_its_slots() -> None:
    assert shard_key(3, "+79001234567", 1) == 768
    shards = {shard_key(3, f"+7900{n:07}", 8) for n in range(200)}
    assert shards == set(range(768, 776))
