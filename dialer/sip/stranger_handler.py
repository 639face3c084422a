"""
Requests that belong to no call of ours: answered without keeping state (RFC 3261 §8.2.7), seldom, and briefly.

A flood of them costs the reading of it, a thousand small buckets of memory, and a bounded number of answers (`StrangerLimit`),
none much longer than what it answers.
"""

from typing import Final

from dialer.errors import RemoteProtocolError
from dialer.sip.hop import Hop
from dialer.sip.invite_session import ALLOWED_METHODS
from dialer.sip.message import Request
from dialer.sip.responder import Responder
from dialer.sip.stranger_limit import StrangerLimit
from dialer.sip.transaction_layer import TransactionLayer

KNOWN_METHODS: Final = frozenset(
    [
        "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "INFO",
        "UPDATE", "PRACK", "PUBLISH",
    ]
)  # fmt: skip
"""Refused with 405; what is not even here, with 501 (§21.5.2)."""
OPTIONS_HEADERS: Final = (("Allow", ALLOWED_METHODS), ("Accept", "application/sdp"))
_TEXT_HEADERS: Final = 60
"""How much longer than the request an answer always is: To tag, received and rport."""


class StrangerHandler:
    """`counters` of the layer tell how many came (`stray_requests`, `malformed`) and how many got no answer (`unanswered`)."""

    def __init__(self, layer: TransactionLayer, responder: Responder) -> None:
        self._layer = layer
        self._responder = responder
        self._limit = StrangerLimit()

    def refuse_malformed(self, data: bytes, error: RemoteProtocolError, source: Hop, now: float) -> None:
        """Answer an unreadable request, if enough of it can be read (§18.3, §21.4.1)."""
        self._layer.counters["malformed"] += 1
        if self._allows(source, now):
            self._responder.refuse_malformed(data, error, source, now)

    def receive(self, request: Request, source: Hop, size_bytes: int, now: float) -> None:
        """Handle any request but ACK, which is never answered."""
        if request.to.tag is not None or request.method not in {"OPTIONS", "CANCEL"}:
            self._layer.counters["stray_requests"] += 1
        if not self._allows(source, now):
            return
        status_code, headers = _verdict_on(request)
        self._responder.answer(request, status_code, now, *headers, max_bytes=size_bytes + _TEXT_HEADERS)

    def _allows(self, source: Hop, now: float) -> bool:
        is_allowed = self._limit.allows(source.host, now)
        if not is_allowed:
            self._layer.counters["unanswered"] += 1
        return is_allowed


def _verdict_on(request: Request) -> tuple[int, tuple[tuple[str, str], ...]]:
    method = request.method
    if request.to.tag is not None or method in {"BYE", "CANCEL", "PRACK", "UPDATE"}:
        return 481, ()
    if method == "OPTIONS":
        return 200, OPTIONS_HEADERS  # how trunks see that we are alive
    if method == "INVITE":
        return 480, ()  # nobody here takes calls
    return 405 if method in KNOWN_METHODS else 501, (("Allow", ALLOWED_METHODS),)
