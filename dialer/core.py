"""
All calls of one node, sans-IO: `SipUserAgent` below, one `Call` table per call above.

Rule: the user agent tells what arrived, the call decides, and this module carries the decision back. It knows neither
RFC timers nor outcomes.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

from dialer.call import Call
from dialer.call_table import CallAction, CallInput, CallState
from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.errors import LocalProtocolError, RemoteProtocolError
from dialer.events import CallEvent, CallId, TrunkEvent
from dialer.outcome import FORK_RELEASE_REASON
from dialer.sip.hop import Address, Hop
from dialer.sip.invite_session import InviteSession, Rng
from dialer.sip.session_event import Kind, SessionEvent
from dialer.sip.timer_heap import TimerHeap
from dialer.sip.trace import TraceRecord
from dialer.sip.user_agent import SipUserAgent

_INPUTS: Final[Mapping[Kind, CallInput]] = {kind: CallInput[kind.name] for kind in Kind}


class DialerCore:
    """
    Places, hears and ends calls. After any verb: send `datagrams_to_send`, take the events, look at `get_timer`.

    `now` is monotonic seconds and never falls. `rng(n)` gives n random bytes. `local_address` is the UDP socket's, which
    Via and Contact tell to whomever no other address is said of.
    """

    def __init__(self, config: DialerConfig, rng: Rng, local_address: Address) -> None:
        self._rng = rng
        self._max_cancel_seconds = 64 * config.timers.t1_seconds
        self._local_address = local_address
        self._user_agent = SipUserAgent(config, rng)
        self._deadlines: TimerHeap[Call] = TimerHeap()
        self._calls: dict[CallId, Call] = {}
        self._events: deque[CallEvent] = deque()

    @property
    def live_calls(self) -> int:
        """Calls that have not ended."""
        return len(self._calls)

    @property
    def counters(self) -> Counter[str]:
        """What arrived and was of no use, by kind: malformed, stray_requests, stray_responses, ..."""
        return self._user_agent.counters

    @property
    def is_idle(self) -> bool:
        """No call, transaction or timer is left; comes 64*T1 after the last call, when no retransmission can come."""
        return not self._calls and not len(self._deadlines) and self._user_agent.is_idle

    def has_call(self, call_id: CallId) -> bool:
        """Whether the call is live."""
        return call_id in self._calls

    def records(self, call_id: CallId) -> list[TraceRecord]:
        """Every SIP message of a call so far, if `DialerConfig.trace` is on; kept for the newest 4,000 calls."""
        return self._user_agent.records(call_id)

    def place_call(
        self, request: CallRequest, *, rtp_address: Address, now: float, local_address: Address | None = None
    ) -> CallId:
        """
        Send an INVITE that offers audio at `rtp_address`; `local_address` is the signalling's towards this trunk.

        Settings of external addresses go before both.

        Raises:
            LocalProtocolError: `request.call_id` is in use, or a field would break a header line.
        """
        call_id = CallId(request.call_id or self._rng(16).hex())
        if self._user_agent.has_session(call_id):
            raise LocalProtocolError(f"Call-ID in use: {call_id}")
        call = Call(call_id, request, max_cancel_seconds=self._max_cancel_seconds, now=now)
        call.session = self._user_agent.open_session(
            request, call_id, rtp_address, local_address or self._local_address, call
        )
        self._calls[call_id] = call
        try:
            self._carry_out(call, call.receive(CallInput.START, now), now)
        except LocalProtocolError:
            del self._calls[call_id]
            self._user_agent.release(call.session, now)
            raise
        return call_id

    def hang_up(self, call_id: CallId, now: float) -> None:
        """End a call: CANCEL or BYE. A call that has ended, or is ending, is left alone."""
        call = self._calls.get(call_id)
        if call is not None:
            self._carry_out(call, call.receive(CallInput.HANG_UP, now), now)

    def transport_failed(self, hop: Hop, now: float, refused: bytes = b"") -> None:
        """
        Nothing reaches `hop`, says ICMP or a refused connection: unanswered calls that way end `unreachable`.

        `refused` is the beginning of the datagram that ICMP speaks of.
        """
        self._user_agent.transport_failed(hop, now, refused)
        self._take_session_events(now)

    def connection_lost(self, hop: Hop, now: float) -> None:
        """An open connection has broken: unanswered calls over it end `unreachable`, answered ones go on."""
        self._user_agent.connection_lost(hop, now)
        self._take_session_events(now)

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """
        Feed one message: a UDP payload, or what `StreamFramer` cut out of a connection.

        Whatever it is, nothing is raised: it is counted, and answered where that is due.
        """
        self._user_agent.receive_datagram(data, source, now)
        self._take_session_events(now)

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop, now: float) -> None:
        """Answer the message after which a connection cannot be read (RFC 3261 §18.3); the shell closes it then."""
        self._user_agent.receive_unframeable(data, error, source, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Hop]]:
        """Take what must be sent, in order."""
        return self._user_agent.datagrams_to_send(now)

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called; early at most, never late. None when nothing waits."""
        transactions_at = self._user_agent.get_timer()
        calls_at = self._deadlines.get_timer()
        if transactions_at is None or (calls_at is not None and calls_at < transactions_at):
            return calls_at
        return transactions_at

    def handle_timer(self, now: float) -> None:
        """Let everything act whose time has come."""
        self._user_agent.handle_timer(now)
        self._take_session_events(now)
        while (call := self._deadlines.pop_due(now)) is not None:
            self._carry_out(call, call.handle_timer(now), now)

    def next_event(self) -> CallEvent | None:
        """Take the oldest event."""
        return self._events.popleft() if self._events else None

    def watch(self, trunks: Sequence[tuple[TrunkConfig, Address]], now: float) -> None:
        """Register with these trunks and ask them by OPTIONS, as each wants it; no others. See `TrunkWatches.use`."""
        self._user_agent.watches.use(trunks, now)

    @property
    def watches_nothing(self) -> bool:
        """No trunk is watched, and no binding waits to be taken back."""
        return self._user_agent.watches.is_idle

    def next_trunk_event(self) -> TrunkEvent | None:
        """Take the oldest event of a watched trunk."""
        return self._user_agent.watches.next_event()

    def _take_session_events(self, now: float) -> None:
        while (event := self._user_agent.next_event()) is not None:
            call = event.session.user
            assert isinstance(call, Call)
            actions = call.receive(
                _INPUTS[event.kind],
                now,
                sip_status=None if event.response is None else event.response.status_code,
                q850_cause=event.q850_cause,
                media=event.media,
                retry_after_seconds=event.retry_after_seconds,
            )
            self._carry_out(call, actions, now, event)

    def _carry_out(
        self, call: Call, actions: tuple[CallAction, ...], now: float, event: SessionEvent | None = None
    ) -> None:
        for action in actions:
            self._act(call, action, event, now)
        self._deadlines.schedule(call)
        if call.events:
            self._events.extend(call.events)
            call.events.clear()
        if call.state is CallState.ENDED and self._calls.pop(call.call_id, None) is not None:
            self._user_agent.release(call.session, now)

    def _act(self, call: Call, action: CallAction, event: SessionEvent | None, now: float) -> None:
        user_agent = self._user_agent
        session: InviteSession = call.session
        match action:
            case CallAction.SEND_INVITE:
                user_agent.invite(session, now)
            case CallAction.SEND_CANCEL:
                user_agent.cancel(session, call.release_reason, now)
            case CallAction.GIVE_UP:
                user_agent.give_up(session, now)
            case CallAction.SEND_BYE:
                user_agent.hang_up(session, call.release_reason, now)
            case _:
                assert event is not None
                assert event.response is not None
                assert event.source is not None
                if action is CallAction.SEND_ACK:
                    user_agent.acknowledge(session, event.response, event.source, now)
                else:
                    user_agent.hang_up_fork(session, event.response, event.source, FORK_RELEASE_REASON, now)
