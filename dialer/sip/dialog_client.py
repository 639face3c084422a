"""
Requests of ours inside a dialog, and what becomes of them: ACK and BYE (RFC 3261 §13.2.2.4, §15), PRACK (RFC 3262), the
refresh of a session timer by UPDATE or re-INVITE (RFC 4028 §10).
"""

from collections import deque
from typing import Final

from dialer.config import DialerConfig
from dialer.errors import InvalidHeader
from dialer.sip.dialog import Dialog
from dialer.sip.headers import SessionExpires, parse_retry_after, parse_rseq
from dialer.sip.hop import Hop
from dialer.sip.invite_session import ALLOWED_METHODS, InviteSession, Rng, authorize_ack
from dialer.sip.message import Request, Response
from dialer.sip.session_event import Kind, SessionEvent
from dialer.sip.session_timer import (
    TIMER_OPTION,
    SessionTimer,
    TimerAction,
    TimerInput,
    min_se_of,
    session_expires_of,
)
from dialer.sip.transaction import (
    Action,
    Input,
    InviteClientTransaction,
    NonInviteClientTransaction,
    State,
)
from dialer.sip.transaction_layer import ClientTransaction, TransactionLayer

_PAUSE_SECONDS: Final = 10
"""After a refresh that met an error of the way, not of the session."""


class DialogClient:
    """Sends in dialogs; what a call must know goes to `events`."""

    def __init__(
        self,
        config: DialerConfig,
        rng: Rng,
        layer: TransactionLayer,
        events: deque[SessionEvent],
    ) -> None:
        self._config = config
        self._rng = rng
        self._layer = layer
        self._events = events

    def acknowledge(self, session: InviteSession, response: Response, source: Hop, now: float) -> None:
        """ACK a 2xx; a repeated 2xx gets the very same ACK (§13.2.2.4)."""
        dialog = session.dialog_of(response, source)
        if dialog is None:
            return
        if not dialog.ack:
            ack, dialog.ack_destination = dialog.request("ACK", session.via, cseq_number=response.cseq.number)
            assert session.invite is not None
            authorize_ack(ack, session.invite)
            dialog.ack = ack.to_bytes()
        self._layer.send(dialog.ack, dialog.ack_destination, now, session.call_id)

    def hang_up(self, session: InviteSession, dialog: Dialog, reason: str, now: float) -> None:
        """Send a BYE with that Reason (RFC 3326)."""
        dialog.is_bye_sent = True
        request, destination = dialog.request("BYE", session.via)
        request.headers.add("Reason", reason)
        transaction = self._start(session, request, destination, now)
        if dialog is session.dialog:
            session.bye = transaction
            self.stop_timer(session, now)

    def take_reliable(self, session: InviteSession, response: Response, source: Hop, now: float) -> bool:
        """
        Send the PRACK of a reliable provisional. False where it is a repetition or out of order, and thereby no news.

        One that breaks the grammar has no PRACK, but it still says that a phone rings. RFC 3262 §4.
        """
        early = session.early_dialog_of(response, source)
        try:
            rseq = parse_rseq(response.headers.get("RSeq") or "")
        except InvalidHeader:
            self._layer.counters["unusable_rseq"] += 1
            return True
        if early is None:
            return True
        if not early.takes(rseq):
            self._layer.counters["repeated_provisionals"] += 1
            return False
        assert session.invite is not None
        request, destination = early.open(session.invite).request("PRACK", session.via)
        request.headers.add("RAck", f"{rseq} {response.cseq.number} INVITE")
        self._start(session, request, destination, now)
        return True

    def agree_on_timer(self, session: InviteSession, response: Response, now: float) -> None:
        """Take the session timer that a 2xx to us settles (RFC 4028 §7.2); unasked, we refresh."""
        expires = session_expires_of(response)
        if expires is None and session.timer is None:
            return
        session.note_allow(response)
        session.timer = session.timer or SessionTimer(session, self._config.timers.min_session_seconds)
        session.timer.agree(expires, now, is_ours=expires is not None and expires.refresher != "uas")
        self._layer.timers.schedule(session.timer)

    def stop_timer(self, session: InviteSession, now: float) -> None:
        """The talk is over."""
        if session.timer is not None:
            self._step(session.timer, TimerInput.STOP, now)

    def release(self, session: InviteSession, now: float) -> None:
        """The call is over: nothing of it may wait for ever."""
        self.stop_timer(session, now)
        refresh = session.refresh
        if isinstance(refresh, InviteClientTransaction) and refresh.state in {
            State.CALLING,
            State.PROCEEDING,
        }:
            self._layer.perform(refresh, refresh.step(Input.GIVE_UP, now), now)

    def act(self, timer: SessionTimer, actions: tuple[TimerAction, ...], now: float) -> None:
        """Carry out what a session timer wants."""
        session = timer.session
        assert isinstance(session, InviteSession)
        for action in actions:
            match action:
                case TimerAction.SEND_REFRESH:
                    self._refresh(session, timer, now)
                case TimerAction.REPORT_EXPIRED:
                    self._events.append(SessionEvent(session, Kind.SESSION_EXPIRED))
                case TimerAction.REPORT_LOST:
                    self._events.append(SessionEvent(session, Kind.REFRESH_FAILED))
        self._layer.timers.schedule(timer)

    def receive_response(
        self, session: InviteSession, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """Take a response to any of our requests but the INVITE that began the call."""
        if not response.is_final:
            return
        method = transaction.request.method
        if transaction is session.bye:
            self._finish_bye(session, transaction.request, response, now)
        elif transaction is session.refresh:
            self._finish_refresh(session, transaction, response, now)
        elif method == "PRACK":
            self._finish_prack(session, transaction.request, response, now)

    def report(
        self, session: InviteSession, transaction: ClientTransaction, action: Action, now: float
    ) -> None:
        """Say that such a request had no answer."""
        if transaction is session.bye:
            self._layer.counters["bye_unanswered"] += 1
            self._events.append(SessionEvent(session, Kind.BYE_FINISHED))
        elif transaction is session.refresh and session.timer is not None:
            if action is Action.REPORT_TIMEOUT:
                self._step(session.timer, TimerInput.LOST, now)
            else:
                self._step(session.timer, TimerInput.POSTPONED, now, delay_seconds=_PAUSE_SECONDS)
        elif transaction.request.method == "PRACK":
            self._layer.counters["prack_unanswered"] += 1

    def _start(
        self, session: InviteSession, request: Request, destination: Hop, now: float
    ) -> NonInviteClientTransaction:
        session.authorize(request)
        transaction = NonInviteClientTransaction(request, destination, self._config.timers, now, session)
        self._layer.start_client(transaction, session, now)
        return transaction

    def _finish_bye(self, session: InviteSession, request: Request, response: Response, now: float) -> None:
        assert session.dialog is not None
        if response.status_code in {401, 407} and session.answer_challenge(response):
            self.hang_up(session, session.dialog, request.headers.get("Reason") or "", now)
        else:
            self._events.append(SessionEvent(session, Kind.BYE_FINISHED))

    def _finish_prack(self, session: InviteSession, request: Request, response: Response, now: float) -> None:
        """A PRACK that was refused is not sent again, but for credentials: the far end decides what follows."""
        if response.is_success:
            return
        early = session.early.get(request.to.tag or "")
        if response.status_code in {401, 407} and early is not None and session.answer_challenge(response):
            assert session.invite is not None
            again, destination = early.open(session.invite).request("PRACK", session.via)
            again.headers.add("RAck", request.headers.get("RAck") or "")
            self._start(session, again, destination, now)
        else:
            self._layer.counters["prack_refused"] += 1

    def _refresh(self, session: InviteSession, timer: SessionTimer, now: float) -> None:
        """Refresh by UPDATE where the peer takes it, which needs no offer (RFC 4028 §7.4), else by re-INVITE."""
        dialog = session.dialog
        assert dialog is not None
        if session.is_reinviting:
            self._postpone(timer, now)  # one INVITE at a time (RFC 3261 §14.1)
            return
        request, destination = dialog.request("UPDATE" if session.allows_update else "INVITE", session.via)
        headers = request.headers
        headers.add("Contact", session.contact)
        headers.add("Allow", ALLOWED_METHODS)
        headers.add("Supported", TIMER_OPTION)
        headers.add("Session-Expires", str(SessionExpires(timer.seconds, "uac")))
        if session.min_se_seconds is not None:
            headers.add("Min-SE", str(session.min_se_seconds))
        if request.method == "UPDATE":
            session.refresh = self._start(session, request, destination, now)
            return
        headers.add("Content-Type", "application/sdp")
        request.body = session.description  # of the same version: nothing changes
        session.authorize(request)
        session.refresh_ack = None
        session.refresh = InviteClientTransaction(request, destination, self._config.timers, now, session)
        self._layer.start_client(session.refresh, session, now)

    def _finish_refresh(
        self, session: InviteSession, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        dialog, timer = session.dialog, session.timer
        assert dialog is not None
        assert timer is not None
        status_code = response.status_code
        if response.is_success:
            is_invite = transaction.request.method == "INVITE"
            if is_invite and not self._acknowledge_refresh(session, transaction.request, response, now):
                return
            dialog.refresh_target(response)
            self.agree_on_timer(session, response, now)
        elif status_code in {408, 481}:
            self._step(timer, TimerInput.LOST, now)  # RFC 3261 §12.2.1.2
        elif self._is_curable(session, timer, response):
            self._step(timer, TimerInput.POSTPONED, now)
            self.act(timer, timer.handle_timer(now), now)
        elif status_code == 491:
            self._postpone(timer, now)
        elif status_code >= 500:
            self._step(
                timer,
                TimerInput.POSTPONED,
                now,
                delay_seconds=max(retry_after_of(response) or 0, _PAUSE_SECONDS),
            )

    def _is_curable(self, session: InviteSession, timer: SessionTimer, response: Response) -> bool:
        """Whether the same refresh may be sent again at once, in another way."""
        match response.status_code:
            case 401 | 407:
                return session.answer_challenge(response)
            case 405 | 501:
                was_update, session.allows_update = session.allows_update, False
                return was_update
            case 422:
                min_se = min_se_of(response)
                if min_se is None or min_se <= timer.seconds:
                    return False
                session.min_se_seconds = timer.seconds = min_se
                return True
            case _:
                return False

    def _acknowledge_refresh(
        self, session: InviteSession, invite: Request, response: Response, now: float
    ) -> bool:
        """ACK the 2xx of our re-INVITE. False where it is a repetition, and thereby no news."""
        is_first = session.refresh_ack is None
        if session.refresh_ack is None:
            assert session.dialog is not None
            ack, destination = session.dialog.request("ACK", session.via, cseq_number=response.cseq.number)
            authorize_ack(ack, invite)
            session.refresh_ack = ack.to_bytes(), destination
            before = session.media
            media = session.read_answer(response)
            if media is not None and media != before:
                self._events.append(SessionEvent(session, Kind.MEDIA, media=media))
        self._layer.send(*session.refresh_ack, now, session.call_id)
        return is_first

    def _postpone(self, timer: SessionTimer, now: float) -> None:
        """Both sides asked at once; we own the Call-ID, so 2.1 to 4 s (RFC 3261 §14.1)."""
        chance = self._rng(1)[0] / 255
        self._step(timer, TimerInput.POSTPONED, now, delay_seconds=2.1 + 1.9 * chance)

    def _step(
        self, timer: SessionTimer, event: TimerInput, now: float, *, delay_seconds: float = 0.0
    ) -> None:
        self.act(timer, timer.step(event, now, delay_seconds=delay_seconds), now)


def retry_after_of(response: Response) -> int | None:
    """Seconds to leave the peer alone (RFC 3261 §20.33); None where it does not say, or not readably."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    try:
        return parse_retry_after(value).delay_seconds
    except InvalidHeader:
        return None
