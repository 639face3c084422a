"""Messages that cross, get lost, come twice or in the wrong order."""

from collections.abc import Callable

import pytest

from dialer.events import CallAnswered, CallEnded
from tests.dialer.calls import Line, nothing


def test_200_after_cancel_is_acked_and_byed() -> None:
    line = Line()
    call_id = line.place_call()
    line.ring()
    line.core.hang_up(call_id, line.now)
    line.trunk.answer(line.invite)  # crosses the CANCEL
    line.run()
    line.respond("CANCEL", 200)
    line.respond("BYE", 200)

    assert line.trunk.ladder == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert line.verdict == ("abandoned", "hang_up", "us")
    assert not any(isinstance(event, CallAnswered) for event in line.events)
    line.settle()


def test_200_after_the_cancel_was_confirmed_is_still_acked_and_byed() -> None:
    line = Line()
    line.place_call(ring_timeout_seconds=15.0)
    line.ring()
    line.run(15.0)
    line.respond("CANCEL", 200)
    line.run(10.0)
    line.answer()
    line.respond("BYE", 200)

    assert line.verdict == ("abandoned", "ring_timeout", "us")
    line.settle()


def test_no_cancel_before_a_provisional() -> None:
    line = Line()
    call_id = line.place_call()
    line.hang_up(call_id)
    assert line.trunk.ladder == ["INVITE"]
    line.ring(100)

    assert line.trunk.ladder == ["INVITE", "CANCEL"]
    line.respond("CANCEL", 200)
    line.respond("INVITE", 487)
    assert line.verdict == ("cancelled", "hang_up", "us")
    line.settle()


def test_a_pending_cancel_overtaken_by_an_answer_becomes_a_bye() -> None:
    line = Line()
    call_id = line.place_call()
    line.hang_up(call_id)
    line.answer()
    line.respond("BYE", 200)

    assert line.trunk.ladder == ["INVITE", "ACK", "BYE"]
    assert line.verdict == ("abandoned", "hang_up", "us")


def test_a_pending_cancel_ends_with_timer_b() -> None:
    line = Line()
    line.hang_up(line.place_call())
    line.run(40.0)

    assert line.verdict == ("cancelled", "hang_up", "us")
    line.settle()


def test_a_487_that_never_comes_ends_the_call_after_64_t1() -> None:
    line = Line()
    line.place_call(ring_timeout_seconds=15.0)
    line.ring()
    line.run(15.0)
    line.respond("CANCEL", 200)
    line.run(31.9)
    assert line.core.live_calls == 1
    line.run(0.1)

    assert line.verdict == ("no_answer", "ring_timeout", "us")
    assert line.outcome.sip_status is None
    line.settle()


@pytest.mark.parametrize("status_code", [481, 500])
def test_a_refused_cancel_changes_nothing(status_code: int) -> None:
    line = Line()
    line.hang_up(line.ringing())
    line.respond("CANCEL", status_code)
    assert line.core.live_calls == 1
    line.respond("INVITE", 487)

    assert line.verdict == ("cancelled", "hang_up", "us")


def test_a_busy_that_crosses_our_cancel_is_busy() -> None:
    line = Line()
    call_id = line.ringing()
    line.core.hang_up(call_id, line.now)
    line.trunk.respond(line.invite, 486)
    line.run()

    assert line.verdict == ("busy", "sip_486", "callee")


def test_an_answer_after_we_stopped_waiting_for_the_487_is_acked_and_byed() -> None:
    line = Line()
    line.hang_up(line.ringing())
    line.run(40.0)
    assert line.verdict == ("cancelled", "hang_up", "us")
    heard = len(line.trunk.requests)
    line.answer()
    line.trunk.answer(line.invite)
    line.run()
    line.respond("BYE", 200)

    assert line.trunk.ladder[heard:] == ["ACK", "BYE", "ACK"]
    assert line.verdict == ("cancelled", "hang_up", "us")
    line.settle()


def test_an_answer_after_timer_b_is_acked_and_byed() -> None:
    line = Line()
    line.place_call()
    line.run(33.0)
    line.answer()
    line.respond("BYE", 200)

    assert line.trunk.ladder[-2:] == ["ACK", "BYE"]
    assert line.verdict == ("unreachable", "timer_b", "network")
    line.settle()


def test_bye_glare_is_the_callees() -> None:
    line = Line()
    call_id = line.talk()
    line.core.hang_up(call_id, line.now)
    line.trunk.bye(line.invite)  # crosses ours
    line.run()
    line.respond("BYE", 481)

    assert line.verdict == ("answered", "normal", "callee")
    assert [response.status_code for response in line.trunk.responses] == [200]
    line.settle()


@pytest.mark.parametrize("status_code", [200, 202, 408, 481, 503])
def test_any_final_response_to_our_bye_ends_the_call(status_code: int) -> None:
    line = Line()
    line.hang_up(line.talk())
    line.respond("BYE", 100)
    assert line.core.live_calls == 1
    line.respond("BYE", status_code)

    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_every_retransmitted_200_gets_the_same_ack() -> None:
    line = Line()
    line.talk()
    line.answer()
    line.answer()

    acks = line.trunk.heard("ACK")
    assert len(acks) == 3
    assert len({ack.to_bytes() for ack in acks}) == 1
    assert sum(isinstance(event, CallAnswered) for event in line.events) == 1


@pytest.mark.parametrize("end", [lambda line: line.trunk.bye(line.invite), lambda line: None])
def test_a_200_retransmitted_after_the_end_is_still_acked(end: Callable[[Line], object]) -> None:
    line = Line()
    call_id = line.talk()
    end(line)
    line.hang_up(call_id)
    if "BYE" in line.trunk.ladder:
        line.respond("BYE", 200)
    ended = line.outcome
    heard = len(line.trunk.requests)
    line.answer()

    assert line.trunk.ladder[heard:] == ["ACK"]
    assert line.outcome == ended
    line.settle()


def test_a_second_callee_of_a_fork_is_acked_and_byed_and_the_talk_goes_on() -> None:
    line = Line()
    call_id = line.talk()
    line.answer("second")
    line.answer("second")

    assert [(request.method, request.to.tag) for request in line.trunk.requests[1:]] == [
        ("ACK", "callee"),
        ("ACK", "second"),
        ("BYE", "second"),
        ("ACK", "second"),
    ]
    line.respond("BYE", 200)
    assert line.core.live_calls == 1
    line.hang_up(call_id)
    assert line.trunk.last("BYE").to.tag == "callee"
    line.respond("BYE", 200)
    assert line.verdict == ("answered", "normal", "us")
    line.settle()


def test_a_second_callee_after_the_end_is_acked_and_byed() -> None:
    line = Line()
    line.talk()
    line.trunk.bye(line.invite)
    line.run()
    line.answer("second")

    assert [request.to.tag for request in line.trunk.heard("BYE")] == ["second"]
    line.settle()


def test_more_answers_than_any_fork_gives_are_left_alone() -> None:
    line = Line()
    line.talk()
    for number in range(40):
        line.trunk.answer(line.invite, to_tag=f"fork-{number}")
    line.run()

    assert line.trunk.ladder.count("BYE") == 15
    assert line.core.live_calls == 1


def test_a_bye_of_the_fork_that_we_hung_up_is_answered_and_ends_nothing() -> None:
    line = Line()
    line.talk()
    line.answer("second")
    line.trunk.bye(line.invite, to_tag="second")
    line.run()

    assert line.core.live_calls == 1
    assert line.trunk.responses[-1].status_code == 200


@pytest.mark.parametrize("has_rung", [False, True])
def test_a_bye_that_overtakes_its_200_is_an_answered_call(has_rung: bool) -> None:  # noqa: FBT001 (parameter)
    line = Line()
    line.place_call()
    if has_rung:
        line.ring()
    line.trunk.bye(line.invite)
    line.run()
    assert line.trunk.responses[-1].status_code == 200
    assert line.verdict == ("answered", "normal", "callee")
    heard = len(line.trunk.requests)
    line.answer()

    assert line.trunk.ladder[heard:] == ["ACK"]
    line.settle()


def test_a_bye_that_overtakes_its_200_while_we_cancel_is_an_abandoned_call() -> None:
    line = Line()
    line.hang_up(line.ringing())
    line.trunk.bye(line.invite)
    line.run()
    line.answer()

    assert line.verdict == ("abandoned", "hang_up", "us")
    assert "BYE" not in line.trunk.ladder
    line.settle()


def test_a_bye_before_our_ack_arrived_ends_the_call() -> None:
    line = Line()
    line.place_call()
    line.trunk.answer(line.invite)
    line.run(to_trunk=nothing)  # the ACK is lost
    line.trunk.bye(line.invite)
    line.run()

    assert line.verdict == ("answered", "normal", "callee")
    line.answer()
    assert line.trunk.ladder == ["INVITE", "ACK"]
    line.settle()


def test_a_lost_200_is_acked_when_it_comes_again() -> None:
    line = Line()
    line.place_call()
    line.ring()
    line.trunk.answer(line.invite)
    line.run(to_dialer=nothing)
    assert line.trunk.ladder == ["INVITE"]
    line.run(0.5)
    line.answer()

    assert line.trunk.ladder == ["INVITE", "ACK"]


def test_everything_twice_is_the_same_call() -> None:
    line = Line()

    def twice(data: bytes) -> tuple[bytes, bytes]:
        return data, data

    call_id = line.place_call()
    for act in (
        lambda: line.trunk.respond(line.invite, 100),
        lambda: line.trunk.respond(line.invite, 180),
        lambda: line.trunk.answer(line.invite),
        lambda: line.core.hang_up(call_id, line.now),
        lambda: line.trunk.respond(line.trunk.last("BYE"), 200),
    ):
        act()
        line.run(to_trunk=twice, to_dialer=twice)

    assert line.verdict == ("answered", "normal", "us")
    assert [type(event) for event in line.events].count(CallEnded) == 1
    line.settle()


def test_a_provisional_after_the_answer_is_ignored() -> None:
    line = Line()
    line.talk()
    before = len(line.events)
    line.ring()

    assert len(line.events) == before


def test_hanging_up_twice_is_hanging_up_once() -> None:
    line = Line()
    call_id = line.talk()
    line.hang_up(call_id)
    line.hang_up(call_id)

    assert line.trunk.ladder.count("BYE") == 1
