"""What the dialer is told: frozen structs, every time in seconds, checked when they are made."""

from typing import Final, Literal

import msgspec

from dialer.errors import ConfigError, ConfigProblem
from dialer.transport_config import (
    KeepAlive,
    StreamLimits,
    TlsConfig,
    TlsListener,
    Transport,
    external_address_problems,
)

MIN_RING_TIMEOUT_SECONDS: Final = 15.0
"""Nobody is rung for less: US 16 CFR 310.4(b)(4)(ii) asks 15 s or four rings before a call counts as unanswered."""


class Secret(str):
    """A string that never shows itself in logs, tracebacks or reprs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


class TimerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 3261 §17.1.1.1 base timers; everything else (A-K, and M of RFC 6026) derives from them."""

    t1_seconds: float = 0.5
    t2_seconds: float = 4.0
    t4_seconds: float = 5.0
    min_session_seconds: int = 90
    """RFC 4028 §4: nobody may ask for shorter sessions; less is for tests alone."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what a stranger may make us hold; a message beyond them is answered 513 and dropped."""

    max_message_bytes: int = 65_535
    """The largest UDP payload; nothing bigger can arrive in one datagram."""
    max_headers: int = 128
    """Real carriers send 15-40."""
    max_header_bytes: int = 8_192
    """One folded header line."""
    max_head_bytes: int = 32_768
    """Start line and headers of a message on a connection: until their end is there, nobody knows its size."""


class NetworkFaults(msgspec.Struct, frozen=True, kw_only=True):
    """Faults that the shell injects into its own sockets, both directions, for tests and the demo."""

    loss: float = 0.0
    """Share of datagrams dropped, 0..1."""
    duplication: float = 0.0
    """Share that arrives twice."""
    reordering: float = 0.0
    """Share held back, so that what follows overtakes it."""
    reordering_seconds: float = 0.05
    """For how long."""
    jitter_seconds: float = 0.0
    """Every datagram is delayed by up to this much."""
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"faults.{name} is a share: 0 <= {name} < 1"
            for name in ("loss", "duplication", "reordering")
            if not 0.0 <= getattr(self, name) < 1.0
        ]
        problems += [
            f"faults.{name} must not be negative"
            for name in ("reordering_seconds", "jitter_seconds")
            if getattr(self, name) < 0
        ]
        if problems:
            raise ConfigError(*problems)


PrivacyValue = Literal["header", "session", "user", "none", "critical", "id", "history"]
"""RFC 3323 §4.2, RFC 3325 §9.3 (`id`), RFC 7044 §10.1 (`history`)."""
DiversionReason = Literal[
    "unknown", "user-busy", "no-answer", "unavailable", "unconditional", "time-of-day", "do-not-disturb", "deflection",
    "follow-me", "out-of-service", "away",
]  # fmt: skip
"""RFC 5806 §9."""


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trunk wants to be told who calls. The caller ID itself is the call's, or the trunk's."""

    display_name: str | None = None
    """Name in From, and in the asserted identity."""
    has_asserted_identity: bool = False
    """Send P-Asserted-Identity (RFC 3325 §9.1); only for trunks that trust us."""
    has_remote_party_id: bool = False
    """Send Remote-Party-ID, which older switches read instead (draft-ietf-sip-privacy-04)."""
    network_user: str | None = None
    """User part of both: the number that the trunk knows us by; the caller ID when None."""
    is_anonymous: bool = False
    """Hide the caller in From and Contact (RFC 3323 §4.1); asserted identities still name them to the trunk."""
    privacy: tuple[PrivacyValue, ...] = ()
    """What the network is asked to hide (RFC 3323 §4.2); `id` keeps the asserted identity from the callee."""
    diversion: str | None = None
    """User part of Diversion (RFC 5806): whose call it was before it was passed on to the callee."""
    diversion_reason: DiversionReason = "unconditional"

    def __post_init__(self) -> None:
        problems = []
        if "none" in self.privacy and len(self.privacy) > 1:
            problems.append(
                ConfigProblem(
                    "privacy", "privacy_none_alone", "none excludes every other value (RFC 3323 §4.2)"
                )
            )
        if self.privacy == ("critical",):
            problems.append(
                ConfigProblem(
                    "privacy", "privacy_critical_alone", "critical needs a value to go with (RFC 3323 §4.2)"
                )
            )
        if problems:
            raise ConfigError(*problems)


MIN_SESSION_EXPIRES_SECONDS: Final = 90
"""RFC 4028 §4: nobody may ask for less."""


class SipPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which extensions of SIP a trunk gets from us."""

    has_reliable_provisionals: bool = True
    """Say `Supported: 100rel` (RFC 3262); a provisional that the far end sends reliably gets its PRACK in any case."""
    has_session_timer: bool = True
    """Say `Supported: timer` (RFC 4028), so that a talk whose other end has vanished does not last until its limit."""
    session_expires_seconds: int | None = 1_800
    """The Session-Expires that we ask for; None leaves it to the far end."""
    max_redirects: int = 0
    """How many 3xx of one call are followed, within the trunk's own host only; 0 = a 3xx is a refusal."""

    def __post_init__(self) -> None:
        problems = []
        expires = self.session_expires_seconds
        if expires is not None and expires < MIN_SESSION_EXPIRES_SECONDS:
            problems.append(
                ConfigProblem(
                    "session_expires_seconds",
                    "too_small",
                    f"must be at least {MIN_SESSION_EXPIRES_SECONDS}",
                    limit=MIN_SESSION_EXPIRES_SECONDS,
                )
            )
        if not 0 <= self.max_redirects <= 5:
            problems.append(_beyond("max_redirects", 0, 5))
        if problems:
            raise ConfigError(*problems)


MAX_REGISTRARS: Final = 8


class Registration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trunk that wants REGISTER (RFC 3261 §10) before it takes calls."""

    registrars: tuple[str, ...] = ()
    """HOST or HOST:PORT, in the order in which they are tried; the trunk itself when empty."""
    expires_seconds: int = 300
    """The lifetime that we ask for; the registrar decides, and a 423 may ask for more."""

    def __post_init__(self) -> None:
        problems = []
        if not 60 <= self.expires_seconds <= 86_400:
            problems.append(_beyond("expires_seconds", 60, 86_400))
        if len(self.registrars) > MAX_REGISTRARS:
            problems.append(
                ConfigProblem(
                    "registrars", "too_many_entries", f"at most {MAX_REGISTRARS}", max=MAX_REGISTRARS
                )
            )
        if not all(_is_place(place) for place in self.registrars):
            problems.append(ConfigProblem("registrars", "not_a_host", "HOST or HOST:PORT"))
        if problems:
            raise ConfigError(*problems)


class HealthPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trunk is watched, and when it is left alone."""

    options_interval_seconds: float | None = 30.0
    """Between two OPTIONS; None sends none."""
    consecutive_faults: int = 5
    """So many faults of the trunk one after the other open its circuit."""
    fault_share: float = 0.5
    """So does this share of the calls of the last minute, ..."""
    min_calls: int = 20
    """... once there are so many."""
    open_seconds: float = 10.0
    """How long it is then left alone; twice as long each time that it fails again at once, at most ten minutes."""

    def __post_init__(self) -> None:
        problems = []
        interval = self.options_interval_seconds
        if interval is not None and not 1.0 <= interval <= 3_600.0:
            problems.append(_beyond("options_interval_seconds", 1, 3_600))
        if not 1 <= self.consecutive_faults <= 1_000:
            problems.append(_beyond("consecutive_faults", 1, 1_000))
        if not 0.05 <= self.fault_share <= 1.0:
            problems.append(_beyond("fault_share", 0.05, 1))
        if not 1 <= self.min_calls <= 10_000:
            problems.append(_beyond("min_calls", 1, 10_000))
        if not 1.0 <= self.open_seconds <= 600.0:
            problems.append(_beyond("open_seconds", 1, 600))
        if problems:
            raise ConfigError(*problems)


def _beyond(field: str, low: float, high: float) -> ConfigProblem:
    return ConfigProblem(field, "out_of_range", f"must be {low:g} to {high:g}", min=low, max=high)


def split_place(place: str) -> tuple[str, int | None]:
    """Split HOST or HOST:PORT; an IPv6 address with a port stands in brackets. Port None where none is written."""
    host, colon, port = place.rpartition(":")
    if place.count(":") > 1 and not host.endswith("]"):
        return place.strip("[]"), None  # an IPv6 address alone
    if not colon:
        return place.strip("[]"), None
    return host.strip("[]"), int(port) if port.isascii() and port.isdigit() else -1


def _is_place(place: str) -> bool:
    host, port = split_place(place)
    is_host = bool(host) and all(letter.isalnum() or letter in ".-:_%" for letter in host)
    return is_host and (port is None or 1 <= port <= 65_535)


class TrunkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier peer that INVITEs go to."""

    name: str
    host: str
    """IP address; names are resolved by whoever builds this."""
    port: int = 5060
    transport: Transport = "udp"
    tls: TlsConfig = TlsConfig()
    uses_sips: bool = False
    """Write `sips:` URIs, which ask every hop for TLS (RFC 3261 §26.2.2); needs the transport tls."""
    keep_alive: KeepAlive = KeepAlive()
    sends_large_by_tcp: bool = False
    """A UDP trunk gets INVITEs of more than 1,300 bytes by TCP (RFC 3261 §18.1.1), by UDP if it does not take them."""
    domain: str | None = None
    """
    HOST or HOST:PORT that Request-URI and To say (RFC 3263 §4: a name that leads to an address stays what is asked for);
    the address when None.
    """
    external_signalling_address: str | None = None
    """What Contact says: an IP address with or without port, `auto` (what the trunk's answers tell, RFC 3581), `off`;
    the node's own setting when None."""
    external_media_address: str | None = None
    """What SDP says: an IP address, `auto` (the host that was learned for the signalling), `off`; the node's when None."""
    username: str | None = None
    password: Secret | None = None
    caller_id: str = "anonymous"
    """User part of From and Contact, unless the call brings its own."""
    from_domain: str | None = None
    """Host part of From; the trunk's host when None."""
    identity: Identity = Identity()
    sip: SipPolicy = SipPolicy()
    engine: Literal["native", "pyvoip"] = "native"
    """Who places the calls: ours, or pyVoIP, which hears no busy and cannot cancel (docs/adr/0005)."""
    registration: Registration | None = None
    """None: the trunk knows us by our address, or asks for a password at each call."""
    health: HealthPolicy = HealthPolicy()
    other_addresses: tuple[tuple[str, int], ...] = ()
    """Further addresses of the same trunk, in the order in which a watch goes on to them (RFC 3263 §4.3)."""

    def __post_init__(self) -> None:
        problems = external_address_problems(self.external_signalling_address, self.external_media_address)
        if self.uses_sips and self.transport != "tls":
            problems.append(ConfigProblem("uses_sips", "needs_tls", "needs transport tls (RFC 3261 §26.2.2)"))
        if self.engine == "pyvoip" and self.transport != "udp":
            problems.append(
                ConfigProblem(
                    "transport", "not_by_pyvoip", "engine pyvoip speaks UDP only: choose udp or engine native"
                )
            )
        if self.engine == "pyvoip" and self.registration is not None:
            problems.append(
                ConfigProblem("registration", "not_by_pyvoip", "engine pyvoip does not register a trunk")
            )
        if problems:
            raise ConfigError(*problems)


class DialerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One dialer node: one signalling socket, one RTP port range."""

    bind_host: str = "127.0.0.1"
    bind_host_ipv6: str | None = None
    """A second address, for trunks of the other IP family."""
    bind_port: int = 0
    """0 lets the system choose."""
    dns_servers: tuple[tuple[str, int], ...] = ()
    """IP address and port of who is asked for the names of trunks; those of the system when empty."""
    listens_on_tcp: bool = False
    """Take TCP connections at `bind_port` too, for peers that open their own to send a BYE; Contact then names that port."""
    tls_listener: TlsListener | None = None
    """The same for TLS."""
    external_signalling_address: str | None = None
    """As in `TrunkConfig`, for every trunk that says nothing of its own."""
    external_media_address: str | None = None
    streams: StreamLimits = StreamLimits()
    rtp_port_min: int = 20_000
    rtp_port_max: int = 39_999
    hears_tone_keys: bool = True
    """Listen for keys in the sound of calls whose far end agrees on no telephone-events (RFC 4733)."""
    user_agent: str = "obzvon"
    trace: bool = True
    """Keep the SIP messages of the newest calls for their ladders; some 6 kB a call."""
    close_timeout_seconds: float = 5.0
    """How long closing waits for BYE and CANCEL to be answered."""
    timers: TimerConfig = TimerConfig()
    limits: Limits = Limits()
    faults: NetworkFaults | None = None

    def __post_init__(self) -> None:
        problems = []
        if not 1024 <= self.rtp_port_min < self.rtp_port_max <= 65_535:
            problems.append("rtp_port_min and rtp_port_max must satisfy 1024 <= min < max <= 65535")
        problems += external_address_problems(self.external_signalling_address, self.external_media_address)
        if problems:
            raise ConfigError(*problems)

    @property
    def listening_transports(self) -> frozenset[Transport]:
        """Over which of them peers may connect to us."""
        listening: list[Transport] = ["tcp"] if self.listens_on_tcp else []
        return frozenset(listening if self.tls_listener is None else [*listening, "tls"])


class CallRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call to place."""

    number: str
    """What the trunk is asked to dial: the user part of the Request-URI."""
    trunk: TrunkConfig
    caller_id: str | None = None
    """Overrides the trunk's."""
    call_id: str | None = None
    """SIP Call-ID when the caller has committed one already; random otherwise."""
    ring_timeout_seconds: float = 30.0
    max_talk_seconds: float | None = 3_600.0
    """We hang up after this long; None = never."""
    classify: bool = False
    """Hear who answers (`AnswerClassified`); the pyVoIP engine cannot, and says nothing."""

    def __post_init__(self) -> None:
        problems = []
        if self.ring_timeout_seconds < MIN_RING_TIMEOUT_SECONDS:
            problems.append(f"ring_timeout_seconds must be at least {MIN_RING_TIMEOUT_SECONDS:g}")
        if self.max_talk_seconds is not None and self.max_talk_seconds <= 0:
            problems.append("max_talk_seconds must be positive, or None for no limit")
        if not self.number or not self.number.lstrip("+").isalnum():
            problems.append("number must be digits (a leading + is allowed)")
        if problems:
            raise ConfigError(*problems)
