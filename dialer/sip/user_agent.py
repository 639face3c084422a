"""
The SIP user agent of one node, sans-IO: matches messages to transactions and dialogs, carries out what a call
decides, and says what happened as `SessionEvent`s.

Rule 1: whatever arrives, nothing is raised. Malformed and stray messages are counted, and answered where
the RFC wants an answer.
Rule 2: it decides nothing about a call, apart from manners: a BYE is answered 200, a re-INVITE by the media that it
asks for, a reliable provisional by a PRACK, a 401 to our BYE by credentials.
"""

from collections import Counter, deque

from dialer.config import CallRequest, DialerConfig
from dialer.errors import RemoteProtocolError
from dialer.sip.dialog_client import DialogClient, retry_after_of
from dialer.sip.hop import Address, Hop
from dialer.sip.invite_session import InviteSession, Rng
from dialer.sip.message import Response, parse_message
from dialer.sip.nat import PublicAddresses
from dialer.sip.request_handler import RequestHandler, q850_cause_of
from dialer.sip.session_event import Kind, SessionEvent
from dialer.sip.session_timer import SessionTimer
from dialer.sip.trace import TraceRecord
from dialer.sip.transaction import (
    Action,
    Input,
    InviteClientTransaction,
    NonInviteClientTransaction,
    State,
    Transaction,
)
from dialer.sip.transaction_layer import ClientTransaction, TransactionLayer
from dialer.sip.trunk_watch import TrunkWatch
from dialer.sip.trunk_watches import TrunkWatches


class SipUserAgent:
    """
    Five verbs for the socket (`receive_datagram`, `datagrams_to_send`, `get_timer`, `handle_timer`, `next_event`), and
    one for each thing that a call may do.

    `now` is monotonic seconds and never falls. After any verb, send what `datagrams_to_send` gives, take the events,
    and look at `get_timer` again.
    """

    def __init__(self, config: DialerConfig, rng: Rng) -> None:
        self._config = config
        self._listening = config.listening_transports
        self._rng = rng
        self._public = PublicAddresses(config)
        self._events: deque[SessionEvent] = deque()
        self._layer = TransactionLayer(config)
        self._dialogs = DialogClient(config, rng, self._layer, self._events)
        self._requests = RequestHandler(config, rng, self._layer, self._events)
        self._watches = TrunkWatches(config, rng, self._layer, self._public)

    @property
    def counters(self) -> Counter[str]:
        """What arrived and was of no use, by kind."""
        return self._layer.counters

    @property
    def is_idle(self) -> bool:
        """No session, transaction or timer is left."""
        return self._layer.is_idle

    def has_session(self, call_id: str) -> bool:
        """Whether the Call-ID is in use; it stays so until its last retransmission must have come."""
        return call_id in self._layer.sessions

    def records(self, call_id: str) -> list[TraceRecord]:
        """Every message of a call, if `DialerConfig.trace` is on."""
        return self._layer.traces.records(call_id)

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """Feed one message: a UDP payload, or what `StreamFramer` cut out of a connection. Never raises; see Rule 1."""
        try:
            message = parse_message(data, self._config.limits)
        except RemoteProtocolError as error:
            self._requests.refuse_malformed(data, error, source, now)
            return
        self._layer.traces.note(message.call_id, now, "received", source, data)
        if isinstance(message, Response):
            self._receive_response(message, source, now)
        else:
            self._requests.receive(message, source, len(data), now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Hop]]:  # noqa: ARG002 (a verb of the shell)
        """Take what must be sent, in order."""
        outgoing, self._layer.outgoing = self._layer.outgoing, []
        return outgoing

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called; early at most, never late. None when nothing waits."""
        return self._layer.timers.get_timer()

    def handle_timer(self, now: float) -> None:
        """Let every transaction and session timer whose time has come act."""
        while (owner := self._layer.timers.pop_due(now)) is not None:
            if isinstance(owner, SessionTimer):
                self._dialogs.act(owner, owner.handle_timer(now), now)
            elif isinstance(owner, TrunkWatch):
                self._watches.handle_timer(owner, now)
            else:
                self._perform(owner, owner.handle_timer(now), now)

    def next_event(self) -> SessionEvent | None:
        """Take the oldest event."""
        return self._events.popleft() if self._events else None

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop, now: float) -> None:
        """Answer what a connection cannot be read after, if it was a request (§18.3). Never raises."""
        self._requests.refuse_malformed(data, error, source, now)

    def transport_failed(self, hop: Hop, now: float, refused: bytes = b"") -> None:
        """
        Nothing reaches `hop`: ICMP or a refused connection say so (§18.4). Its client transactions fail.

        Not an INVITE without any response, where ICMP speaks of another datagram than its own: it may have arrived before
        the peer died, or after it came back, and "provably not placed" will be concluded from this. It will be refused
        itself when it is repeated.
        """
        for transaction in self._clients_of(hop):
            if refused and transaction.state is State.CALLING:
                branch = transaction.request.via.branch.encode()
                if branch not in refused:
                    continue
            self._perform(transaction, transaction.step(Input.TRANSPORT_ERROR, now), now)

    def connection_lost(self, hop: Hop, now: float) -> None:
        """
        A connection that was open has broken, and what left last may not have arrived.

        An INVITE fails, for to send it anew might call twice; any other request is sent again, over a new connection:
        the same branch, so that a server which has it absorbs it (§17.2.2). A talk goes on.
        """
        for transaction in self._clients_of(hop):
            if isinstance(transaction, InviteClientTransaction):
                session = transaction.user
                assert isinstance(session, InviteSession)
                session.may_go_by_tcp = False  # no second try, by UDP
                session.has_lost_connection = True
                self._perform(transaction, transaction.step(Input.TRANSPORT_ERROR, now), now)
            elif transaction.state in {State.TRYING, State.PROCEEDING}:
                self._layer.send(transaction.outgoing, hop, now, transaction.request.call_id)

    def _clients_of(self, hop: Hop) -> list[ClientTransaction]:
        return [client for client in self._layer.clients.values() if client.destination == hop]

    @property
    def watches(self) -> TrunkWatches:
        """Trunks that are registered with and asked by OPTIONS."""
        return self._watches

    # What a call may do.

    def open_session(
        self, request: CallRequest, call_id: str, rtp_address: Address, local_address: Address, user: object
    ) -> InviteSession:
        """Prepare a call; `invite` sends its INVITE. Both addresses are what we are bound to."""
        trunk = request.trunk
        session = InviteSession(
            request,
            call_id,
            rtp_address=self._public.media(trunk, rtp_address),
            local_address=self._public.signalling(trunk, local_address),
            user_agent=self._config.user_agent,
            rng=self._rng,
            user=user,
            listening=self._listening,
        )
        self._layer.sessions[call_id] = session
        self._layer.traces.open(call_id)
        return session

    def invite(self, session: InviteSession, now: float) -> None:
        """Send an INVITE; after `Kind.RETRY` the next one, as the refusal asked for it."""
        request = session.build_invite()
        session.transaction = InviteClientTransaction(
            request, session.destination, self._config.timers, now, session
        )
        self._layer.start_client(session.transaction, session, now)

    def cancel(self, session: InviteSession, reason: str, now: float) -> None:
        """Send a CANCEL for the INVITE, which must have had a provisional response (RFC 3261 §9.1)."""
        cancel = NonInviteClientTransaction(
            session.build_cancel(reason), session.destination, self._config.timers, now, session
        )
        self._layer.start_client(cancel, session, now)

    def give_up(self, session: InviteSession, now: float) -> None:
        """The 487 of our CANCEL never came (§9.1)."""
        transaction = session.transaction
        assert transaction is not None
        self._perform(transaction, transaction.step(Input.GIVE_UP, now), now)

    def acknowledge(self, session: InviteSession, response: Response, source: Hop, now: float) -> None:
        """ACK a 2xx; a repeated 2xx gets the very same ACK (§13.2.2.4)."""
        self._dialogs.acknowledge(session, response, source, now)

    def hang_up(self, session: InviteSession, reason: str, now: float) -> None:
        """Send the BYE of the call's own dialog; `reason` is a Reason value (RFC 3326)."""
        assert session.dialog is not None
        self._dialogs.hang_up(session, session.dialog, reason, now)

    def hang_up_fork(
        self, session: InviteSession, response: Response, source: Hop, reason: str, now: float
    ) -> None:
        """Send a BYE to a callee whom nobody will talk to; `response` is their first 2xx."""
        dialog = session.dialog_of(response, source)
        if dialog is not None:
            self._dialogs.hang_up(session, dialog, reason, now)

    def release(self, session: InviteSession, now: float) -> None:
        """The call is over: forget it once its transactions have ended."""
        session.is_released = True
        self._dialogs.release(session, now)
        self._layer.forget_if_over(session)

    def _receive_response(self, response: Response, source: Hop, now: float) -> None:
        transaction = self._layer.client_of(response)
        if transaction is None:
            self.counters["stray_responses"] += 1
            return
        if self._public.is_learning:
            self._public.learn(transaction.destination, response.via)
        actions = transaction.receive(response, now)
        if isinstance(transaction.user, TrunkWatch):
            if response.is_final and Action.DELIVER in actions:
                self._watches.receive(transaction, response, now)
        elif Action.DELIVER in actions:
            session = transaction.user
            assert isinstance(session, InviteSession)
            if transaction is session.transaction:
                self._deliver(session, response, source, now)
            else:
                self._dialogs.receive_response(session, transaction, response, now)
        self._perform(transaction, actions, now)

    def _deliver(self, session: InviteSession, response: Response, source: Hop, now: float) -> None:
        """Say what a response to the INVITE means."""
        if response.is_provisional:
            self._deliver_provisional(session, response, source, now)
        elif response.is_success:
            self._deliver_success(session, response, source, now)
        else:
            self._events.append(
                SessionEvent(
                    session,
                    Kind.RETRY if session.retry(response) else Kind.FAILURE,
                    response,
                    source,
                    None,
                    q850_cause_of(response),
                    retry_after_of(response),
                )
            )

    def _deliver_provisional(
        self, session: InviteSession, response: Response, source: Hop, now: float
    ) -> None:
        media = None
        if response.status_code > 100:
            is_reliable = "RSeq" in response.headers and "100rel" in response.headers.get_all("Require")
            if is_reliable and not self._dialogs.take_reliable(session, response, source, now):
                return
            early = session.early_dialog_of(response, source)
            # What came reliably is the answer; later descriptions are to be ignored (RFC 3261 §13.2.1).
            if early is None or not early.is_answered:
                media = session.read_answer(response)
                if early is not None:
                    early.note_answer(media, is_reliable=is_reliable)
        self._events.append(SessionEvent(session, Kind.PROVISIONAL, response, source, media))

    def _deliver_success(self, session: InviteSession, response: Response, source: Hop, now: float) -> None:
        media = None
        tag = response.to.tag or ""
        if tag in session.dialogs or tag in session.ended_tags:
            kind = Kind.REPEATED_SUCCESS
        elif session.dialog is not None:
            kind = Kind.FORKED_SUCCESS
        else:
            early = session.early.get(tag)
            session.dialog = session.dialog_of(response, source)
            if early is not None and early.is_answered:
                media = session.media = early.media
            else:
                media = session.read_answer(response)
            if media is None and not response.body:
                # Many gateways send their SDP in a 183 and none in the 2xx (§13.2.1 wants the same in both).
                media = session.media = (early and early.media) or session.media
            kind = Kind.UNUSABLE_SUCCESS if media is None else Kind.SUCCESS
            self._dialogs.agree_on_timer(session, response, now)
        self._events.append(SessionEvent(session, kind, response, source, media))

    def _perform(self, transaction: Transaction, actions: tuple[Action, ...], now: float) -> None:
        for action in actions:
            if action in {Action.REPORT_TIMEOUT, Action.REPORT_TRANSPORT_ERROR}:
                self._report(transaction, action, now)
        self._layer.perform(transaction, actions, now)

    def _report(self, transaction: Transaction, action: Action, now: float) -> None:
        session = transaction.user
        if isinstance(session, TrunkWatch):
            self._watches.fail(
                transaction, "silent" if action is Action.REPORT_TIMEOUT else "unreachable", now
            )
            return
        assert isinstance(session, InviteSession)
        if transaction is session.transaction:
            if action is Action.REPORT_TRANSPORT_ERROR and session.falls_back_to_udp():
                self._events.append(SessionEvent(session, Kind.RETRY))
                return
            kind = Kind.SILENCE if action is Action.REPORT_TIMEOUT else Kind.TRANSPORT_ERROR
            if session.has_lost_connection:
                kind = Kind.CONNECTION_LOST
            self._events.append(SessionEvent(session, kind))
        elif transaction is session.reinvite:
            self._events.append(SessionEvent(session, Kind.ACK_MISSING))
        elif isinstance(transaction, InviteClientTransaction | NonInviteClientTransaction):
            self._dialogs.report(session, transaction, action, now)
