"""A trunk is asked as the RFC says, and its answer is read for what it shows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.config import Secret, TimerConfig, TrunkConfig
from dialer.sip.digest import DigestVerifier
from dialer.sip.message import Request, parse_message, response_to
from dialer.sip.options import OptionsProbe, TrunkAnswer

LOCAL = ("127.0.0.1", 5080)


def probe_of(
    *, username: str | None = None, password: str | None = None, host: str = "127.0.0.9"
) -> OptionsProbe:
    trunk = TrunkConfig(
        name="t", host=host, username=username, password=None if password is None else Secret(password)
    )
    return OptionsProbe(trunk, LOCAL, random.Random(1).randbytes, TimerConfig(), 0.0)


def request_of(probe: OptionsProbe) -> Request:
    (data,) = probe.datagrams_to_send()
    request = parse_message(data)
    assert isinstance(request, Request)
    return request


def answer(
    probe: OptionsProbe, request: Request, status_code: int, *headers: tuple[str, str], body: bytes = b""
) -> None:
    response = response_to(request, status_code, to_tag="trunk")
    for name, value in headers:
        response.headers.add(name, value)
    response.body = body
    probe.receive_datagram(response.to_bytes(), 0.1)


def sdp(media: str) -> bytes:
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\n{media}\r\n".encode()


def test_options_goes_to_the_trunk_itself() -> None:
    request = request_of(probe_of(username="alice"))
    assert (request.method, request.uri, str(request.cseq)) == ("OPTIONS", "sip:127.0.0.9", "1 OPTIONS")
    assert request.headers.get("Accept") == "application/sdp"
    assert "alice" in request.from_.uri


def test_ipv6_is_written_in_brackets() -> None:
    assert request_of(probe_of(host="::1")).uri == "sip:[::1]"


@pytest.mark.parametrize("status_code", [200, 404, 405, 483, 503])
def test_any_final_answer_shows_that_somebody_is_there(status_code: int) -> None:
    probe = probe_of()
    answer(probe, request_of(probe), status_code)
    assert probe.answer == TrunkAnswer(verdict="answered", status_code=status_code)
    assert probe.get_timer() is None


def test_a_provisional_answer_is_waited_beyond() -> None:
    probe = probe_of()
    answer(probe, request_of(probe), 100)
    assert probe.answer is None


@pytest.mark.parametrize(
    ("media", "speaks", "codecs"),
    [
        ("m=audio 4000 RTP/AVP 0 8", True, ("0", "8")),
        ("m=audio 0 RTP/AVP 8", True, ("8",)),
        (
            "m=audio 4000 RTP/AVP 18 96\r\na=rtpmap:96 opus/48000/2",
            False,
            ("18", "OPUS/48000/2"),
        ),
        ("m=video 4000 RTP/AVP 31", None, ()),
        ("m=audio nonsense", None, ()),
    ],
)
def test_a_description_tells_the_codecs(*, media: str, speaks: bool | None, codecs: tuple[str, ...]) -> None:
    probe = probe_of()
    answer(probe, request_of(probe), 200, ("Content-Type", "application/sdp"), body=sdp(media))
    assert probe.answer is not None
    assert (probe.answer.speaks_our_codec, probe.answer.codecs) == (speaks, codecs)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_right_password_is_accepted(algorithm: str) -> None:
    verifier = DigestVerifier("trunk", {"alice": "right"}, random.Random(2).randbytes, algorithm=algorithm)
    probe = probe_of(username="alice", password="right")
    answer(probe, request_of(probe), 401, ("WWW-Authenticate", verifier.challenge()))

    second = request_of(probe)

    value = second.headers.get("Authorization")
    assert value is not None
    assert verifier.verify(value, "OPTIONS", b"") == "alice"
    assert second.cseq.number == 2
    answer(probe, second, 200)
    assert probe.answer == TrunkAnswer(verdict="answered", status_code=200, was_challenged=True)


@pytest.mark.parametrize("refusal", [401, 403, 407])
def test_a_password_that_is_asked_for_again_or_refused_is_wrong(refusal: int) -> None:
    verifier = DigestVerifier("trunk", {"alice": "right"}, random.Random(2).randbytes)
    probe = probe_of(username="alice", password="wrong")
    answer(probe, request_of(probe), 407, ("Proxy-Authenticate", verifier.challenge()))
    second = request_of(probe)
    value = second.headers.get("Proxy-Authorization")
    assert value is not None
    assert verifier.verify(value, "OPTIONS", b"") is None
    answer(probe, second, refusal, ("Proxy-Authenticate", verifier.challenge()))
    assert probe.answer == TrunkAnswer(verdict="password_wrong", status_code=refusal, was_challenged=True)


def test_403_without_a_challenge_says_nothing_of_the_password() -> None:
    probe = probe_of(username="alice", password="right")
    answer(probe, request_of(probe), 403)
    assert probe.answer == TrunkAnswer(verdict="answered", status_code=403)


def test_a_trunk_that_asks_for_what_it_was_not_given_is_named() -> None:
    verifier = DigestVerifier("trunk", {}, random.Random(2).randbytes)
    probe = probe_of()
    answer(probe, request_of(probe), 401, ("WWW-Authenticate", verifier.challenge()))
    assert probe.answer == TrunkAnswer(verdict="password_missing", status_code=401)


def test_a_challenge_that_we_do_not_know_is_named() -> None:
    probe = probe_of(username="alice", password="right")
    answer(probe, request_of(probe), 401, ("WWW-Authenticate", 'NTLM realm="x"'))
    assert probe.answer == TrunkAnswer(verdict="challenge_unknown", status_code=401)


def test_a_lost_request_is_sent_again_until_timer_f() -> None:
    probe = probe_of()
    first = probe.datagrams_to_send()
    sent = 0
    while (due_at := probe.get_timer()) is not None:
        probe.handle_timer(due_at)
        again = probe.datagrams_to_send()
        assert again in ([], first)
        sent += len(again)
    assert sent == 10  # RFC 3261 §17.1.2.2
    assert probe.answer == TrunkAnswer(verdict="silent")


def test_the_owner_may_give_up_earlier() -> None:
    probe = probe_of()
    probe.give_up()
    assert probe.answer == TrunkAnswer(verdict="silent")
    probe.transport_failed(1.0)
    assert probe.answer == TrunkAnswer(verdict="silent")


def test_what_the_network_refuses_is_unreachable() -> None:
    probe = probe_of()
    probe.transport_failed(0.1)
    assert probe.answer == TrunkAnswer(verdict="unreachable")


def test_an_answer_of_another_transaction_is_passed_over() -> None:
    probe = probe_of()
    request = request_of(probe)
    request.headers.set("Via", "SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKother")
    answer(probe, request, 200)
    assert probe.answer is None


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    probe = probe_of()
    probe.receive_datagram(data, 0.1)
    assert probe.answer is None
