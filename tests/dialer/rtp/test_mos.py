"""The estimate against the published values of the E-model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.rtp.mos import delay_impairment, delay_of, estimated_mos, loss_impairment, mos_of


@pytest.mark.parametrize(
    ("r", "mos"),
    [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (93.2, 4.41), (0, 1.0), (-5, 1.0), (100, 4.5), (120, 4.5)],
)  # fmt: skip
def test_r_becomes_mos_as_in_g107_annex_b(r: float, mos: float) -> None:
    """Table B.1 gives the limits of its five classes; 93.2 is the default, 4.41 its MOS. (Its 4.03 is 4.024 by its own formula.)"""
    assert mos_of(r) == pytest.approx(mos, abs=0.0065)


@pytest.mark.parametrize(("percent", "published"), [(0, 0), (2, 7), (3, 10), (5, 15), (7, 20), (10, 25)])
def test_concealed_loss_impairs_as_g113_measured(percent: float, published: float) -> None:
    """G.711 with concealment, random loss, as the first edition of G.113 Appendix I tabled it before the formula: in steps of 5 mostly."""
    assert loss_impairment(percent / 100) == pytest.approx(published, abs=2.5)


def test_loss_is_some_four_times_worse_where_nobody_conceals_it() -> None:
    assert loss_impairment(0.01) == pytest.approx(95 / 26.1)
    assert loss_impairment(0.01, is_concealed=False) == pytest.approx(95 / 5.3)


def test_delay_hurts_little_up_to_177_ms_and_then_more() -> None:
    assert delay_impairment(150) == pytest.approx(3.6)
    assert delay_impairment(177.3) == pytest.approx(4.255, abs=0.001)
    assert delay_impairment(400) == pytest.approx(9.6 + 0.11 * 222.7)


def test_what_is_not_measured_costs_nothing() -> None:
    assert delay_of(None, None) == 40
    assert delay_of(100, 3) == 90
    assert delay_of(100, 30) == 130
    assert estimated_mos(0, round_trip_ms=None, jitter_ms=None) == pytest.approx(4.39, abs=0.005)


@given(
    one=st.floats(0, 1), other=st.floats(0, 1), round_trip_ms=st.floats(0, 2000), is_concealed=st.booleans()
)
def test_more_loss_is_never_better_and_mos_stays_on_its_scale(
    one: float, other: float, round_trip_ms: float, *, is_concealed: bool
) -> None:
    low, high = sorted((one, other))
    worse = estimated_mos(high, round_trip_ms=round_trip_ms, jitter_ms=None, is_concealed=is_concealed)
    better = estimated_mos(low, round_trip_ms=round_trip_ms, jitter_ms=None, is_concealed=is_concealed)
    assert 1 <= worse <= better + 0.005 <= 4.505
