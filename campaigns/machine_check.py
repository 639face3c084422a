"""What a dialing node needs of its machine: an address, ports, disk space. Looked at by trying; blocking."""

import errno
import os
import shutil
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from campaigns.findings import FactValue, Finding, found
from dialer.config import DialerConfig
from dialer.errors import ConfigError
from dialer.net.tls import server_context
from dialer.transport_config import TlsListener

MIN_FREE_PORTS_SHARE: Final = 0.5
MIN_FREE_BYTES: Final = 1_000_000_000
"""PostgreSQL alone keeps up to 2 GB of log before a checkpoint; below this an outage of the database fills the disk."""
EXPIRES_SOON: Final = timedelta(days=14)
GIGABYTE: Final = 1e9


def check_ports(dialer: DialerConfig, *, live_nodes: int) -> list[Finding]:
    """Bind what a node would bind. `live_nodes` of this database may be what holds the signalling port."""
    host, port = dialer.bind_host, dialer.bind_port
    error = bind_error(host, 0)
    if error is not None:
        return [found("sip_address_unusable", host=host, error=os.strerror(error))]
    findings = []
    error = bind_error(host, port) if port else None
    if error is None:
        findings.append(found("sip_port_free", host=host, port=port))
    elif error == errno.EADDRINUSE and live_nodes:
        findings.append(found("sip_port_ours", host=host, port=port))
    else:
        findings.append(found("sip_port_taken", host=host, port=port, error=os.strerror(error)))
    # the ports of `dialer.net.ports.PortPool`
    even = range(dialer.rtp_port_min + dialer.rtp_port_min % 2, dialer.rtp_port_max, 2)
    free = sum(bind_error(host, number) is None for number in even)
    code = "rtp_ports_free" if free >= MIN_FREE_PORTS_SHARE * len(even) else "rtp_ports_taken"
    findings.append(
        found(code, free=free, total=len(even), low=dialer.rtp_port_min, high=dialer.rtp_port_max)
    )
    return findings


def check_tls_listener(listener: TlsListener, now: datetime) -> Finding:
    """Look at the certificate that peers are shown who connect to us."""
    try:
        server_context(listener)
        pem = Path(listener.certificate_file).read_bytes()
        until = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(pem))
    except (ConfigError, OSError, ValueError) as error:
        return found("sip_tls_unusable", error=str(error))
    facts: dict[str, FactValue] = {"file": listener.certificate_file, "until": f"{until:%Y-%m-%d}"}
    if until <= now:
        return found("sip_tls_expired", **facts)
    return found("sip_tls_expires" if until - now < EXPIRES_SOON else "sip_tls_good", **facts)


def bind_error(host: str, port: int) -> int | None:
    """Bind a UDP port and let go of it; the errno where that cannot be."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, port))
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None


def check_disk(directories: Iterable[Path]) -> list[Finding]:
    """Look at the disk under each directory; one that is not made yet is asked of its nearest parent."""
    findings = []
    for wanted in directories:
        directory = next(path for path in (wanted.absolute(), *wanted.absolute().parents) if path.exists())
        free = shutil.disk_usage(directory).free
        facts: dict[str, FactValue] = {"path": str(wanted), "free_gb": round(free / GIGABYTE, 1)}
        if not os.access(directory, os.W_OK | os.X_OK):
            findings.append(found("disk_unwritable", **facts))
        elif free < MIN_FREE_BYTES:
            findings.append(found("disk_full", **facts))
        else:
            findings.append(found("disk_roomy", **facts))
    return findings
