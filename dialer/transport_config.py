"""How SIP travels: transports, TLS, keep-alives, addresses behind NAT. docs/transports.md tells them for users."""

from ipaddress import ip_address
from typing import Final, Literal, NamedTuple

import msgspec

from dialer.errors import ConfigError, ConfigProblem

Transport = Literal["udp", "tcp", "tls"]

AUTO: Final = "auto"
OFF: Final = "off"
DEFAULT_PORTS: Final[dict[Transport, int]] = {"udp": 5060, "tcp": 5060, "tls": 5061}
"""RFC 3261 §18.1.1, §19.1.2."""


class TlsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a TLS peer is checked and what it is shown. Files are PEM, read when the first connection is opened."""

    ca_file: str | None = None
    """The authorities that we trust; the system's when None."""
    certificate_file: str | None = None
    """Our own certificate, for peers that ask for one; the chain after it."""
    key_file: str | None = None
    """Its key; in `certificate_file` when None."""
    server_name: str | None = None
    """The name that the peer's certificate must hold (and SNI); the trunk's host when None."""
    insecure_accepts_any_certificate: bool = False
    """DANGEROUS: no check at all, whoever sits between reads the password's digest and may take every call."""

    def __post_init__(self) -> None:
        problems = []
        if self.key_file is not None and self.certificate_file is None:
            problems.append(ConfigProblem("key_file", "key_without_certificate", "needs certificate_file"))
        if self.insecure_accepts_any_certificate and (self.ca_file is not None):
            problems.append(
                ConfigProblem(
                    "insecure_accepts_any_certificate",
                    "pointless_ca_file",
                    "makes ca_file pointless: drop one of them",
                )
            )
        if problems:
            raise ConfigError(*problems)


class TlsListener(msgspec.Struct, frozen=True, kw_only=True):
    """Where peers may open TLS connections of their own, and what they are shown. Files are PEM, read at the start."""

    certificate_file: str
    """Ours, the chain after it. Peers check that it holds the host of our Contact, whichever way they do (RFC 5922 §7)."""
    key_file: str | None = None
    """Its key; in `certificate_file` when None."""
    port: int = 5061
    """0 lets the system choose."""
    ca_file: str | None = None
    """The authorities of those who may connect, each with a certificate; None asks nobody for one."""


class KeepAlive(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps a NAT's door open, and shows that the peer has gone, while a trunk is in use."""

    method: Literal["auto", "off", "crlf"] = "auto"
    """
    auto: CRLF on connections (RFC 5626 §4.4.1), nothing on UDP. crlf on UDP is a datagram that nobody answers; where that
    is not enough, `HealthPolicy.options_interval_seconds` asks by OPTIONS.
    """
    interval_seconds: float = 30.0
    """Shorter than the binding of the NAT: UDP often 30 s, TCP minutes."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.interval_seconds <= 3_600.0:
            raise ConfigError(
                ConfigProblem("interval_seconds", "out_of_range", "must be 1 to 3600", min=1, max=3_600)
            )


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on TCP and TLS connections."""

    connect_seconds: float = 5.0
    """For the TCP and the TLS handshake together."""
    retry_min_seconds: float = 1.0
    """Before the second attempt to connect; doubled after each failure."""
    retry_max_seconds: float = 60.0
    max_unsent_bytes: int = 4 * 1024 * 1024
    """Waiting for a peer that does not read; beyond it the connection is given up."""
    dead_after_seconds: float = 20.0
    """What a peer's system does not acknowledge for so long (TCP_USER_TIMEOUT), or a peer that knows pongs does not answer."""
    max_inbound: int = 64
    """Connections that others have opened to us."""
    max_inbound_per_host: int = 8
    inbound_idle_seconds: float = 180.0
    """An inbound connection is closed after so long without a message."""


class ExternalAddress(NamedTuple):
    """What others must send to, to reach us."""

    host: str
    port: int | None
    """None: our own port, for a NAT that keeps ports."""


def parse_external_address(text: str) -> ExternalAddress:
    """
    Read `203.0.113.5`, `203.0.113.5:5060`, `2001:db8::1` or `[2001:db8::1]:5060`.

    Raises:
        ValueError: anything else; names too, as nothing here resolves them.
    """
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(text)
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    ip_address(host)
    if not colon:
        return ExternalAddress(host, None)
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65_535):
        raise ValueError(text)
    return ExternalAddress(host, int(port))


def external_address_problems(signalling: str | None, media: str | None) -> list[ConfigProblem]:
    """Name what is wrong with a pair of such settings."""
    problems = []
    for name, value in (("external_signalling_address", signalling), ("external_media_address", media)):
        if value is None or value in {AUTO, OFF}:
            continue
        try:
            address = parse_external_address(value)
        except ValueError:
            problems.append(
                ConfigProblem(
                    name,
                    "not_an_external_address",
                    f"must be an IP address, {AUTO} or {OFF}, not {value[:60]!r}",
                )
            )
            continue
        if name == "external_media_address" and address.port is not None:
            problems.append(ConfigProblem(name, "port_not_wanted", "has no port: each call has its own"))
    return problems
