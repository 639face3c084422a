import pytest

from dialer.config import Limits
from dialer.errors import InvalidHeader, MessageTooLarge, RemoteProtocolError
from dialer.sip.fields import Headers, canonical_name
from dialer.sip.headers import parse_cseq, parse_name_addr, parse_via


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("v", "Via"), ("V", "Via"), ("VIA", "Via"), ("via ", "Via"), ("call-id", "Call-ID"), ("i", "Call-ID"),
        ("CSEQ", "CSeq"), ("l", "Content-Length"), ("www-authenticate", "WWW-Authenticate"),
        ("x-asterisk-hangupcause", "X-Asterisk-Hangupcause"), ("Record-ROUTE", "Record-Route"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_name_is_one_name(written: str, canonical: str) -> None:
    assert canonical_name(written) == canonical
    assert Headers([(written, "x")]).get(canonical) == "x"
    assert Headers([(canonical, "x")]).get(written) == "x"


@pytest.mark.parametrize("name", ["", "a b", "a:b", "Привет"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        canonical_name(name)


def test_values_of_one_name_keep_their_order() -> None:
    headers = Headers([("Via", "two"), ("To", "x"), ("v", "three")])
    headers.prepend("Via", "one")
    assert headers.get_all("via") == ["one", "two", "three"]
    assert list(headers) == [("Via", "one"), ("Via", "two"), ("Via", "three"), ("To", "x")]


def test_lists_are_split_only_where_the_grammar_has_them() -> None:
    headers = Headers(
        [
            ("Allow", "INVITE, ACK"),
            ("k", "100rel"),
            ("Allow", "BYE"),
            ("Date", "Fri, 13 Nov 2026 23:29:00 GMT"),
        ]
    )
    assert headers.get_all("Allow") == ["INVITE", "ACK", "BYE"]
    assert headers.get_all("Supported") == ["100rel"]
    assert headers.get_all("Date") == ["Fri, 13 Nov 2026 23:29:00 GMT"]
    assert headers.get_all("Require") == []


def test_set_and_remove_replace_every_field_of_a_name() -> None:
    headers = Headers([("Route", "a"), ("Route", "b")])
    headers.set("route", "c")
    assert headers.get_all("Route") == ["c"]
    headers.set_all("Route", ["d", "e"])
    assert headers.get_all("Route") == ["d", "e"]
    headers.set_all("Route", [])
    headers.remove("Route")
    assert "Route" not in headers
    assert headers.get("Route", "none") == "none"


def test_a_copy_is_independent() -> None:
    headers = Headers([("Via", "a")])
    copy = headers.copy()
    assert copy == headers
    copy.add("Via", "b")
    assert headers.get_all("Via") == ["a"]
    assert copy != headers
    assert headers != [("Via", "a")]


def test_a_parsed_value_is_kept_until_a_header_changes() -> None:
    headers = Headers([("CSeq", "1 INVITE")])
    assert headers.parsed("CSeq", parse_cseq) is headers.parsed("CSeq", parse_cseq)
    headers.set("CSeq", "2 INVITE")
    assert headers.parsed("CSeq", parse_cseq).number == 2


def test_of_a_list_the_first_value_is_parsed() -> None:
    headers = Headers([("Via", "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2")])
    assert headers.parsed("Via", parse_via).host == "a"


@pytest.mark.parametrize("fields", [[], [("From", "nonsense")], [("From", "<sip:a@b>;")]])
def test_a_missing_or_malformed_value_is_refused_by_the_name_of_its_header(
    fields: list[tuple[str, str]],
) -> None:
    with pytest.raises(InvalidHeader) as refused:
        Headers(fields).parsed("From", parse_name_addr)
    assert refused.value.name == "From"


@pytest.mark.parametrize("name", ["From", "t", "i", "CSeq", "l"])
def test_what_routes_a_message_may_come_only_once(name: str) -> None:
    with pytest.raises(InvalidHeader):
        Headers.parse([f"{name}: 1", f"{name}: 1"], Limits())


def test_other_headers_may_come_again() -> None:
    assert Headers.parse(["v: a", "Via: b"], Limits()).get_all("Via") == ["a", "b"]


def test_a_line_without_a_colon_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        Headers.parse(["Via"], Limits())


def test_a_line_at_the_limit_is_read_and_one_beyond_is_answered_513() -> None:
    limits = Limits(max_header_bytes=10)
    assert Headers.parse(["X: 3456789"], limits).get("X") == "3456789"
    with pytest.raises(MessageTooLarge) as refused:
        Headers.parse(["X: 34567890"], limits)
    assert refused.value.status_hint == 513


def test_the_repr_shows_the_fields() -> None:
    assert repr(Headers([("To", "x")])) == "Headers([('To', 'x')])"
