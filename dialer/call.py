"""
One outbound call, sans-IO: a state table, three deadlines, the times of its steps, and one `Outcome` at the end.

The table stands in `dialer.call_table`. The owner carries out the actions in order (`core.py`).

Rule 1: exactly one `CallEnded` leaves a call, last, when the table enters ENDED.
Rule 2: every 2xx is ACKed in whatever state it comes (RFC 3261 §13.2.2.4), ENDED included; a callee whom nobody will
talk to is sent a BYE.
Rule 3: CANCEL waits for a provisional response (§9.1); a 2xx that crosses it is ACKed, then hung up: `abandoned`.
Rule 4: the ring timeout is ours. No RFC timer runs once a phone rings.
Rule 5: a pair absent from the table is counted in `ignored`; from our own code it is a LocalProtocolError. Hanging up
twice, or after the end, is allowed and does nothing.

The times `trying_at`, `ringing_at`, `early_media_at` are facts on the side, not states.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dialer.call_table import DEADLINES, OWN_INPUTS, TRANSITIONS, CallAction, CallInput, CallState
from dialer.config import CallRequest
from dialer.errors import LocalProtocolError
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallId,
    CallProceeding,
    CallRinging,
    CallTimings,
    MediaChanged,
    NegotiatedMedia,
)
from dialer.outcome import (
    RELEASE_REASONS,
    Cancellation,
    Outcome,
    outcome_of_abandonment,
    outcome_of_answer,
    outcome_of_cancellation,
    outcome_of_lost_connection,
    outcome_of_refusal,
    outcome_of_silence,
    outcome_of_transport_error,
    outcome_of_unusable_answer,
)
from dialer.sip.timer_heap import TimerEntry

_CANCELLATIONS: Final[Mapping[CallInput, Cancellation]] = {
    CallInput.HANG_UP: "hang_up",
    CallInput.RING_TIMEOUT: "ring_timeout",
}
_END_REASONS: Final[Mapping[CallInput, str]] = {
    CallInput.HANG_UP: "normal",
    CallInput.MAX_TALK: "max_talk",
    CallInput.ACK_MISSING: "ack_missing",
    CallInput.SESSION_EXPIRED: "session_expired",
    CallInput.REFRESH_FAILED: "refresh_failed",
}
"""Why we ended an answered call."""
_SUCCESSES: Final = frozenset({CallInput.SUCCESS, CallInput.UNUSABLE_SUCCESS})


class Call:
    """A call. `session` belongs to its owner; `events` are for the owner to take."""

    __slots__ = (
        "_deadline_at", "_ending", "_max_cancel_seconds", "call_id", "cancellation", "events", "ignored", "media",
        "outcome", "request", "session", "sip_status", "state", "timer_entry", "timings",
    )  # fmt: skip

    def __init__(
        self, call_id: CallId, request: CallRequest, *, max_cancel_seconds: float, now: float
    ) -> None:
        self.call_id = call_id
        self.request = request
        self.session: Any = None
        self.state = CallState.NEW
        self.timings = CallTimings(invite_sent_at=now)
        self.cancellation: Cancellation | None = None
        """Why we gave up, once we have."""
        self.sip_status: int | None = None
        """Of the INVITE, once final."""
        self.media: NegotiatedMedia | None = None
        self.outcome: Outcome | None = None
        self.events: list[CallEvent] = []
        self.ignored = 0
        self.timer_entry: TimerEntry[Any] | None = None
        self._max_cancel_seconds = max_cancel_seconds
        self._deadline_at: float | None = None
        self._ending: Outcome | None = None
        """What the outcome will be once our BYE has been answered."""

    @property
    def release_reason(self) -> str:
        """The Reason header of our CANCEL or BYE (RFC 3326)."""
        if self._ending is not None:
            reason = "normal" if self._ending.result == "abandoned" else self._ending.reason
        else:
            reason = self.cancellation or "normal"
        return RELEASE_REASONS[reason]

    def get_timer(self) -> float | None:
        """The deadline of the present state, monotonic seconds."""
        return self._deadline_at

    def handle_timer(self, now: float) -> tuple[CallAction, ...]:
        """Let the deadline pass if it has come."""
        if self._deadline_at is None or now < self._deadline_at:
            return ()
        return self.receive(DEADLINES[self.state], now)

    def receive(
        self,
        event: CallInput,
        now: float,
        *,
        sip_status: int | None = None,
        q850_cause: int | None = None,
        media: NegotiatedMedia | None = None,
        retry_after_seconds: int | None = None,
    ) -> tuple[CallAction, ...]:
        """
        Apply one input. `sip_status` belongs to responses, `media` to whatever negotiated some.

        Raises:
            LocalProtocolError: our own code asked for what this state forbids; nothing has changed.
        """
        transition = TRANSITIONS.get((self.state, event))
        if transition is None:
            if event in OWN_INPUTS:
                raise LocalProtocolError(f"{event.value} in state {self.state.value}")
            self.ignored += 1
            return ()
        before = self.state
        self.state, actions = transition
        if before is CallState.ENDED:
            return actions
        if event is CallInput.PROVISIONAL:
            assert sip_status is not None
            self._note_progress(sip_status, media, now)
        elif event in _SUCCESSES:
            self._note_answer(event, sip_status, media, now)
        elif event is CallInput.MEDIA:
            self._note_media(media, now, is_early=self.state is CallState.PROCEEDING)
        elif event in _CANCELLATIONS and self.cancellation is None and before is not self.state:
            self.cancellation = _CANCELLATIONS[event] if self.state is not CallState.ENDING else None
        if self.state is not before:
            self._enter(before, event, now, sip_status, q850_cause, retry_after_seconds)
        return actions

    def _enter(
        self,
        before: CallState,
        event: CallInput,
        now: float,
        sip_status: int | None,
        q850_cause: int | None,
        retry_after_seconds: int | None,
    ) -> None:
        match self.state:
            case CallState.INVITING | CallState.PROCEEDING:
                self._deadline_at = self.timings.invite_sent_at + self.request.ring_timeout_seconds
            case CallState.CANCELLING:
                self._deadline_at = now + self._max_cancel_seconds
            case CallState.ANSWERED:
                limit = self.request.max_talk_seconds
                self._deadline_at = None if limit is None else now + limit
            case CallState.ENDING:
                self._deadline_at = None
                self.timings.ended_at = now
                self._ending = self._outcome_of_our_bye(event)
            case CallState.ENDED:
                self._deadline_at = None
                if self.timings.ended_at is None:
                    self.timings.ended_at = now
                self.outcome = self._outcome(before, event, sip_status, q850_cause, retry_after_seconds)
                self.events.append(
                    CallEnded(call_id=self.call_id, at=now, outcome=self.outcome, timings=self.timings)
                )
            case _:  # CANCEL_PENDING waits for a provisional or Timer B
                self._deadline_at = None

    def _note_progress(self, sip_status: int, media: NegotiatedMedia | None, now: float) -> None:
        if self.timings.trying_at is None:
            self.timings.trying_at = now
            if not 180 <= sip_status <= 183:
                self.events.append(CallProceeding(call_id=self.call_id, at=now))
        if 180 <= sip_status <= 183 and self.timings.ringing_at is None:
            self.timings.ringing_at = now
            self.events.append(CallRinging(call_id=self.call_id, at=now, sip_status=sip_status))
        if media is not None:
            if self.timings.early_media_at is None:
                self.timings.early_media_at = now
            self._note_media(media, now, is_early=True)

    def _note_answer(
        self, event: CallInput, sip_status: int | None, media: NegotiatedMedia | None, now: float
    ) -> None:
        self.sip_status = sip_status
        self.timings.answered_at = now
        if self.state is CallState.ANSWERED:
            assert event is CallInput.SUCCESS
            self._note_media(media, now, is_early=False)
            self.events.append(CallAnswered(call_id=self.call_id, at=now))

    def _note_media(self, media: NegotiatedMedia | None, now: float, *, is_early: bool) -> None:
        """Tell where audio goes; an early description that is only repeated is no news."""
        if media is None or (is_early and media == self.media):
            return
        self.media = media
        self.events.append(MediaChanged(call_id=self.call_id, at=now, media=media, is_early=is_early))

    def _outcome_of_our_bye(self, event: CallInput) -> Outcome:
        if event in _END_REASONS:
            return outcome_of_answer(self.sip_status, ended_by="us", reason=_END_REASONS[event])
        assert self.sip_status is not None
        if self.cancellation is not None:
            return outcome_of_abandonment(self.sip_status, self.cancellation)
        return outcome_of_unusable_answer(self.sip_status)

    def _outcome(
        self,
        before: CallState,
        event: CallInput,
        sip_status: int | None,
        q850_cause: int | None,
        retry_after_seconds: int | None,
    ) -> Outcome:
        match event:
            case CallInput.RETRY:
                assert self.cancellation is not None
                self.sip_status = sip_status
                return outcome_of_cancellation(self.cancellation, sip_status=sip_status)
            case CallInput.FAILURE:
                assert sip_status is not None
                self.sip_status = sip_status
                return outcome_of_refusal(sip_status, q850_cause, self.cancellation, retry_after_seconds)
            case CallInput.BYE if self._ending is not None:
                if self._ending.result != "answered":
                    return self._ending
                # Glare: each side had hung up before it knew of the other; the callee's word counts.
                return msgspec.structs.replace(self._ending, ended_by="callee", q850_cause=q850_cause)
            case CallInput.BYE if self.cancellation is not None:
                return outcome_of_abandonment(self.sip_status, self.cancellation)
            case CallInput.BYE:
                return outcome_of_answer(self.sip_status, ended_by="callee", q850_cause=q850_cause)
            case CallInput.BYE_FINISHED:
                assert self._ending is not None
                return self._ending
            case CallInput.CANCEL_EXPIRED:
                assert self.cancellation is not None
                return outcome_of_cancellation(self.cancellation)
            case CallInput.SILENCE | CallInput.TRANSPORT_ERROR | CallInput.CONNECTION_LOST if (
                self.cancellation == "hang_up" or before is CallState.CANCELLING
            ):
                assert self.cancellation is not None
                return outcome_of_cancellation(self.cancellation)
            case CallInput.SILENCE:
                return outcome_of_silence()
            case CallInput.CONNECTION_LOST:
                return outcome_of_lost_connection()
            case _:
                assert event is CallInput.TRANSPORT_ERROR, f"{event.value} has no outcome"
                return outcome_of_transport_error()
