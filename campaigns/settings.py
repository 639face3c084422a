"""What a dialing node is told; read from the environment once, at the front door (`api/cli/dial.py`)."""

import math
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from campaigns.data_directory import data_directory
from campaigns.errors import InvalidSettings, Problem
from campaigns.recording_settings import RecordingSettings, load_recording_settings
from campaigns.trace_policy import TracePolicy
from dialer.config import DialerConfig, NetworkFaults, Secret
from dialer.net.resolve import parse_dns_server
from dialer.transport_config import AUTO, OFF, TlsListener, parse_external_address

TICK_SECONDS: Final = 0.2
"""How often a node looks for leads to dial: calls start in bursts of a fifth of the rate. Half of it doubles what a call
costs the database at 20 calls a second."""


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One dialing node."""

    database_url: Secret
    node_name: str
    spool_dir: Path
    """Where outcomes are kept while the database is away; on a disk that outlives the process."""
    dialer: DialerConfig = DialerConfig()
    drain_seconds: float = 20.0
    """How long a stopping node lets calls finish by themselves before it hangs up."""
    heartbeat_seconds: float = 1.0
    dead_after_seconds: float = 10.0
    """A node silent for so long is dead: long enough for a stalled disk or a failover, short for those who wait."""
    database_timeout_seconds: float = 5.0
    """A statement that takes longer means that the database is away."""
    traces: TracePolicy = TracePolicy()
    recordings: RecordingSettings
    batch_size: int = 50
    """Leads per claim."""


def load_node_settings(node_name: str, environ: Mapping[str, str]) -> NodeSettings:
    """
    Read the settings.

    Raises:
        InvalidSettings: naming every variable that is missing or wrong.
    """
    reader = _Reader(environ)
    database_url = reader.text("DATABASE_URL")
    if not node_name or not all(letter.isalnum() or letter in "-_." for letter in node_name):
        reader.problems.append(Problem("--node", "not_a_name", {"value": node_name[:60]}))
    try:
        recordings = load_recording_settings(environ)
    except InvalidSettings as error:
        reader.problems += error.problems
        recordings = RecordingSettings(directory=Path())
    loss = reader.number("OBZVON_LOSS", 0.0, low=0.0, high=0.99)
    rtp_port_min, rtp_port_max = reader.port_range("OBZVON_RTP_PORTS", DialerConfig())
    settings = NodeSettings(
        database_url=Secret(database_url),
        node_name=node_name,
        spool_dir=Path(reader.text("OBZVON_SPOOL_DIR", str(default_spool_dir(environ)))),
        dialer=DialerConfig(
            bind_host=reader.text("OBZVON_SIP_HOST", "127.0.0.1"),
            bind_host_ipv6=environ.get("OBZVON_SIP_HOST_IPV6") or None,
            dns_servers=reader.dns_servers("OBZVON_DNS_SERVERS"),
            bind_port=int(reader.number("OBZVON_SIP_PORT", 0, low=0, high=65_535)),
            listens_on_tcp=bool(reader.number("OBZVON_SIP_LISTEN_TCP", 0, low=0, high=1)),
            tls_listener=reader.tls_listener(),
            external_signalling_address=reader.external_address("OBZVON_EXTERNAL_SIGNALLING_ADDRESS"),
            external_media_address=reader.external_address("OBZVON_EXTERNAL_MEDIA_ADDRESS", has_port=False),
            faults=NetworkFaults(loss=loss, seed=int(reader.number("OBZVON_LOSS_SEED", 0))) if loss else None,
            rtp_port_min=rtp_port_min,
            rtp_port_max=rtp_port_max,
        ),
        traces=TracePolicy(
            share=reader.number("OBZVON_TRACE_SHARE", TracePolicy().share, low=0.0, high=1.0),
            max_age=timedelta(days=reader.number("OBZVON_TRACE_DAYS", 7, low=0.0, high=3_650)),
            max_traces=int(reader.number("OBZVON_TRACE_MAX", TracePolicy().max_traces, low=0)),
        ),
        recordings=recordings,
        drain_seconds=reader.number("OBZVON_DRAIN_SECONDS", 20.0, low=0.0),
        dead_after_seconds=(dead_after := reader.number("OBZVON_DEAD_AFTER_SECONDS", 10.0, low=1.0)),
        heartbeat_seconds=min(1.0, dead_after / 4),
    )
    if reader.problems:
        raise InvalidSettings(*reader.problems)
    return settings


def default_spool_dir(environ: Mapping[str, str]) -> Path:
    """Return the place under the user's data directory."""
    return data_directory(environ) / "spool"


class _Reader:
    """Collects what is wrong instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self._environ.get(name) or default
        if value is None:
            self.problems.append(Problem(name, "missing"))
            return ""
        return value

    def number(self, name: str, default: float, *, low: float = -math.inf, high: float = math.inf) -> float:
        text = self._environ.get(name)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            self.problems.append(Problem(name, "not_a_number", {"value": text[:60]}))
            return default
        if not low <= value <= high:
            self.problems.append(Problem(name, "out_of_range", {"min": low, "max": high}))
            return default
        return value

    def external_address(self, name: str, *, has_port: bool = True) -> str | None:
        """Read an IP address, with a port where that makes sense, `auto` or `off`."""
        text = self._environ.get(name)
        if not text or text in {AUTO, OFF}:
            return text or None
        try:
            is_right = parse_external_address(text).port is None or has_port
        except ValueError:
            is_right = False
        if not is_right:
            self.problems.append(Problem(name, "not_an_external_address", {"value": text[:60]}))
            return None
        return text

    def dns_servers(self, name: str) -> tuple[tuple[str, int], ...]:
        """Read IP addresses, each with a port or without, separated by commas."""
        servers = []
        for text in filter(None, (part.strip() for part in self._environ.get(name, "").split(","))):
            try:
                servers.append(parse_dns_server(text))
            except ValueError:
                self.problems.append(Problem(name, "not_a_dns_server", {"value": text[:60]}))
        return tuple(servers)

    def tls_listener(self) -> TlsListener | None:
        """Read the TLS listener; a port without a certificate is none."""
        port = int(self.number("OBZVON_SIP_TLS_PORT", 0, low=0, high=65_535))
        if not port:
            return None
        return TlsListener(
            port=port,
            certificate_file=self.text("OBZVON_SIP_TLS_CERTIFICATE"),
            key_file=self._environ.get("OBZVON_SIP_TLS_KEY") or None,
            ca_file=self._environ.get("OBZVON_SIP_TLS_CA") or None,
        )

    def port_range(self, name: str, default: DialerConfig) -> tuple[int, int]:
        """Read `MIN-MAX`."""
        text = self._environ.get(name)
        if text:
            low, _, high = text.partition("-")
            if low.isdecimal() and high.isdecimal() and 1024 <= int(low) < int(high) <= 65_535:
                return int(low), int(high)
            self.problems.append(Problem(name, "not_a_port_range", {"value": text[:60]}))
        return default.rtp_port_min, default.rtp_port_max
