import pytest

from dialer.config import DialerConfig, TrunkConfig
from dialer.errors import ConfigError
from dialer.transport_config import KeepAlive, TlsConfig, parse_external_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.5", ("203.0.113.5", None)),
        ("203.0.113.5:5080", ("203.0.113.5", 5080)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("[2001:db8::1]:5080", ("2001:db8::1", 5080)),
    ],
)
def test_an_external_address_has_a_port_or_none(text: str, expected: tuple[str, int | None]) -> None:
    assert parse_external_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "203.0.113.5:",
        "203.0.113.5:0",
        "203.0.113.5:65536",
        "[::1",
        "[::1]5060",
        "203.0.113.5:x",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_external_address(text)


def test_a_trunk_names_all_that_is_wrong_with_its_transport() -> None:
    with pytest.raises(ConfigError) as raised:
        TrunkConfig(
            name="t",
            host="127.0.0.9",
            transport="tcp",
            engine="pyvoip",
            uses_sips=True,
            external_signalling_address="sip.example.com",
            external_media_address="203.0.113.5:4000",
        )
    assert raised.value.problems == (
        "external_signalling_address: must be an IP address, auto or off, not 'sip.example.com'",
        "external_media_address: has no port: each call has its own",
        "uses_sips: needs transport tls (RFC 3261 §26.2.2)",
        "transport: engine pyvoip speaks UDP only: choose udp or engine native",
    )


def test_a_node_may_have_external_addresses_too() -> None:
    config = DialerConfig(external_signalling_address="203.0.113.5:5060", external_media_address="auto")
    assert config.external_media_address == "auto"
    with pytest.raises(ConfigError, match="external_media_address"):
        DialerConfig(external_media_address="x")


def test_tls_files_must_fit_together() -> None:
    with pytest.raises(ConfigError, match="key_file: needs certificate_file"):
        TlsConfig(key_file="key.pem")
    with pytest.raises(ConfigError, match="pointless"):
        TlsConfig(ca_file="ca.pem", insecure_accepts_any_certificate=True)


@pytest.mark.parametrize("seconds", [0.5, 3_601.0])
def test_a_keep_alive_has_a_sane_interval(seconds: float) -> None:
    with pytest.raises(ConfigError, match="1 to 3600"):
        KeepAlive(interval_seconds=seconds)
