"""
What a peer changes in a dialog: re-INVITE (RFC 3261 §14), UPDATE (RFC 3311), and by either the session timer (RFC 4028).

Rule 1: one offer at a time. An offer that meets one of ours is refused with 491 (RFC 3261 §14.2, RFC 3311 §5.2).
Rule 2: a change that is refused leaves the session as it was.
Rule 3: both are answered at once and in a transaction, so that a retransmission changes nothing again.
"""

from collections import deque
from typing import Final

from dialer.config import DialerConfig
from dialer.errors import InvalidSdp
from dialer.sip.dialog import Dialog
from dialer.sip.early_dialog import EarlyDialog
from dialer.sip.invite_session import ALLOWED_METHODS, InviteSession
from dialer.sip.message import Request, Response
from dialer.sip.responder import Responder
from dialer.sip.sdp import NegotiatedMedia, media_from_answer, parse_sdp
from dialer.sip.server_transaction import InviteServerTransaction, NonInviteServerTransaction
from dialer.sip.session_event import Kind, SessionEvent
from dialer.sip.session_timer import TIMER_OPTION, SessionTimer, accepted_expires, is_too_small
from dialer.sip.transaction import Action, Input
from dialer.sip.transaction_layer import TransactionLayer

_SDP: Final = "application/sdp"


class SessionChanges:
    """Answers what changes a session; what a call must know goes to `events`."""

    def __init__(
        self,
        config: DialerConfig,
        layer: TransactionLayer,
        events: deque[SessionEvent],
        responder: Responder,
    ) -> None:
        self._timers = config.timers
        self._layer = layer
        self._events = events
        self._responder = responder

    def receive_reinvite(self, request: Request, session: InviteSession, dialog: Dialog, now: float) -> None:
        """Answer a re-INVITE; one without an offer is given ours, and its ACK brings the answer (§14.2)."""
        transaction = InviteServerTransaction(request, self._timers, now, session)
        media = None
        response = self._refusal(request, dialog)
        if response is None:
            try:
                response = self._responder.response(request, 200)
                if request.body:
                    response.body, media = session.answer(request)
                else:
                    response.body = session.offer_again()
                response.headers.add("Content-Type", _SDP)
                self._accept(request, response, session, dialog, now)
                if session.reinvite is not None and not session.reinvite.is_terminated:
                    # No INVITE may follow one that is not over (§14.1): our last 200 got there, its ACK was lost.
                    self._layer.perform(session.reinvite, session.reinvite.step(Input.ACK, now), now)
                session.reinvite = transaction
            except InvalidSdp:
                response = self._responder.response(request, 488)
        self._layer.start_server(transaction, response, session, now)
        self._tell(session, media)

    def refuse_reinvite(self, request: Request, session: InviteSession, status_code: int, now: float) -> None:
        """Refuse one, in a transaction of its own: repeated until its ACK comes (§17.2.1)."""
        transaction = InviteServerTransaction(request, self._timers, now, session)
        self._layer.start_server(transaction, self._responder.response(request, status_code), session, now)

    def receive_update(
        self, request: Request, session: InviteSession, dialog: Dialog, early: EarlyDialog | None, now: float
    ) -> None:
        """Answer an UPDATE; `early` is the dialog's while nobody has answered (RFC 3311 §5.2)."""
        transaction = NonInviteServerTransaction(request, self._timers, now, session)
        media = None
        # The answer to our INVITE stands once it came reliably; until then our offer is open.
        is_open = early is not None and not early.is_answered
        response = self._refusal(request, dialog, is_open=is_open or session.has_open_offer)
        if response is None:
            try:
                response = self._responder.response(request, 200)
                if request.body:
                    response.body, media = session.answer(request)
                    response.headers.add("Content-Type", _SDP)
                self._accept(request, response, session, dialog, now)
            except InvalidSdp:
                response = self._responder.response(request, 488)
        self._layer.start_server(transaction, response, session, now)
        if early is not None:
            early.note_answer(media, is_reliable=True)
        self._tell(session, media)

    def receive_ack(self, request: Request, now: float) -> None:
        """The ACK of a 2xx has a branch of its own; the dialog and the CSeq number name its INVITE (§13.3.1.4)."""
        session = self._layer.sessions.get(request.call_id)
        transaction = None if session is None else session.reinvite
        if (
            session is None
            or transaction is None
            or request.to.tag != session.local_tag
            or request.cseq.number != transaction.request.cseq.number
        ):
            self._layer.counters["stray_acks"] += 1
            return
        actions = transaction.receive(request, now)
        self._layer.perform(transaction, actions, now)
        if Action.DELIVER in actions and request.body and not transaction.request.body:
            try:
                media = media_from_answer(parse_sdp(request.body))
            except InvalidSdp:
                self._layer.counters["unusable_sdp"] += 1
                return
            self._tell(session, media)

    def _refusal(self, request: Request, dialog: Dialog, *, is_open: bool = False) -> Response | None:
        """Say no where it is due; `is_open` means that an offer of ours has no answer."""
        content_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if dialog.is_bye_sent:
            return self._responder.response(request, 481)
        if request.body and content_type != _SDP:
            return self._responder.response(request, 415, ("Accept", _SDP))
        if request.body and is_open:
            return self._responder.response(request, 491)
        min_seconds = self._timers.min_session_seconds
        if is_too_small(request, min_seconds):
            return self._responder.response(request, 422, ("Min-SE", str(min_seconds)))
        return None

    def _accept(
        self, request: Request, response: Response, session: InviteSession, dialog: Dialog, now: float
    ) -> None:
        """Complete a 2xx, follow the peer's Contact, take the session timer that it asks for."""
        response.headers.add("Contact", session.contact)
        response.headers.add("Allow", ALLOWED_METHODS)
        dialog.refresh_target(request)
        if dialog is not session.dialog:
            return
        expires = accepted_expires(request)
        if expires is not None:
            response.headers.add("Session-Expires", str(expires))
            if expires.refresher == "uac":
                response.headers.add("Require", TIMER_OPTION)
            session.note_allow(request)
            session.timer = session.timer or SessionTimer(session, self._timers.min_session_seconds)
        if session.timer is not None:
            session.timer.agree(expires, now, is_ours=expires is not None and expires.refresher == "uas")
            self._layer.timers.schedule(session.timer)

    def _tell(self, session: InviteSession, media: NegotiatedMedia | None) -> None:
        if media is not None:
            session.media = media
            self._events.append(SessionEvent(session, Kind.MEDIA, media=media))
