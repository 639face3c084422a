"""
The words and separators of SIP that several headers share (RFC 3261 §25.1).

Rule 1: what a stranger sent is split once, left to right, in linear time.
Rule 2: each function has a fast path for text without quotes, which is nearly all text.
"""

import re
from typing import Final

from dialer.errors import InvalidHeader

TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"""`token`: methods, parameter names, header names."""
HOST: Final = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+")
"""`hostname / IPv4address / IPv6reference`; `_` is not in the RFC, but in many host names."""
LWS: Final = re.compile(r"\r\n[ \t]+")
"""A folded line (§7.3.1); it means one space."""

_QUOTED_OR_SEPARATOR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>"]*>|[,;"]', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_MUST_ESCAPE: Final = re.compile(r'(["\\])')

_USUAL_PARAMS: Final = frozenset(
    ["alias", "branch", "expires", "lr", "maddr", "q", "received", "rport", "tag", "transport", "user"]
)
"""Spelled like this in nearly every message: known to be tokens in lower case."""

Params = dict[str, str | None]
"""Parameters in order: names in lower case, values as written (a quoted value keeps its quotes), None for a flag."""


def is_token(text: str) -> bool:
    return TOKEN.fullmatch(text) is not None


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at `separator` ("," or ";"), but not inside quoted strings or <...>; the parts are stripped."""
    if '"' not in text and "<" not in text:
        return [part.strip() for part in text.split(separator)]
    parts = []
    start = 0
    for match in _QUOTED_OR_SEPARATOR.finditer(text):
        found = match.group()
        if found == separator:
            parts.append(text[start : match.start()].strip())
            start = match.end()
        elif found == '"':
            raise InvalidHeader("quoted string", text)
    parts.append(text[start:].strip())
    return parts


def parse_params(text: str) -> Params:
    """
    Read `name=value;name;name="quoted"`, without the leading semicolon.

    Raises:
        InvalidHeader: a name is empty or not a token, or a quote is never closed.

    RFC 3261 §25.1 `generic-param`.
    """
    params: Params = {}
    for part in split_outside_quotes(text, ";") if '"' in text else text.split(";"):
        name, has_value, value = part.partition("=")
        if name not in _USUAL_PARAMS:
            name = name.strip().lower()
            if not is_token(name):
                raise InvalidHeader("parameter", text)
        params[name] = value.strip() if has_value else None
    return params


def format_params(params: Params) -> str:
    """Write `;name=value;flag`, with the leading semicolon; empty for no parameters."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params.items()])


def quote(text: str) -> str:
    """Make a `quoted-string` (RFC 3261 §25.1)."""
    return '"' + _MUST_ESCAPE.sub(r"\\\1", text) + '"'


def unquote(text: str) -> str:
    """Take the quotes and quoted pairs away; text that is not quoted comes back as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner
