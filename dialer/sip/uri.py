"""SIP and SIPS URIs (RFC 3261 §19.1)."""

import re
from typing import Final
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

import msgspec

from dialer.errors import RemoteProtocolError
from dialer.sip.grammar import HOST, Params, format_params, parse_params

_URI: Final = re.compile(
    r"[A-Za-z]+:"
    r"(?:(?P<user>[^@:\s<>\"]+)(?::(?P<password>[^@:\s<>\"]*))?@)?"
    rf"(?P<host>{HOST.pattern})(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?:;(?P<params>[^?\s<>\"]*))?(?:\?(?P<headers>[^\s<>\"]*))?"
)
_SAFE_IN_USER: Final = "!*'()&=+$,;?/"
"""`mark` and `user-unreserved`, beyond what percent_encode keeps anyway."""
_SAFE_AFTER_COLON: Final = "!*'()&=+$,"


class SipUri(msgspec.Struct, frozen=True):
    """A parsed URI; `user` and `password` are unescaped, everything else is as written."""

    scheme: str
    user: str | None
    password: str | None
    host: str
    """A name, an IPv4 address, or an IPv6 address in brackets."""
    port: int | None
    params: Params = {}
    headers: str | None = None
    """Text after `?`."""

    def __str__(self) -> str:
        user = self.user or ""
        if not (user.isascii() and user.isalnum()):  # most are numbers, with nothing to encode
            user = percent_encode(user, _SAFE_IN_USER, errors="surrogateescape")
        if self.password is not None:
            user += ":" + percent_encode(self.password, _SAFE_AFTER_COLON, errors="surrogateescape")
        host = self.host if self.port is None else f"{self.host}:{self.port}"
        headers = "" if self.headers is None else f"?{self.headers}"
        return f"{self.scheme}:{user}{'@' if user else ''}{host}{format_params(self.params)}{headers}"

    @property
    def is_loose_router(self) -> bool:
        """RFC 3261 §19.1.1 `lr`."""
        return "lr" in self.params

    @property
    def address(self) -> tuple[str, int]:
        """Where UDP goes: host without brackets, and port 5060 where none is written (`maddr` first, §18.1.1)."""
        host = self.params.get("maddr") or self.host
        return host.strip("[]"), self.port or 5060


def parse_uri(text: str) -> SipUri:
    """
    Read a `sip:` or `sips:` URI.

    Raises:
        RemoteProtocolError: malformed (status_hint 400) or of another scheme (416).
    """
    scheme, colon, _ = text.partition(":")
    scheme = scheme.lower()
    if colon and scheme.isalpha() and scheme not in {"sip", "sips"}:
        raise RemoteProtocolError(f"unsupported URI scheme: {text[:80]!r}", status_hint=416)
    match = _URI.fullmatch(text)
    if match is None:
        raise RemoteProtocolError(f"malformed URI: {text[:80]!r}")
    user, password, port, params = match.group("user", "password", "port", "params")
    if port is not None and int(port) > 65_535:
        raise RemoteProtocolError(f"malformed URI: {text[:80]!r}")
    return SipUri(
        scheme=scheme,
        user=None if user is None else percent_decode(user, errors="surrogateescape"),
        password=None if password is None else percent_decode(password, errors="surrogateescape"),
        host=match["host"],
        port=None if port is None else int(port),
        params={} if params is None else parse_params(params),
        headers=match["headers"],
    )
