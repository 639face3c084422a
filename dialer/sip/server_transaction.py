"""The server transactions of RFC 3261 §17.2 with RFC 6026 §7.1; theory and rules stand in `transaction`."""

from collections.abc import Mapping
from typing import ClassVar

from dialer.config import TimerConfig
from dialer.sip.message import Request, Response
from dialer.sip.transaction import (
    Action,
    Input,
    State,
    StateTimers,
    Transaction,
    Transitions,
    sixty_four_t1,
    t4,
)

_S, _I, _A = State, Input, Action


class ServerTransaction(Transaction):
    """What both server machines share."""

    __slots__ = ()

    def __init__(
        self,
        request: Request,
        timers: TimerConfig,
        now: float,
        user: object = None,
    ) -> None:
        assert request.reply_to is not None
        super().__init__(request, request.reply_to, timers, State.TRYING, now, user)

    def respond(self, response: Response, now: float) -> tuple[Action, ...]:
        """
        Answer the request; `SEND` is among the actions.

        Raises:
            LocalProtocolError: a final response has been given already.
        """
        if response.status_code < 200:
            event = Input.SEND_PROVISIONAL
        else:
            event = Input.SEND_SUCCESS if response.status_code < 300 else Input.SEND_FAILURE
        actions = self.step(event, now)
        self.outgoing = response.to_bytes()
        return actions

    def receive(self, request: Request, now: float) -> tuple[Action, ...]:
        """Take a retransmission of the request, or the ACK of the response."""
        if request.method == "ACK":
            return self.step(Input.ACK, now)
        if request.reply_to is not None:
            self.destination = request.reply_to  # the peer may have had to open another connection (§18.2.2)
        return self.step(Input.REQUEST, now)


class InviteServerTransaction(ServerTransaction):
    """RFC 3261 §17.2.1 (figure 7) with RFC 6026 §7.1; see Rule 3 for TIMER_2XX and ACKNOWLEDGED."""

    TRANSITIONS: ClassVar[Transitions] = {
        (_S.TRYING, _I.REQUEST): (_S.TRYING, ()),  # nothing to repeat yet
        (_S.TRYING, _I.SEND_PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.TRYING, _I.SEND_SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.TRYING, _I.SEND_FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.REQUEST): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.SEND_PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.SEND_SUCCESS): (_S.ACCEPTED, (_A.SEND,)),
        (_S.PROCEEDING, _I.SEND_FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.COMPLETED, _I.REQUEST): (_S.COMPLETED, (_A.SEND,)),
        (_S.COMPLETED, _I.TIMER_G): (_S.COMPLETED, (_A.SEND,)),
        (_S.COMPLETED, _I.ACK): (_S.CONFIRMED, ()),
        (_S.COMPLETED, _I.TIMER_H): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.COMPLETED, _I.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.CONFIRMED, _I.ACK): (_S.CONFIRMED, ()),
        (_S.CONFIRMED, _I.TIMER_I): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _I.REQUEST): (_S.ACCEPTED, ()),  # RFC 6026 §7.1: absorbed
        (_S.ACCEPTED, _I.TIMER_2XX): (_S.ACCEPTED, (_A.SEND,)),
        (_S.ACCEPTED, _I.ACK): (_S.ACKNOWLEDGED, (_A.DELIVER,)),
        (_S.ACCEPTED, _I.TIMER_L): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.ACKNOWLEDGED, _I.REQUEST): (_S.ACKNOWLEDGED, ()),
        (_S.ACKNOWLEDGED, _I.ACK): (_S.ACKNOWLEDGED, ()),
        (_S.ACKNOWLEDGED, _I.TIMER_L): (_S.TERMINATED, ()),
    }
    TIMERS: ClassVar[Mapping[State, StateTimers]] = {
        _S.COMPLETED: StateTimers(_I.TIMER_G, _I.TIMER_H, sixty_four_t1),
        _S.CONFIRMED: StateTimers(None, _I.TIMER_I, t4),
        _S.ACCEPTED: StateTimers(_I.TIMER_2XX, _I.TIMER_L, sixty_four_t1),
        _S.ACKNOWLEDGED: StateTimers(None, _I.TIMER_L, sixty_four_t1),
    }

    __slots__ = ()


class NonInviteServerTransaction(ServerTransaction):
    """RFC 3261 §17.2.2 (figure 8): BYE, OPTIONS, CANCEL."""

    TRANSITIONS: ClassVar[Transitions] = {
        (_S.TRYING, _I.REQUEST): (_S.TRYING, ()),
        (_S.TRYING, _I.SEND_PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.TRYING, _I.SEND_SUCCESS): (_S.COMPLETED, (_A.SEND,)),
        (_S.TRYING, _I.SEND_FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.REQUEST): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.SEND_PROVISIONAL): (_S.PROCEEDING, (_A.SEND,)),
        (_S.PROCEEDING, _I.SEND_SUCCESS): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.SEND_FAILURE): (_S.COMPLETED, (_A.SEND,)),
        (_S.PROCEEDING, _I.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.COMPLETED, _I.REQUEST): (_S.COMPLETED, (_A.SEND,)),
        (_S.COMPLETED, _I.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT_ERROR,)),
        (_S.COMPLETED, _I.TIMER_J): (_S.TERMINATED, ()),
    }
    TIMERS: ClassVar[Mapping[State, StateTimers]] = {
        _S.COMPLETED: StateTimers(None, _I.TIMER_J, sixty_four_t1),
    }

    __slots__ = ()
