"""
A far end in memory for pure tests: it keeps what it hears and sends exactly what it is told, when it is told.

It has no timers and no manners of its own, so that a test can be as rude as a real trunk. `exchange` carries the
datagrams between it and a sans-IO dialer, `advance` also moves time along the dialer's timers.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from dialer.sip.fields import Headers
from dialer.sip.hop import Hop, bracketed
from dialer.sip.message import Request, Response, parse_message, response_to

Deliver = Callable[[bytes], Iterable[bytes]]
"""What arrives of one datagram: nothing (lost), itself, itself twice (duplicated), something else (mangled)."""


_PLACE: Final = Hop("127.0.0.9", 5060)
_DIALER: Final = Hop("127.0.0.1", 5060)


class SansIoPeer(Protocol):
    """The four verbs that the wire needs; `DialerCore`, `SipUserAgent` and `ScriptedTrunk` have them."""

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None: ...
    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Hop]]: ...
    def get_timer(self) -> float | None: ...
    def handle_timer(self, now: float) -> None: ...


class ScriptedTrunk:
    """One far end at one address; all calls to it share `requests` and `responses`."""

    def __init__(self, address: Hop = _PLACE) -> None:
        self.address = address
        self.requests: list[Request] = []
        """Every request heard, in order, retransmissions too."""
        self.responses: list[Response] = []
        """Every response heard to the requests that we sent."""
        self._peer = _DIALER
        self._outgoing: list[tuple[bytes, Hop]] = []
        self._branches = itertools.count(1)
        self._cseq = itertools.count(100)

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:  # noqa: ARG002 (the peer's verb)
        self._peer = source
        message = parse_message(data)
        if isinstance(message, Request):
            self.requests.append(message)
        else:
            self.responses.append(message)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Hop]]:  # noqa: ARG002 (the peer's verb)
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def get_timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None:
        """Nothing here is ever due."""

    def heard(self, method: str) -> list[Request]:
        """All requests of one method so far."""
        return [request for request in self.requests if request.method == method]

    def last(self, method: str) -> Request:
        """
        The newest request of one method.

        Raises:
            AssertionError: none was heard.
        """
        requests = self.heard(method)
        assert requests, f"no {method} among {[request.method for request in self.requests]}"
        return requests[-1]

    @property
    def ladder(self) -> list[str]:
        """Methods heard, in order: `["INVITE", "ACK", "BYE"]`."""
        return [request.method for request in self.requests]

    def respond(
        self,
        request: Request,
        status_code: int,
        *,
        to_tag: str | None = "callee",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """Answer a request; may be repeated at will. 101-299 to an INVITE carry a Contact, a body is taken for SDP."""
        response = response_to(request, status_code, to_tag=None if status_code == 100 else to_tag)
        if request.method == "INVITE" and 100 < status_code < 300:
            response.headers.set("Contact", self.contact)
        if body:
            response.headers.set("Content-Type", "application/sdp")
        for name, value in headers:
            response.headers.add(name, value)
        response.body = body
        self.send(response.to_bytes())
        return response

    def answer(self, invite: Request, *, to_tag: str = "callee", body: bytes | None = None) -> Response:
        """Send 200 with an SDP answer (PCMU and telephone-event 101 on port 30000, unless `body` says otherwise)."""
        return self.respond(invite, 200, to_tag=to_tag, body=self.sdp() if body is None else body)

    def request(
        self,
        method: str,
        invite: Request,
        *,
        to_tag: str = "callee",
        cseq: int | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Request:
        """Send a request inside the dialog that `invite` opened and `to_tag` names (RFC 3261 §12.2.1.1)."""
        number = next(self._cseq) if cseq is None else cseq
        contact = invite.contact
        uri = invite.from_.uri if contact is None else contact.uri
        fields = Headers()
        fields.add(
            "Via",
            f"SIP/2.0/{self.address.transport.upper()} {self._sent_by};branch=z9hG4bKtrunk{next(self._branches)}",
        )
        fields.add("Max-Forwards", "70")
        fields.add("From", str(invite.to.with_tag(to_tag)))
        fields.add("To", str(invite.from_))
        fields.add("Call-ID", invite.call_id)
        fields.add("CSeq", f"{number} {method}")
        fields.add("Contact", self.contact)
        if body:
            fields.add("Content-Type", "application/sdp")
        for name, value in headers:
            fields.add(name, value)
        request = Request(method, uri, fields, body)
        self.send(request.to_bytes())
        return request

    def bye(self, invite: Request, *, to_tag: str = "callee") -> Request:
        """Hang up the dialog that `invite` opened."""
        return self.request("BYE", invite, to_tag=to_tag)

    def send(self, data: bytes) -> None:
        """Send any bytes to whoever was heard last."""
        self._outgoing.append((data, self._peer))

    def sdp(self, *, port: int = 30_000, payload_type: int = 0, direction: str = "sendrecv") -> bytes:
        """Describe one G.711 stream with telephone-event 101."""
        name = {0: "PCMU", 8: "PCMA"}[payload_type]
        host = self.address.host
        family = "IP6" if ":" in host else "IP4"
        lines = (
            "v=0",
            f"o=trunk 1 1 IN {family} {host}",
            "s=-",
            f"c=IN {family} {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {payload_type} 101",
            f"a=rtpmap:{payload_type} {name}/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            f"a={direction}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    @property
    def contact(self) -> str:
        transport = "" if self.address.transport == "udp" else f";transport={self.address.transport}"
        return f"<sip:callee@{self._sent_by}{transport}>"

    @property
    def _sent_by(self) -> str:
        return f"{bracketed(self.address.host)}:{self.address.port}"


def _intact(data: bytes) -> Iterable[bytes]:
    return (data,)


def exchange(
    dialer: SansIoPeer,
    trunk: ScriptedTrunk,
    now: float,
    *,
    address: Hop = _DIALER,
    to_trunk: Deliver = _intact,
    to_dialer: Deliver = _intact,
) -> None:
    """Carry datagrams both ways until neither side has any. `address` is the dialer's."""
    while True:
        outgoing = dialer.datagrams_to_send(now)
        incoming = trunk.datagrams_to_send(now)
        if not outgoing and not incoming:
            return
        for data, _ in outgoing:
            for arrived in to_trunk(data):
                trunk.receive_datagram(arrived, address, now)
        for data, _ in incoming:
            for arrived in to_dialer(data):
                dialer.receive_datagram(arrived, trunk.address, now)


def advance(
    dialer: SansIoPeer,
    trunk: ScriptedTrunk,
    now: float,
    until: float,
    *,
    to_trunk: Deliver = _intact,
    to_dialer: Deliver = _intact,
) -> float:
    """Let time pass, stopping at each of the dialer's timers. Returns `until`."""
    exchange(dialer, trunk, now, to_trunk=to_trunk, to_dialer=to_dialer)
    while (due := dialer.get_timer()) is not None and due <= until:
        now = max(now, due)
        dialer.handle_timer(now)
        exchange(dialer, trunk, now, to_trunk=to_trunk, to_dialer=to_dialer)
    return until
