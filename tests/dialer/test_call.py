from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.call import Call
from dialer.call_table import DEADLINES, OWN_INPUTS, TRANSITIONS, CallAction, CallInput, CallState
from dialer.config import CallRequest, TrunkConfig
from dialer.errors import LocalProtocolError
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallId,
    CallProceeding,
    CallRinging,
    MediaChanged,
    NegotiatedMedia,
)
from dialer.outcome import EndedBy, Outcome, Result
from dialer.sip.headers import parse_reason

REQUEST = CallRequest(
    number="79000000001", trunk=TrunkConfig(name="t", host="127.0.0.9"), max_talk_seconds=600.0
)
MEDIA = NegotiatedMedia(
    remote_host="127.0.0.9", remote_port=30_000, payload_type=0, telephone_event_payload_type=101
)
HELD = NegotiatedMedia(
    remote_host="127.0.0.9",
    remote_port=30_000,
    payload_type=0,
    telephone_event_payload_type=101,
    can_send=False,
)
_I = CallInput


def new_call(request: CallRequest = REQUEST) -> Call:
    return Call(CallId("c"), request, max_cancel_seconds=32.0, now=0.0)


def feed(call: Call, *inputs: CallInput, now: float = 1.0, sip_status: int | None = None) -> None:
    """Apply inputs, each with what the user agent would tell along with it."""
    for event in inputs:
        status = sip_status
        if status is None:
            status = {_I.PROVISIONAL: 180, _I.SUCCESS: 200, _I.UNUSABLE_SUCCESS: 200, _I.RETRY: 401}.get(
                event
            )
            status = 486 if event is _I.FAILURE else status
        media = MEDIA if event in {_I.SUCCESS, _I.MEDIA} else None
        call.receive(event, now, sip_status=status, media=media)


def outcome_of(*inputs: CallInput, sip_status: int | None = None) -> Outcome:
    call = new_call()
    feed(call, _I.START, *inputs[:-1])
    assert call.state is not CallState.ENDED
    feed(call, inputs[-1], now=2.0, sip_status=sip_status)
    assert call.outcome is not None
    ended = [event for event in call.events if isinstance(event, CallEnded)]
    assert [event.outcome for event in ended] == [call.outcome]
    return call.outcome


@pytest.mark.parametrize(
    ("inputs", "result", "reason", "ended_by", "sip_status"),
    [
        # answered
        ((_I.SUCCESS, _I.BYE), "answered", "normal", "callee", 200),
        ((_I.PROVISIONAL, _I.SUCCESS, _I.BYE), "answered", "normal", "callee", 200),
        ((_I.SUCCESS, _I.HANG_UP, _I.BYE_FINISHED), "answered", "normal", "us", 200),
        ((_I.SUCCESS, _I.MAX_TALK, _I.BYE_FINISHED), "answered", "max_talk", "us", 200),
        ((_I.SUCCESS, _I.ACK_MISSING, _I.BYE_FINISHED), "answered", "ack_missing", "us", 200),
        ((_I.SUCCESS, _I.SESSION_EXPIRED, _I.BYE_FINISHED), "answered", "session_expired", "us", 200),
        ((_I.SUCCESS, _I.REFRESH_FAILED, _I.BYE_FINISHED), "answered", "refresh_failed", "us", 200),
        ((_I.SUCCESS, _I.SESSION_EXPIRED, _I.BYE), "answered", "session_expired", "callee", 200),
        ((_I.SUCCESS, _I.HANG_UP, _I.BYE), "answered", "normal", "callee", 200),
        ((_I.SUCCESS, _I.MAX_TALK, _I.BYE), "answered", "max_talk", "callee", 200),
        ((_I.BYE,), "answered", "normal", "callee", None),
        ((_I.PROVISIONAL, _I.BYE), "answered", "normal", "callee", None),
        # refused
        ((_I.FAILURE,), "busy", "sip_486", "callee", 486),
        ((_I.PROVISIONAL, _I.FAILURE), "busy", "sip_486", "callee", 486),
        ((_I.RETRY, _I.PROVISIONAL, _I.RETRY, _I.FAILURE), "busy", "sip_486", "callee", 486),
        # nobody there
        ((_I.SILENCE,), "unreachable", "timer_b", "network", None),
        ((_I.RING_TIMEOUT, _I.SILENCE), "unreachable", "timer_b", "network", None),
        ((_I.TRANSPORT_ERROR,), "unreachable", "transport_error", "network", None),
        ((_I.PROVISIONAL, _I.TRANSPORT_ERROR), "unreachable", "transport_error", "network", None),
        ((_I.RING_TIMEOUT, _I.TRANSPORT_ERROR), "unreachable", "transport_error", "network", None),
        # we gave up
        ((_I.HANG_UP, _I.SILENCE), "cancelled", "hang_up", "us", None),
        ((_I.HANG_UP, _I.TRANSPORT_ERROR), "cancelled", "hang_up", "us", None),
        ((_I.HANG_UP, _I.RETRY), "cancelled", "hang_up", "us", 401),
        ((_I.HANG_UP, _I.FAILURE), "busy", "sip_486", "callee", 486),
        ((_I.HANG_UP, _I.PROVISIONAL, _I.RETRY), "cancelled", "hang_up", "us", 401),
        ((_I.HANG_UP, _I.PROVISIONAL, _I.CANCEL_EXPIRED), "cancelled", "hang_up", "us", None),
        ((_I.PROVISIONAL, _I.HANG_UP, _I.FAILURE), "busy", "sip_486", "callee", 486),
        ((_I.PROVISIONAL, _I.RING_TIMEOUT, _I.CANCEL_EXPIRED), "no_answer", "ring_timeout", "us", None),
        ((_I.PROVISIONAL, _I.RING_TIMEOUT, _I.TRANSPORT_ERROR), "no_answer", "ring_timeout", "us", None),
        (
            (_I.PROVISIONAL, _I.RING_TIMEOUT, _I.HANG_UP, _I.CANCEL_EXPIRED),
            "no_answer",
            "ring_timeout",
            "us",
            None,
        ),
        # answered as we gave up
        (
            (_I.PROVISIONAL, _I.RING_TIMEOUT, _I.SUCCESS, _I.BYE_FINISHED),
            "abandoned",
            "ring_timeout",
            "us",
            200,
        ),
        ((_I.PROVISIONAL, _I.HANG_UP, _I.SUCCESS, _I.BYE_FINISHED), "abandoned", "hang_up", "us", 200),
        ((_I.HANG_UP, _I.SUCCESS, _I.BYE_FINISHED), "abandoned", "hang_up", "us", 200),
        ((_I.HANG_UP, _I.UNUSABLE_SUCCESS, _I.BYE_FINISHED), "abandoned", "hang_up", "us", 200),
        ((_I.HANG_UP, _I.SUCCESS, _I.BYE), "abandoned", "hang_up", "us", 200),
        ((_I.HANG_UP, _I.BYE), "abandoned", "hang_up", "us", None),
        ((_I.PROVISIONAL, _I.RING_TIMEOUT, _I.BYE), "abandoned", "ring_timeout", "us", None),
        # answered, but with a description that we cannot use
        ((_I.UNUSABLE_SUCCESS, _I.BYE_FINISHED), "failed", "unusable_sdp", "us", 200),
        ((_I.PROVISIONAL, _I.UNUSABLE_SUCCESS, _I.BYE), "failed", "unusable_sdp", "us", 200),
    ],
)
def test_every_way_through_the_table_has_its_outcome(
    inputs: tuple[CallInput, ...], result: Result, reason: str, ended_by: EndedBy, sip_status: int | None
) -> None:
    outcome = outcome_of(*inputs)

    assert (outcome.result, outcome.reason, outcome.ended_by, outcome.sip_status) == (
        result,
        reason,
        ended_by,
        sip_status,
    )


@pytest.mark.parametrize("sip_status", range(300, 700))
def test_every_final_status_ends_the_call_in_one_outcome(sip_status: int) -> None:
    assert outcome_of(_I.PROVISIONAL, _I.FAILURE, sip_status=sip_status).sip_status == sip_status


@pytest.mark.parametrize(
    ("cancellation", "result"), [(_I.HANG_UP, "cancelled"), (_I.RING_TIMEOUT, "no_answer")]
)
def test_the_487_of_our_cancel_is_our_own_doing(cancellation: CallInput, result: Result) -> None:
    outcome = outcome_of(_I.PROVISIONAL, cancellation, _I.FAILURE, sip_status=487)

    assert (outcome.result, outcome.ended_by, outcome.sip_status) == (result, "us", 487)


@pytest.mark.parametrize("inputs", [(_I.BYE,), (_I.HANG_UP, _I.BYE)])
def test_the_cause_in_their_bye_is_kept(inputs: tuple[CallInput, ...]) -> None:
    call = new_call()
    feed(call, _I.START, _I.SUCCESS, *inputs[:-1])
    call.receive(inputs[-1], 2.0, q850_cause=16)

    assert call.outcome is not None
    assert call.outcome.q850_cause == 16


def test_events_tell_the_steps_once_and_in_order() -> None:
    call = new_call()
    feed(call, _I.START, now=0.0)
    call.receive(_I.PROVISIONAL, 0.1, sip_status=100)
    call.receive(_I.PROVISIONAL, 0.2, sip_status=100)
    call.receive(_I.PROVISIONAL, 1.0, sip_status=183, media=MEDIA)
    call.receive(_I.PROVISIONAL, 2.0, sip_status=183, media=MEDIA)
    call.receive(_I.PROVISIONAL, 3.0, sip_status=180)
    call.receive(_I.SUCCESS, 4.0, sip_status=200, media=MEDIA)
    call.receive(_I.MEDIA, 5.0, media=HELD)
    call.receive(_I.BYE, 6.0)

    assert [(type(event), event.at) for event in call.events] == [
        (CallProceeding, 0.1),
        (CallRinging, 1.0),
        (MediaChanged, 1.0),
        (MediaChanged, 4.0),
        (CallAnswered, 4.0),
        (MediaChanged, 5.0),
        (CallEnded, 6.0),
    ]
    timings = call.timings
    assert (timings.invite_sent_at, timings.trying_at, timings.ringing_at) == (0.0, 0.1, 1.0)
    assert (timings.early_media_at, timings.answered_at, timings.ended_at) == (1.0, 4.0, 6.0)
    assert (timings.pdd_ms, timings.talk_ms) == (1000, 2000)


def test_an_update_before_the_answer_moves_early_media() -> None:
    """RFC 3311 §5.2."""
    call = new_call()
    feed(call, _I.START, _I.PROVISIONAL, _I.MEDIA)

    assert [event.is_early for event in call.events if isinstance(event, MediaChanged)] == [True]
    assert call.state is CallState.PROCEEDING


@pytest.mark.parametrize(
    ("inputs", "cause"),
    [
        ((_I.SUCCESS, _I.HANG_UP), 16),
        ((_I.SUCCESS, _I.MAX_TALK), 16),
        ((_I.SUCCESS, _I.ACK_MISSING), 102),
        ((_I.SUCCESS, _I.SESSION_EXPIRED), 102),
        ((_I.SUCCESS, _I.REFRESH_FAILED), 102),
        ((_I.UNUSABLE_SUCCESS,), 65),
        ((_I.PROVISIONAL, _I.HANG_UP), 16),
        ((_I.PROVISIONAL, _I.RING_TIMEOUT), 19),
        ((_I.PROVISIONAL, _I.RING_TIMEOUT, _I.SUCCESS), 16),
    ],
)
def test_every_cancel_and_bye_of_ours_has_its_reason(inputs: tuple[CallInput, ...], cause: int) -> None:
    """RFC 3326 with ITU-T Q.850."""
    call = new_call()
    feed(call, _I.START, *inputs)

    reason = parse_reason(call.release_reason)
    assert (reason.protocol, reason.cause) == ("Q.850", cause)


def test_retry_after_is_in_the_outcome_of_a_refusal() -> None:
    call = new_call()
    feed(call, _I.START)
    call.receive(_I.FAILURE, 1.0, sip_status=503, retry_after_seconds=30)

    assert call.outcome is not None
    assert call.outcome.retry_after_seconds == 30


def test_a_180_without_a_100_is_ringing_alone() -> None:
    call = new_call()
    feed(call, _I.START, _I.PROVISIONAL)

    assert [type(event) for event in call.events] == [CallRinging]
    assert call.timings.trying_at == 1.0


def test_talk_ends_when_we_hang_up_not_when_the_bye_is_answered() -> None:
    call = new_call()
    feed(call, _I.START, _I.SUCCESS, now=1.0)
    feed(call, _I.HANG_UP, now=5.0)
    feed(call, _I.BYE_FINISHED, now=20.0)

    assert call.timings.talk_ms == 4000
    assert call.events[-1].at == 20.0


def test_the_ring_timeout_counts_from_the_first_invite() -> None:
    call = new_call()
    feed(call, _I.START, now=0.0)
    assert call.get_timer() == 30.0
    feed(call, _I.PROVISIONAL, _I.RETRY, now=10.0)
    assert call.get_timer() == 30.0
    feed(call, _I.PROVISIONAL, now=11.0)
    assert call.get_timer() == 30.0

    assert call.handle_timer(29.9) == ()
    assert call.handle_timer(30.0) == (CallAction.SEND_CANCEL,)
    assert call.get_timer() == 62.0
    assert call.handle_timer(62.0) == (CallAction.GIVE_UP,)
    assert call.get_timer() is None


def test_a_ring_timeout_without_any_response_waits_for_timer_b() -> None:
    call = new_call()
    feed(call, _I.START, now=0.0)

    assert call.handle_timer(30.0) == ()
    assert call.state is CallState.CANCEL_PENDING
    assert call.get_timer() is None


def test_the_talk_limit_counts_from_the_answer_and_may_be_none() -> None:
    call = new_call()
    feed(call, _I.START, _I.SUCCESS, now=7.0)
    assert call.get_timer() == 607.0
    assert call.handle_timer(607.0) == (CallAction.SEND_BYE,)

    endless = new_call(CallRequest(number="1", trunk=REQUEST.trunk, max_talk_seconds=None))
    feed(endless, _I.START, _I.SUCCESS)
    assert endless.get_timer() is None
    assert endless.handle_timer(9e9) == ()


def reach(state: CallState) -> Call:
    """Make a call in that state."""
    way = {
        CallState.NEW: (),
        CallState.INVITING: (_I.START,),
        CallState.CANCEL_PENDING: (_I.START, _I.HANG_UP),
        CallState.PROCEEDING: (_I.START, _I.PROVISIONAL),
        CallState.CANCELLING: (_I.START, _I.PROVISIONAL, _I.HANG_UP),
        CallState.ANSWERED: (_I.START, _I.SUCCESS),
        CallState.ENDING: (_I.START, _I.SUCCESS, _I.HANG_UP),
        CallState.ENDED: (_I.START, _I.FAILURE),
    }[state]
    call = new_call()
    feed(call, *way)
    assert call.state is state
    return call


@pytest.mark.parametrize(
    ("state", "event"), sorted(set(product(CallState, CallInput)) - set(TRANSITIONS), key=str)
)
def test_a_pair_that_the_table_lacks_changes_nothing(state: CallState, event: CallInput) -> None:
    call = reach(state)
    before = (call.state, call.get_timer(), call.outcome, len(call.events))
    if event in OWN_INPUTS:
        with pytest.raises(LocalProtocolError):
            feed(call, event)
    else:
        feed(call, event)
        assert call.ignored == 1
    assert (call.state, call.get_timer(), call.outcome, len(call.events)) == before


@pytest.mark.parametrize("state", CallState)
def test_every_2xx_is_acked_in_every_state_that_can_see_one(state: CallState) -> None:
    """A first 2xx cannot come once answered, a second one not before."""
    for event in (_I.SUCCESS, _I.UNUSABLE_SUCCESS, _I.REPEATED_SUCCESS, _I.FORKED_SUCCESS):
        is_first = event in {_I.SUCCESS, _I.UNUSABLE_SUCCESS}
        can_be_seen = {
            CallState.NEW: False,
            CallState.ANSWERED: not is_first,
            CallState.ENDING: not is_first,
            CallState.ENDED: True,
        }.get(state, is_first)
        _, actions = TRANSITIONS.get((state, event), (None, ()))
        assert (CallAction.SEND_ACK in actions) == can_be_seen


@pytest.mark.parametrize("state", CallState)
def test_hanging_up_is_always_allowed_once_begun(state: CallState) -> None:
    assert ((state, _I.HANG_UP) in TRANSITIONS) == (state is not CallState.NEW)


def test_each_deadline_has_its_row() -> None:
    assert {(state, event) for state, event in DEADLINES.items()} <= set(TRANSITIONS)


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(set(CallInput) - {_I.START}, key=str)), st.floats(0, 50)),
        max_size=40,
    )
)
def test_any_order_of_inputs_ends_a_call_at_most_once(steps: list[tuple[CallInput, float]]) -> None:
    call = new_call()
    feed(call, _I.START, now=0.0)
    now = 0.0
    for event, pause in steps:
        now += pause
        call.handle_timer(now)
        if event in {_I.CANCEL_EXPIRED, _I.RING_TIMEOUT, _I.MAX_TALK}:
            continue  # the clock brings these
        feed(call, event, now=now)
        ended = [event for event in call.events if isinstance(event, CallEnded)]
        assert len(ended) == (call.state is CallState.ENDED)
        assert not ended or call.events[-1] is ended[0]
        assert (call.get_timer() is not None) == (call.state in DEADLINES)
