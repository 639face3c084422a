import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import RemoteProtocolError
from dialer.sip.uri import SipUri, parse_uri


def test_a_full_uri_is_taken_apart() -> None:
    uri = parse_uri(
        "SIP:al%69ce;day=tue:s%3Acret@Example.com:5070;transport=udp;lr?subject=x&priority=urgent"
    )
    assert uri == SipUri(
        "sip",
        "alice;day=tue",
        "s:cret",
        "Example.com",
        5070,
        {"transport": "udp", "lr": None},
        "subject=x&priority=urgent",
    )
    assert uri.is_loose_router
    assert (
        str(uri) == "sip:alice;day=tue:s%3Acret@Example.com:5070;transport=udp;lr?subject=x&priority=urgent"
    )


@pytest.mark.parametrize(
    "text",
    [
        "sip:127.0.0.9",
        "sips:a@[::1]:5061",
        "sip:+79001234567@a_b.example;user=phone",
        "sip:semi;par=u%40x@example.com",
    ],
)
def test_ordinary_uris_are_written_as_they_came(text: str) -> None:
    assert str(parse_uri(text)) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:a@127.0.0.9", ("127.0.0.9", 5060)),
        ("sip:a@127.0.0.9:5080;lr", ("127.0.0.9", 5080)),
        ("sip:a@[::1]:5062", ("::1", 5062)),
        ("sip:a@example.com;maddr=127.0.0.8", ("127.0.0.8", 5060)),
    ],
)
def test_the_address_of_a_uri_is_where_udp_goes(text: str, address: tuple[str, int]) -> None:
    assert parse_uri(text).address == address


@pytest.mark.parametrize(
    "text",
    ["", "sip", "sip:", "sip:@host", "sip:a@", "sip:a b@host", "<sip:a@host>", "sip:a@host:99999", "sip:a@host:x",
     "sip:a@host;;lr", "sip:a@ho st", "sip:a@[::1", "a.b:c@d"],
)  # fmt: skip
def test_a_malformed_uri_is_answered_400(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        parse_uri(text)
    assert refused.value.status_hint == 400


@pytest.mark.parametrize("text", ["tel:+79001234567", "http://example.com", "nobodyknows:me"])
def test_another_scheme_is_answered_416(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        parse_uri(text)
    assert refused.value.status_hint == 416


@given(
    st.text(max_size=60) | st.text(alphabet="sip:@;?%[].0aZ= <>", max_size=40).map(lambda tail: f"sip:{tail}")
)
def test_any_text_is_a_uri_that_survives_writing_or_is_refused(text: str) -> None:
    try:
        uri = parse_uri(text)
    except RemoteProtocolError:
        return
    assert parse_uri(str(uri)) == uri
