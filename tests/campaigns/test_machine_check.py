import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns.machine_check import bind_error, check_disk, check_ports, check_tls_listener
from dialer.config import DialerConfig
from dialer.transport_config import TlsListener
from tests.dialer.certificates import Authority

HOST = "127.0.0.36"


def codes(config: DialerConfig, *, live_nodes: int = 0) -> list[str]:
    return [finding.code for finding in check_ports(config, live_nodes=live_nodes)]


def test_a_machine_with_room_is_all_right() -> None:
    config = DialerConfig(bind_host=HOST, rtp_port_min=20_000, rtp_port_max=20_019)
    sip, rtp = check_ports(config, live_nodes=0)
    assert (sip.code, rtp.code) == ("sip_port_free", "rtp_ports_free")
    assert rtp.facts == {"free": 10, "total": 10, "low": 20_000, "high": 20_019}


def test_an_address_of_somebody_else_ends_the_look_at_ports() -> None:
    assert codes(DialerConfig(bind_host="192.0.2.1")) == ["sip_address_unusable"]
    assert codes(DialerConfig(bind_host="no address")) == ["sip_address_unusable"]


def test_a_taken_port_is_a_problem_unless_a_node_runs() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        config = DialerConfig(
            bind_host=HOST, bind_port=other.getsockname()[1], rtp_port_min=20_000, rtp_port_max=20_019
        )
        assert codes(config)[0] == "sip_port_taken"
        assert codes(config, live_nodes=1)[0] == "sip_port_ours"


@pytest.mark.parametrize(("taken", "code"), [(1, "rtp_ports_free"), (2, "rtp_ports_taken")])
def test_the_range_must_be_half_free(taken: int, code: str) -> None:
    others = []
    for port in (20_040, 20_042)[:taken]:
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind((HOST, port))
        others.append(other)
    try:
        config = DialerConfig(bind_host=HOST, rtp_port_min=20_040, rtp_port_max=20_045)
        assert codes(config)[1] == code
    finally:
        for other in others:
            other.close()


def test_binding_leaves_nothing_behind() -> None:
    assert bind_error(HOST, 20_060) is None
    assert bind_error(HOST, 20_060) is None


def test_a_directory_that_is_not_made_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    (finding,) = check_disk([tmp_path / "spool" / "node"])
    assert finding.code in {"disk_roomy", "disk_full"}
    assert finding.facts["path"] == str(tmp_path / "spool" / "node")


def test_a_disk_without_room_or_rights_is_a_problem() -> None:
    """Of /proc nobody has either, root included."""
    (finding,) = check_disk([Path("/proc/self/fd/spool")])
    assert finding.level == "problem"


@pytest.mark.parametrize(
    ("from_days", "to_days", "code"),
    [(-5, -1, "sip_tls_expired"), (-1, 5, "sip_tls_expires"), (-1, 60, "sip_tls_good")],
)
def test_the_certificate_of_the_tls_listener_is_looked_at(
    tmp_path: Path, from_days: int, to_days: int, code: str
) -> None:
    certificate = Authority(tmp_path).issue("127.0.0.1", from_days=from_days, to_days=to_days)
    finding = check_tls_listener(TlsListener(certificate_file=str(certificate)), datetime.now(UTC))
    assert (finding.code, finding.facts["file"]) == (code, str(certificate))


def test_a_certificate_of_the_tls_listener_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    finding = check_tls_listener(TlsListener(certificate_file=str(tmp_path / "no.pem")), datetime.now(UTC))
    assert finding.code == "sip_tls_unusable"
    assert "no.pem" in str(finding.facts["error"])
