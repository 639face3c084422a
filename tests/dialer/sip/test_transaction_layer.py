from dialer.config import CallRequest, DialerConfig, TimerConfig, TrunkConfig
from dialer.sip.invite_session import InviteSession
from dialer.sip.server_transaction import NonInviteServerTransaction
from dialer.sip.transaction import InviteClientTransaction, State, Transaction
from dialer.sip.transaction_layer import TransactionLayer, server_key
from tests.dialer.sip.messages import ADDRESS, counting_rng, request, response


def session(layer: TransactionLayer, call_id: str = "call") -> InviteSession:
    opened = InviteSession(
        CallRequest(number="79000000001", trunk=TrunkConfig(name="t", host="127.0.0.9")),
        call_id,
        rtp_address=("127.0.0.1", 20_000),
        local_address=("127.0.0.1", 5060),
        user_agent="test",
        rng=counting_rng(),
        user=None,
    )
    layer.sessions[call_id] = opened
    return opened


def start_invite(layer: TransactionLayer, opened: InviteSession) -> InviteClientTransaction:
    transaction = InviteClientTransaction(opened.build_invite(), ADDRESS, TimerConfig(), 0.0, opened)
    layer.start_client(transaction, opened, 0.0)
    return transaction


def run_timers(layer: TransactionLayer) -> None:
    while (at := layer.timers.get_timer()) is not None:
        while (transaction := layer.timers.pop_due(at)) is not None:
            assert isinstance(transaction, Transaction)
            layer.perform(transaction, transaction.handle_timer(at), at)


def test_a_client_transaction_is_found_by_branch_and_method() -> None:
    layer = TransactionLayer(DialerConfig())
    transaction = start_invite(layer, session(layer))

    assert layer.client_of(response(180, transaction.request)) is transaction
    assert layer.client_of(response(180, request(branch="z9hG4bKother"))) is None
    assert layer.client_of(response(200, request("CANCEL"))) is None


def test_a_session_goes_with_its_last_transaction_once_released() -> None:
    layer = TransactionLayer(DialerConfig())
    opened = session(layer)
    transaction = start_invite(layer, opened)
    layer.perform(transaction, transaction.receive(response(486), 1.0), 1.0)
    run_timers(layer)
    assert transaction.state is State.TERMINATED
    assert layer.sessions == {"call": opened}
    assert not layer.is_idle

    opened.is_released = True
    layer.forget_if_over(opened)
    assert layer.is_idle


def test_a_released_session_stays_for_its_transactions() -> None:
    layer = TransactionLayer(DialerConfig())
    opened = session(layer)
    start_invite(layer, opened)
    opened.is_released = True
    layer.forget_if_over(opened)
    assert "call" in layer.sessions
    run_timers(layer)

    assert layer.is_idle


def test_a_server_transaction_answers_and_is_found_again() -> None:
    layer = TransactionLayer(DialerConfig())
    opened = session(layer)
    bye = request("BYE")
    transaction = NonInviteServerTransaction(bye, TimerConfig(), 0.0, opened)
    answer = response(200, bye)
    layer.start_server(transaction, answer, opened, 0.0)

    assert layer.outgoing == [(answer.to_bytes(), ADDRESS)]
    assert layer.servers[server_key(bye)] is transaction
    run_timers(layer)
    assert layer.servers == {}


def test_keys_tell_requests_apart_and_an_ack_by_its_invite() -> None:
    assert server_key(request("ACK")) == server_key(request("INVITE"))
    assert server_key(request("CANCEL"), "INVITE") == server_key(request("INVITE"))
    assert server_key(request("CANCEL")) != server_key(request("INVITE"))
    assert server_key(request(branch="z9hG4bKa")) != server_key(request(branch="z9hG4bKb"))


def test_without_a_branch_of_rfc_3261_other_headers_identify() -> None:
    def old(cseq: int) -> tuple[str, str, str]:
        return server_key(request("BYE", branch="1", cseq=cseq))

    assert old(1) == old(1) != old(2)


def test_what_a_transaction_sends_is_traced() -> None:
    layer = TransactionLayer(DialerConfig())
    layer.traces.open("call")
    transaction = start_invite(layer, session(layer))
    layer.perform(transaction, transaction.receive(response(486), 1.0), 1.0)

    assert [record.cseq for record in layer.traces.records("call")] == ["1 INVITE", "1 ACK"]
