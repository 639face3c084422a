"""
Session descriptions (RFC 8866) and offer/answer (RFC 3264) for one audio stream of PCMU, PCMA and RFC 4733 digits.

We speak the static payload types 0 and 8 over RTP/AVP. Everything else in an offer is answered with port 0 (§6), and
an offer or answer in which nothing is left for us raises InvalidSdp.
"""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Literal

import msgspec

from dialer.errors import InvalidSdp

PCMU: Final = 0
PCMA: Final = 8
TELEPHONE_EVENT: Final = 101
"""The dynamic payload type under which we offer digits; an answerer must keep it (RFC 3264 §6.1)."""

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

_DIRECTIONS: Final[dict[str, Direction]] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}
_REVERSED: Final[dict[Direction, Direction]] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
"""What we do when the peer does this (RFC 3264 §6.1)."""
_CODEC_LINES: Final = {
    PCMU: "a=rtpmap:0 PCMU/8000\r\n",
    PCMA: "a=rtpmap:8 PCMA/8000\r\n",
}
_MEDIA: Final = re.compile(
    r"(?P<kind>\S+) (?P<port>[0-9]{1,5})(?:/[0-9]{1,5})? (?P<protocol>\S+)(?P<formats>(?: +\S+)+) *"
)
_RTPMAP: Final = re.compile(r"(?P<payload_type>[0-9]{1,3}) +(?P<encoding>\S+) *")
_UNSPECIFIED: Final = ("0.0.0.0", "::")
"""A connection address of an old way to hold a call (RFC 3264 §8.4)."""


class NegotiatedMedia(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to send audio, as offer and answer agreed (RFC 3264)."""

    remote_host: str
    """An IP address."""
    remote_port: int
    payload_type: int
    """0 = PCMU, 8 = PCMA."""
    telephone_event_payload_type: int | None
    """RFC 4733; None when the peer does not speak it."""
    can_send: bool = True
    """False while the peer holds us (sendonly, inactive, or address 0.0.0.0)."""
    ptime_ms: int = 20
    """How much sound the peer wants in a packet (RFC 8866 §6.4)."""


class MediaDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One `m=` section."""

    kind: str
    """`audio`, `video`, ..."""
    port: int
    """0 = refused or switched off."""
    protocol: str
    formats: tuple[str, ...]
    """As written, most wanted first."""
    host: str | None
    """The section's own address, else the session's; None where neither has one."""
    encodings: dict[int, str]
    """`a=rtpmap`: payload type to e.g. `PCMU/8000`, in upper case, one channel not written."""
    direction: Direction
    ptime_ms: int | None

    @property
    def codec(self) -> int | None:
        """The first format that we speak."""
        for name in self.formats:
            if name == "0" and self.encodings.get(PCMU, "PCMU/8000") == "PCMU/8000":
                return PCMU
            if name == "8" and self.encodings.get(PCMA, "PCMA/8000") == "PCMA/8000":
                return PCMA
        return None

    @property
    def telephone_event(self) -> int | None:
        """The payload type of digits at our clock rate."""
        for payload_type, encoding in self.encodings.items():
            if encoding == "TELEPHONE-EVENT/8000" and str(payload_type) in self.formats:
                return payload_type
        return None

    @property
    def is_ours(self) -> bool:
        """Whether we can speak it."""
        return (
            self.kind == "audio" and self.port > 0 and self.protocol == "RTP/AVP" and self.codec is not None
        )


class SessionDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A whole description."""

    session_id: str
    version: str
    """From `o=`; both are numbers that only have to be compared."""
    media: tuple[MediaDescription, ...]

    @property
    def audio(self) -> MediaDescription | None:
        """The first section that we can speak."""
        return next((section for section in self.media if section.is_ours), None)


def parse_sdp(body: bytes) -> SessionDescription:
    """
    Read a session description; unknown lines are passed over (RFC 8866 §5).

    Raises:
        InvalidSdp: malformed in a line that we need, an address that is no unicast IP address included.
    """
    origin = session_host = None
    session_direction: Direction = "sendrecv"
    section: _Section | None = None
    sections: list[_Section] = []
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")
    if lines[0].rstrip() != "v=0":
        raise InvalidSdp("the first line is not v=0")
    for line in lines:
        kind, value = line[:2], line[2:].rstrip()
        if kind == "a=":
            if value in _DIRECTIONS:
                if section is None:
                    session_direction = _DIRECTIONS[value]
                else:
                    section.direction = _DIRECTIONS[value]
            elif section is not None:
                section.read_attribute(value)
        elif kind == "m=":
            section = _Section(value)
            sections.append(section)
        elif kind == "c=":
            if section is None:
                session_host = _parse_connection(value)
            else:
                section.host = _parse_connection(value)
        elif kind == "o=":
            origin = value.split()
        elif line.strip() and line[1:2] != "=":
            raise InvalidSdp(f"malformed line: {line[:80]!r}")
    if origin is None or len(origin) < 3:
        raise InvalidSdp("o= is missing or malformed")
    return SessionDescription(
        session_id=origin[1],
        version=origin[2],
        media=tuple([section.finish(session_host, session_direction) for section in sections]),
    )


class _Section:
    """An `m=` section while it is read."""

    __slots__ = ("direction", "encodings", "formats", "host", "kind", "port", "protocol", "ptime_ms")

    def __init__(self, line: str) -> None:
        match = _MEDIA.fullmatch(line)
        if match is None or int(match["port"]) > 65_535:
            raise InvalidSdp(f"malformed m=: {line[:80]!r}")
        self.kind = match["kind"].lower()
        self.port = int(match["port"])
        self.protocol = match["protocol"]
        self.formats = tuple(match["formats"].split())
        self.host: str | None = None
        self.encodings: dict[int, str] = {}
        self.direction: Direction | None = None
        self.ptime_ms: int | None = None

    def read_attribute(self, attribute: str) -> None:
        name, _, value = attribute.partition(":")
        if name == "rtpmap":
            if (match := _RTPMAP.fullmatch(value)) is not None:
                self.encodings[int(match["payload_type"])] = match["encoding"].upper().removesuffix("/1")
        elif name == "ptime" and value.isascii() and value.isdigit() and len(value) <= 4:
            self.ptime_ms = int(value)

    def finish(self, session_host: str | None, session_direction: Direction) -> MediaDescription:
        return MediaDescription(
            kind=self.kind,
            port=self.port,
            protocol=self.protocol,
            formats=self.formats,
            host=self.host or session_host,
            encodings=self.encodings,
            direction=self.direction or session_direction,
            ptime_ms=self.ptime_ms,
        )


@lru_cache(maxsize=1024)  # a trunk's media gateways are few
def _parse_connection(value: str) -> str:
    # Names are legal here, but sending to one would look it up in the middle of a call.
    parts = value.split()
    try:
        host = parts[2].partition("/")[0]
        address = ip_address(host)
    except (IndexError, ValueError) as error:
        raise InvalidSdp(f"malformed c=: {value[:80]!r}") from error
    if parts[:2] != ["IN", f"IP{address.version}"] or address.is_multicast:
        raise InvalidSdp(f"unsupported c=: {value[:80]!r}")
    return host


def build_offer(
    host: str, port: int, session_id: int, *, version: int | None = None, ptime_ms: int = 20
) -> bytes:
    """Offer PCMU, PCMA and digits, in this order of preference; `session_id` is also the first version (RFC 3264 §8)."""
    return (
        f"{_head(host, session_id, session_id if version is None else version)}"
        f"m=audio {port} RTP/AVP {PCMU} {PCMA} {TELEPHONE_EVENT}\r\n"
        f"{_CODEC_LINES[PCMU]}{_CODEC_LINES[PCMA]}{_digit_lines(TELEPHONE_EVENT)}"
        f"a=ptime:{ptime_ms}\r\n"
        "a=sendrecv\r\n"
    ).encode()


def media_from_answer(answer: SessionDescription) -> NegotiatedMedia:
    """
    What the answer to our offer allows.

    Raises:
        InvalidSdp: it refuses the audio, or chooses nothing that we offered (RFC 3264 §6).
    """
    audio = answer.audio
    if audio is None:
        raise InvalidSdp("no audio that we speak")
    return _negotiated(audio)


def answer_offer(
    offer: SessionDescription, host: str, port: int, session_id: int, version: int
) -> tuple[bytes, NegotiatedMedia]:
    """
    Accept the first audio that we speak, refuse every other section (RFC 3264 §6), follow a hold (§8.4).

    `version` must grow with each description of the session that differs from the one before (§8).

    Raises:
        InvalidSdp: nothing in it is for us.
    """
    audio = offer.audio
    if audio is None:
        raise InvalidSdp("no audio that we speak")
    media = _negotiated(audio)
    text = _head(host, session_id, version)
    for section in offer.media:
        if section is not audio:
            text += f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}\r\n"
            continue
        digits = media.telephone_event_payload_type
        text += (
            f"m=audio {port} RTP/AVP {media.payload_type}{'' if digits is None else f' {digits}'}\r\n"
            f"{_CODEC_LINES[media.payload_type]}{'' if digits is None else _digit_lines(digits)}"
            f"a=ptime:20\r\na={_REVERSED[audio.direction]}\r\n"
        )
    return text.encode(), media


def _negotiated(audio: MediaDescription) -> NegotiatedMedia:
    if audio.host is None or audio.codec is None:
        raise InvalidSdp("no address for the audio")
    return NegotiatedMedia(
        remote_host=audio.host,
        remote_port=audio.port,
        payload_type=audio.codec,
        telephone_event_payload_type=audio.telephone_event,
        can_send=audio.direction in {"sendrecv", "recvonly"} and audio.host not in _UNSPECIFIED,
        ptime_ms=20 if audio.ptime_ms is None else audio.ptime_ms,
    )


def _head(host: str, session_id: int, version: int) -> str:
    family = "IP6" if ":" in host else "IP4"
    return f"v=0\r\no=- {session_id} {version} IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n"


def _digit_lines(payload_type: int) -> str:
    return f"a=rtpmap:{payload_type} telephone-event/8000\r\na=fmtp:{payload_type} 0-15\r\n"
