"""What must hold for the table as a whole; the ways through it are in test_call."""

from dialer.call_table import DEADLINES, TRANSITIONS, CallAction, CallInput, CallState

_CANCELLED = {CallState.CANCEL_PENDING, CallState.CANCELLING}


def test_every_state_can_be_left_and_reached_but_the_last_and_the_first() -> None:
    left = {before for (before, _), (after, _) in TRANSITIONS.items() if after is not before}
    reached = {after for (before, _), (after, _) in TRANSITIONS.items() if after is not before}

    assert left == set(CallState) - {CallState.ENDED}
    assert reached == set(CallState) - {CallState.NEW}


def test_a_retry_is_never_sent_once_we_gave_up() -> None:
    for (before, event), (after, actions) in TRANSITIONS.items():
        if event is CallInput.RETRY:
            assert (CallAction.SEND_INVITE in actions) == (before not in _CANCELLED)
            assert (after is CallState.ENDED) == (before in _CANCELLED)


def test_only_an_answered_call_is_ended_by_its_session_timer() -> None:
    for event in (CallInput.SESSION_EXPIRED, CallInput.REFRESH_FAILED):
        rows = {key: row for key, row in TRANSITIONS.items() if key[1] is event}
        assert rows == {(CallState.ANSWERED, event): (CallState.ENDING, (CallAction.SEND_BYE,))}


def test_a_deadline_leaves_its_state() -> None:
    assert all(TRANSITIONS[state, event][0] is not state for state, event in DEADLINES.items())
