"""
SIP requests and responses: bytes in, bytes out (RFC 3261 §7, §18.3).

Rule 1: `parse_message` raises RemoteProtocolError and nothing else, whatever the bytes are.
Rule 2: a message that it returns is safe to route: start line, top Via, From, To, Call-ID, CSeq and Content-Length
are present and well formed. All other headers are looked at when somebody asks.
Rule 3: text is UTF-8; stray bytes (names in cp1251 are met) survive as surrogate escapes and leave as they came.
"""

from typing import Final

from dialer.config import Limits
from dialer.errors import InvalidHeader, LocalProtocolError, MessageTooLarge, RemoteProtocolError
from dialer.sip.fields import Headers, canonical_name
from dialer.sip.grammar import LWS, is_token
from dialer.sip.headers import (
    CSeq,
    NameAddr,
    Reason,
    Via,
    parse_cseq,
    parse_name_addr,
    parse_reason,
    parse_via,
)
from dialer.sip.hop import Hop
from dialer.sip.status import REASON_PHRASES

_REPEATED_IN_RESPONSE: Final = ("Via", "From", "To", "Call-ID", "CSeq")
_SALVAGED_BYTES: Final = 8_192
"""How far into a refused request we look for what its answer must repeat."""


class Message:
    """What requests and responses share. Properties raise InvalidHeader; on a parsed message the first five cannot."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers, body: bytes = b"") -> None:
        self.headers = headers
        self.body = body

    @property
    def via(self) -> Via:
        """The top one."""
        return self.headers.parsed("Via", parse_via)

    @property
    def from_(self) -> NameAddr:
        return self.headers.parsed("From", parse_name_addr)

    @property
    def to(self) -> NameAddr:
        return self.headers.parsed("To", parse_name_addr)

    @property
    def call_id(self) -> str:
        return self.headers.parsed("Call-ID", _parse_call_id)

    @property
    def cseq(self) -> CSeq:
        return self.headers.parsed("CSeq", parse_cseq)

    @property
    def contact(self) -> NameAddr | None:
        """The first one; None where there is none or it is `*`."""
        value = self.headers.get("Contact")
        return None if value is None or value == "*" else self.headers.parsed("Contact", parse_name_addr)

    @property
    def record_route(self) -> list[NameAddr]:
        """Top to bottom, as received."""
        try:
            return [parse_name_addr(value) for value in self.headers.get_all("Record-Route")]
        except InvalidHeader as error:
            raise InvalidHeader("Record-Route", error.value) from error

    @property
    def reasons(self) -> list[Reason]:
        """RFC 3326; a malformed one is left out, it only explains."""
        reasons = []
        for value in self.headers.get_all("Reason"):
            try:
                reasons.append(parse_reason(value))
            except InvalidHeader:
                continue
        return reasons

    @property
    def start_line(self) -> str:
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """
        Write the message; Content-Length is set from the body.

        Raises:
            LocalProtocolError: a value holds a line break, which would let it forge headers.
        """
        lines = [self.start_line]
        lines += [f"{name}: {value}" for name, value in self.headers if name != "Content-Length"]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        if not head.count(b"\r") == head.count(b"\n") == len(lines) + 1:
            raise LocalProtocolError("a header value holds a line break")
        return head + self.body

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Message)
            and self.start_line == other.start_line
            and self.headers == other.headers
            and self.body == other.body
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.start_line!r} Call-ID {self.headers.get('Call-ID')!r}>"


class Request(Message):
    """A request (§7.1)."""

    __slots__ = ("method", "reply_to", "uri")

    def __init__(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri
        self.reply_to: Hop | None = None
        """Where its response goes; known of requests that were received (`dialer.sip.responder`)."""

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


class Response(Message):
    """A response (§7.2)."""

    __slots__ = ("reason_phrase", "status_code")

    def __init__(self, status_code: int, reason_phrase: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status_code = status_code
        self.reason_phrase = reason_phrase

    @property
    def start_line(self) -> str:
        return f"SIP/2.0 {self.status_code} {self.reason_phrase}"

    @property
    def is_provisional(self) -> bool:
        return self.status_code < 200

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def is_final(self) -> bool:
        return self.status_code >= 200


def parse_message(data: bytes, limits: Limits = Limits()) -> Request | Response:  # noqa: B008 (frozen)
    """
    Read one datagram.

    Raises:
        RemoteProtocolError: the bytes are no SIP message; `status_hint` is what a request is answered with.
            An empty keep-alive (RFC 5626 §3.5.1) is the shell's business and no message either.

    RFC 3261 §7 and §18.3; a datagram longer than its Content-Length has the surplus cut off.
    """
    if len(data) > limits.max_message_bytes:
        raise MessageTooLarge(f"message of {len(data)} bytes")
    head, blank_line, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not blank_line:
        raise RemoteProtocolError("no empty line after the headers")
    text = head.decode("utf-8", "surrogateescape")
    if "\r\n " in text or "\r\n\t" in text:
        text = LWS.sub(" ", text)
    start_line, *lines = text.split("\r\n")
    if len(lines) > limits.max_headers:
        raise MessageTooLarge(f"{len(lines)} headers")
    if not text.count("\r") == text.count("\n") == len(lines):
        raise RemoteProtocolError("stray line break")
    message = _parse_start_line(start_line, Headers.parse(lines, limits))
    _check_routing_headers(message)
    message.body = _cut_body(message.headers, body)
    return message


def _parse_start_line(line: str, headers: Headers) -> Request | Response:
    if line.startswith("SIP/"):
        version, _, rest = line.partition(" ")
        code, _, phrase = rest.partition(" ")
        if (
            version != "SIP/2.0"
            or len(code) != 3
            or not (code.isascii() and code.isdigit())
            or not "100" <= code <= "699"
        ):
            raise RemoteProtocolError(f"malformed status line: {line[:80]!r}")
        return Response(int(code), phrase, headers)
    parts = line.split(" ")
    if len(parts) != 3 or not is_token(parts[0]):
        raise RemoteProtocolError(f"malformed request line: {line[:80]!r}")
    method, uri, version = parts
    if version.upper() != "SIP/2.0":
        is_sip = version.upper().startswith("SIP/")
        raise RemoteProtocolError(
            f"unsupported version: {version[:80]!r}", status_hint=505 if is_sip else 400
        )
    if ":" not in uri or "<" in uri or '"' in uri:
        raise RemoteProtocolError(f"malformed Request-URI: {uri[:80]!r}")
    return Request(method, uri, headers)


def _check_routing_headers(message: Request | Response) -> None:
    """Parse, and thereby keep, what every user of the message asks for (§8.1.1)."""
    cseq = message.cseq
    if isinstance(message, Request) and cseq.method != message.method:
        raise InvalidHeader("CSeq", str(cseq))
    _ = message.via, message.from_, message.to, message.call_id
    if isinstance(message, Request):
        # all of them are repeated in its responses, Record-Route too (§8.2.6.2, §12.1.1)
        _ = message.headers.get_all("Via", is_strict=True), message.record_route


def _parse_call_id(value: str) -> str:
    if len(value.split()) != 1:
        raise InvalidHeader("Call-ID", value)
    return value


def _cut_body(headers: Headers, body: bytes) -> bytes:
    length = headers.get("Content-Length")
    if length is None:
        return body
    if not (length.isascii() and length.isdigit() and len(length) <= 10) or int(length) > len(body):
        raise InvalidHeader("Content-Length", length)
    return body[: int(length)]


def response_to(
    request: Request, status_code: int, reason_phrase: str | None = None, *, to_tag: str | None = None
) -> Response:
    """
    Begin a response: Via, From, To, Call-ID and CSeq are the request's (RFC 3261 §8.2.6.2).

    A `to_tag` is added where the request had none. 101-299 to a request outside a dialog carry its Record-Route
    (§12.1.1), 100 its Timestamp (§8.2.6.1).
    """
    source = request.headers
    to = request.to
    headers = Headers()
    for name in _REPEATED_IN_RESPONSE:
        headers.set_all(name, source.get_all(name))
    if to_tag is not None and to.tag is None:
        headers.set("To", str(to.with_tag(to_tag)))
    if 101 <= status_code <= 299 and to.tag is None:
        headers.set_all("Record-Route", source.get_all("Record-Route"))
    if status_code == 100 and (timestamp := source.get("Timestamp")) is not None:
        headers.set("Timestamp", timestamp)
    if reason_phrase is None:
        reason_phrase = REASON_PHRASES.get(status_code, "")
    return Response(status_code, reason_phrase, headers)


def refuse_malformed(data: bytes, error: RemoteProtocolError, *, to_tag: str) -> Response | None:
    """
    Answer a request that `parse_message` refused, with `error.status_hint` (RFC 3261 §18.3, §21.4).

    None for responses, for ACK (it is never answered) and where what a response must repeat cannot be read.
    """
    head = data[:_SALVAGED_BYTES].lstrip(b"\r\n").partition(b"\r\n\r\n")[0]
    start_line, *lines = LWS.sub(" ", head.decode("utf-8", "surrogateescape")).split("\r\n")
    if start_line.startswith(("SIP/", "ACK ")):
        return None
    request = Request("", "", Headers())
    for line in lines:
        name, _, value = line.partition(":")
        if "\r" in value or "\n" in value:
            continue  # may be what it was refused for; an answer cannot repeat it
        if is_token(name.strip()) and canonical_name(name) in _REPEATED_IN_RESPONSE:
            request.headers.add(name, value.strip())
    try:
        _ = request.via, request.from_, request.call_id
        return response_to(request, error.status_hint, to_tag=to_tag)
    except InvalidHeader:
        return None
