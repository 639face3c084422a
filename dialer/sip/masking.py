"""
What a reader of SIP messages may not see: telephone numbers, and credentials.

Rule: every mask is as long as what it hides, so that Content-Length, sizes and framing stay true.
"""

import re
from typing import Final

_NUMBER: Final = rb"(?<![0-9])(?<!tag=)\+?[0-9]{7,15}(?![0-9A-Za-z-])"
_LONG_NUMBER: Final = re.compile(_NUMBER)
_DIALED_NUMBER: Final = re.compile(
    rb"(?i)(?:(?<=sip:)|(?<=sips:)|(?<=tel:)|(?<=%2B))\+?[0-9][0-9().-]{6,24}(?=[@;>\s?])"
)
"""A whole user part or tel URI, with the separators of RFC 3966 §3."""
_KEPT_LINES: Final = re.compile(
    rb"(?i)(?:via|v|call-id|i|cseq|content-length|l|max-forwards|expires|min-se|session-expires|x|rseq|rack|date"
    rb"|timestamp|retry-after)[ \t]*:"
)
"""Header lines whose digits name no person; Via and Call-ID tie the messages together."""
_DESCRIPTION_LINES: Final = (b"o=", b"s=", b"i=", b"p=", b"e=", b"u=")
"""Lines of an SDP (RFC 8866 §5) that may name a person; in all others the digits are addresses and times."""
_CREDENTIALS: Final = re.compile(rb"(?im)^((?:proxy-)?authorization[ \t]*:[ \t]*)((?:[^\r\n]|\r\n[ \t])+)")
_END_OF_HEAD: Final = b"\r\n\r\n"


def mask_numbers(text: str) -> str:
    """Hide the middle of every run of 7-15 digits: `+79001234567` is `+7900xxxx567`."""
    masked_bytes = _mask(text.encode("utf-8", "surrogateescape"))
    return masked_bytes.decode("utf-8", "surrogateescape")


def mask_message(data: bytes) -> bytes:
    """Hide the telephone numbers of a whole SIP message, wherever a person may stand."""
    head, blank_line, body = data.partition(_END_OF_HEAD)
    lines = [line if _KEPT_LINES.match(line) else _mask(line) for line in head.split(b"\r\n")]
    if re.search(rb"(?im)^(?:content-type|c)[ \t]*:[ \t]*application/sdp", head):
        body = b"\n".join(_mask_description_line(line) for line in body.split(b"\n"))
    else:
        body = _mask(body)
    return b"\r\n".join(lines) + blank_line + body


def without_credentials(data: bytes) -> bytes:
    """Blot out the values of Authorization and Proxy-Authorization."""
    return _CREDENTIALS.sub(lambda found: found[1] + re.sub(rb"[^\r\n \t]", b"x", found[2]), data)


def _mask_description_line(line: bytes) -> bytes:
    if not line.startswith(_DESCRIPTION_LINES):
        return line
    if line.startswith(b"o="):  # RFC 8866 §5.2: a user, then session id and version
        user, space, rest = line.partition(b" ")
        return _mask(user) + space + rest
    return _mask(line)


def _mask(data: bytes) -> bytes:
    return _LONG_NUMBER.sub(_middle, _DIALED_NUMBER.sub(_middle, data))


def _middle(found: re.Match[bytes]) -> bytes:
    number = found.group()
    digits = [index for index, letter in enumerate(number) if 48 <= letter <= 57]
    if len(digits) < 7:
        return number
    hidden = set(digits[-7:-3])
    return bytes(120 if index in hidden else letter for index, letter in enumerate(number))
