import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.pacing import BURST_SECONDS, Pace, TokenBucket, pace, share_of
from campaigns.settings import TICK_SECONDS

ON_A_BUSY_MACHINE = settings(deadline=None)
"""An example is some hundred ticks of arithmetic: how long that takes says what else the machine does, nothing of the code."""


def test_a_new_bucket_allows_one_call_at_once() -> None:
    assert TokenBucket(10.0, now=100.0).available(100.0) == 1


def test_the_rate_is_reached_tick_by_tick() -> None:
    bucket = TokenBucket(50.0, now=0.0)
    started = 0
    for tick in range(1, 101):
        count = bucket.available(tick * 0.1)
        bucket.take(count)
        started += count
    assert started == 501


@ON_A_BUSY_MACHINE
@given(rate=st.floats(0.2, 60.0))
def test_no_rate_loses_fractions_of_calls_between_ticks(rate: float) -> None:
    bucket = TokenBucket(rate, now=0.0)
    started = 0
    for tick in range(1, 501):
        count = bucket.available(tick * TICK_SECONDS)
        bucket.take(count)
        started += count
    assert started == pytest.approx(rate * 500 * TICK_SECONDS + 1, abs=1)


def test_slow_rates_add_up_over_ticks() -> None:
    bucket = TokenBucket(0.5, now=0.0)
    bucket.take(1)
    assert bucket.available(1.9) == 0
    assert bucket.available(2.0) == 1


def test_an_idle_minute_is_not_caught_up() -> None:
    bucket = TokenBucket(40.0, now=0.0)
    assert bucket.available(60.0) == 1 + 40 * BURST_SECONDS


@ON_A_BUSY_MACHINE
@given(
    rate=st.floats(0.1, 200.0), gaps=st.lists(st.floats(0.0, 3.0, allow_nan=False), min_size=1, max_size=60)
)
def test_no_stretch_of_time_exceeds_the_rate_plus_one_burst(rate: float, gaps: list[float]) -> None:
    bucket = TokenBucket(rate, now=0.0)
    now, started = 0.0, [(0.0, 0)]
    for gap in gaps:
        now += gap
        count = bucket.available(now)
        bucket.take(count)
        started.append((now, started[-1][1] + count))
    burst = 1.0 + rate * BURST_SECONDS
    for index, (begin, before) in enumerate(started):
        for end, after in started[index:]:
            assert after - before <= rate * (end - begin) + burst + 1e-6


def test_the_tightest_limit_decides_and_is_named() -> None:
    assert pace(campaign_tokens=5, campaign_free=3, batch_size=50) == Pace(3, "campaign_concurrency")
    assert pace(campaign_tokens=5, campaign_free=9, batch_size=2) == Pace(2, "batch")


def test_a_limit_lowered_below_the_calls_under_way_starts_none() -> None:
    assert pace(campaign_tokens=5, campaign_free=-4, batch_size=50).count == 0


@ON_A_BUSY_MACHINE
@given(limit=st.floats(0.1, 1000.0), parts=st.lists(st.integers(0, 8), min_size=1, max_size=8))
def test_the_shares_of_all_nodes_stay_within_the_limit(limit: float, parts: list[int]) -> None:
    total = sum(parts)
    assert sum(share_of(limit, owned, total) for owned in parts) <= limit * (1 + 1e-9)


def test_nothing_owned_is_no_share() -> None:
    assert share_of(10.0, 0, 0) == 0.0
