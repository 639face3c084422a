"""Who calls, in the headers of the INVITE that a trunk hears."""

import pytest

from dialer.config import Identity, TrunkConfig
from dialer.errors import ConfigError
from dialer.sip.message import Request
from tests.dialer.calls import Line


def invite(identity: Identity, *, from_domain: str | None = None) -> Request:
    line = Line()
    line.place_call(
        trunk=TrunkConfig(
            name="t", host="127.0.0.9", caller_id="100", from_domain=from_domain, identity=identity
        )
    )
    return line.invite


def test_a_plain_trunk_hears_no_identity_beyond_from() -> None:
    heard = invite(Identity())

    assert (heard.from_.uri, heard.from_.display_name) == ("sip:100@127.0.0.9", "")
    for name in ("P-Asserted-Identity", "Remote-Party-ID", "Privacy", "Diversion"):
        assert name not in heard.headers


def test_a_display_name_is_quoted_and_cannot_forge_anything() -> None:
    heard = invite(Identity(display_name='Shop "24" <sip:x@y>;tag=z'))

    assert heard.from_.display_name == 'Shop "24" <sip:x@y>;tag=z'
    assert heard.from_.uri == "sip:100@127.0.0.9"
    assert heard.from_.tag != "z"


def test_the_asserted_identity_is_the_caller_id_or_the_number_that_the_trunk_knows() -> None:
    """RFC 3325 §9.1."""
    own = invite(Identity(has_asserted_identity=True), from_domain="example.org")
    known = invite(Identity(has_asserted_identity=True, network_user="+74950000000", display_name="Shop"))

    assert own.headers.get("P-Asserted-Identity") == "<sip:100@example.org>"
    assert known.headers.get("P-Asserted-Identity") == '"Shop" <sip:+74950000000@127.0.0.9>'
    assert known.from_.uri == "sip:100@127.0.0.9"


@pytest.mark.parametrize(
    ("identity", "privacy"),
    [
        (Identity(has_remote_party_id=True), "off"),
        (Identity(has_remote_party_id=True, privacy=("id",)), "full"),
        (Identity(has_remote_party_id=True, is_anonymous=True), "full"),
        (Identity(has_remote_party_id=True, privacy=("none",)), "off"),
    ],
)
def test_remote_party_id_says_who_calls_and_whether_it_may_be_shown(identity: Identity, privacy: str) -> None:
    """draft-ietf-sip-privacy-04 §5."""
    assert (
        invite(identity).headers.get("Remote-Party-ID")
        == f"<sip:100@127.0.0.9>;party=calling;screen=yes;privacy={privacy}"
    )


def test_an_anonymous_caller_is_hidden_in_from_and_contact_but_not_from_the_trunk() -> None:
    """RFC 3323 §4.1.1.3."""
    heard = invite(
        Identity(is_anonymous=True, has_asserted_identity=True, privacy=("user", "id"), display_name="Shop")
    )

    assert (heard.from_.display_name, heard.from_.uri) == ("Anonymous", "sip:anonymous@anonymous.invalid")
    assert heard.from_.tag is not None
    assert str(heard.contact) == "<sip:anonymous@127.0.0.1:5060>"
    assert heard.headers.get("P-Asserted-Identity") == '"Shop" <sip:100@127.0.0.9>'
    assert heard.headers.get("Privacy") == "user;id"


def test_an_anonymous_call_stays_so_to_its_bye() -> None:
    line = Line()
    trunk = TrunkConfig(name="t", host="127.0.0.9", caller_id="100", identity=Identity(is_anonymous=True))
    call_id = line.place_call(trunk=trunk)
    line.answer()
    line.hang_up(call_id)

    assert {str(request.from_) for request in line.trunk.requests} == {str(line.invite.from_)}
    assert not any(b"100@" in request.to_bytes() for request in line.trunk.requests)


def test_diversion_names_whose_call_it_was() -> None:
    """RFC 5806 §9."""
    heard = invite(Identity(diversion="+74950000000", diversion_reason="no-answer"))

    assert heard.headers.get("Diversion") == "<sip:+74950000000@127.0.0.9>;reason=no-answer;counter=1"


@pytest.mark.parametrize("privacy", [("none", "id"), ("critical",)])
def test_privacy_that_contradicts_itself_is_no_setting(privacy: tuple[str, ...]) -> None:
    """RFC 3323 §4.2."""
    with pytest.raises(ConfigError):
        Identity(privacy=privacy)  # type: ignore[arg-type]
