from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.config import TimerConfig
from dialer.errors import LocalProtocolError
from dialer.sip.hop import Hop
from dialer.sip.message import parse_message
from dialer.sip.server_transaction import (
    InviteServerTransaction,
    NonInviteServerTransaction,
    ServerTransaction,
)
from dialer.sip.transaction import (
    OWN_INPUTS,
    Action,
    Input,
    InviteClientTransaction,
    NonInviteClientTransaction,
    State,
    Transaction,
    ack_of_failure,
)
from tests.dialer.sip.messages import ADDRESS, request, response

TIMERS = TimerConfig()
CONNECTION = Hop("127.0.0.9", 5060, "tcp")
MACHINES: list[type[Transaction]] = [
    InviteClientTransaction,
    NonInviteClientTransaction,
    InviteServerTransaction,
    NonInviteServerTransaction,
]


def invite_client() -> InviteClientTransaction:
    return InviteClientTransaction(request(), ADDRESS, TIMERS, 0.0)


def bye_client() -> NonInviteClientTransaction:
    return NonInviteClientTransaction(request("BYE"), ADDRESS, TIMERS, 0.0)


def new(machine: Callable[..., Any]) -> Transaction:
    transaction: Transaction = machine(request(), ADDRESS, TIMERS, 0.0)
    return transaction


def run_timers(transaction: Transaction) -> list[tuple[float, tuple[Action, ...]]]:
    """Fire every timer at its time until none is left."""
    fired = []
    while (at := transaction.get_timer()) is not None:
        fired.append((at, transaction.handle_timer(at)))
    return fired


# Timers, one test each.


def test_timer_a_doubles_without_a_cap_until_timer_b_reports_silence() -> None:
    transaction = invite_client()

    fired = run_timers(transaction)

    assert fired[:7] == [
        *((at, (Action.SEND,)) for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)),
        (32.0, (Action.REPORT_TIMEOUT,)),
    ]


def test_silence_leaves_the_transaction_listening_for_a_late_answer_for_64_t1() -> None:
    transaction = invite_client()

    assert run_timers(transaction)[-1] == (64.0, ())
    assert transaction.is_terminated


def test_a_provisional_stops_timers_a_and_b() -> None:
    transaction = invite_client()

    assert transaction.receive(response(180), 0.1) == (Action.DELIVER,)
    assert transaction.state is State.PROCEEDING
    assert transaction.get_timer() is None


def test_timer_d_ends_a_refused_invite_after_32_s() -> None:
    transaction = invite_client()
    transaction.receive(response(486), 1.0)

    assert run_timers(transaction) == [(33.0, ())]
    assert transaction.is_terminated


def test_timer_m_ends_an_answered_invite_after_64_t1() -> None:
    transaction = invite_client()
    transaction.receive(response(200), 1.0)

    assert run_timers(transaction) == [(33.0, ())]
    assert transaction.is_terminated


def test_timer_e_doubles_to_t2_until_timer_f_gives_up() -> None:
    fired = run_timers(bye_client())

    assert fired == [
        *((at, (Action.SEND,)) for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)),
        (32.0, (Action.REPORT_TIMEOUT,)),
    ]


def test_after_a_provisional_timer_e_runs_at_t2_and_timer_f_as_before() -> None:
    transaction = bye_client()
    transaction.receive(response(100, request("BYE")), 0.1)

    times = [at for at, _ in run_timers(transaction)]

    assert times == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5, 32.0]


def test_timer_k_ends_an_answered_bye_after_t4() -> None:
    transaction = bye_client()
    transaction.receive(response(200, request("BYE")), 1.0)

    assert run_timers(transaction) == [(6.0, ())]
    assert transaction.is_terminated


def test_a_late_timer_fires_once_and_goes_on_from_now() -> None:
    """A loop that stood still for 10 s must not make up for it by a burst."""
    transaction = invite_client()

    assert transaction.handle_timer(10.0) == (Action.SEND,)
    assert transaction.handle_timer(10.0) == ()
    assert transaction.get_timer() == 11.0


def test_when_both_timers_are_late_only_the_end_counts() -> None:
    transaction = invite_client()

    assert transaction.handle_timer(40.0) == (Action.REPORT_TIMEOUT,)


def test_before_its_time_a_timer_does_nothing() -> None:
    transaction = invite_client()

    assert transaction.handle_timer(0.4) == ()
    assert transaction.get_timer() == 0.5


# INVITE client.


@pytest.mark.parametrize("has_rung", [False, True])
@pytest.mark.parametrize("status_code", [300, 401, 404, 486, 503, 603, 699])
def test_a_refusal_is_acked_and_delivered_once(status_code: int, has_rung: bool) -> None:  # noqa: FBT001 (parameter)
    transaction = invite_client()
    if has_rung:
        transaction.receive(response(180), 0.1)

    assert transaction.receive(response(status_code), 1.0) == (Action.SEND_ACK, Action.DELIVER)
    assert transaction.receive(response(status_code), 1.5) == (Action.SEND_ACK,)


@pytest.mark.parametrize("has_rung", [False, True])
def test_every_2xx_is_delivered_since_each_must_be_acked(has_rung: bool) -> None:  # noqa: FBT001 (parameter)
    transaction = invite_client()
    if has_rung:
        transaction.receive(response(180), 0.1)

    assert transaction.receive(response(200), 1.0) == (Action.DELIVER,)
    assert transaction.receive(response(200), 1.5) == (Action.DELIVER,)


def test_after_a_2xx_a_refusal_of_another_branch_is_ignored() -> None:
    transaction = invite_client()
    transaction.receive(response(200), 1.0)

    assert transaction.receive(response(486), 1.1) == ()
    assert transaction.state is State.ACCEPTED
    assert transaction.ignored == 1


def test_an_answer_after_giving_up_is_delivered() -> None:
    transaction = invite_client()
    transaction.receive(response(180), 0.1)
    transaction.step(Input.GIVE_UP, 60.0)

    assert transaction.receive(response(200), 70.0) == (Action.DELIVER,)
    assert transaction.get_timer() == 70.0 + 32.0


def test_a_refusal_after_giving_up_is_acked_but_no_news() -> None:
    transaction = invite_client()
    run_timers_until(transaction, 32.0)

    assert transaction.receive(response(487), 40.0) == (Action.SEND_ACK,)
    assert transaction.state is State.COMPLETED


def run_timers_until(transaction: Transaction, until: float) -> None:
    while (at := transaction.get_timer()) is not None and at <= until:
        transaction.handle_timer(at)


@pytest.mark.parametrize("has_rung", [False, True])
def test_a_transport_error_is_reported_once(has_rung: bool) -> None:  # noqa: FBT001 (parameter)
    transaction = invite_client()
    if has_rung:
        transaction.receive(response(180), 0.1)

    assert transaction.step(Input.TRANSPORT_ERROR, 1.0) == (Action.REPORT_TRANSPORT_ERROR,)
    assert transaction.step(Input.TRANSPORT_ERROR, 1.0) == ()


def test_the_ack_of_a_refusal_goes_the_way_of_its_invite() -> None:
    invite = request(headers=(("Route", "<sip:10.0.0.1;lr>"), ("Route", "<sip:10.0.0.2;lr>")))

    ack = ack_of_failure(invite, response(486, invite))

    assert ack.start_line == "ACK sip:79000000001@127.0.0.9 SIP/2.0"
    assert str(ack.via) == str(invite.via)
    assert ack.headers.get_all("Route") == ["<sip:10.0.0.1;lr>", "<sip:10.0.0.2;lr>"]
    assert ack.to.tag == "callee"
    assert (ack.from_, ack.call_id, str(ack.cseq)) == (invite.from_, "call", "1 ACK")


def test_the_ack_is_at_hand_when_a_refusal_has_come() -> None:
    transaction = invite_client()
    transaction.receive(response(486), 1.0)

    assert parse_message(transaction.ack).cseq.method == "ACK"


# Non-INVITE client.


@pytest.mark.parametrize("status_code", [200, 302, 481, 500, 603])
def test_a_final_response_to_bye_is_delivered_once(status_code: int) -> None:
    transaction = bye_client()

    assert transaction.receive(response(status_code, request("BYE")), 1.0) == (Action.DELIVER,)
    assert transaction.receive(response(status_code, request("BYE")), 1.1) == ()
    assert transaction.ignored == 1


@pytest.mark.parametrize("event", [Input.TRANSPORT_ERROR, Input.TIMER_F])
@pytest.mark.parametrize("is_proceeding", [False, True])
def test_a_bye_that_cannot_be_delivered_ends(event: Input, is_proceeding: bool) -> None:  # noqa: FBT001 (parameter)
    transaction = bye_client()
    if is_proceeding:
        transaction.receive(response(100, request("BYE")), 0.1)

    assert len(transaction.step(event, 1.0)) == 1
    assert transaction.is_terminated


# What holds for every machine.


@pytest.mark.parametrize("machine", MACHINES)
def test_a_pair_that_the_table_lacks_changes_nothing(machine: type[Transaction]) -> None:
    for state, event in set(product(State, Input)) - set(machine.TRANSITIONS):
        transaction = new(machine)
        transaction.state = state
        timer = transaction.get_timer()
        if event in OWN_INPUTS:
            with pytest.raises(LocalProtocolError):
                transaction.step(event, 5.0)
            assert transaction.ignored == 0
        else:
            assert transaction.step(event, 5.0) == ()
            assert transaction.ignored == 1
        assert (transaction.state, transaction.get_timer()) == (state, timer)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_reached_and_all_roads_end(machine: type[Transaction]) -> None:
    ways = {(state, target) for (state, _), (target, _) in machine.TRANSITIONS.items()}
    states = {state for way in ways for state in way}
    reached = {new(machine).state}
    while more := {target for state, target in ways if state in reached} - reached:
        reached |= more
    assert reached == states
    ending = {State.TERMINATED}
    while more := {state for state, target in ways if target in ending} - ending:
        ending |= more
    assert ending == states


@pytest.mark.parametrize("machine", MACHINES)
def test_a_state_handles_the_timers_that_it_runs_and_no_others(machine: type[Transaction]) -> None:
    handled = {(state, event) for state, event in machine.TRANSITIONS if event.value.startswith("timer_")}
    run = {
        (state, event)
        for state, timers in machine.TIMERS.items()
        for event in (timers.retransmit, timers.expiry)
        if event is not None
    }
    assert handled == run


@given(
    machine=st.sampled_from(MACHINES),
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(set(Input) - OWN_INPUTS, key=str)), st.floats(0, 40)), max_size=30
    ),
)
def test_any_sequence_of_inputs_leaves_a_sound_machine(
    machine: type[Transaction], steps: list[tuple[Input, float]]
) -> None:
    transaction = new(machine)
    now = 0.0
    for event, pause in steps:
        now += pause
        transaction.handle_timer(now)
        transaction.step(event, now)
        due = transaction.get_timer()
        assert (due is not None) == (transaction.state in machine.TIMERS)
    while (due := transaction.get_timer()) is not None:
        transaction.handle_timer(max(now, due))
    assert transaction.state in {State.TERMINATED, State.PROCEEDING, State.TRYING}


def reliable(kind: type[Transaction], method: str) -> Transaction:
    asked = request(method)
    asked.reply_to = CONNECTION
    if issubclass(kind, ServerTransaction):
        return kind(asked, TIMERS, 0.0)
    assert issubclass(kind, InviteClientTransaction | NonInviteClientTransaction)
    return kind(asked, CONNECTION, TIMERS, 0.0)


@pytest.mark.parametrize(
    ("kind", "method", "gives_up_at"),
    [
        (InviteClientTransaction, "INVITE", 32.0),  # Timer B, and 64*T1 more for a late 2xx (Rule 3)
        (NonInviteClientTransaction, "BYE", 32.0),
    ],
)
def test_over_a_connection_a_request_is_sent_once(
    kind: type[Transaction], method: str, gives_up_at: float
) -> None:
    """RFC 3261 §17.1.1.2, §17.1.2.2: Timers A and E are for unreliable transports only."""
    assert run_timers(reliable(kind, method))[0] == (gives_up_at, (Action.REPORT_TIMEOUT,))


def test_over_a_connection_nothing_waits_for_retransmissions() -> None:
    """RFC 3261 §17, table 4: Timers D, I, J and K are 0 s, G never fires, H does."""
    invite = reliable(InviteClientTransaction, "INVITE")
    assert isinstance(invite, InviteClientTransaction)
    invite.receive(response(486), 1.0)
    bye = reliable(NonInviteClientTransaction, "BYE")
    assert isinstance(bye, NonInviteClientTransaction)
    bye.receive(response(200, request("BYE")), 1.0)
    refused = reliable(InviteServerTransaction, "INVITE")
    assert isinstance(refused, ServerTransaction)
    refused.respond(response(488), 1.0)
    unconfirmed = run_timers(refused)
    acked = reliable(InviteServerTransaction, "INVITE")
    assert isinstance(acked, ServerTransaction)
    acked.respond(response(488), 1.0)
    acked.receive(request("ACK"), 1.0)
    answered = reliable(NonInviteServerTransaction, "BYE")
    assert isinstance(answered, ServerTransaction)
    answered.respond(response(200), 1.0)

    assert [run_timers(machine) for machine in (invite, bye, acked, answered)] == [[(1.0, ())]] * 4
    assert unconfirmed == [(33.0, (Action.REPORT_TIMEOUT,))]


def test_over_a_connection_a_2xx_is_repeated_and_absorbed_all_the_same() -> None:
    """RFC 3261 §13.3.1.4: the hops behind may be UDP; RFC 6026 §8.4: Timer M is 64*T1 for all transports."""
    theirs = reliable(InviteServerTransaction, "INVITE")
    assert isinstance(theirs, ServerTransaction)
    theirs.respond(response(200), 0.0)
    ours = reliable(InviteClientTransaction, "INVITE")
    assert isinstance(ours, InviteClientTransaction)
    ours.receive(response(200), 0.0)

    assert run_timers(theirs)[0] == (0.5, (Action.SEND,))
    assert run_timers(ours) == [(32.0, ())]
