import itertools
from typing import cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.dispositions import AnsweredBy
from campaigns.models import AnsweringMachine
from campaigns.voice_message import (
    BEEP_WAIT_SECONDS,
    QUIET_WAIT_SECONDS,
    TRANSITIONS,
    VERDICT_WAIT_SECONDS,
    Action,
    Input,
    State,
    VoiceMessage,
    milder,
)


def machine() -> VoiceMessage:
    message = VoiceMessage(0.0, key_wait_seconds=5.0)
    assert message.take_actions() == [Action.PLAY]
    return message


def test_1_requests_a_callback_and_hangs_up_once() -> None:
    message = machine()
    message.receive_digit("1", 10.0)
    assert (message.disposition, message.digits) == ("callback_requested", "1")
    assert message.take_actions() == [Action.HANG_UP]
    assert message.take_actions() == []


def test_9_refuses_and_hangs_up() -> None:
    message = machine()
    message.receive_digit("9", 10.0)
    assert message.disposition == "refused"
    assert message.take_actions() == [Action.HANG_UP]


def test_other_keys_are_kept_and_change_nothing() -> None:
    message = machine()
    for digit in "5*#A":
        message.receive_digit(digit, 10.0)
    assert (message.digits, message.disposition, message.state) == ("5*#A", None, State.PLAYING)
    assert message.take_actions() == []


def test_the_key_wait_begins_when_the_message_ends() -> None:
    message = machine()
    assert message.get_timer() is None
    message.playback_finished(20.0)
    assert message.get_timer() == 25.0
    message.handle_timer(24.9)
    assert message.take_actions() == []
    message.handle_timer(25.0)
    assert message.take_actions() == [Action.HANG_UP]
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


@given(
    st.sampled_from(["ignore", "hang_up", "leave_message"]),
    st.lists(
        st.one_of(
            st.sampled_from("0123456789*#ABCD"),
            st.sampled_from(list(Input)),
            st.sampled_from(get_args(AnsweredBy)),
        )
    ),
)
def test_any_order_of_events_refuses_if_9_was_pressed_and_hangs_up_at_most_once(
    policy: AnsweringMachine, events: list[str | Input]
) -> None:
    message = VoiceMessage(0.0, key_wait_seconds=5.0, answering_machine=policy)
    hang_ups = 0
    for now, event in enumerate(events):
        match event:
            case Input.PLAYBACK_FINISHED:
                message.playback_finished(now)
            case Input.TIME_OVER:
                message.handle_timer(now + 1000.0)
            case Input.BEEP_ENDED:
                message.beep_ended(now)
            case Input.BEEP_SUSPECTED:
                message.beep_suspected(now)
            case Input.BEEP_DISMISSED:
                message.beep_dismissed(now)
            case Input.GREETING_ENDED:
                message.greeting_ended(now)
            case str() if len(event) == 1:
                message.receive_digit(event, now)
            case str():
                message.classified(cast("AnsweredBy", event), now)
            case _:
                pass
        hang_ups += message.take_actions().count(Action.HANG_UP)
    assert (message.disposition == "refused") == ("9" in message.digits)
    assert hang_ups == (message.state is State.LEAVING)


def listening(policy: AnsweringMachine) -> VoiceMessage:
    message = VoiceMessage(0.0, key_wait_seconds=5.0, answering_machine=policy)
    assert (message.take_actions(), message.state) == ([], State.LISTENING)
    return message


@pytest.mark.parametrize("answered_by", ["human", "unsure", "silence"])
def test_who_may_be_a_person_hears_the_message(answered_by: AnsweredBy) -> None:
    message = listening("hang_up")
    message.classified(answered_by, 2.0)
    assert message.take_actions() == [Action.PLAY]
    assert message.get_timer() is None


def test_without_a_verdict_the_message_begins() -> None:
    message = listening("leave_message")
    assert message.get_timer() == VERDICT_WAIT_SECONDS
    message.handle_timer(VERDICT_WAIT_SECONDS)
    assert message.take_actions() == [Action.PLAY]


@pytest.mark.parametrize("answered_by", ["machine", "screening"])
def test_a_machine_is_hung_up_on_where_that_is_wanted(answered_by: AnsweredBy) -> None:
    message = listening("hang_up")
    message.classified(answered_by, 3.0)
    assert message.take_actions() == [Action.HANG_UP]
    assert message.disposition is None


@pytest.mark.parametrize("answered_by", ["fax", "tone", "music"])
@pytest.mark.parametrize("policy", ["hang_up", "leave_message"])
def test_where_nobody_is_we_leave(policy: AnsweringMachine, answered_by: AnsweredBy) -> None:
    message = listening(policy)
    message.classified(answered_by, 3.0)
    assert message.take_actions() == [Action.HANG_UP]


def test_the_message_is_left_after_the_beep() -> None:
    message = listening("leave_message")
    message.classified("machine", 3.0)
    assert (message.take_actions(), message.get_timer()) == ([], 3.0 + BEEP_WAIT_SECONDS)
    message.greeting_ended(9.0)
    assert (message.take_actions(), message.get_timer()) == ([], 9.0 + QUIET_WAIT_SECONDS)
    message.beep_ended(10.5)
    assert (message.take_actions(), message.get_timer()) == ([Action.PLAY], None)
    message.playback_finished(15.0)
    assert message.take_actions() == [Action.HANG_UP]
    assert message.disposition == "voicemail_left"


def test_without_a_beep_the_message_begins_some_seconds_after_the_greeting_and_again_if_the_beep_comes() -> (
    None
):
    message = listening("leave_message")
    message.classified("machine", 3.0)
    message.greeting_ended(9.0)
    message.handle_timer(9.0 + QUIET_WAIT_SECONDS)
    assert message.take_actions() == [Action.PLAY]
    message.beep_ended(14.0)
    assert message.take_actions() == [Action.PLAY]


def test_a_message_that_began_on_trial_is_left_where_the_beep_was_one() -> None:
    message = listening("leave_message")
    message.beep_suspected(1.6)
    assert message.take_actions() == [Action.PLAY]
    message.beep_ended(2.2)
    message.classified("machine", 2.2)
    assert (message.take_actions(), message.get_timer()) == ([], None)
    message.playback_finished(6.0)
    assert message.take_actions() == [Action.HANG_UP]
    assert message.disposition == "voicemail_left"


def test_a_message_on_trial_stops_for_who_speaks_and_begins_again_with_the_verdict() -> None:
    message = listening("leave_message")
    message.beep_suspected(1.6)
    message.take_actions()
    message.beep_dismissed(2.0)
    assert (message.take_actions(), message.get_timer()) == (
        [Action.STOP_PLAYING],
        2.0 + VERDICT_WAIT_SECONDS,
    )
    message.classified("human", 3.0)
    assert message.take_actions() == [Action.PLAY]


@pytest.mark.parametrize("is_finished", [False, True])
def test_who_has_been_silent_so_far_hears_the_message_anew_from_what_may_be_a_beep(
    *, is_finished: bool
) -> None:
    message = listening("leave_message")
    message.classified("silence", 4.0)
    if is_finished:
        message.playback_finished(6.0)
    message.take_actions()
    message.beep_suspected(7.0)
    assert (message.take_actions(), message.get_timer()) == ([Action.PLAY], None)
    message.beep_dismissed(7.3)
    assert (message.take_actions(), message.state) == ([], State.PLAYING)
    message.playback_finished(11.0)
    assert message.get_timer() == 16.0


def test_a_message_on_trial_that_silence_is_said_of_goes_on_and_is_left() -> None:
    message = listening("leave_message")
    message.beep_suspected(3.8)
    message.take_actions()
    message.classified("silence", 4.0)
    message.beep_ended(4.4)
    message.classified("machine", 4.4)
    assert (message.take_actions(), message.state) == ([], State.PLAYING_TO_MACHINE)


@pytest.mark.parametrize("answered_by", ["silence", None])
def test_a_beep_that_was_not_suspected_starts_the_message(answered_by: AnsweredBy | None) -> None:
    message = listening("leave_message")
    if answered_by is not None:
        message.classified(answered_by, 4.0)
    message.take_actions()
    message.beep_ended(5.0)
    message.classified("machine", 5.0)
    assert (message.take_actions(), message.state) == ([Action.PLAY], State.PLAYING_TO_MACHINE)


@pytest.mark.parametrize("answered_by", ["silence", None])
def test_where_machines_are_hung_up_on_no_beep_starts_a_message(answered_by: AnsweredBy | None) -> None:
    message = listening("hang_up")
    if answered_by is not None:
        message.classified(answered_by, 4.0)
    message.take_actions()
    message.beep_suspected(4.5)
    message.beep_ended(5.0)
    assert message.take_actions() == []
    message.classified("machine", 5.0)
    assert message.take_actions() == [Action.HANG_UP]


@pytest.mark.parametrize("is_tried", [False, True])
def test_who_is_not_listened_to_any_more_is_no_machine_by_a_beep(*, is_tried: bool) -> None:
    message = listening("leave_message")
    if is_tried:
        message.beep_suspected(1.0)
    message.follow("ignore", 1.2)
    message.take_actions()
    assert message.state is (State.TRYING_AGAIN if is_tried else State.PLAYING)
    message.beep_ended(1.6)
    message.playback_finished(5.0)
    assert message.get_timer() == 10.0  # a key is waited for, as of a person


def test_silence_that_becomes_a_machine_stops_the_message_until_the_beep() -> None:
    message = listening("leave_message")
    message.classified("silence", 4.0)
    assert message.take_actions() == [Action.PLAY]
    message.classified("machine", 8.0)
    assert message.take_actions() == [Action.STOP_PLAYING]
    message.beep_ended(12.0)
    assert message.take_actions() == [Action.PLAY]


def test_an_unfinished_message_is_no_voicemail() -> None:
    message = listening("leave_message")
    message.classified("machine", 3.0)
    message.beep_ended(5.0)
    assert message.disposition is None


@pytest.mark.parametrize("policy", ["hang_up", "leave_message"])
def test_whoever_is_still_listened_to_when_the_classifier_is_switched_off_is_a_person(
    policy: AnsweringMachine,
) -> None:
    message = listening(policy)
    message.follow("ignore", 1.0)
    assert (message.take_actions(), message.state, message.get_timer()) == (
        [Action.PLAY],
        State.PLAYING,
        None,
    )


@pytest.mark.parametrize("policy", ["hang_up", "leave_message"])
def test_switching_off_changes_nothing_for_who_is_known_already(policy: AnsweringMachine) -> None:
    message = listening(policy)
    message.classified("machine", 3.0)
    state, actions = message.state, message.take_actions()
    message.follow("ignore", 3.5)
    assert (message.state, message.take_actions()) == (state, [])
    assert actions == ([Action.HANG_UP] if policy == "hang_up" else [])


def test_a_machine_that_is_heard_after_the_change_gets_the_message() -> None:
    message = listening("hang_up")
    message.follow("leave_message", 1.0)
    assert (message.take_actions(), message.state) == ([], State.LISTENING)
    message.classified("machine", 3.0)
    assert (message.take_actions(), message.state) == ([], State.WAITING_FOR_BEEP)


def test_the_milder_policy_hangs_up_on_fewer() -> None:
    policies: tuple[AnsweringMachine, ...] = ("hang_up", "leave_message", "ignore")
    for one, other in itertools.product(policies, repeat=2):
        assert milder(one, other) == policies[max(policies.index(one), policies.index(other))]
    assert {milder(policy, policy) for policy in get_args(AnsweringMachine)} == set(
        get_args(AnsweringMachine)
    )
