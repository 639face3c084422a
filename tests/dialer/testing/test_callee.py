"""The far end's own state machine: time is a number, datagrams are lists."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.sip.message import Request, Response, parse_message
from dialer.testing.callee import Callee
from dialer.testing.callee_states import TRANSITIONS, Input, State
from dialer.testing.population import WEIGHTS, Behaviour, CalleePlan, plan_of
from tests.dialer.testing.caller import Caller

NUMBER = "+79000000001"


class Line:
    """A callee and its caller; `sent()` drains and parses what the callee sent."""

    def __init__(self, plan: CalleePlan, *, call_number: int = 1) -> None:
        self.caller = Caller(NUMBER)
        self.callee = Callee(
            self.caller.invite(),
            ("127.0.0.1", 5080),
            0.0,
            plan=plan,
            number=NUMBER,
            call_number=call_number,
            local=("127.0.0.9", 5060),
            rtp_local=("127.0.0.9", 30_000),
            tag="callee",
        )
        self.caller.to_tag = "callee"

    def sent(self) -> list[Request | Response]:
        return [parse_message(data) for data in self.callee.datagrams_to_send()]

    def codes(self) -> list[str]:
        return [
            message.method if isinstance(message, Request) else f"{message.status_code} {message.cseq.method}"
            for message in self.sent()
        ]

    def until(self, now: float) -> list[tuple[float, str]]:
        """Let time pass; list what was sent and when."""
        sent = []
        while (due := self.callee.get_timer()) is not None and due <= now:
            self.callee.handle_timer(due)
            sent += [(round(due, 3), code) for code in self.codes()]
        return sent


def answering(
    *, digit: str | None = None, hang_up_after_seconds: float | None = None, ring_seconds: float = 2.0
) -> CalleePlan:
    return CalleePlan(
        behaviour="listens",
        ring_seconds=ring_seconds,
        final_status=200,
        digit=digit,
        press_after_seconds=1.0,
        hang_up_after_seconds=hang_up_after_seconds,
    )


def talking(plan: CalleePlan) -> Line:
    """A call answered at 2 s and ACKed at once."""
    line = Line(plan)
    line.until(2.0)
    line.codes()
    line.callee.receive(line.caller.ack(), 2.0)
    assert line.codes() == []
    return line


def test_an_answer_is_repeated_until_its_ack_and_given_up_with_a_bye() -> None:
    line = Line(answering())
    assert line.codes() == ["100 INVITE", "180 INVITE"]
    assert line.until(33.9) == [
        (at, "200 INVITE") for at in (2.0, 2.5, 3.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5, 33.5)
    ]
    assert line.until(34.0) == [(34.0, "BYE")]


def test_an_ack_stops_the_answers() -> None:
    line = talking(answering())
    assert line.until(100.0) == []
    assert line.callee.truth.answered
    assert line.callee.truth.ended_by is None


def test_an_answer_names_the_carriers_sound_address() -> None:
    line = Line(answering())
    line.sent()
    line.callee.handle_timer(2.0)
    (answer,) = line.sent()
    assert b"m=audio 30000 RTP/AVP 0 101" in answer.body


def test_a_bye_of_the_caller_ends_the_call_as_ours_even_when_every_ack_was_lost() -> None:
    line = Line(answering())
    line.until(2.0)
    line.codes()
    line.callee.receive(line.caller.bye(), 8.0)
    assert line.codes() == ["200 BYE"]
    truth = line.callee.truth
    assert (truth.result, truth.ended_by, truth.sip_status, truth.talk_ms) == ("answered", "us", 200, 0)
    assert line.until(100.0) == []


def test_a_repeated_bye_is_answered_again() -> None:
    line = talking(answering())
    line.callee.receive(line.caller.bye(), 8.0)
    line.callee.receive(line.caller.bye(), 8.5)
    assert line.codes() == ["200 BYE", "200 BYE"]
    assert line.callee.truth.talk_ms == 6_000


def test_a_bye_of_the_callee_is_repeated_until_it_is_answered() -> None:
    line = talking(answering(hang_up_after_seconds=3.0))
    assert line.until(12.0) == [(5.0, "BYE"), (5.5, "BYE"), (6.5, "BYE"), (8.5, "BYE")]
    assert line.callee.truth.ended_by == "callee"
    line.callee.handle_timer(12.5)
    (bye,) = line.sent()
    assert isinstance(bye, Request)
    assert bye.uri == "sip:100@127.0.0.1:5080"
    line.callee.receive(line.caller.accept(bye), 12.6)
    assert line.callee.is_over
    assert line.until(100.0) == []


def test_in_glare_the_callers_bye_is_answered_only_after_the_callees() -> None:
    line = talking(answering(hang_up_after_seconds=3.0))
    line.callee.handle_timer(5.0)
    (bye,) = line.sent()
    assert isinstance(bye, Request)
    line.callee.receive(line.caller.bye(), 5.1)
    line.callee.receive(line.caller.bye(), 5.6)
    assert line.codes() == []
    line.callee.receive(line.caller.accept(bye), 5.7)
    assert line.codes() == ["200 BYE"]
    assert line.callee.truth.ended_by == "callee"


def test_a_bye_that_came_before_the_callee_hung_up_makes_it_the_callers() -> None:
    line = talking(answering(hang_up_after_seconds=3.0))
    line.callee.receive(line.caller.bye(), 4.9)
    assert line.codes() == ["200 BYE"]
    assert line.until(100.0) == []
    assert line.callee.truth.ended_by == "us"


def test_a_cancel_while_ringing_is_accepted_and_the_invite_terminated() -> None:
    line = Line(CalleePlan(behaviour="no_answer"))
    assert line.codes() == ["100 INVITE", "180 INVITE"]
    assert line.callee.get_timer() is None
    line.callee.receive(line.caller.cancel(), 15.0)
    assert line.codes() == ["200 CANCEL", "487 INVITE"]
    truth = line.callee.truth
    assert (truth.result, truth.ended_by, truth.sip_status, truth.answered) == ("no_answer", "us", 487, False)
    assert line.until(16.5) == [(15.5, "487 INVITE"), (16.5, "487 INVITE")]
    line.callee.receive(line.caller.ack(), 16.6)
    assert line.until(100.0) == []


def test_a_callee_that_picks_up_when_cancelled_is_abandoned() -> None:
    line = Line(CalleePlan(behaviour="answers_after_cancel", picks_up_when_cancelled=True))
    line.codes()
    line.callee.receive(line.caller.cancel(), 15.0)
    assert line.codes() == ["200 CANCEL", "200 INVITE"]
    line.callee.receive(line.caller.ack(), 15.1)
    line.callee.receive(line.caller.bye(), 15.2)
    assert line.codes() == ["200 BYE"]
    truth = line.callee.truth
    assert (truth.result, truth.ended_by, truth.sip_status, truth.answered) == ("abandoned", "us", 200, True)


def test_a_cancel_that_crosses_the_answer_is_noticed_even_after_the_ack() -> None:
    line = talking(answering())
    line.callee.receive(line.caller.cancel(), 2.1)
    assert line.codes() == ["200 CANCEL"]
    assert line.callee.truth.result == "abandoned"


def test_a_silent_number_answers_nothing_and_is_decided_at_once() -> None:
    line = Line(CalleePlan(behaviour="silent", is_silent=True))
    line.callee.receive(line.caller.invite(), 0.5)
    line.callee.receive(line.caller.cancel(), 15.0)
    assert line.codes() == []
    assert line.callee.get_timer() is None
    truth = line.callee.truth
    assert (truth.result, truth.sip_status, truth.ended_by) == ("unreachable", None, "network")


def test_a_repeated_invite_gets_the_last_response_again() -> None:
    line = Line(answering())
    line.codes()
    line.callee.receive(line.caller.invite(), 0.5)
    assert line.codes() == ["180 INVITE"]
    line.until(2.0)
    line.callee.receive(line.caller.invite(), 2.1)
    assert line.codes() == ["200 INVITE"]


def test_a_key_is_in_the_truth_once_it_was_sent() -> None:
    line = talking(answering(digit="1"))
    assert line.callee.truth.digits == ""
    line.until(3.0)
    assert line.callee.voice is not None
    assert line.callee.voice.is_speaking
    truth = line.callee.truth
    assert (truth.digits, truth.disposition) == ("1", "callback_requested")


def test_a_key_is_not_pressed_into_a_call_that_is_over() -> None:
    line = talking(answering(digit="1"))
    line.callee.receive(line.caller.bye(), 2.9)
    line.until(10.0)
    assert line.callee.truth.digits == ""


def test_the_first_calls_to_a_congested_number_are_refused_with_503() -> None:
    plan = CalleePlan(behaviour="congested", final_status=200, ring_seconds=1.0, congested_calls=2)
    for call_number, expected in ((1, "503 INVITE"), (2, "503 INVITE"), (3, "200 INVITE")):
        line = Line(plan, call_number=call_number)
        line.codes()
        assert expected in [code for _, code in line.until(1.2)]


def test_early_media_carries_a_description_before_the_answer() -> None:
    line = Line(
        CalleePlan(
            behaviour="unallocated_announced", ring_seconds=1.0, final_status=404, has_early_media=True
        )
    )
    (_, progress) = line.sent()
    assert isinstance(progress, Response)
    assert progress.status_code == 183
    assert b"m=audio" in progress.body
    assert line.callee.voice is not None
    assert line.callee.voice.is_speaking
    assert line.until(1.0) == [(1.0, "404 INVITE")]
    assert not line.callee.voice.is_speaking


def test_an_offer_that_cannot_be_read_is_refused_with_488() -> None:
    caller = Caller(NUMBER)
    invite = caller.invite()
    invite.body = b"nonsense"
    callee = Callee(
        invite,
        ("127.0.0.1", 5080),
        0.0,
        plan=answering(),
        number=NUMBER,
        call_number=1,
        local=("127.0.0.9", 5060),
        rtp_local=("127.0.0.9", 30_000),
        tag="callee",
    )
    callee.handle_timer(0.0)
    assert callee.truth.sip_status == 488


@pytest.mark.parametrize(
    ("behaviour", "code", "result", "ended_by"),
    [
        ("busy", 486, "busy", "callee"),
        ("declines", 603, "rejected", "callee"),
        ("unallocated", 404, "invalid_number", "network"),
        ("unavailable", 480, "no_answer", "callee"),
    ],
)
def test_a_refusal_is_what_the_plan_says(behaviour: Behaviour, code: int, result: str, ended_by: str) -> None:
    line = Line(plan_of(behaviour, random.Random(1)))
    line.until(5.0)
    truth = line.callee.truth
    assert (truth.sip_status, truth.result, truth.ended_by, truth.answered) == (code, result, ended_by, False)


def test_every_state_can_be_reached_and_left_or_is_an_end() -> None:
    reached = {State.RINGING, State.SILENT} | {state for state, _ in TRANSITIONS.values()}
    assert reached == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.SILENT}


@given(
    behaviour=st.sampled_from(list(WEIGHTS)),
    seed=st.integers(0, 1_000),
    moves=st.lists(st.sampled_from(["invite", "ack", "cancel", "bye", "accept", "wait"]), max_size=30),
)
def test_whatever_the_caller_does_a_decided_truth_stays_sound(
    behaviour: Behaviour, seed: int, moves: list[str]
) -> None:
    line = Line(plan_of(behaviour, random.Random(seed)))
    now = 0.0
    status: int | None = None
    for move in moves:
        now += 0.7
        line.callee.handle_timer(now)
        byes = [message for message in line.sent() if isinstance(message, Request)]
        if move == "accept":
            for bye in byes:
                line.callee.receive(line.caller.accept(bye), now)
        elif move != "wait":
            line.callee.receive(getattr(line.caller, move)(), now)
        truth = line.callee.truth
        assert status in {None, truth.sip_status}, "a final response never changes"
        status = truth.sip_status
        assert truth.answered == (status == 200)
        assert truth.result != "answered" or truth.answered
        assert truth.talk_ms is None or truth.answered


def test_inputs_that_the_table_does_not_know_change_nothing() -> None:
    line = Line(answering())
    line.codes()
    line.callee.receive(line.caller.bye(), 1.0)
    line.callee.receive(line.caller.ack(), 1.0)
    assert line.codes() == []
    assert (State.RINGING, Input.BYE) not in TRANSITIONS
