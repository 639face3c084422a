"""
The server side: requests that a far end sends us.

Inside a dialog: BYE, re-INVITE, OPTIONS, ACK. Everything from strangers is answered without keeping state
(RFC 3261 §8.2.7), so a flood of it costs CPU and no memory; their To-tag is derived, not drawn, to be the same for
retransmissions.
"""

from collections import deque
from hashlib import blake2s
from typing import Final

from dialer.config import DialerConfig
from dialer.errors import InvalidSdp, RemoteProtocolError
from dialer.sip.dialog import Dialog
from dialer.sip.invite_session import ALLOWED_METHODS, InviteSession, Rng
from dialer.sip.message import Message, Request, Response, refuse_malformed, response_to
from dialer.sip.sdp import media_from_answer, parse_sdp
from dialer.sip.server_transaction import InviteServerTransaction, NonInviteServerTransaction
from dialer.sip.session_event import Kind, SessionEvent
from dialer.sip.transaction import Action, Address, Input
from dialer.sip.transaction_layer import TransactionLayer, server_key

_KNOWN_METHODS: Final = frozenset(
    [
        "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "INFO",
        "UPDATE", "PRACK", "PUBLISH",
    ]
)  # fmt: skip
"""Refused with 405; what is not even here, with 501 (§21.5.2)."""


class RequestHandler:
    """Answers requests; what a call must know goes to `events`."""

    def __init__(
        self, config: DialerConfig, rng: Rng, layer: TransactionLayer, events: deque[SessionEvent]
    ) -> None:
        self._config = config
        self._layer = layer
        self._events = events
        self._tag_key = rng(16)

    def refuse_malformed(self, data: bytes, error: RemoteProtocolError, addr: Address, now: float) -> None:
        """Answer an unreadable request, if enough of it can be read (§18.3, §21.4.1)."""
        self._layer.counters["malformed"] += 1
        response = refuse_malformed(
            data, error, to_tag=blake2s(data, key=self._tag_key, digest_size=8).hexdigest()
        )
        if response is not None:
            self._layer.send(response.to_bytes(), addr, now)

    def receive(self, request: Request, addr: Address, now: float) -> None:
        """Handle one request."""
        layer = self._layer
        via = request.via
        noted = via.received_from(*addr)
        if noted != via:
            values = request.headers.get_all("Via")
            request.headers.set_all("Via", [str(noted), *values[1:]])
        transaction = layer.servers.get(server_key(request))
        if transaction is not None:
            layer.perform(transaction, transaction.receive(request, now), now)
        elif request.method == "ACK":
            self._receive_ack(request, now)
        elif request.method == "CANCEL":
            # Our final response has left before any CANCEL can match it, so it has no effect (§9.2).
            is_known = server_key(request, "INVITE") in layer.servers
            self._answer(request, 200 if is_known else 481, now)
        elif request.to.tag is None:
            self._receive_from_stranger(request, now)
        else:
            self._receive_in_dialog(request, now)

    def _receive_from_stranger(self, request: Request, now: float) -> None:
        if request.method == "OPTIONS":
            self._answer_options(request, now)  # how trunks see that we are alive
            return
        self._layer.counters["stray_requests"] += 1
        if request.method == "INVITE":
            self._answer(request, 480, now)  # nobody here takes calls
        elif request.method == "BYE":
            self._answer(request, 481, now)
        else:
            self._refuse_method(request, now)

    def _receive_in_dialog(self, request: Request, now: float) -> None:
        session = self._layer.sessions.get(request.call_id)
        if session is None or request.to.tag != session.local_tag:
            self._layer.counters["stray_requests"] += 1
            self._answer(request, 481, now)
            return
        remote_tag = request.from_.tag or ""
        dialog = session.dialogs.get(remote_tag)
        if dialog is None and request.method == "BYE" and remote_tag not in session.ended_tags:
            # Only an answered call may be ended by its callee (§15), so this BYE has overtaken the 2xx.
            session.note_ended_tag(remote_tag)
            self._accept_bye(request, session, is_of_call=session.dialog is None, now=now)
        elif dialog is None or dialog.has_ended:
            self._answer(request, 481, now)
        elif not dialog.accepts(request.cseq.number):
            self._answer(request, 500, now)  # §12.2.2
        elif request.method == "BYE":
            dialog.has_ended = True
            self._accept_bye(request, session, is_of_call=dialog is session.dialog, now=now)
        elif required := request.headers.get_all("Require"):
            self._answer(request, 420, now, *[("Unsupported", option) for option in required])  # §8.2.2.3
        elif request.method == "INVITE":
            self._receive_reinvite(request, session, dialog, now)
        elif request.method == "OPTIONS":
            self._answer_options(request, now)
        else:
            self._refuse_method(request, now)

    def _accept_bye(self, request: Request, session: InviteSession, *, is_of_call: bool, now: float) -> None:
        transaction = NonInviteServerTransaction(
            request, _response_address(request), self._config.timers, now, session
        )
        self._layer.start_server(transaction, self._response(request, 200), session, now)
        if is_of_call:
            self._events.append(SessionEvent(session, Kind.BYE, q850_cause=q850_cause_of(request)))

    def _receive_reinvite(self, request: Request, session: InviteSession, dialog: Dialog, now: float) -> None:
        transaction = InviteServerTransaction(
            request, _response_address(request), self._config.timers, now, session
        )
        media = None
        content_type = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if dialog.is_bye_sent:
            response = self._response(request, 481)
        elif request.body and content_type != "application/sdp":
            response = self._response(request, 415)
            response.headers.add("Accept", "application/sdp")
        else:
            try:
                response = self._response(request, 200)
                if request.body:
                    response.body, media = session.answer(request)
                else:
                    response.body = session.offer_again()  # §14.2: the ACK will bring the answer
                response.headers.add("Contact", session.contact)
                response.headers.add("Allow", ALLOWED_METHODS)
                response.headers.add("Content-Type", "application/sdp")
                dialog.refresh_target(request)
                if session.reinvite is not None and not session.reinvite.is_terminated:
                    # No INVITE may follow one that is not over (§14.1), so our last 200 has got there and its ACK was lost.
                    self._layer.perform(session.reinvite, session.reinvite.step(Input.ACK, now), now)
                session.reinvite = transaction
            except InvalidSdp:
                response = self._response(request, 488)  # the session goes on as it was (§14.2)
        self._layer.start_server(transaction, response, session, now)
        if media is not None:
            session.media = media
            self._events.append(SessionEvent(session, Kind.MEDIA, media=media))

    def _receive_ack(self, request: Request, now: float) -> None:
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
                session.media = media_from_answer(parse_sdp(request.body))
            except InvalidSdp:
                self._layer.counters["unusable_sdp"] += 1
                return
            self._events.append(SessionEvent(session, Kind.MEDIA, media=session.media))

    def _answer_options(self, request: Request, now: float) -> None:
        self._answer(request, 200, now, ("Allow", ALLOWED_METHODS), ("Accept", "application/sdp"))

    def _refuse_method(self, request: Request, now: float) -> None:
        if request.method in _KNOWN_METHODS:
            self._answer(request, 405, now, ("Allow", ALLOWED_METHODS))
        else:
            self._answer(request, 501, now, ("Allow", ALLOWED_METHODS))

    def _answer(self, request: Request, status_code: int, now: float, *headers: tuple[str, str]) -> None:
        """Answer without keeping state: a retransmission is answered anew."""
        response = self._response(request, status_code)
        for name, value in headers:
            response.headers.add(name, value)
        self._layer.send(response.to_bytes(), _response_address(request), now)

    def _response(self, request: Request, status_code: int) -> Response:
        to_tag = None
        if request.to.tag is None:
            identity = " ".join(server_key(request)).encode("utf-8", "surrogateescape")
            to_tag = blake2s(identity, key=self._tag_key, digest_size=8).hexdigest()
        response = response_to(request, status_code, to_tag=to_tag)
        response.headers.add("Server", self._config.user_agent)
        return response


def q850_cause_of(message: Message) -> int | None:
    """The ISDN cause of a Reason header (RFC 3326 §2)."""
    if "Reason" not in message.headers:
        return None
    for reason in message.reasons:
        if reason.protocol.upper() == "Q.850" and reason.cause is not None:
            return reason.cause
    return None


def _response_address(request: Request) -> Address:
    """Where a response goes (§18.2.2; RFC 3581 §4). `received_from` has noted the true source in the Via."""
    via = request.via
    port = via.params.get("rport")
    return via.params.get("received") or via.host, int(port) if port else via.port or 5060
