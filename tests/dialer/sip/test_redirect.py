"""A 3xx is a refusal, unless the trunk's policy lets it lead to another address of the same host."""

import pytest

from dialer.config import SipPolicy, TrunkConfig
from dialer.errors import ConfigError
from dialer.sip.hop import Hop
from dialer.sip.redirect import redirect_target
from tests.dialer.calls import Line
from tests.dialer.sip.messages import response

FOLLOWING = TrunkConfig(name="t", host="127.0.0.9", sip=SipPolicy(max_redirects=2))


def redirected(line: Line, *contacts: str, status_code: int = 302) -> None:
    line.trunk.respond(line.invite, status_code, headers=[("Contact", contact) for contact in contacts])
    line.run()


def test_a_redirection_is_a_refusal_by_default() -> None:
    line = Line()
    line.place_call()
    redirected(line, "<sip:2@127.0.0.9>")

    assert line.verdict == ("failed", "sip_302", "network")
    assert line.trunk.ladder == ["INVITE", "ACK"]
    line.settle()


def test_a_redirection_inside_the_trunk_is_followed_where_that_is_allowed() -> None:
    """RFC 3261 §8.1.3.4: another Request-URI, the rest of the INVITE as it was."""
    line = Line()
    call_id = line.place_call(trunk=FOLLOWING)
    first = line.invite
    redirected(line, "<sip:2@127.0.0.9;method=BYE?Subject=x>")

    second = line.invite
    assert line.trunk.ladder == ["INVITE", "ACK", "INVITE"]
    assert second.uri == "sip:2@127.0.0.9"
    assert (second.to, second.from_, second.call_id) == (first.to, first.from_, first.call_id)
    assert second.cseq.number == first.cseq.number + 1
    assert "Subject" not in second.headers
    line.ring()
    line.hang_up(call_id)
    assert line.trunk.last("CANCEL").uri == second.uri


def test_the_port_of_the_contact_is_where_the_next_invite_goes() -> None:
    line = Line()
    line.place_call(trunk=FOLLOWING)
    line.trunk.respond(line.invite, 302, headers=[("Contact", "<sip:2@127.0.0.9:5070>")])
    for data, _ in line.trunk.datagrams_to_send(0.0):
        line.core.receive_datagram(data, line.trunk.address, 0.0)

    assert [address for _, address in line.core.datagrams_to_send(0.0)] == [
        Hop("127.0.0.9", 5060),
        Hop("127.0.0.9", 5070),
    ]


def test_no_more_redirections_are_followed_than_allowed_and_none_twice() -> None:
    line = Line()
    line.place_call(trunk=FOLLOWING)
    redirected(line, "<sip:2@127.0.0.9>")
    redirected(line, "<sip:2@127.0.0.9>", "<sip:3@127.0.0.9>")
    assert line.invite.uri == "sip:3@127.0.0.9"
    redirected(line, "<sip:4@127.0.0.9>")

    assert line.verdict == ("failed", "sip_302", "network")
    assert line.trunk.ladder.count("INVITE") == 3
    line.settle()


def test_a_redirection_that_meets_our_hanging_up_is_not_followed() -> None:
    line = Line()
    call_id = line.place_call(trunk=FOLLOWING)
    line.ring()
    line.core.hang_up(call_id, line.now)
    redirected(line, "<sip:2@127.0.0.9>")

    assert line.verdict == ("cancelled", "hang_up", "us")
    assert line.trunk.ladder.count("INVITE") == 1


@pytest.mark.parametrize(
    ("status_code", "contact"),
    [
        (302, "<sip:2@127.0.0.10>"),
        (302, "<sip:2@127.0.0.9;maddr=127.0.0.10>"),
        (302, "<sips:2@127.0.0.9>"),
        (302, "<tel:+79000000002>"),
        (302, "<sip:1@127.0.0.9>"),
        (302, "nonsense"),
        (302, "<sip:2@127.0.0.9>;q=high"),
        (302, "<sip:2@127.0.0.9>;q=7"),
        (302, "<sip:2@127.0.0.9>;q=nan"),
        (305, "<sip:2@127.0.0.9>"),
        (380, "<sip:2@127.0.0.9>"),
        (486, "<sip:2@127.0.0.9>"),
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_not_followed(status_code: int, contact: str) -> None:
    refusal = response(status_code, headers=(("Contact", contact),))

    assert redirect_target(refusal, {"127.0.0.9"}, {"sip:1@127.0.0.9"}) is None


def test_the_most_wanted_contact_goes_first() -> None:
    """RFC 3261 §20.10: q is 1 where it is not written."""
    refusal = response(
        300,
        headers=(
            ("Contact", "<sip:2@127.0.0.9>;q=0.5, <sip:3@127.0.0.9>;q=0.7"),
            ("Contact", "<sip:4@127.0.0.9>"),
        ),
    )
    tried = set[str]()
    order = []
    while (target := redirect_target(refusal, {"127.0.0.9"}, tried)) is not None:
        tried.add(str(target))
        order.append(target.user)

    assert order == ["4", "3", "2"]


def test_a_policy_bounds_redirections() -> None:
    with pytest.raises(ConfigError):
        SipPolicy(max_redirects=6)
