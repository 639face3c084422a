from dialer.config import DialerConfig
from dialer.errors import InvalidHeader
from dialer.sip.hop import Hop
from dialer.sip.message import Response, parse_message
from dialer.sip.responder import Responder, response_hop
from dialer.sip.transaction_layer import TransactionLayer
from tests.dialer.sip.messages import counting_rng, request

STRANGER = Hop("127.0.0.77", 5099)


def responder() -> tuple[Responder, TransactionLayer]:
    layer = TransactionLayer(DialerConfig(user_agent="ours"))
    return Responder(DialerConfig(user_agent="ours"), counting_rng(), layer), layer


def test_a_stranger_gets_the_same_tag_for_the_same_request_and_another_for_another() -> None:
    """RFC 3261 §8.2.7."""
    answers, _ = responder()
    tags = [
        answers.response(request("OPTIONS", branch=branch), 200).to.tag
        for branch in ("z9hG4bKa", "z9hG4bKa", "z9hG4bKb")
    ]

    assert tags[0] == tags[1] != tags[2]


def test_the_tag_of_a_dialog_is_kept() -> None:
    answers, _ = responder()

    assert answers.response(request("OPTIONS", to_tag="ours"), 200).to.tag == "ours"


def test_an_answer_says_who_gives_it_and_goes_to_the_via() -> None:
    answers, layer = responder()
    asked = request("OPTIONS")
    asked.reply_to = response_hop(asked, STRANGER)
    answers.answer(asked, 405, 0.0, ("Allow", "INVITE"))
    ((data, address),) = layer.outgoing
    answer = parse_message(data)

    assert isinstance(answer, Response)
    assert (answer.status_code, answer.headers.get("Server"), answer.headers.get("Allow")) == (
        405,
        "ours",
        "INVITE",
    )
    assert address == Hop("127.0.0.1", 5060)


def test_what_cannot_be_answered_is_left_alone() -> None:
    answers, layer = responder()
    answers.refuse_malformed(b"ACK nonsense", InvalidHeader("Via", None), STRANGER, 0.0)

    assert layer.outgoing == []


def test_rport_and_received_say_where_a_response_goes() -> None:
    """RFC 3581 §4, RFC 3261 §18.2.2."""
    asked = request("OPTIONS")
    asked.headers.set("Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;rport;received=127.0.0.77")
    assert response_hop(asked, STRANGER) == Hop("127.0.0.77", 5099)
    asked.headers.set("Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa")
    assert response_hop(asked, STRANGER) == Hop("10.0.0.1", 5060)
    asked.headers.set("Via", "SIP/2.0/UDP [::1]:5070;branch=z9hG4bKa")
    assert response_hop(asked, STRANGER) == Hop("::1", 5070)


def test_a_response_goes_back_on_the_connection_whatever_the_via_says() -> None:
    """RFC 3261 §18.2.2."""
    connection = Hop("127.0.0.77", 40_001, "tcp", is_inbound=True)
    asked = request("OPTIONS")
    asked.headers.set("Via", "SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bKa")
    assert response_hop(asked, connection) is connection
