from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import InvalidHeader
from dialer.sip.headers import (
    CSeq,
    NameAddr,
    Reason,
    RetryAfter,
    Via,
    parse_cseq,
    parse_name_addr,
    parse_reason,
    parse_retry_after,
    parse_rseq,
    parse_session_expires,
    parse_via,
)

PARSERS: list[Callable[[str], Any]] = [
    parse_via,
    parse_name_addr,
    parse_cseq,
    parse_reason,
    parse_retry_after,
    parse_rseq,
    parse_session_expires,
]


def test_a_via_is_taken_apart() -> None:
    via = parse_via("SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK1;rport;received=127.0.0.8")
    assert via == Via(
        "UDP", "127.0.0.9", 5070, {"branch": "z9hG4bK1", "rport": None, "received": "127.0.0.8"}
    )
    assert (via.branch, via.sent_by) == ("z9hG4bK1", "127.0.0.9:5070")
    assert str(via) == "SIP/2.0/UDP 127.0.0.9:5070;branch=z9hG4bK1;rport;received=127.0.0.8"


def test_a_via_may_be_spaced_out_as_in_rfc_4475() -> None:
    via = parse_via("SIP  / 2.0  / tcp     spindle.example.com   ;  branch  =   z9hG4bK9ikj8")
    assert via == Via("TCP", "spindle.example.com", None, {"branch": "z9hG4bK9ikj8"})


def test_a_via_of_an_rfc_2543_peer_has_no_branch() -> None:
    assert parse_via("SIP/2.0/UDP 127.0.0.9").branch == ""


def test_the_true_source_is_noted_where_rport_asks_for_it() -> None:
    asked = parse_via("SIP/2.0/UDP 127.0.0.9;rport;branch=b").received_from("127.0.0.9", 5099)
    assert asked.params == {"rport": "5099", "branch": "b", "received": "127.0.0.9"}


def test_the_true_source_is_noted_where_it_differs() -> None:
    assert parse_via("SIP/2.0/UDP pc33;branch=b").received_from("127.0.0.9", 1).params == {
        "branch": "b",
        "received": "127.0.0.9",
    }
    assert parse_via("SIP/2.0/UDP 127.0.0.9;branch=b").received_from("127.0.0.9", 1).params == {"branch": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UDP 127.0.0.9",
        "SIP/3.0/UDP a",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP a:99999",
        "SIP/2.0/UDP a;;branch=b",
        "SIP/2.0/UDP a b",
    ],
)
def test_a_malformed_via_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_via(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<sip:a@b>;tag=1", NameAddr("", "sip:a@b", {"tag": "1"})),
        ("sip:a@b;tag=1", NameAddr("", "sip:a@b", {"tag": "1"})),
        ("sip:a@b", NameAddr("", "sip:a@b")),
        ("<sip:a@b;lr?x=y>", NameAddr("", "sip:a@b;lr?x=y")),
        ("caller<sip:a@b>;tag=323", NameAddr("caller", "sip:a@b", {"tag": "323"})),
        (r'"J \"Rose\" \\" <sip:a@b> ; q = 0.33', NameAddr('J "Rose" \\', "sip:a@b", {"q": "0.33"})),
        ('"<sip:no@no>" <sip:a@b>', NameAddr("<sip:no@no>", "sip:a@b")),
        ("Иван Петров <sip:a@b>", NameAddr("Иван Петров", "sip:a@b")),
        ('"" <tel:+7900>', NameAddr("", "tel:+7900")),
    ],
)
def test_addresses_of_every_form_are_read(text: str, expected: NameAddr) -> None:
    assert parse_name_addr(text) == expected
    assert parse_name_addr(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a@b", "<sip:a@b", '"Bell <sip:a@b>', "Bell, Alexander <sip:a@b>", "sip:a@b?Route=x", "sip:a@b,sip:c@d",
     "<sip:a@b>tag=1", "<sip:a@b>;", "<sip:a@b>;;;", "<sip:a @b>", '"x" y <sip:a@b>', "<>", "<sip:>"],
)  # fmt: skip
def test_a_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_name_addr(text)


def test_a_tag_is_added_without_touching_the_rest() -> None:
    address = parse_name_addr('"A" <sip:a@b>;x=1')
    assert address.tag is None
    assert str(address.with_tag("t")) == '"A" <sip:a@b>;x=1;tag=t'


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1 INVITE", CSeq(1, "INVITE")), ("0009\tACK", CSeq(9, "ACK")), ("2147483647 X", CSeq(2**31 - 1, "X"))],
)
def test_a_cseq_is_read(text: str, expected: CSeq) -> None:
    assert parse_cseq(text) == expected
    assert parse_cseq(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE",
        "1 2 INVITE",
        "-1 INVITE",
        "2147483648 INVITE",
        "36893488147419103232 X",
        "1 IN<VITE",
        "٣ INVITE",
    ],
)
def test_a_malformed_cseq_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_cseq(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Q.850;cause=16;text="Normal call clearing"', Reason("Q.850", 16, "Normal call clearing")),
        ('SIP ;cause=200 ;text="Call completed elsewhere"', Reason("SIP", 200, "Call completed elsewhere")),
        ("Q.850", Reason("Q.850", None, None)),
    ],
)
def test_a_reason_is_read(text: str, expected: Reason) -> None:
    assert parse_reason(text) == expected
    assert parse_reason(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "Q 850", "Q.850;cause=x", "Q.850;cause=999999", "Q.850;"])
def test_a_malformed_reason_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_reason(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", RetryAfter(120)),
        ("120 (in a meeting)", RetryAfter(120)),
        ("5 ;duration=3600;x", RetryAfter(5, 3600)),
    ],
)
def test_a_retry_after_is_read(text: str, expected: RetryAfter) -> None:
    assert parse_retry_after(text) == expected
    assert parse_retry_after(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "12345678901", "5;duration=x", "5;", "Fri, 13 Nov 2026 23:29:00 GMT"]
)
def test_a_malformed_retry_after_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_retry_after(text)


SIP_ISH = st.text(alphabet='SIP/2.0 UDPabz<>"\\;:,=@?()19\té', max_size=50)


@pytest.mark.parametrize("parse", PARSERS)
@given(
    text=st.text(max_size=60)
    | SIP_ISH
    | SIP_ISH.map(lambda tail: f"<sip:a@b>{tail}")
    | SIP_ISH.map(lambda tail: f"SIP/2.0/UDP a{tail}")
)
def test_any_text_is_a_value_that_survives_writing_or_is_refused(
    parse: Callable[[str], Any], text: str
) -> None:
    try:
        value = parse(text)
    except InvalidHeader:
        return
    assert parse(str(value)) == value


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("2147483647", 2_147_483_647)])
def test_an_rseq_is_a_number(text: str, expected: int) -> None:
    """RFC 3262 §7.1."""
    assert parse_rseq(text) == expected


@pytest.mark.parametrize("text", ["", "0", "2147483648", "-1", "1 ", "one", "9" * 5_000, "\u0661"])
def test_what_is_no_rseq_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_rseq(text)


@pytest.mark.parametrize("text", ["1800", "90;refresher=uac", "90;refresher=uas"])
def test_session_expires_is_written_as_it_was_read(text: str) -> None:
    """RFC 4028 §4."""
    assert str(parse_session_expires(text)) == text


@pytest.mark.parametrize("text", ["", "soon", "1.5", "-90", "90;", "9" * 5_000])
def test_what_is_no_session_expires_is_refused(text: str) -> None:
    with pytest.raises(InvalidHeader):
        parse_session_expires(text)


@given(
    st.text(alphabet='sip:+@.;=<>"?, aZ09%[]~-', max_size=30),
    st.none() | st.text(alphabet="aZ0-9.%~ ;=", max_size=8),
)
def test_an_address_means_the_same_in_its_usual_spelling_and_with_a_space(uri: str, tag: str | None) -> None:
    """The usual one is read by one expression, the other step by step."""
    rest = "" if tag is None else f";tag={tag}"

    def read(text: str) -> NameAddr | None:
        try:
            return parse_name_addr(text)
        except InvalidHeader:
            return None

    assert read(f"<sip:{uri}>{rest}") == read(f" <sip:{uri}>{rest}")
