"""
Header values with an inner structure: one frozen struct and one `parse_*` function each; `str()` writes it back.

Every `parse_*` raises InvalidHeader and nothing else. Parameter values stay as written, quotes included.
"""

import re
from typing import Final, Literal

import msgspec

from dialer.errors import InvalidHeader
from dialer.sip.grammar import HOST, TOKEN, Params, format_params, is_token, parse_params, quote, unquote

Refresher = Literal["uac", "uas"]

_VIA: Final = re.compile(
    rf"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9-]+)\s+(?P<host>{HOST.pattern})\s*(?::\s*(?P<port>[0-9]{{1,5}})\s*)?"
    r"(?:;(?P<params>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED_NAME: Final = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"\s*<', re.DOTALL)
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+")
_USUAL_ADDRESS: Final = re.compile(rf"<({_ADDRESS.pattern})>(?:;tag=({TOKEN.pattern}))?")
"""From, To and Contact as nearly everybody writes them."""
_RETRY_AFTER: Final = re.compile(r"(?P<seconds>[0-9]{1,10})\s*(?:\(.*\)\s*)?(?:;(?P<params>.*))?", re.DOTALL)


class Via(msgspec.Struct, frozen=True):
    """One hop (RFC 3261 §20.42)."""

    transport: str
    """Upper case, e.g. UDP."""
    host: str
    port: int | None
    params: Params

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{format_params(self.params)}"

    @property
    def sent_by(self) -> str:
        """`host[:port]` as written; part of the transaction key of a server (§17.2.3)."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def branch(self) -> str:
        """The transaction's id; empty where an RFC 2543 peer sent none."""
        return self.params.get("branch") or ""

    def received_from(self, host: str, port: int) -> "Via":
        """Note the datagram's true source, as a server must (§18.2.1; RFC 3581 §4 where `rport` is asked for)."""
        params: Params = dict(self.params)
        if host != self.host or "rport" in params:
            params["received"] = host
        if "rport" in params:
            params["rport"] = str(port)
        return Via(self.transport, self.host, self.port, params)


class NameAddr(msgspec.Struct, frozen=True):
    """From, To, Contact, Route, Record-Route: a URI with an optional name and parameters (§20.10)."""

    display_name: str
    """Unquoted; empty where there is none."""
    uri: str
    """As written; `dialer.sip.uri.parse_uri` looks inside."""
    params: Params = {}

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{format_params(self.params)}"

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")

    def with_tag(self, tag: str) -> "NameAddr":
        return NameAddr(self.display_name, self.uri, {**self.params, "tag": tag})


class CSeq(msgspec.Struct, frozen=True):
    """Number and method of a request (§20.16)."""

    number: int
    """0 to 2**31 - 1 (§8.1.1.5)."""
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class Reason(msgspec.Struct, frozen=True):
    """Why a call ended (RFC 3326): `Q.850;cause=16;text="Normal call clearing"`."""

    protocol: str
    cause: int | None
    text: str | None

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{text}"


class RetryAfter(msgspec.Struct, frozen=True):
    """How long to leave the peer alone (§20.33)."""

    delay_seconds: int
    duration_seconds: int | None = None
    """How long it will be reachable then."""

    def __str__(self) -> str:
        duration = "" if self.duration_seconds is None else f";duration={self.duration_seconds}"
        return f"{self.delay_seconds}{duration}"


class SessionExpires(msgspec.Struct, frozen=True):
    """How long a session lives without a refresh, and who refreshes it (RFC 4028 §4)."""

    seconds: int
    refresher: Refresher | None = None
    """As seen from the request: `uac` is who sends it."""

    def __str__(self) -> str:
        return str(self.seconds) if self.refresher is None else f"{self.seconds};refresher={self.refresher}"


def parse_via(text: str) -> Via:
    """Read one Via value (no comma list)."""
    match = _VIA.fullmatch(text)
    if match is None:
        raise InvalidHeader("Via", text)
    transport, host, port, params = match.group("transport", "host", "port", "params")
    number = None if port is None else int(port)
    if number is not None and number > 65_535:
        raise InvalidHeader("Via", text)
    return Via(transport.upper(), host, number, {} if params is None else parse_params(params))


def parse_name_addr(text: str) -> NameAddr:
    """
    Read `"Name" <uri>;param`, `Name <uri>;param` or `uri;param`.

    Without angle brackets what follows `;` belongs to the header, not to the URI, and the URI may hold no `?` or
    comma (§20.10).
    """
    usual = _USUAL_ADDRESS.fullmatch(text)
    if usual is not None:
        uri, tag = usual.groups()
        return NameAddr("", uri, {} if tag is None else {"tag": tag})
    name = ""
    if text.startswith('"'):
        match = _QUOTED_NAME.match(text)
        if match is None:
            raise InvalidHeader("address", text)
        name = unquote(f'"{match["name"]}"')
        start = match.end()
    else:
        start = text.find("<") + 1
        name = text[: start - 1].strip() if start > 1 else ""
    if start:
        end = text.find(">", start)
        uri, rest = text[start:end], text[end + 1 :].strip()
        # The RFC wants tokens here. Peers send any letters unquoted, which is readable as long as no separator is in.
        if end < 0 or (name and not text.startswith('"') and any(c in name for c in ',;:@">\\')):
            raise InvalidHeader("address", text)
        if rest and not rest.startswith(";"):
            raise InvalidHeader("address", text)
        rest = rest[1:] if rest else rest
        has_params = end + 1 < len(text.rstrip())
    else:
        uri, separator, rest = text.partition(";")
        uri = uri.strip()
        has_params = bool(separator)
        if "?" in uri or "," in uri:
            raise InvalidHeader("address", text)
    if _ADDRESS.fullmatch(uri) is None:
        raise InvalidHeader("address", text)
    return NameAddr(name, uri, parse_params(rest) if has_params else {})


def parse_cseq(text: str) -> CSeq:
    number, method = parts if len(parts := text.split()) == 2 else ("", "")
    # Ten digits hold 2**31; int() of a longer run costs quadratic time.
    if not (number.isascii() and number.isdigit() and len(number) <= 10 and is_token(method)):
        raise InvalidHeader("CSeq", text)
    value = int(number)
    if value >= 2**31:
        raise InvalidHeader("CSeq", text)
    return CSeq(value, method)


def parse_reason(text: str) -> Reason:
    """Read one Reason value (RFC 3326 §2)."""
    protocol, has_params, rest = text.partition(";")
    protocol = protocol.strip()
    if not is_token(protocol):
        raise InvalidHeader("Reason", text)
    params = parse_params(rest) if has_params else {}
    cause = params.get("cause")
    note = params.get("text")
    if cause is not None and not (cause.isascii() and cause.isdigit() and len(cause) <= 5):
        raise InvalidHeader("Reason", text)
    return Reason(protocol, None if cause is None else int(cause), None if note is None else unquote(note))


def parse_retry_after(text: str) -> RetryAfter:
    match = _RETRY_AFTER.fullmatch(text)
    if match is None:
        raise InvalidHeader("Retry-After", text)
    params = parse_params(match["params"]) if match["params"] is not None else {}
    duration = params.get("duration")
    if duration is not None and not (duration.isascii() and duration.isdigit() and len(duration) <= 10):
        raise InvalidHeader("Retry-After", text)
    return RetryAfter(int(match["seconds"]), None if duration is None else int(duration))


def parse_session_expires(text: str) -> SessionExpires:
    """Read Session-Expires, or Min-SE (RFC 4028 §4, §5); a refresher of another name counts as none."""
    seconds, has_params, rest = text.partition(";")
    refresher = (parse_params(rest).get("refresher") or "").lower() if has_params else ""
    return SessionExpires(
        _parse_number("Session-Expires", seconds.strip()),
        "uac" if refresher == "uac" else "uas" if refresher == "uas" else None,
    )


def parse_rseq(text: str) -> int:
    """Read the number of a reliable provisional response (RFC 3262 §7.1): 1 to 2**31 - 1."""
    number = _parse_number("RSeq", text)
    if not 0 < number < 2**31:
        raise InvalidHeader("RSeq", text)
    return number


def _parse_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise InvalidHeader(name, text)
    return int(text)
