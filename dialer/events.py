"""
What happens to a call, in the order it happens. `at` is monotonic seconds, the same clock as `now`.

Exactly one `CallEnded` leaves each call, last, always with an `Outcome`.
"""

from typing import NewType

import msgspec

from dialer.media.answer.verdict import AnsweredBy
from dialer.outcome import Outcome
from dialer.rtp.quality import MediaQuality
from dialer.sip.sdp import NegotiatedMedia
from dialer.sip.trunk_event import TrunkEvent, TrunkPinged, TrunkRegistrationChanged

__all__ = [
    "AnswerClassified",
    "AnsweredBy",
    "BeepDismissed",
    "BeepEnded",
    "BeepSuspected",
    "CallAnswered",
    "CallEnded",
    "CallEvent",
    "CallId",
    "CallProceeding",
    "CallRinging",
    "CallTimings",
    "DtmfReceived",
    "GreetingEnded",
    "MediaChanged",
    "MediaQuality",
    "NegotiatedMedia",
    "PlaybackFinished",
    "TrunkEvent",
    "TrunkPinged",
    "TrunkRegistrationChanged",
]

CallId = NewType("CallId", str)
"""The SIP Call-ID."""


class CallTimings(msgspec.Struct, kw_only=True):
    """Monotonic seconds of each signalling step; None = did not happen."""

    invite_sent_at: float
    trying_at: float | None = None
    """First 100."""
    ringing_at: float | None = None
    """First 180-183; `ringing_at - invite_sent_at` is the PDD."""
    early_media_at: float | None = None
    """First 18x with SDP."""
    answered_at: float | None = None
    """First 2xx (when we sent its ACK)."""
    ended_at: float | None = None

    @property
    def pdd_ms(self) -> int | None:
        """Post-dial delay: INVITE to the first 18x."""
        return None if self.ringing_at is None else round((self.ringing_at - self.invite_sent_at) * 1000)

    @property
    def talk_ms(self) -> int | None:
        """ACK to BYE; None if never answered."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.answered_at) * 1000)


class CallEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events."""

    call_id: CallId
    at: float


class CallProceeding(CallEvent, frozen=True, kw_only=True):
    """A 100 Trying or another provisional without ringing arrived."""


class CallRinging(CallEvent, frozen=True, kw_only=True):
    """The first 180-183 arrived."""

    sip_status: int


class MediaChanged(CallEvent, frozen=True, kw_only=True):
    """Early media, answer or re-INVITE settled where audio goes. Consumed by the engine."""

    media: NegotiatedMedia
    is_early: bool


class CallAnswered(CallEvent, frozen=True, kw_only=True):
    """The first 2xx arrived and was ACKed; comes after its `MediaChanged`."""


class DtmfReceived(CallEvent, frozen=True, kw_only=True):
    """One key pressed by the callee (RFC 4733), reported once."""

    digit: str
    """One of 0-9 * # A-D."""


class PlaybackFinished(CallEvent, frozen=True, kw_only=True):
    """The last packet of the prompt has been sent."""


class AnswerClassified(CallEvent, frozen=True, kw_only=True):
    """
    Who or what answered (`dialer.media.answer`), when `CallRequest.classify` asked for it.

    `unsure` and `silence` may be followed by another verdict, and `machine` by `screening`; the others come once.
    """

    answered_by: AnsweredBy
    cause: str
    confidence: float
    is_early: bool
    """Heard before the answer: then only tones are told."""
    speech_started_ms: int | None
    """After the answer."""
    greeting_ended_at: float | None
    """Monotonic seconds; None while somebody still talks."""


class GreetingEnded(CallEvent, frozen=True, kw_only=True):
    """A machine has stopped talking; `at` is when it did."""


class BeepEnded(CallEvent, frozen=True, kw_only=True):
    """A machine's beep is over; `at` is its end. A message may begin. Comes before the verdict that it leads to."""


class BeepSuspected(CallEvent, frozen=True, kw_only=True):
    """
    What may be a machine's beep is over, where nobody has spoken; `at` is its end. A message may begin on trial: `BeepEnded`
    confirms it, `BeepDismissed` takes it back.
    """


class BeepDismissed(CallEvent, frozen=True, kw_only=True):
    """What was suspected was no beep: another tone or a voice has followed it."""


class CallEnded(CallEvent, frozen=True, kw_only=True):
    """The call is over."""

    outcome: Outcome
    timings: CallTimings
    media: MediaQuality | None = None
    """How well it could be heard; None where no audio was agreed on, or its engine does not count."""
