"""
The transactions of SIP: RFC 3261 §17 with the corrections of RFC 6026. The client ones are here, the server
ones in `server_transaction`.

Each machine is one table, `TRANSITIONS[state, input] -> (next state, actions)`, and one table of the timers that a
state runs, `TIMERS[state]`. The names are the RFC's. Actions are values, carried out by the owner in order; a
transaction neither sends nor calls anybody.

Rule 1: a pair absent from the table changes nothing. From the network (a late timer too) it is counted in
`ignored`; from our own code it is a LocalProtocolError.
Rule 2: a timer that the old and the new state both run goes on; every other is armed anew or stopped.
Rule 3: where we go beyond the RFC the row says so. There are three such things:
- GIVEN_UP. After Timer B, a transport error, or when the 487 of a CANCEL never comes, the RFC destroys the
  transaction. A callee who answers later would then talk to nobody for 32 s; so we listen 64*T1 longer, to ACK the
  2xx and hang up.
- TIMER_2XX. The TU's retransmission of a 2xx (§13.3.1.4) has no letter and no transaction in the RFC; ours is in the
  INVITE server transaction, which therefore also takes the ACK of a 2xx and moves to ACKNOWLEDGED.
- Timer D is 64*T1 like its siblings, which with T1 = 0.5 s is the 32 s that the RFC asks for.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar, Final, NamedTuple

from dialer.config import TimerConfig
from dialer.errors import LocalProtocolError
from dialer.sip.fields import Headers
from dialer.sip.hop import Hop
from dialer.sip.message import Request, Response
from dialer.sip.timer_heap import TimerEntry


class State(Enum):
    """States of all four machines (RFC 3261 figures 5-8, RFC 6026 §7)."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    GIVEN_UP = "given_up"
    TERMINATED = "terminated"

    __hash__ = object.__hash__  # members are unique; Enum's own hash is a Python call per look-up


class Input(Enum):
    """What can happen to a transaction."""

    # client: a response arrives
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    # server: a request arrives
    REQUEST = "request"
    ACK = "ack"
    # timers
    TIMER_A = "timer_a"
    TIMER_B = "timer_b"
    TIMER_D = "timer_d"
    TIMER_E = "timer_e"
    TIMER_F = "timer_f"
    TIMER_G = "timer_g"
    TIMER_H = "timer_h"
    TIMER_I = "timer_i"
    TIMER_J = "timer_j"
    TIMER_K = "timer_k"
    TIMER_L = "timer_l"
    TIMER_M = "timer_m"
    TIMER_2XX = "timer_2xx"
    TIMER_GIVEN_UP = "timer_given_up"
    # the transport layer
    TRANSPORT_ERROR = "transport_error"
    # our own code
    SEND_PROVISIONAL = "send_1xx"
    SEND_SUCCESS = "send_2xx"
    SEND_FAILURE = "send_300-699"
    GIVE_UP = "give_up"

    __hash__ = object.__hash__


OWN_INPUTS: Final = frozenset({Input.SEND_PROVISIONAL, Input.SEND_SUCCESS, Input.SEND_FAILURE, Input.GIVE_UP})
"""Inputs from our own code: a missing row is a bug of ours."""


FOR_UDP: Final = frozenset({Input.TIMER_A, Input.TIMER_E, Input.TIMER_G})
"""Retransmissions that a reliable transport does by itself (§17); that of a 2xx is not among them (§13.3.1.4)."""
ZERO_IF_RELIABLE: Final = frozenset({Input.TIMER_D, Input.TIMER_I, Input.TIMER_J, Input.TIMER_K})
"""What absorbs retransmissions lasts 0 s where there are none (§17, table 4); L and M do not (RFC 6026 §8.4, §8.6)."""


class Action(Enum):
    """What the owner of a transaction must do now."""

    SEND = "send"
    """`outgoing` to `destination`."""
    SEND_ACK = "send_ack"
    """`ack` to `destination`."""
    DELIVER = "deliver"
    """The message that was just received goes to the TU."""
    REPORT_TIMEOUT = "report_timeout"
    REPORT_TRANSPORT_ERROR = "report_transport_error"

    __hash__ = object.__hash__


_S, _I, _A = State, Input, Action
Transitions = Mapping[tuple[State, Input], tuple[State, tuple[Action, ...]]]


class StateTimers(NamedTuple):
    """The timers that one state runs."""

    retransmit: Input | None
    """Fires after T1, then at doubling intervals."""
    expiry: Input
    """Fires once, after `duration`."""
    duration: Callable[[TimerConfig], float]


def sixty_four_t1(timers: TimerConfig) -> float:
    return 64 * timers.t1_seconds


def t4(timers: TimerConfig) -> float:
    return timers.t4_seconds


class Transaction:
    """What the four machines share. `outgoing` is what is retransmitted: our request, or our last response."""

    TRANSITIONS: ClassVar[Transitions]
    TIMERS: ClassVar[Mapping[State, StateTimers]]
    MAX_INTERVAL_IS_T2: ClassVar[bool] = True

    __slots__ = (
        "_expires_at", "_expiry", "_interval", "_retransmit", "_retransmit_at", "_timers",
        "destination", "ignored", "outgoing", "request", "state", "timer_entry", "user",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        destination: Hop,
        timers: TimerConfig,
        state: State,
        now: float,
        user: object = None,
    ) -> None:
        self.request = request
        self.destination = destination
        self.user = user
        """Whose transaction it is; opaque here."""
        self.outgoing = b""
        self.ignored = 0
        self.timer_entry: TimerEntry[Any] | None = None
        self._timers = timers
        self._retransmit: Input | None = None
        self._retransmit_at: float | None = None
        self._interval = 0.0
        self._expiry: Input | None = None
        self._expires_at: float | None = None
        self.state = state
        self._arm_timers(now)

    @property
    def is_terminated(self) -> bool:
        return self.state is State.TERMINATED

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called, monotonic seconds."""
        if self._retransmit_at is None:
            return self._expires_at
        if self._expires_at is None or self._retransmit_at < self._expires_at:
            return self._retransmit_at
        return self._expires_at

    def handle_timer(self, now: float) -> tuple[Action, ...]:
        """Fire what is due: the expiry alone when both are, since it ends the retransmissions."""
        if self._expires_at is not None and self._expires_at <= now:
            assert self._expiry is not None
            return self.step(self._expiry, now)
        if self._retransmit_at is not None and self._retransmit_at <= now:
            assert self._retransmit is not None
            self._interval *= 2
            if self.MAX_INTERVAL_IS_T2 and (
                self._interval > self._timers.t2_seconds or self.state is State.PROCEEDING
            ):
                self._interval = self._timers.t2_seconds  # §17.1.2.2, §17.2.1
            self._retransmit_at = now + self._interval
            return self.step(self._retransmit, now)
        return ()

    def step(self, event: Input, now: float) -> tuple[Action, ...]:
        """
        Apply one input.

        Raises:
            LocalProtocolError: our own code asked for what this state forbids; nothing has changed.
        """
        transition = self.TRANSITIONS.get((self.state, event))
        if transition is None:
            if event in OWN_INPUTS:
                raise LocalProtocolError(
                    f"{event.value} in state {self.state.value} of {type(self).__name__}"
                )
            self.ignored += 1
            return ()
        next_state, actions = transition
        if next_state is not self.state:
            self.state = next_state
            self._arm_timers(now)
        return actions

    def _arm_timers(self, now: float) -> None:
        wanted = self.TIMERS.get(self.state)
        is_reliable = self.destination.transport != "udp"
        if wanted is None:
            self._retransmit = self._expiry = None
            self._retransmit_at = self._expires_at = None
            return
        if wanted.retransmit is not self._retransmit:  # Rule 2
            self._retransmit = wanted.retransmit
            self._interval = self._timers.t1_seconds
            is_off = wanted.retransmit is None or (is_reliable and wanted.retransmit in FOR_UDP)
            self._retransmit_at = None if is_off else now + self._interval
        if wanted.expiry is not self._expiry:
            self._expiry = wanted.expiry
            is_zero = is_reliable and wanted.expiry in ZERO_IF_RELIABLE
            self._expires_at = now if is_zero else now + wanted.duration(self._timers)


class InviteClientTransaction(Transaction):
    """RFC 3261 §17.1.1 (figure 5) with RFC 6026 §7.2; see Rule 3 for GIVEN_UP."""

    TRANSITIONS: ClassVar[Transitions] = {
        (_S.CALLING, _I.TIMER_A): (_S.CALLING, (_A.SEND,)),
        (_S.CALLING, _I.TIMER_B): (_S.GIVEN_UP, (_A.REPORT_TIMEOUT,)),
        (_S.CALLING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.CALLING, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.CALLING, _I.FAILURE): (_S.COMPLETED, (_A.SEND_ACK, _A.DELIVER)),
        (_S.CALLING, _I.TRANSPORT_ERROR): (_S.GIVEN_UP, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.CALLING, _I.GIVE_UP): (_S.GIVEN_UP, ()),
        (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.FAILURE): (_S.COMPLETED, (_A.SEND_ACK, _A.DELIVER)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR): (_S.GIVEN_UP, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.PROCEEDING, _I.GIVE_UP): (_S.GIVEN_UP, ()),  # §9.1: 64*T1 after the CANCEL
        (_S.COMPLETED, _I.FAILURE): (_S.COMPLETED, (_A.SEND_ACK,)),
        (_S.COMPLETED, _I.TRANSPORT_ERROR): (_S.TERMINATED, ()),  # the TU has its response already
        (_S.COMPLETED, _I.TIMER_D): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),  # the TU ACKs each 2xx again
        (_S.ACCEPTED, _I.TIMER_M): (_S.TERMINATED, ()),
        (_S.GIVEN_UP, _I.SUCCESS): (_S.ACCEPTED, (_A.DELIVER,)),
        (_S.GIVEN_UP, _I.FAILURE): (_S.COMPLETED, (_A.SEND_ACK,)),
        (_S.GIVEN_UP, _I.TIMER_GIVEN_UP): (_S.TERMINATED, ()),
    }
    TIMERS: ClassVar[Mapping[State, StateTimers]] = {
        _S.CALLING: StateTimers(_I.TIMER_A, _I.TIMER_B, sixty_four_t1),
        # PROCEEDING runs no timer: how long a phone may ring is the caller's decision.
        _S.COMPLETED: StateTimers(None, _I.TIMER_D, sixty_four_t1),
        _S.ACCEPTED: StateTimers(None, _I.TIMER_M, sixty_four_t1),
        _S.GIVEN_UP: StateTimers(None, _I.TIMER_GIVEN_UP, sixty_four_t1),
    }
    MAX_INTERVAL_IS_T2: ClassVar[bool] = False  # §17.1.1.2: Timer A doubles without a cap

    __slots__ = ("ack",)

    def __init__(
        self,
        request: Request,
        destination: Hop,
        timers: TimerConfig,
        now: float,
        user: object = None,
    ) -> None:
        super().__init__(request, destination, timers, State.CALLING, now, user)
        self.outgoing = request.to_bytes()
        self.ack = b""

    def receive(self, response: Response, now: float) -> tuple[Action, ...]:
        """Take a response whose branch and CSeq method match; a failure's ACK is in `ack` afterwards."""
        if response.status_code < 200:
            return self.step(Input.PROVISIONAL, now)
        if response.status_code < 300:
            return self.step(Input.SUCCESS, now)
        actions = self.step(Input.FAILURE, now)
        if Action.SEND_ACK in actions and not self.ack:
            self.ack = ack_of_failure(self.request, response).to_bytes()
        return actions


class NonInviteClientTransaction(Transaction):
    """RFC 3261 §17.1.2 (figure 6): CANCEL and BYE."""

    TRANSITIONS: ClassVar[Transitions] = {
        (_S.TRYING, _I.TIMER_E): (_S.TRYING, (_A.SEND,)),
        (_S.TRYING, _I.TIMER_F): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.TRYING, _I.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.TRYING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.TRYING, _I.SUCCESS): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.TRYING, _I.FAILURE): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.TIMER_E): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.TIMER_F): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.SUCCESS): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.PROCEEDING, _I.FAILURE): (_S.COMPLETED, (_A.DELIVER,)),
        (_S.COMPLETED, _I.TIMER_K): (_S.TERMINATED, ()),
    }
    TIMERS: ClassVar[Mapping[State, StateTimers]] = {
        _S.TRYING: StateTimers(_I.TIMER_E, _I.TIMER_F, sixty_four_t1),
        _S.PROCEEDING: StateTimers(_I.TIMER_E, _I.TIMER_F, sixty_four_t1),
        _S.COMPLETED: StateTimers(None, _I.TIMER_K, t4),
    }

    __slots__ = ()

    def __init__(
        self,
        request: Request,
        destination: Hop,
        timers: TimerConfig,
        now: float,
        user: object = None,
    ) -> None:
        super().__init__(request, destination, timers, State.TRYING, now, user)
        self.outgoing = request.to_bytes()

    def receive(self, response: Response, now: float) -> tuple[Action, ...]:
        """Take a response whose branch and CSeq method match."""
        if response.status_code < 200:
            return self.step(Input.PROVISIONAL, now)
        return self.step(Input.SUCCESS if response.status_code < 300 else Input.FAILURE, now)


def ack_of_failure(invite: Request, response: Response) -> Request:
    """Build the ACK of a 300-699, which goes the way of the INVITE (RFC 3261 §17.1.1.3)."""
    headers = Headers()
    headers.add("Via", str(invite.via))
    headers.add("From", str(invite.from_))
    headers.add("To", str(response.to))
    headers.add("Call-ID", invite.call_id)
    headers.add("CSeq", f"{invite.cseq.number} ACK")
    headers.add("Max-Forwards", "70")
    for value in invite.headers.get_all("Route"):
        headers.add("Route", value)
    return Request("ACK", invite.uri, headers)
