from collections.abc import Callable

import pytest

from dialer.config import TimerConfig
from dialer.errors import LocalProtocolError
from dialer.sip.server_transaction import InviteServerTransaction, NonInviteServerTransaction
from dialer.sip.transaction import Action, Input, State, Transaction
from tests.dialer.sip.messages import request, response

TIMERS = TimerConfig()


def invite_server() -> InviteServerTransaction:
    return InviteServerTransaction(request(), TIMERS, 0.0)


def bye_server() -> NonInviteServerTransaction:
    return NonInviteServerTransaction(request("BYE"), TIMERS, 0.0)


def run_timers(transaction: Transaction) -> list[tuple[float, tuple[Action, ...]]]:
    fired = []
    while (at := transaction.get_timer()) is not None:
        fired.append((at, transaction.handle_timer(at)))
    return fired


def test_timer_g_repeats_a_refusal_until_timer_h_misses_its_ack() -> None:
    transaction = invite_server()
    assert transaction.respond(response(488), 0.0) == (Action.SEND,)

    assert run_timers(transaction) == [
        *((at, (Action.SEND,)) for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)),
        (32.0, (Action.REPORT_TIMEOUT,)),
    ]


def test_timer_i_absorbs_acks_for_t4() -> None:
    transaction = invite_server()
    transaction.respond(response(488), 0.0)

    assert transaction.receive(request("ACK"), 1.0) == ()
    assert transaction.receive(request("ACK"), 1.1) == ()
    assert run_timers(transaction) == [(6.0, ())]
    assert transaction.is_terminated


def test_a_2xx_is_repeated_until_timer_l_misses_its_ack() -> None:
    transaction = invite_server()
    assert transaction.respond(response(200), 0.0) == (Action.SEND,)

    fired = run_timers(transaction)

    assert [at for at, _ in fired] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32.0]
    assert fired[-1][1] == (Action.REPORT_TIMEOUT,)


def test_an_acked_2xx_is_not_repeated_and_ends_with_timer_l_in_peace() -> None:
    transaction = invite_server()
    transaction.respond(response(200), 0.0)

    assert transaction.receive(request("ACK"), 0.2) == (Action.DELIVER,)
    assert transaction.receive(request("ACK"), 0.3) == ()
    assert transaction.receive(request(), 0.4) == ()
    assert run_timers(transaction) == [(32.0, ())]


def test_timer_j_keeps_the_answer_of_a_bye_for_64_t1() -> None:
    transaction = bye_server()
    transaction.respond(response(200, request("BYE")), 0.0)

    assert run_timers(transaction) == [(32.0, ())]
    assert transaction.is_terminated


@pytest.mark.parametrize("make", [invite_server, bye_server])
def test_a_retransmitted_request_gets_the_last_response_again(
    make: Callable[[], InviteServerTransaction | NonInviteServerTransaction],
) -> None:
    transaction = make()
    assert transaction.receive(transaction.request, 0.1) == ()
    assert transaction.respond(response(100, transaction.request), 0.2) == (Action.SEND,)
    assert transaction.receive(transaction.request, 0.3) == (Action.SEND,)
    assert transaction.respond(response(180, transaction.request), 0.4) == (Action.SEND,)
    final = response(486, transaction.request)
    transaction.respond(final, 0.5)

    assert transaction.receive(transaction.request, 0.6) == (Action.SEND,)
    assert transaction.outgoing == final.to_bytes()


def test_a_2xx_absorbs_retransmissions_of_its_invite() -> None:
    transaction = invite_server()
    transaction.respond(response(180), 0.0)
    transaction.respond(response(200), 1.0)

    assert transaction.receive(request(), 1.1) == ()


def test_a_second_final_response_is_our_bug_and_changes_nothing() -> None:
    transaction = bye_server()
    transaction.respond(response(200, request("BYE")), 0.0)
    sent = transaction.outgoing

    with pytest.raises(LocalProtocolError):
        transaction.respond(response(481, request("BYE")), 1.0)
    assert (transaction.state, transaction.outgoing) == (State.COMPLETED, sent)


@pytest.mark.parametrize("status_code", [180, 486])
@pytest.mark.parametrize("make", [invite_server, bye_server])
def test_a_transport_error_ends_a_server_transaction(
    make: Callable[[], InviteServerTransaction | NonInviteServerTransaction], status_code: int
) -> None:
    transaction = make()
    transaction.respond(response(status_code, transaction.request), 0.0)

    assert transaction.step(Input.TRANSPORT_ERROR, 1.0) == (Action.REPORT_TRANSPORT_ERROR,)
    assert transaction.is_terminated
