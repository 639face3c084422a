"""
All transactions and sessions of one user agent: look-up, timers, sending, and forgetting them when they are over.

RFC 3261 §17.1.3 (matching responses), §17.2.3 (matching requests).
"""

from collections import Counter
from typing import Any, Final, Protocol

from dialer.config import DialerConfig
from dialer.sip.hop import Hop
from dialer.sip.invite_session import InviteSession
from dialer.sip.message import Request, Response
from dialer.sip.server_transaction import ServerTransaction
from dialer.sip.timer_heap import TimerHeap
from dialer.sip.trace import TraceRing
from dialer.sip.transaction import (
    Action,
    InviteClientTransaction,
    NonInviteClientTransaction,
    Transaction,
)

ClientTransaction = InviteClientTransaction | NonInviteClientTransaction
ClientKey = tuple[str, str]
"""Branch and method."""
ServerKey = tuple[str, str, str]
"""Branch, sent-by and method."""

_MAGIC_COOKIE: Final = "z9hG4bK"


class TransactionUser(Protocol):
    """Whose transaction it is."""

    open_transactions: int
    is_released: bool
    """It ends with its last transaction."""

    @property
    def call_id(self) -> str: ...


class TransactionLayer:
    """Owns every transaction; `counters` is shared with whoever else counts."""

    def __init__(self, config: DialerConfig) -> None:
        self.timers: TimerHeap[Any] = TimerHeap()
        self.clients: dict[ClientKey, ClientTransaction] = {}
        self.servers: dict[ServerKey, ServerTransaction] = {}
        self.sessions: dict[str, InviteSession] = {}
        """By Call-ID."""
        self.counters: Counter[str] = Counter()
        self.outgoing: list[tuple[bytes, Hop]] = []
        self.traces = TraceRing(is_on=config.trace)

    @property
    def is_idle(self) -> bool:
        """No transaction, session or timer is left."""
        return not (self.clients or self.servers or self.sessions or len(self.timers))

    def client_of(self, response: Response) -> ClientTransaction | None:
        """Find whose response it is: branch and CSeq method (§17.1.3)."""
        return self.clients.get((response.via.branch, response.cseq.method))

    def start_client(self, transaction: ClientTransaction, user: TransactionUser, now: float) -> None:
        """Send its request and keep it."""
        self.clients[transaction.request.via.branch, transaction.request.method] = transaction
        user.open_transactions += 1
        self.send(transaction.outgoing, transaction.destination, now, user.call_id)
        self.timers.schedule(transaction)

    def start_server(
        self, transaction: ServerTransaction, response: Response, session: InviteSession, now: float
    ) -> None:
        """Answer its request and keep it for retransmissions."""
        self.servers[server_key(transaction.request)] = transaction
        session.open_transactions += 1
        self.perform(transaction, transaction.respond(response, now), now)

    def perform(self, transaction: Transaction, actions: tuple[Action, ...], now: float) -> None:
        """Carry out what a transaction wants sent; forget it, and perhaps its session, when it is over."""
        for action in actions:
            if action is Action.SEND:
                self.send(transaction.outgoing, transaction.destination, now, transaction.request.call_id)
            elif action is Action.SEND_ACK:
                assert isinstance(transaction, InviteClientTransaction)
                self.send(transaction.ack, transaction.destination, now, transaction.request.call_id)
        self.timers.schedule(transaction)
        if transaction.is_terminated:
            if isinstance(transaction, ServerTransaction):
                del self.servers[server_key(transaction.request)]
            else:
                del self.clients[transaction.request.via.branch, transaction.request.method]
            user: Any = transaction.user
            user.open_transactions -= 1
            self.forget_if_over(user)

    def forget_if_over(self, user: TransactionUser) -> None:
        """Drop a released session with its last transaction."""
        if user.is_released and user.open_transactions == 0:
            self.sessions.pop(user.call_id, None)

    def send(self, data: bytes, destination: Hop, now: float, call_id: str) -> None:
        """Queue one datagram, and note it for the ladder of its call."""
        self.outgoing.append((data, destination))
        self.traces.note(call_id, now, "sent", destination, data)


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """
    Name the transaction of a request; an ACK is looked up as INVITE, a CANCEL's target likewise.

    An RFC 2543 peer has no unique branch, so what identifies its request takes the place of it.
    """
    via = request.via
    branch = via.branch
    if not branch.startswith(_MAGIC_COOKIE):
        branch = f"{request.call_id} {request.from_.tag} {request.cseq.number}"
    if method is None:
        method = "INVITE" if request.method == "ACK" else request.method
    return branch, via.sent_by, method
