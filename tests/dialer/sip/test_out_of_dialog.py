import random
from typing import Any

import pytest

from dialer.config import Secret, TrunkConfig
from dialer.sip.digest import DigestVerifier
from dialer.sip.hop import Hop, hop_of
from dialer.sip.message import Response, response_to
from dialer.sip.out_of_dialog import OutOfDialog, Refusal, uri_of


def requests_of(**settings: Any) -> tuple[OutOfDialog, Hop]:
    trunk = TrunkConfig(name="t", host="192.0.2.1", **settings)
    return OutOfDialog(trunk, ("127.0.0.1", 5080), random.Random(1).randbytes, "us"), hop_of(trunk)


def challenge(requests: OutOfDialog, hop: Hop, *values: str, status_code: int = 401) -> Response:
    response = response_to(requests.request("OPTIONS", "sip:x", hop, to="sip:x"), status_code)
    for value in values:
        response.headers.add("WWW-Authenticate", value)
    return response


def test_all_requests_share_call_id_and_tag_and_count_up() -> None:
    requests, hop = requests_of()
    first, second = [requests.request("OPTIONS", "sip:192.0.2.1", hop, to="sip:192.0.2.1") for _ in range(2)]
    assert first.call_id == second.call_id == requests.call_id
    assert first.from_.tag == second.from_.tag
    assert (first.cseq.number, second.cseq.number) == (1, 2)
    assert first.via.branch != second.via.branch


def test_the_transport_stands_in_via_and_contact() -> None:
    requests, hop = requests_of(transport="tcp")
    request = requests.request("OPTIONS", "sip:192.0.2.1", hop, to="sip:192.0.2.1")
    assert (request.headers.get("Via") or "").startswith("SIP/2.0/TCP 127.0.0.1:5080;rport;branch=z9hG4bK")
    assert request.headers.get("Contact") == "<sip:us@127.0.0.1:5080;transport=tcp>"


def test_sips_is_written_everywhere() -> None:
    settings: dict[str, Any] = {"transport": "tls", "uses_sips": True, "from_domain": "example.net"}
    requests, hop = requests_of(port=5061, **settings)
    assert (requests.address_of_record, requests.contact) == ("sips:us@example.net", "sips:us@127.0.0.1:5080")
    assert uri_of(TrunkConfig(name="t", host="192.0.2.1", **settings), hop) == "sips:192.0.2.1"
    plain = TrunkConfig(name="t", host="192.0.2.1")
    assert uri_of(plain, Hop("2001:db8::1", 5070)) == "sip:[2001:db8::1]:5070"


@pytest.mark.parametrize(
    ("domain", "uri"),
    [("carrier.example", "sip:carrier.example"), ("carrier.example:5070", "sip:carrier.example:5070")],
)
def test_a_name_is_asked_for_wherever_it_leads(domain: str, uri: str) -> None:
    """RFC 3263 §4: the Request-URI is not what DNS has found for it."""
    trunk = TrunkConfig(name="t", host="192.0.2.1", domain=domain)
    assert uri_of(trunk, Hop("192.0.2.7", 5099)) == uri


@pytest.mark.parametrize(
    ("settings", "values", "refusal"),
    [
        ({}, ['Digest realm="r", nonce="n"'], "password_missing"),
        ({"username": "us", "password": Secret("p")}, ["Basic realm=x"], "challenge_unknown"),
        ({"username": "us", "password": Secret("p")}, ['Digest realm="r", nonce="n"'], None),
    ],
)
def test_a_challenge_is_prepared_for_or_the_reason_given(
    settings: dict[str, Any], values: list[str], refusal: Refusal | None
) -> None:
    requests, hop = requests_of(**settings)
    assert requests.meet_challenge(challenge(requests, hop, *values)) == refusal


def test_each_round_answers_one_challenge_and_a_stale_nonce_besides() -> None:
    verifier = DigestVerifier("r", {"us": "p"}, random.Random(2).randbytes)
    requests, hop = requests_of(username="us", password=Secret("p"))
    assert requests.meet_challenge(challenge(requests, hop, verifier.challenge())) is None
    assert requests.meet_challenge(challenge(requests, hop, f"{verifier.challenge()}, stale=true")) is None
    assert requests.meet_challenge(challenge(requests, hop, verifier.challenge())) == "password_wrong"
    requests.begin()
    assert requests.meet_challenge(challenge(requests, hop, verifier.challenge())) is None
