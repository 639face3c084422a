"""RFC 4028: the machine, and what the headers agree on."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.sip.headers import SessionExpires
from dialer.sip.session_timer import (
    TRANSITIONS,
    SessionTimer,
    TimerAction,
    TimerInput,
    TimerState,
    accepted_expires,
    is_too_small,
    min_se_of,
    session_expires_of,
)
from tests.dialer.sip.messages import request, response

_I = TimerInput


def running(*, is_ours: bool, seconds: int = 1_800) -> SessionTimer:
    timer = SessionTimer(None, 90)
    timer.agree(SessionExpires(seconds), 0.0, is_ours=is_ours)
    return timer


@pytest.mark.parametrize(("seconds", "refresh_at", "expires_at"), [(1_800, 900.0, 1_768.0), (90, 45.0, 60.0)])
def test_we_refresh_after_half_the_interval_and_end_before_it_is_over(
    seconds: int, refresh_at: float, expires_at: float
) -> None:
    """RFC 4028 §10."""
    timer = running(is_ours=True, seconds=seconds)
    assert timer.get_timer() == refresh_at
    assert timer.handle_timer(refresh_at - 0.1) == ()
    assert timer.handle_timer(refresh_at) == (TimerAction.SEND_REFRESH,)
    assert timer.get_timer() == expires_at
    assert timer.handle_timer(expires_at) == (TimerAction.REPORT_EXPIRED,)
    assert timer.get_timer() is None


def test_a_peer_that_does_not_refresh_ends_the_session() -> None:
    timer = running(is_ours=False)

    assert timer.get_timer() == 1_768.0
    assert timer.handle_timer(1_768.0) == (TimerAction.REPORT_EXPIRED,)


def test_each_agreement_begins_the_interval_anew() -> None:
    timer = running(is_ours=True)
    timer.handle_timer(900.0)
    timer.agree(SessionExpires(1_800), 901.0, is_ours=True)
    assert (timer.state, timer.get_timer()) == (TimerState.WE_REFRESH, 1_801.0)
    timer.agree(SessionExpires(600), 1_000.0, is_ours=False)
    assert (timer.state, timer.get_timer()) == (TimerState.PEER_REFRESHES, 1_568.0)
    timer.agree(None, 1_100.0, is_ours=False)
    assert (timer.state, timer.get_timer()) == (TimerState.OFF, None)


def test_a_postponed_refresh_comes_again_and_the_end_stays() -> None:
    timer = running(is_ours=True, seconds=90)
    timer.handle_timer(45.0)
    timer.step(_I.POSTPONED, 46.0, delay_seconds=3.0)
    assert timer.get_timer() == 49.0
    assert timer.handle_timer(49.0) == (TimerAction.SEND_REFRESH,)
    timer.step(_I.POSTPONED, 50.0, delay_seconds=1_000.0)
    assert timer.get_timer() == 60.0
    assert timer.handle_timer(60.0) == (TimerAction.REPORT_EXPIRED,)


def test_less_than_the_rfc_allows_is_not_obeyed() -> None:
    """§4: 90 s; a peer cannot make us send a refresh per second."""
    assert running(is_ours=True, seconds=1).get_timer() == 45.0


@pytest.mark.parametrize(
    ("state", "event"), sorted(set(product(TimerState, TimerInput)) - set(TRANSITIONS), key=str)
)
def test_a_pair_that_the_table_lacks_changes_nothing(state: TimerState, event: TimerInput) -> None:
    timer = SessionTimer(None, 90)
    timer.state = state

    assert timer.step(event, 1.0) == ()
    assert (timer.state, timer.get_timer()) == (state, None)


@given(
    st.lists(st.tuples(st.sampled_from(TimerInput), st.floats(0, 100), st.integers(0, 4_000)), max_size=30)
)
def test_a_timer_runs_exactly_while_somebody_must_refresh(
    steps: list[tuple[TimerInput, float, int]],
) -> None:
    timer = SessionTimer(None, 90)
    now = 0.0
    reports = 0
    for event, pause, seconds in steps:
        now += pause
        reports += len({*timer.handle_timer(now)} - {TimerAction.SEND_REFRESH})
        if event in {_I.AGREED_PEER, _I.AGREED_US}:
            timer.agree(SessionExpires(seconds), now, is_ours=event is _I.AGREED_US)
        elif event not in {_I.EXPIRY, _I.REFRESH_DUE}:
            reports += len(timer.step(event, now, delay_seconds=1.0))
        is_running = timer.state not in {TimerState.OFF, TimerState.OVER}
        assert (timer.get_timer() is not None) == is_running
        assert reports <= (timer.state is TimerState.OVER)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1800", SessionExpires(1_800)),
        ("1800;refresher=uac", SessionExpires(1_800, "uac")),
        (" 90 ; refresher=UAS", SessionExpires(90, "uas")),
        ("90;refresher=other;x", SessionExpires(90)),
        ("soon", None),
        ("-1", None),
        ("99999999999", None),
        ("90;=", None),
    ],
)
def test_session_expires_is_read_or_asks_for_nothing(value: str, expected: SessionExpires | None) -> None:
    assert session_expires_of(response(200, headers=(("Session-Expires", value),))) == expected


def test_min_se_is_read_from_a_422() -> None:
    assert min_se_of(response(422, headers=(("Min-SE", "3600"),))) == 3_600
    assert min_se_of(response(422, headers=(("Min-SE", "10"),))) == 90
    assert min_se_of(response(422, headers=(("Min-SE", "much"),))) is None
    assert min_se_of(response(422)) is None


@pytest.mark.parametrize(
    ("value", "is_supported", "expected"),
    [
        ("1800", True, "1800;refresher=uac"),
        ("1800;refresher=uac", True, "1800;refresher=uac"),
        ("1800;refresher=uas", True, "1800;refresher=uas"),
        ("1800", False, "1800;refresher=uas"),
        (None, True, "None"),
    ],
)
def test_who_refreshes_after_a_request_of_the_peer(
    value: str | None,
    is_supported: bool,  # noqa: FBT001 (parameter)
    expected: str,
) -> None:
    """RFC 4028 §9, table 2."""
    headers = [("Session-Expires", value)] if value else []
    headers += [("Supported", "replaces, timer")] if is_supported else []

    assert str(accepted_expires(request("UPDATE", headers=tuple(headers)))) == expected


def test_only_a_peer_that_knows_422_is_refused_for_a_short_interval() -> None:
    """RFC 4028 §9."""
    short = ("Session-Expires", "60")

    assert is_too_small(request("UPDATE", headers=(short, ("Supported", "timer"))), 90)
    assert not is_too_small(request("UPDATE", headers=(short,)), 90)
    assert not is_too_small(request("UPDATE", headers=(("Supported", "timer"),)), 90)
