import pytest

from dialer.config import DialerConfig, TrunkConfig
from dialer.sip.headers import parse_via
from dialer.sip.hop import hop_of
from dialer.sip.nat import PublicAddresses

LOCAL = ("10.0.0.5", 5060)
RTP = ("10.0.0.5", 20_000)
PLAIN = TrunkConfig(name="plain", host="127.0.0.9")
AUTO = TrunkConfig(
    name="auto", host="127.0.0.10", external_signalling_address="auto", external_media_address="auto"
)


def seen_as(received: str) -> str:
    return f"SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKa{received}"


def test_without_settings_we_are_where_we_are_bound() -> None:
    public = PublicAddresses(DialerConfig())
    assert public.signalling(PLAIN, LOCAL) == LOCAL
    assert public.media(PLAIN, RTP) == RTP


def test_the_trunks_setting_goes_before_the_nodes() -> None:
    public = PublicAddresses(
        DialerConfig(external_signalling_address="203.0.113.5:5080", external_media_address="203.0.113.6")
    )
    inside = TrunkConfig(
        name="t", host="10.0.0.9", external_signalling_address="off", external_media_address="off"
    )
    assert (public.signalling(PLAIN, LOCAL), public.media(PLAIN, RTP)) == (
        ("203.0.113.5", 5080),
        ("203.0.113.6", 20_000),
    )
    assert (public.signalling(inside, LOCAL), public.media(inside, RTP)) == (LOCAL, RTP)


def test_auto_believes_what_the_trunk_has_seen() -> None:
    public = PublicAddresses(DialerConfig())
    assert public.signalling(AUTO, LOCAL) == LOCAL
    public.learn(hop_of(AUTO), parse_via(seen_as(";received=203.0.113.7;rport=40123")))
    assert public.signalling(AUTO, LOCAL) == ("203.0.113.7", 40_123)
    assert public.media(AUTO, RTP) == ("203.0.113.7", 20_000)
    assert public.signalling(PLAIN, LOCAL) == LOCAL


def test_a_trunk_that_says_only_the_host_leaves_us_our_port() -> None:
    public = PublicAddresses(DialerConfig(external_signalling_address="auto"))
    public.signalling(PLAIN, LOCAL)
    public.learn(hop_of(PLAIN), parse_via(seen_as(";received=2001:db8::7")))
    assert public.signalling(PLAIN, LOCAL) == ("2001:db8::7", 5060)


@pytest.mark.parametrize(
    "received", [";received=evil.example;rport=1", ";received=;rport=", ";received=999.1.1.1"]
)
def test_only_an_address_is_learned(received: str) -> None:
    public = PublicAddresses(DialerConfig())
    public.signalling(AUTO, LOCAL)
    public.learn(hop_of(AUTO), parse_via(seen_as(received)))
    assert public.signalling(AUTO, LOCAL) == LOCAL


@pytest.mark.parametrize("rport", ["0", "65536", "x", "99999999999"])
def test_a_port_that_is_none_is_not_learned(rport: str) -> None:
    public = PublicAddresses(DialerConfig())
    public.signalling(AUTO, LOCAL)
    public.learn(hop_of(AUTO), parse_via(seen_as(f";received=203.0.113.7;rport={rport}")))
    assert public.signalling(AUTO, LOCAL) == ("203.0.113.7", 5060)


def test_nobody_else_teaches() -> None:
    public = PublicAddresses(DialerConfig())
    public.learn(hop_of(PLAIN), parse_via(seen_as(";received=203.0.113.7;rport=40123")))
    assert public.signalling(PLAIN, LOCAL) == LOCAL
