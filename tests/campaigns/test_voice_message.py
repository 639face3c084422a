from hypothesis import given
from hypothesis import strategies as st

from campaigns.voice_message import TRANSITIONS, Action, Input, State, VoiceMessage


def machine() -> VoiceMessage:
    return VoiceMessage(key_wait_seconds=5.0)


def test_1_requests_a_callback_and_hangs_up_once() -> None:
    message = machine()
    message.receive_digit("1", 10.0)
    assert (message.disposition, message.digits) == ("callback_requested", "1")
    assert message.take_hang_up()
    assert not message.take_hang_up()


def test_9_refuses_and_hangs_up() -> None:
    message = machine()
    message.receive_digit("9", 10.0)
    assert message.disposition == "refused"
    assert message.take_hang_up()


def test_other_keys_are_kept_and_change_nothing() -> None:
    message = machine()
    for digit in "5*#A":
        message.receive_digit(digit, 10.0)
    assert (message.digits, message.disposition, message.state) == ("5*#A", None, State.PLAYING)
    assert not message.take_hang_up()


def test_the_key_wait_begins_when_the_message_ends() -> None:
    message = machine()
    assert message.get_timer() is None
    message.playback_finished(20.0)
    assert message.get_timer() == 25.0
    message.handle_timer(24.9)
    assert not message.take_hang_up()
    message.handle_timer(25.0)
    assert message.take_hang_up()
    assert message.disposition is None
    assert message.get_timer() is None


def test_a_key_during_the_wait_counts_and_disarms_it() -> None:
    message = machine()
    message.playback_finished(20.0)
    message.receive_digit("1", 24.0)
    assert message.disposition == "callback_requested"
    assert message.get_timer() is None


def test_a_refusal_after_1_still_counts() -> None:
    message = machine()
    message.receive_digit("1", 10.0)
    message.receive_digit("9", 10.1)
    assert (message.disposition, message.digits) == ("refused", "19")


def test_a_refusal_while_we_are_leaving_still_counts() -> None:
    message = machine()
    message.playback_finished(20.0)
    message.handle_timer(25.0)
    message.receive_digit("9", 25.1)
    assert message.disposition == "refused"


def test_a_callback_request_after_9_does_not_undo_it() -> None:
    message = machine()
    message.receive_digit("9", 10.0)
    message.receive_digit("1", 10.1)
    assert message.disposition == "refused"


def test_every_way_out_hangs_up_exactly_when_it_leaves() -> None:
    for (state, _), (next_state, actions) in TRANSITIONS.items():
        leaves = state is not State.LEAVING and next_state is State.LEAVING
        assert (Action.HANG_UP in actions) == leaves


@given(st.lists(st.one_of(st.sampled_from("0123456789*#ABCD"), st.sampled_from(list(Input)))))
def test_any_order_of_events_refuses_if_9_was_pressed_and_hangs_up_at_most_once(
    events: list[str | Input],
) -> None:
    message = machine()
    hang_ups = 0
    for now, event in enumerate(events):
        match event:
            case Input.PLAYBACK_FINISHED:
                message.playback_finished(now)
            case Input.KEY_WAIT_OVER:
                message.handle_timer(now + 1000.0)
            case str():
                message.receive_digit(event, now)
            case _:
                pass
        hang_ups += message.take_hang_up()
    assert (message.disposition == "refused") == ("9" in message.digits)
    assert hang_ups == (message.state is State.LEAVING)
