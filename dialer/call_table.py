"""
The states of one outbound call: `TRANSITIONS[state, input] -> (next state, actions)`.

What it must keep stands as rules in `dialer.call`.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class CallState(Enum):
    """Where a call stands."""

    NEW = "new"
    INVITING = "inviting"
    """INVITE sent, no response yet."""
    CANCEL_PENDING = "cancel_pending"
    """Given up, but a CANCEL must wait for a provisional."""
    PROCEEDING = "proceeding"
    CANCELLING = "cancelling"
    """CANCEL sent, the INVITE's final response is outstanding."""
    ANSWERED = "answered"
    ENDING = "ending"
    """BYE sent, its response is outstanding."""
    ENDED = "ended"

    __hash__ = object.__hash__


class CallInput(Enum):
    """What can happen to a call."""

    START = "start"
    PROVISIONAL = "provisional"
    SUCCESS = "success"
    UNUSABLE_SUCCESS = "unusable_success"
    REPEATED_SUCCESS = "repeated_success"
    FORKED_SUCCESS = "forked_success"
    RETRY = "retry"
    FAILURE = "failure"
    SILENCE = "silence"
    TRANSPORT_ERROR = "transport_error"
    CONNECTION_LOST = "connection_lost"
    BYE = "bye"
    BYE_FINISHED = "bye_finished"
    MEDIA = "media"
    ACK_MISSING = "ack_missing"
    SESSION_EXPIRED = "session_expired"
    REFRESH_FAILED = "refresh_failed"
    HANG_UP = "hang_up"
    RING_TIMEOUT = "ring_timeout"
    CANCEL_EXPIRED = "cancel_expired"
    MAX_TALK = "max_talk"

    __hash__ = object.__hash__


class CallAction(Enum):
    """What the owner of a call must do now."""

    SEND_INVITE = "send_invite"
    """The first one, or the next, as the refusal asked for it."""
    SEND_CANCEL = "send_cancel"
    GIVE_UP = "give_up"
    """Stop expecting a final response."""
    SEND_ACK = "send_ack"
    """Of the 2xx at hand."""
    SEND_BYE = "send_bye"
    """In the call's own dialog."""
    SEND_FORK_BYE = "send_fork_bye"
    """In the dialog of the 2xx at hand."""

    __hash__ = object.__hash__


_S, _I, _A = CallState, CallInput, CallAction

TRANSITIONS: Final[Mapping[tuple[CallState, CallInput], tuple[CallState, tuple[CallAction, ...]]]] = {
    (_S.NEW, _I.START): (_S.INVITING, (_A.SEND_INVITE,)),
    (_S.INVITING, _I.PROVISIONAL): (_S.PROCEEDING, ()),
    (_S.INVITING, _I.SUCCESS): (_S.ANSWERED, (_A.SEND_ACK,)),
    (_S.INVITING, _I.UNUSABLE_SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_BYE)),
    (_S.INVITING, _I.RETRY): (_S.INVITING, (_A.SEND_INVITE,)),
    (_S.INVITING, _I.FAILURE): (_S.ENDED, ()),
    (_S.INVITING, _I.SILENCE): (_S.ENDED, ()),
    (_S.INVITING, _I.TRANSPORT_ERROR): (_S.ENDED, ()),
    (_S.INVITING, _I.CONNECTION_LOST): (_S.ENDED, ()),
    (_S.INVITING, _I.BYE): (_S.ENDED, (_A.GIVE_UP,)),  # it has overtaken the 2xx
    (_S.INVITING, _I.HANG_UP): (_S.CANCEL_PENDING, ()),
    (_S.INVITING, _I.RING_TIMEOUT): (_S.CANCEL_PENDING, ()),
    (_S.CANCEL_PENDING, _I.PROVISIONAL): (_S.CANCELLING, (_A.SEND_CANCEL,)),
    (_S.CANCEL_PENDING, _I.SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_BYE)),
    (_S.CANCEL_PENDING, _I.UNUSABLE_SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_BYE)),
    (_S.CANCEL_PENDING, _I.RETRY): (_S.ENDED, ()),
    (_S.CANCEL_PENDING, _I.FAILURE): (_S.ENDED, ()),
    (_S.CANCEL_PENDING, _I.SILENCE): (_S.ENDED, ()),
    (_S.CANCEL_PENDING, _I.TRANSPORT_ERROR): (_S.ENDED, ()),
    (_S.CANCEL_PENDING, _I.CONNECTION_LOST): (_S.ENDED, ()),
    (_S.CANCEL_PENDING, _I.BYE): (_S.ENDED, (_A.GIVE_UP,)),
    (_S.CANCEL_PENDING, _I.HANG_UP): (_S.CANCEL_PENDING, ()),
    (_S.PROCEEDING, _I.PROVISIONAL): (_S.PROCEEDING, ()),
    (_S.PROCEEDING, _I.SUCCESS): (_S.ANSWERED, (_A.SEND_ACK,)),
    (_S.PROCEEDING, _I.UNUSABLE_SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_BYE)),
    (_S.PROCEEDING, _I.MEDIA): (_S.PROCEEDING, ()),  # UPDATE (RFC 3311 §5.2)
    (_S.PROCEEDING, _I.RETRY): (_S.INVITING, (_A.SEND_INVITE,)),
    (_S.PROCEEDING, _I.FAILURE): (_S.ENDED, ()),
    (_S.PROCEEDING, _I.TRANSPORT_ERROR): (_S.ENDED, ()),
    (_S.PROCEEDING, _I.CONNECTION_LOST): (_S.ENDED, ()),
    (_S.PROCEEDING, _I.BYE): (_S.ENDED, (_A.GIVE_UP,)),
    (_S.PROCEEDING, _I.HANG_UP): (_S.CANCELLING, (_A.SEND_CANCEL,)),
    (_S.PROCEEDING, _I.RING_TIMEOUT): (_S.CANCELLING, (_A.SEND_CANCEL,)),
    (_S.CANCELLING, _I.PROVISIONAL): (_S.CANCELLING, ()),
    (_S.CANCELLING, _I.SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_BYE)),
    (_S.CANCELLING, _I.UNUSABLE_SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_BYE)),
    (_S.CANCELLING, _I.RETRY): (_S.ENDED, ()),
    (_S.CANCELLING, _I.FAILURE): (_S.ENDED, ()),
    (_S.CANCELLING, _I.CANCEL_EXPIRED): (_S.ENDED, (_A.GIVE_UP,)),
    (_S.CANCELLING, _I.TRANSPORT_ERROR): (_S.ENDED, ()),
    (_S.CANCELLING, _I.CONNECTION_LOST): (_S.ENDED, ()),
    (_S.CANCELLING, _I.BYE): (_S.ENDED, (_A.GIVE_UP,)),
    (_S.CANCELLING, _I.HANG_UP): (_S.CANCELLING, ()),
    (_S.ANSWERED, _I.REPEATED_SUCCESS): (_S.ANSWERED, (_A.SEND_ACK,)),
    (_S.ANSWERED, _I.FORKED_SUCCESS): (_S.ANSWERED, (_A.SEND_ACK, _A.SEND_FORK_BYE)),
    (_S.ANSWERED, _I.MEDIA): (_S.ANSWERED, ()),
    (_S.ANSWERED, _I.BYE): (_S.ENDED, ()),
    (_S.ANSWERED, _I.HANG_UP): (_S.ENDING, (_A.SEND_BYE,)),
    (_S.ANSWERED, _I.MAX_TALK): (_S.ENDING, (_A.SEND_BYE,)),
    (_S.ANSWERED, _I.ACK_MISSING): (_S.ENDING, (_A.SEND_BYE,)),
    (_S.ANSWERED, _I.SESSION_EXPIRED): (_S.ENDING, (_A.SEND_BYE,)),  # RFC 4028 §10
    (_S.ANSWERED, _I.REFRESH_FAILED): (_S.ENDING, (_A.SEND_BYE,)),
    (_S.ENDING, _I.REPEATED_SUCCESS): (_S.ENDING, (_A.SEND_ACK,)),
    (_S.ENDING, _I.FORKED_SUCCESS): (_S.ENDING, (_A.SEND_ACK, _A.SEND_FORK_BYE)),
    (_S.ENDING, _I.BYE_FINISHED): (_S.ENDED, ()),
    (_S.ENDING, _I.BYE): (_S.ENDED, ()),  # glare
    (_S.ENDING, _I.HANG_UP): (_S.ENDING, ()),
    (_S.ENDED, _I.SUCCESS): (_S.ENDED, (_A.SEND_ACK, _A.SEND_FORK_BYE)),  # answered long after we gave up
    (_S.ENDED, _I.UNUSABLE_SUCCESS): (_S.ENDED, (_A.SEND_ACK, _A.SEND_FORK_BYE)),
    (_S.ENDED, _I.REPEATED_SUCCESS): (_S.ENDED, (_A.SEND_ACK,)),
    (_S.ENDED, _I.FORKED_SUCCESS): (_S.ENDED, (_A.SEND_ACK, _A.SEND_FORK_BYE)),
    (_S.ENDED, _I.BYE_FINISHED): (_S.ENDED, ()),
    (_S.ENDED, _I.HANG_UP): (_S.ENDED, ()),
}

DEADLINES: Final[Mapping[CallState, CallInput]] = {
    CallState.INVITING: CallInput.RING_TIMEOUT,
    CallState.PROCEEDING: CallInput.RING_TIMEOUT,
    CallState.CANCELLING: CallInput.CANCEL_EXPIRED,
    CallState.ANSWERED: CallInput.MAX_TALK,
}
"""What happens when the deadline of a state passes. The others wait for transactions, which have timers."""

OWN_INPUTS: Final = frozenset({CallInput.START, CallInput.HANG_UP})
