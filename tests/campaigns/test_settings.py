from pathlib import Path

import pytest

from campaigns.errors import InvalidSettings
from campaigns.settings import load_node_settings
from dialer.transport_config import TlsListener

URL = {"DATABASE_URL": "postgresql://user@/db?host=/run/pg"}


def problems_of(node_name: str, environ: dict[str, str]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSettings) as caught:
        load_node_settings(node_name, environ)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_the_address_of_the_database_is_all_that_is_needed() -> None:
    settings = load_node_settings("n1", {**URL, "HOME": "/home/dialer"})
    assert settings.spool_dir == Path("/home/dialer/.local/share/obzvon/spool")
    assert settings.dialer.faults is None
    assert (settings.drain_seconds, settings.dead_after_seconds, settings.heartbeat_seconds) == (
        20.0,
        10.0,
        1.0,
    )


def test_everything_can_be_set() -> None:
    settings = load_node_settings(
        "n1",
        {
            **URL,
            "OBZVON_SIP_HOST": "127.0.0.5",
            "OBZVON_SIP_PORT": "5070",
            "OBZVON_RTP_PORTS": "30000-30999",
            "OBZVON_SPOOL_DIR": "/var/spool/obzvon",
            "OBZVON_DRAIN_SECONDS": "0.5",
            "OBZVON_DEAD_AFTER_SECONDS": "2",
            "OBZVON_LOSS": "0.05",
            "OBZVON_LOSS_SEED": "7",
        },
    )
    assert (settings.dialer.bind_host, settings.dialer.bind_port) == ("127.0.0.5", 5070)
    assert (settings.dialer.rtp_port_min, settings.dialer.rtp_port_max) == (30_000, 30_999)
    assert settings.spool_dir == Path("/var/spool/obzvon")
    assert (settings.drain_seconds, settings.dead_after_seconds, settings.heartbeat_seconds) == (
        0.5,
        2.0,
        0.5,
    )
    assert settings.dialer.faults is not None
    assert (settings.dialer.faults.loss, settings.dialer.faults.seed) == (0.05, 7)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    environ = {
        "OBZVON_SIP_PORT": "sip",
        "OBZVON_RTP_PORTS": "30000",
        "OBZVON_DRAIN_SECONDS": "-1",
        "OBZVON_DEAD_AFTER_SECONDS": "nan",
        "OBZVON_LOSS": "5",
    }
    assert problems_of("../n1", environ) == [
        ("DATABASE_URL", "missing"),
        ("--node", "not_a_name"),
        ("OBZVON_LOSS", "out_of_range"),
        ("OBZVON_RTP_PORTS", "not_a_port_range"),
        ("OBZVON_SIP_PORT", "not_a_number"),
        ("OBZVON_DRAIN_SECONDS", "out_of_range"),
        ("OBZVON_DEAD_AFTER_SECONDS", "out_of_range"),
    ]


def test_the_password_in_the_address_does_not_show() -> None:
    settings = load_node_settings("n1", {"DATABASE_URL": "postgresql://user:hunter2@db/obzvon"})
    assert "hunter2" not in repr(settings)


def test_data_goes_where_xdg_says() -> None:
    settings = load_node_settings("n1", {**URL, "XDG_DATA_HOME": "/data"})
    assert settings.spool_dir == Path("/data/obzvon/spool")


def test_the_signalling_has_a_second_family_a_listener_and_addresses_outside() -> None:
    settings = load_node_settings(
        "n",
        {
            "DATABASE_URL": "postgresql://h/d",
            "OBZVON_SIP_HOST_IPV6": "::1",
            "OBZVON_SIP_LISTEN_TCP": "1",
            "OBZVON_EXTERNAL_SIGNALLING_ADDRESS": "203.0.113.5:5060",
            "OBZVON_EXTERNAL_MEDIA_ADDRESS": "auto",
        },
    )
    dialer = settings.dialer
    assert (dialer.bind_host_ipv6, dialer.listens_on_tcp) == ("::1", True)
    assert (dialer.external_signalling_address, dialer.external_media_address) == ("203.0.113.5:5060", "auto")


def test_a_tls_listener_needs_a_port_and_a_certificate() -> None:
    files = {"OBZVON_SIP_TLS_CERTIFICATE": "/etc/our.pem", "OBZVON_SIP_TLS_CA": "/etc/theirs.pem"}
    assert load_node_settings("n", {**URL, **files}).dialer.tls_listener is None
    listener = load_node_settings("n", {**URL, **files, "OBZVON_SIP_TLS_PORT": "5061"}).dialer.tls_listener
    assert listener == TlsListener(
        port=5061, certificate_file="/etc/our.pem", key_file=None, ca_file="/etc/theirs.pem"
    )
    assert problems_of("n", {**URL, "OBZVON_SIP_TLS_PORT": "5061"}) == [
        ("OBZVON_SIP_TLS_CERTIFICATE", "missing")
    ]


def test_dns_servers_have_ports_or_not_and_names_are_none() -> None:
    right = {**URL, "OBZVON_DNS_SERVERS": "192.0.2.1, 127.0.0.1:5353,[::1]:54"}
    assert load_node_settings("n", right).dialer.dns_servers == (
        ("192.0.2.1", 53),
        ("127.0.0.1", 5353),
        ("::1", 54),
    )
    assert problems_of("n", {**URL, "OBZVON_DNS_SERVERS": "dns.example.com"}) == [
        ("OBZVON_DNS_SERVERS", "not_a_dns_server")
    ]


def test_addresses_outside_that_are_none_are_named() -> None:
    environ = {
        "DATABASE_URL": "postgresql://h/d",
        "OBZVON_EXTERNAL_SIGNALLING_ADDRESS": "sip.example.com",
        "OBZVON_EXTERNAL_MEDIA_ADDRESS": "203.0.113.5:4000",
    }
    with pytest.raises(InvalidSettings) as raised:
        load_node_settings("n", environ)
    assert [(problem.field, problem.code) for problem in raised.value.problems] == [
        ("OBZVON_EXTERNAL_SIGNALLING_ADDRESS", "not_an_external_address"),
        ("OBZVON_EXTERNAL_MEDIA_ADDRESS", "not_an_external_address"),
    ]
