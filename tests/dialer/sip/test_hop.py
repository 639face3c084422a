import pytest

from dialer.config import TrunkConfig
from dialer.sip.hop import Hop, bracketed, hop_of, hop_towards
from dialer.transport_config import TlsConfig

OWN_CA = TlsConfig(ca_file="ca.pem")
UDP = Hop("127.0.0.9", 5060)
TCP = Hop("127.0.0.9", 5060, "tcp")
TLS = Hop("127.0.0.9", 5061, "tls", OWN_CA)


def test_a_trunk_says_how_it_is_reached() -> None:
    def hop(**settings: object) -> Hop:
        return hop_of(TrunkConfig(name="t", host="::1", **settings))  # type: ignore[arg-type] # three settings

    assert hop() == Hop("::1", 5060)
    assert hop(transport="tcp", tls=OWN_CA) == Hop("::1", 5060, "tcp")
    assert hop(transport="tls", port=5061, tls=OWN_CA) == Hop("::1", 5061, "tls", OWN_CA)
    assert (hop().is_reliable, hop(transport="tcp").is_reliable) == (False, True)


@pytest.mark.parametrize(
    ("uri", "source", "expected"),
    [
        ("sip:a@127.0.0.5", UDP, Hop("127.0.0.5", 5060)),
        ("sip:a@127.0.0.5;transport=tcp", UDP, Hop("127.0.0.5", 5060, "tcp")),
        ("sip:a@127.0.0.5;transport=TCP", UDP, Hop("127.0.0.5", 5060, "tcp")),
        ("sip:a@127.0.0.5;transport=sctp", UDP, Hop("127.0.0.5", 5060)),
        ("sip:a@127.0.0.5", TCP, Hop("127.0.0.5", 5060, "tcp")),
        ("sip:a@127.0.0.5;transport=udp", TCP, Hop("127.0.0.5", 5060)),
        ("sip:a@[::1]:5070;transport=tcp", UDP, Hop("::1", 5070, "tcp")),
        ("sip:a@127.0.0.5;transport=tls", UDP, Hop("127.0.0.5", 5061, "tls", TlsConfig())),
        ("sips:a@127.0.0.5", UDP, Hop("127.0.0.5", 5061, "tls", TlsConfig())),
        ("sips:a@127.0.0.5:5071", TLS, Hop("127.0.0.5", 5071, "tls", OWN_CA)),
        ("sip:a@127.0.0.5", TLS, Hop("127.0.0.5", 5061, "tls", OWN_CA)),
    ],
)
def test_a_uri_leads_over_its_own_transport_or_that_of_its_dialog(
    uri: str, source: Hop, expected: Hop
) -> None:
    assert hop_towards(uri, source) == expected


@pytest.mark.parametrize("uri", ["sip:a@127.0.0.5;transport=udp", "sip:a@127.0.0.5;transport=tcp"])
def test_what_came_over_tls_never_leaves_it(uri: str) -> None:
    hop = hop_towards(uri, TLS)
    assert hop is not None
    assert (hop.transport, hop.tls) == ("tls", OWN_CA)


def test_the_connection_that_is_there_is_the_way_to_its_other_end() -> None:
    """RFC 5923: no second connection to the same address, inbound ones included."""
    inbound = Hop("127.0.0.9", 40_001, "tcp", is_inbound=True)
    assert hop_towards("sip:a@127.0.0.9:40001;transport=tcp", inbound) is inbound


@pytest.mark.parametrize("uri", ["sip:a@example.com", "tel:+7900", "nonsense"])
def test_names_and_what_cannot_be_read_lead_nowhere(uri: str) -> None:
    assert hop_towards(uri, UDP) is None


@pytest.mark.parametrize(("host", "written"), [("127.0.0.9", "127.0.0.9"), ("::1", "[::1]")])
def test_ipv6_addresses_have_brackets_in_text(host: str, written: str) -> None:
    assert bracketed(host) == written
