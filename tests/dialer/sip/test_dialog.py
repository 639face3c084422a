import pytest

from dialer.sip.dialog import Dialog
from dialer.sip.hop import Hop
from tests.dialer.sip.messages import ADDRESS, request, response

VIA = "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKnew"


def via(_hop: Hop) -> str:
    return VIA


def dialog(*record_route: str, contact: str | None = "<sip:callee@127.0.0.5:5070>") -> Dialog:
    answer = response(200, headers=tuple(("Record-Route", value) for value in record_route))
    if contact is not None:
        answer.headers.set("Contact", contact)
    return Dialog.of_answer(request(cseq=7), answer, ADDRESS)


def test_without_routes_the_contact_is_addressed() -> None:
    bye, destination = dialog().request("BYE", via)

    assert (bye.uri, destination) == ("sip:callee@127.0.0.5:5070", Hop("127.0.0.5", 5070))
    assert bye.headers.get_all("Route") == []
    assert (bye.from_.tag, bye.to.tag, bye.call_id) == ("ours", "callee", "call")
    assert (str(bye.cseq), str(bye.via), bye.headers.get("Max-Forwards")) == ("8 BYE", VIA, "70")


def test_each_request_takes_the_next_cseq_and_an_ack_the_invites() -> None:
    opened = dialog()

    assert str(opened.request("ACK", via, cseq_number=7)[0].cseq) == "7 ACK"
    assert str(opened.request("BYE", via)[0].cseq) == "8 BYE"
    assert str(opened.request("BYE", via)[0].cseq) == "9 BYE"


def test_loose_routers_are_visited_in_reverse_of_their_record() -> None:
    """RFC 3261 §16.12.1.1: the proxy nearest to us was the first to record itself, so it stands last."""
    opened = dialog("<sip:127.0.0.7;lr>, <sip:127.0.0.6;lr>", "<sip:127.0.0.8:5080;lr>")
    bye, destination = opened.request("BYE", via)

    assert bye.uri == "sip:callee@127.0.0.5:5070"
    assert bye.headers.get_all("Route") == [
        "<sip:127.0.0.8:5080;lr>",
        "<sip:127.0.0.6;lr>",
        "<sip:127.0.0.7;lr>",
    ]
    assert destination == Hop("127.0.0.8", 5080)


def test_a_strict_router_finds_itself_in_the_request_uri_and_the_target_last() -> None:
    """RFC 3261 §12.2.1.1, the example of §16.12.1.2."""
    opened = dialog("<sip:127.0.0.7;lr>", "<sip:127.0.0.8>")
    bye, destination = opened.request("BYE", via)

    assert bye.uri == "sip:127.0.0.8"
    assert bye.headers.get_all("Route") == ["<sip:127.0.0.7;lr>", "<sip:callee@127.0.0.5:5070>"]
    assert destination == Hop("127.0.0.8", 5060)


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:callee@carrier.example>",  # a name: we do not resolve
        "<tel:+79000000001>",
    ],
)
def test_a_contact_that_is_no_address_is_reached_where_the_answer_came_from(contact: str) -> None:
    bye, destination = dialog(contact=contact).request("BYE", via)

    assert bye.uri == contact.strip("<>")
    assert destination == ADDRESS


@pytest.mark.parametrize("route", ["<sip:proxy.example;lr>", "<http:proxy.example>"])
def test_a_route_that_is_no_address_is_reached_where_the_answer_came_from(route: str) -> None:
    bye, destination = dialog(route).request("BYE", via)

    assert bye.headers.get_all("Route") == [route]
    assert destination == ADDRESS


@pytest.mark.parametrize("contact", [None, "<sip:broken", "*"])
def test_an_answer_without_a_usable_contact_is_addressed_as_its_invite(contact: str | None) -> None:
    bye, destination = dialog(contact=contact).request("BYE", via)

    assert (bye.uri, destination) == ("sip:79000000001@127.0.0.9", ADDRESS)


def test_a_malformed_record_route_does_not_cost_us_the_call() -> None:
    bye, _ = dialog("<sip:127.0.0.7").request("BYE", via)

    assert bye.headers.get_all("Route") == []


def test_a_peer_without_a_tag_has_an_empty_one() -> None:
    answer = response(200)
    answer.headers.set("To", "<sip:79000000001@127.0.0.9>")

    assert Dialog.of_answer(request(), answer, ADDRESS).remote_tag == ""


def test_the_peers_numbers_may_not_fall() -> None:
    opened = dialog()

    assert [opened.accepts(number) for number in (5, 5, 9, 8, 9)] == [True, True, True, False, True]


def test_a_reinvite_moves_the_target() -> None:
    opened = dialog()
    reinvite = request()
    reinvite.headers.set("Contact", "<sip:moved@127.0.0.4:5090>")
    opened.refresh_target(reinvite)

    bye, destination = opened.request("BYE", via)
    assert (bye.uri, destination) == ("sip:moved@127.0.0.4:5090", Hop("127.0.0.4", 5090))


@pytest.mark.parametrize("contact", ["*", "<sip:broken"])
def test_a_reinvite_without_a_usable_contact_moves_nothing(contact: str) -> None:
    opened = dialog()
    reinvite = request()
    reinvite.headers.set("Contact", contact)
    opened.refresh_target(reinvite)

    assert opened.remote_target == "sip:callee@127.0.0.5:5070"
