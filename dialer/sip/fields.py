"""Header fields of a message as an ordered, case-blind multi-map (RFC 3261 §7.3)."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

from dialer.config import Limits
from dialer.errors import InvalidHeader, MessageTooLarge, RemoteProtocolError
from dialer.sip.grammar import is_token, split_outside_quotes

T = TypeVar("T")

_COMPACT_FORMS: Final = {
    "c": "Content-Type",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
}
"""RFC 3261 §7.3.3, RFC 3515, RFC 6665, RFC 4028."""

_IRREGULAR_NAMES: Final = (
    "Call-ID",
    "CSeq",
    "WWW-Authenticate",
    "MIME-Version",
    "RSeq",
    "RAck",
    "SIP-ETag",
    "SIP-If-Match",
)
"""Names that are not written with one capital per word."""

_COMMA_LISTS: Final = frozenset(
    [
        "Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Call-Info", "Contact",
        "Content-Encoding", "Content-Language", "Error-Info", "In-Reply-To", "P-Asserted-Identity", "Proxy-Require",
        "Reason", "Record-Route", "Require", "Route", "Supported", "Unsupported", "Via", "Warning",
    ]
)  # fmt: skip
"""Headers whose grammar is a comma list, so that two lines mean the same as one (§7.3.1)."""

_ONLY_ONCE: Final = frozenset(["From", "To", "Call-ID", "CSeq", "Content-Length"])
"""What routes and cuts a message must not be ambiguous (RFC 4475 §3.3.8)."""

_CANONICAL: Final = {
    **{name.upper(): full for name, full in _COMPACT_FORMS.items()},
    **_COMPACT_FORMS,
    **{name.lower(): name for name in _IRREGULAR_NAMES},
    **{
        name: name
        for name in (*_IRREGULAR_NAMES, *_COMPACT_FORMS.values(), *_COMMA_LISTS, "Max-Forwards", "User-Agent")
    },
}


def canonical_name(name: str) -> str:
    """The long form in its usual spelling: `v` and `VIA` are `Via`."""
    return _CANONICAL.get(name) or _spell(name)


@lru_cache(maxsize=1024)
def _spell(name: str) -> str:
    lower = name.strip().lower()
    if not is_token(lower):
        raise RemoteProtocolError(f"malformed header name: {name[:80]!r}")
    return _CANONICAL.get(lower) or "-".join([word.capitalize() for word in lower.split("-")])


def _split(value: str, *, is_strict: bool) -> list[str]:
    try:
        return split_outside_quotes(value, ",")
    except InvalidHeader:
        if is_strict:
            raise
        return [value]


class Headers:
    """
    Header fields under canonical names; fields of one name keep their order, which is all that matters (§7.3.1).

    Any spelling and the compact form of a name may be used; the canonical spelling is fastest.
    """

    __slots__ = ("_parsed", "_values")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        self._parsed: dict[str, Any] = {}
        for name, value in fields:
            self.add(name, value)

    @classmethod
    def parse(cls, lines: Iterable[str], limits: Limits) -> "Headers":
        """
        Read unfolded header lines.

        Raises:
            RemoteProtocolError: a line is no header, is too long (MessageTooLarge), or repeats what may come only once.
        """
        headers = cls()
        fields = headers._values
        longest = limits.max_header_bytes
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise RemoteProtocolError(f"malformed header: {line[:80]!r}")
            if len(line) > longest:
                raise MessageTooLarge(f"header {name[:80]!r} of {len(line)} characters")
            key = _CANONICAL.get(name) or _spell(name)
            if key not in fields:
                fields[key] = [value.strip()]
            elif key in _ONLY_ONCE:
                raise InvalidHeader(key, "more than once")
            else:
                fields[key].append(value.strip())
        return headers

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first field of that name, as written."""
        values = self._values.get(name) or self._values.get(canonical_name(name))
        return values[0] if values else default

    def get_all(self, name: str, *, is_strict: bool = False) -> list[str]:
        """
        Every value of that name, comma lists split where the grammar has them.

        A field with a quote that is never closed stays whole: whoever reads it will say so, or does not know it.

        Raises:
            InvalidHeader: there is such a field, and `is_strict`.
        """
        name = canonical_name(name)
        values = self._values.get(name)
        if values is None:
            return []
        if name not in _COMMA_LISTS:
            return values.copy()
        return [
            part
            for value in values
            for part in (_split(value, is_strict=is_strict) if "," in value else (value,))
        ]

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        self._parsed.clear()
        key = _CANONICAL.get(name) or _spell(name)
        if key in self._values:
            self._values[key].append(value)
        else:
            self._values[key] = [value]

    def prepend(self, name: str, value: str) -> None:
        """Put a field before the others of that name, e.g. a Via on top."""
        self._parsed.clear()
        self._values.setdefault(canonical_name(name), []).insert(0, value)

    def set(self, name: str, value: str) -> None:
        """Replace every field of that name by this one."""
        self._parsed.clear()
        self._values[canonical_name(name)] = [value]

    def set_all(self, name: str, values: Iterable[str]) -> None:
        """Replace every field of that name by these; none removes it."""
        self.remove(name)
        if fields := list(values):
            self._values[canonical_name(name)] = fields

    def remove(self, name: str) -> None:
        """Drop every field of that name; absent is fine."""
        self._parsed.clear()
        self._values.pop(canonical_name(name), None)

    def copy(self) -> "Headers":
        new = Headers()
        new._values = {name: values.copy() for name, values in self._values.items()}
        return new

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        """
        The first value of that name, parsed once and kept until a header changes.

        Raises:
            InvalidHeader: missing or malformed.
        """
        known: T | None = self._parsed.get(name)
        if known is not None:
            return known
        value = self.get(name)
        if value is None:
            raise InvalidHeader(name, None)
        try:
            if "," in value and name in _COMMA_LISTS:
                value = split_outside_quotes(value, ",")[0]
            result = self._parsed[name] = parse(value)
        except InvalidHeader as error:
            raise InvalidHeader(name, value) from error
        return result

    def __contains__(self, name: str) -> bool:
        return canonical_name(name) in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, values in self._values.items():
            for value in values:
                yield name, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"
