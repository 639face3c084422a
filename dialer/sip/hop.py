"""Where a message goes and where one came from: an address, how it is reached, and over whose certificate."""

from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

from dialer.config import TrunkConfig
from dialer.errors import RemoteProtocolError
from dialer.sip.uri import parse_uri
from dialer.transport_config import DEFAULT_PORTS, TlsConfig, Transport

Address = tuple[str, int]
"""IP address and port."""

_TRANSPORTS: Final[dict[str, Transport]] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


class Hop(NamedTuple):
    """One next hop. Of a message that came over a connection it is that connection's, so that an answer finds it."""

    host: str
    port: int
    transport: Transport = "udp"
    tls: TlsConfig | None = None
    """How its certificate is checked; None where the transport is not TLS, or the peer has connected to us."""
    is_inbound: bool = False
    """The peer has opened the connection: nobody can connect to its port."""

    @property
    def address(self) -> Address:
        return self.host, self.port

    @property
    def is_reliable(self) -> bool:
        """RFC 3261 §17: nothing is retransmitted over a connection."""
        return self.transport != "udp"


def hop_of(trunk: TrunkConfig) -> Hop:
    """Where the trunk's INVITEs go."""
    return Hop(trunk.host, trunk.port, trunk.transport, trunk.tls if trunk.transport == "tls" else None)


@lru_cache(maxsize=4096)
def hop_towards(uri: str, source: Hop) -> Hop | None:
    """
    Where a URI with an IP address leads (RFC 3263 §4.1); None for names, which nobody resolves in mid-call.

    `source` is where its dialog came from. A URI that names no transport is taken to mean that one, as most peers do
    whose Contact forgets it, rather than UDP; and what came over TLS never leaves TLS.
    """
    try:
        parsed = parse_uri(uri)
        ip_address(parsed.address[0])
    except (RemoteProtocolError, ValueError):
        return None
    transport = _TRANSPORTS.get((parsed.params.get("transport") or "").lower(), source.transport)
    if parsed.scheme == "sips" or source.transport == "tls":
        transport = "tls"
    host = parsed.address[0]
    port = parsed.port or DEFAULT_PORTS[transport]
    if (host, port, transport) == source[:3]:
        return source  # RFC 5923: the connection that is there
    tls = (source.tls or TlsConfig()) if transport == "tls" else None
    return Hop(host, port, transport, tls)


def bracketed(host: str) -> str:
    """An IP address as a URI, a Via or a header spells it (RFC 3261 §25.1 IPv6reference)."""
    return f"[{host}]" if ":" in host else host
