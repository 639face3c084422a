"""
The server side: requests that a far end sends us.

Inside a dialog: BYE, OPTIONS, and what changes the session (`session_change`). Everything else: `stranger_handler`.
"""

from collections import deque
from typing import Final

from dialer.config import DialerConfig
from dialer.errors import RemoteProtocolError
from dialer.sip.dialog import Dialog
from dialer.sip.early_dialog import EarlyDialog
from dialer.sip.hop import Hop
from dialer.sip.invite_session import ALLOWED_METHODS, InviteSession, Rng
from dialer.sip.message import Message, Request
from dialer.sip.responder import Responder, response_hop
from dialer.sip.server_transaction import NonInviteServerTransaction
from dialer.sip.session_change import SessionChanges
from dialer.sip.session_event import Kind, SessionEvent
from dialer.sip.stranger_handler import KNOWN_METHODS, OPTIONS_HEADERS, StrangerHandler
from dialer.sip.transaction_layer import TransactionLayer, server_key

_OPTIONS: Final = frozenset(["100rel", "timer"])
"""Extensions that a request in a dialog may require of us."""


class RequestHandler:
    """Answers requests; what a call must know goes to `events`."""

    def __init__(
        self, config: DialerConfig, rng: Rng, layer: TransactionLayer, events: deque[SessionEvent]
    ) -> None:
        self._timers = config.timers
        self._layer = layer
        self._events = events
        self._responder = Responder(config, rng, layer)
        self._strangers = StrangerHandler(layer, self._responder)
        self._changes = SessionChanges(config, layer, events, self._responder)

    def refuse_malformed(self, data: bytes, error: RemoteProtocolError, source: Hop, now: float) -> None:
        """Answer an unreadable request, if enough of it can be read (§18.3, §21.4.1)."""
        self._strangers.refuse_malformed(data, error, source, now)

    def receive(self, request: Request, source: Hop, size_bytes: int, now: float) -> None:
        """Handle one request, which came as so many bytes."""
        layer = self._layer
        via = request.via
        noted = via.received_from(*source.address)
        if noted != via:
            values = request.headers.get_all("Via")
            request.headers.set_all("Via", [str(noted), *values[1:]])
        request.reply_to = response_hop(request, source)
        transaction = layer.servers.get(server_key(request))
        session = layer.sessions.get(request.call_id)
        if transaction is not None:
            layer.perform(transaction, transaction.receive(request, now), now)
        elif request.method == "ACK":
            self._changes.receive_ack(request, now)
        elif request.method == "CANCEL" and server_key(request, "INVITE") in layer.servers:
            # Our final response has left before any CANCEL can match it, so it has no effect (§9.2).
            self._responder.answer(request, 200, now)
        elif session is None or request.to.tag != session.local_tag or request.method == "CANCEL":
            self._strangers.receive(request, source, size_bytes, now)
        else:
            self._receive_in_dialog(request, session, now)

    def _receive_in_dialog(self, request: Request, session: InviteSession, now: float) -> None:
        remote_tag = request.from_.tag or ""
        dialog = session.dialogs.get(remote_tag)
        if dialog is None and request.method == "BYE" and remote_tag not in session.ended_tags:
            # Only an answered call may be ended by its callee (§15), so this BYE has overtaken the 2xx.
            session.note_ended_tag(remote_tag)
            self._accept_bye(request, session, is_of_call=session.dialog is None, now=now)
            return
        early = None
        if dialog is None and remote_tag not in session.ended_tags:
            early = session.early.get(remote_tag)
            if early is not None and session.invite is not None:
                dialog = early.open(session.invite)
        if dialog is None or dialog.has_ended:
            self._responder.answer(request, 481, now)
        elif not dialog.accepts(request.cseq.number):
            self._responder.answer(request, 500, now)  # §12.2.2
        elif request.method == "BYE":
            dialog.has_ended = True
            self._accept_bye(request, session, is_of_call=dialog is session.dialog, now=now)
        elif unknown := [option for option in request.headers.get_all("Require") if option not in _OPTIONS]:
            unsupported = [("Unsupported", option) for option in unknown]
            self._responder.answer(request, 420, now, *unsupported)  # §8.2.2.3
        else:
            self._receive_in_known_dialog(request, session, dialog, early, now)

    def _receive_in_known_dialog(
        self, request: Request, session: InviteSession, dialog: Dialog, early: EarlyDialog | None, now: float
    ) -> None:
        match request.method:
            case "INVITE" if early is not None or session.is_reinviting:
                self._changes.refuse_reinvite(request, session, 491, now)  # one INVITE at a time (§14.2)
            case "INVITE":
                self._changes.receive_reinvite(request, session, dialog, now)
            case "UPDATE":
                self._changes.receive_update(request, session, dialog, early, now)
            case "OPTIONS":
                self._answer_options(request, now)
            case "PRACK":
                self._responder.answer(request, 481, now)  # we send nothing reliably (RFC 3262 §3)
            case "REFER":
                # Understood, and never done: a callee does not make us call others (RFC 3515 §2.4.2).
                self._responder.answer(request, 603, now)
            case _:
                self._refuse_method(request, now)

    def _accept_bye(self, request: Request, session: InviteSession, *, is_of_call: bool, now: float) -> None:
        transaction = NonInviteServerTransaction(request, self._timers, now, session)
        self._layer.start_server(transaction, self._responder.response(request, 200), session, now)
        if is_of_call:
            self._events.append(SessionEvent(session, Kind.BYE, q850_cause=q850_cause_of(request)))

    def _answer_options(self, request: Request, now: float) -> None:
        self._responder.answer(request, 200, now, *OPTIONS_HEADERS)

    def _refuse_method(self, request: Request, now: float) -> None:
        if request.method in KNOWN_METHODS:
            self._responder.answer(request, 405, now, ("Allow", ALLOWED_METHODS))
        else:
            self._responder.answer(request, 501, now, ("Allow", ALLOWED_METHODS))


def q850_cause_of(message: Message) -> int | None:
    """The ISDN cause of a Reason header (RFC 3326 §2)."""
    if "Reason" not in message.headers:
        return None
    for reason in message.reasons:
        if reason.protocol.upper() == "Q.850" and reason.cause is not None:
            return reason.cause
    return None
