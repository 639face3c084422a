"""The registration by itself: what it does and when, without a single message."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.sip.registration import (
    BASE_PAUSE_SECONDS,
    MAX_PAUSE_SECONDS,
    REFUSED_PAUSE_SECONDS,
    TRANSITIONS,
    RegistrationAction,
    RegistrationClient,
    RegistrationInput,
    RegistrationState,
)

_S, _A = RegistrationState, RegistrationAction
SEND, UNREGISTER, TELL = _A.SEND_REGISTER, _A.SEND_UNREGISTER, _A.TELL


def client(registrars: int = 1, expires_seconds: int = 300) -> RegistrationClient:
    return RegistrationClient(expires_seconds, registrars, random.Random(7).randbytes)


def registered(expires_seconds: float = 300.0, registrars: int = 1) -> RegistrationClient:
    made = client(registrars)
    assert made.start() == (SEND,)
    assert made.accepted(expires_seconds, 0.0) == (TELL,)
    assert made.is_registered
    return made


def timer_of(made: RegistrationClient) -> float:
    at = made.get_timer()
    assert at is not None
    return at


@pytest.mark.parametrize("seconds", [60.0, 300.0, 3_600.0])
def test_a_binding_is_refreshed_while_there_is_time_for_timer_f(seconds: float) -> None:
    made = registered(seconds)
    at = timer_of(made)
    assert 0 < at <= seconds - min(60.0, seconds / 2)
    assert made.handle_timer(at) == (SEND,)
    assert (made.state, made.is_registered) == (_S.REFRESHING, True)
    assert made.accepted(seconds, at) == (TELL,)


def test_a_refresh_that_fails_leaves_us_registered_until_the_binding_ends() -> None:
    made = registered(100.0)
    at = timer_of(made)
    made.handle_timer(at)
    assert made.failed("silent", None, None, at + 32) == (TELL,)
    assert (made.state, made.is_registered, made.problem) == (_S.LAPSING, True, "silent")
    now = at + 32
    while made.is_registered:
        now = timer_of(made)
        for _ in made.handle_timer(now):
            made.failed("silent", None, None, now)
    assert now == 100.0
    assert made.state in {_S.WAITING, _S.REGISTERING}


def test_a_binding_that_ends_during_the_refresh_is_told_and_the_refresh_goes_on() -> None:
    made = registered(100.0)
    made.handle_timer(timer_of(made))
    assert made.handle_timer(100.0) == (TELL,)
    assert (made.state, made.problem) == (_S.REGISTERING, "expired")
    assert made.accepted(100.0, 101.0) == (TELL,)
    assert made.problem is None


def test_registrars_are_tried_in_their_order_and_then_comes_a_pause() -> None:
    made = client(registrars=3)
    made.start()
    tried = [made.registrar]
    for _ in range(2):
        assert made.failed("silent", None, None, 0.0) == (SEND,)
        tried.append(made.registrar)
    assert made.failed("silent", None, None, 0.0) == (TELL,)
    assert (tried, made.state, made.registrar) == ([0, 1, 2], _S.WAITING, 0)
    assert made.handle_timer(timer_of(made)) == (SEND,)


def test_the_pause_doubles_by_chance_up_to_half_an_hour_and_begins_anew_after_success() -> None:
    made, now, pauses = client(), 0.0, []
    made.start()
    for _ in range(12):
        made.failed("silent", None, None, now)
        pauses.append(timer_of(made) - now)
        now = timer_of(made)
        made.handle_timer(now)
    bounds = [min(BASE_PAUSE_SECONDS * 2**index, MAX_PAUSE_SECONDS) for index in range(12)]
    assert all(bound / 2 <= pause <= bound for bound, pause in zip(bounds, pauses, strict=True))
    assert len({pause / bound for pause, bound in zip(pauses, bounds, strict=True)}) > 6, "by chance"
    made.accepted(300.0, now)
    made.handle_timer(timer_of(made))
    made.failed("silent", None, None, now)
    assert made.is_registered


def test_retry_after_is_obeyed() -> None:
    made = client()
    made.start()
    made.failed("unavailable", 503, 900, 0.0)
    assert timer_of(made) == 900.0
    assert made.hasten() == (), "it said when"


def test_a_wrong_password_is_not_tried_often_and_signs_of_life_do_not_hasten_it() -> None:
    made = client(registrars=3)
    made.start()
    assert made.refused("password_wrong", 401, None, 0.0) == (TELL,)
    assert timer_of(made) >= REFUSED_PAUSE_SECONDS
    assert made.hasten() == ()


def test_signs_of_life_end_a_pause_that_silence_began() -> None:
    made = client()
    made.start()
    made.failed("silent", None, None, 0.0)
    assert made.hasten() == (SEND,)


def test_a_423_asks_for_longer_once_and_within_reason() -> None:
    made = client(expires_seconds=60)
    made.start()
    assert made.too_brief(600, 0.0) == (SEND,)
    assert made.expires_seconds == 600
    assert made.too_brief(600, 0.0) == (TELL,)
    assert (made.state, made.problem, made.sip_status) == (_S.WAITING, "interval_too_brief", 423)
    for wanted in (None, 10**9):
        again = client(expires_seconds=60)
        again.start()
        assert again.too_brief(wanted, 0.0) == (TELL,)


def test_closing_takes_the_binding_back() -> None:
    made = registered()
    assert made.close() == (UNREGISTER,)
    assert made.challenged() == (UNREGISTER,)
    assert (made.finished(), made.state, made.get_timer()) == ((), _S.CLOSED, None)
    waiting = client()
    waiting.start()
    waiting.failed("silent", None, None, 0.0)
    assert (waiting.close(), waiting.state) == ((), _S.CLOSED)


def test_every_state_but_the_last_has_a_way_out_and_every_input_a_row() -> None:
    assert {state for state, _ in TRANSITIONS} == set(_S) - {_S.CLOSED}
    assert {event for _, event in TRANSITIONS} == set(RegistrationInput)


STEPS = st.sampled_from(
    ["timer", "accepted", "challenged", "too_brief", "refused", "failed", "hasten", "close", "finished"]
)


@given(st.lists(st.tuples(STEPS, st.floats(0.0, 400.0)), max_size=40))
def test_whatever_comes_it_is_registered_exactly_while_a_binding_is_valid(
    steps: list[tuple[str, float]],
) -> None:
    made, now = client(registrars=2), 0.0
    made.start()
    for name, seconds in steps:
        now += seconds
        for _ in range(3):
            made.handle_timer(now)
        calls: dict[str, Any] = {
            "timer": lambda: made.handle_timer(now),  # noqa: B023
            "accepted": lambda: made.accepted(120.0, now),  # noqa: B023
            "challenged": made.challenged,
            "too_brief": lambda: made.too_brief(600, now),  # noqa: B023
            "refused": lambda: made.refused("refused", 403, None, now),  # noqa: B023
            "failed": lambda: made.failed("silent", None, None, now),  # noqa: B023
            "hasten": made.hasten,
            "close": made.close,
            "finished": made.finished,
        }
        calls[name]()
        if made.is_registered:
            assert made.registered_until is not None
            assert made.registered_until > now
        if made.state is _S.CLOSED:
            assert made.get_timer() is None
        elif made.state not in {_S.REGISTERING, _S.UNREGISTERING}:
            assert made.get_timer() is not None, "nothing waits for ever"
