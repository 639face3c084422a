"""Messages after RFC 4475, each with its section and verdict in expected.toml."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import RemoteProtocolError
from dialer.sip.headers import CSeq, Via
from dialer.sip.message import Message, Request, parse_message, refuse_malformed
from dialer.sip.uri import parse_uri

HERE = Path(__file__).parent
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "expected.toml").read_text())


def read(name: str) -> Message:
    return parse_message((HERE / f"{name}.sip").read_bytes())


@pytest.mark.parametrize("name", EXPECTED)
def test_the_verdict_is_that_of_the_rfc(name: str) -> None:
    verdict = EXPECTED[name]["verdict"]
    if verdict == "accept":
        message = read(name)
        assert parse_message(message.to_bytes()) == message
        return
    data = (HERE / f"{name}.sip").read_bytes()
    with pytest.raises(RemoteProtocolError) as refused:
        parse_message(data)
    if verdict == "drop":
        assert refuse_malformed(data, refused.value, to_tag="t") is None
    else:
        assert refused.value.status_hint == verdict


def test_every_message_has_a_verdict() -> None:
    assert {path.stem for path in HERE.glob("*.sip")} == set(EXPECTED)


def test_the_tortuous_invite_is_understood() -> None:
    """RFC 4475 §3.1.1.1."""
    message = read("wsinv")
    assert message.via == Via("UDP", "192.0.2.2", None, {"branch": "390skdjuw"})
    assert [via.partition(";")[0].split() for via in message.headers.get_all("Via")[1:]] == [
        ["SIP", "/", "2.0", "/", "TCP", "spindle.example.com"],
        ["SIP", "/", "2.0", "/", "UDP", "192.168.255.111"],
    ]
    assert message.to.tag == "1918181833n"
    assert (message.from_.display_name, message.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert message.cseq == CSeq(9, "INVITE")
    assert message.contact is not None
    assert message.contact.display_name == 'Quoted string ""'
    assert message.contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert message.headers.get("Subject") == ""
    assert message.headers.get("newfangledheader") == "newfangled value continued newfangled value"
    assert message.body.startswith(b"v=0")


def test_escapes_are_undone_once_and_only_in_the_uri() -> None:
    """RFC 4475 §3.1.1.3, §3.1.1.5."""
    message = read("esc01")
    assert isinstance(message, Request)
    assert parse_uri(message.uri).user == "sips:user@example.com"
    assert parse_uri(message.to.uri).user == "user"
    escaped = read("esc02")
    assert escaped.cseq.method == "RE%47IST%45R"
    assert escaped.to.display_name == "%Z%45"
    assert len(escaped.headers.get_all("Contact")) == 2


def test_two_requests_in_one_datagram_are_one_request() -> None:
    """RFC 4475 §3.1.1.8."""
    assert read("dblreq").body == b""
