"""What a user agent tells about one INVITE session."""

from enum import Enum

import msgspec

from dialer.sip.hop import Hop
from dialer.sip.invite_session import InviteSession
from dialer.sip.message import Response
from dialer.sip.sdp import NegotiatedMedia


class Kind(Enum):
    """What happened."""

    PROVISIONAL = "provisional"
    SUCCESS = "success"
    """The first 2xx."""
    UNUSABLE_SUCCESS = "unusable_success"
    """The first 2xx, but neither it nor an 18x before it holds an SDP answer that we can use."""
    REPEATED_SUCCESS = "repeated_success"
    """A 2xx of a dialog that has been ACKed."""
    FORKED_SUCCESS = "forked_success"
    """The first 2xx of another callee (RFC 3261 §13.2.2.4)."""
    RETRY = "retry"
    """A refusal that the next INVITE meets: credentials, a longer session (422), another address (3xx by policy). Without a response: UDP,
    as a large INVITE was not taken by TCP (RFC 3261 §18.1.1)."""
    FAILURE = "failure"
    """Any other final response."""
    SILENCE = "silence"
    """Timer B."""
    TRANSPORT_ERROR = "transport_error"
    CONNECTION_LOST = "connection_lost"
    BYE = "bye"
    """The peer hung up; it has been answered."""
    BYE_FINISHED = "bye_finished"
    """Our BYE was answered, or given up (Timer F)."""
    MEDIA = "media"
    """A re-INVITE or UPDATE moved, held or resumed the audio; it has been answered."""
    ACK_MISSING = "ack_missing"
    """The 2xx of a re-INVITE was never ACKed: the peer is gone (§14.2)."""

    SESSION_EXPIRED = "session_expired"
    """Nobody refreshed the session in time (RFC 4028 §10)."""
    REFRESH_FAILED = "refresh_failed"
    """The peer knows nothing of the session that we refresh, or is silent."""

    __hash__ = object.__hash__


class SessionEvent(msgspec.Struct, frozen=True):
    """One thing that happened to one session."""

    session: InviteSession
    kind: Kind
    response: Response | None = None
    """Set for responses to the INVITE."""
    source: Hop | None = None
    """Where that response came from."""
    media: NegotiatedMedia | None = None
    """Set when this message negotiated some."""
    q850_cause: int | None = None
    """From the Reason header of a failure or BYE (RFC 3326)."""
    retry_after_seconds: int | None = None
    """From the Retry-After of a failure (RFC 3261 §20.33)."""
