"""Who is answered, how often and at what length, looked at through a whole core with a talk under way."""

import pytest

from dialer.sip.hop import Hop
from tests.dialer.calls import Line
from tests.dialer.sip.messages import request

STRANGER = Hop("127.0.0.77", 5099)


def answers(line: Line, data: bytes) -> list[bytes]:
    line.core.receive_datagram(data, STRANGER, line.now)
    return [datagram for datagram, _ in line.core.datagrams_to_send(line.now)]


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER", "DANCE"])
def test_an_answer_is_hardly_longer_than_its_request(method: str) -> None:
    asked = request(method).to_bytes()
    (answer,) = answers(Line(), asked)

    assert len(answer) <= len(asked) + 60


@pytest.mark.parametrize(
    "data",
    [
        request("OPTIONS").to_bytes(),
        request("BYE", to_tag="gone").to_bytes(),
        request("OPTIONS").to_bytes().replace(b"Content-Length: 0", b"Content-Length: 99"),
    ],
    ids=["request", "unknown dialog", "malformed"],
)
def test_who_asks_too_often_meets_silence_and_the_talk_goes_on(data: bytes) -> None:
    line = Line()
    call_id = line.talk()
    given = [answer for _ in range(1_000) for answer in answers(line, data)]

    assert len(given) == 20
    assert line.core.counters["unanswered"] == 980
    assert line.core.has_call(call_id)
    line.hang_up(call_id)
    line.respond("BYE", 200)
    assert line.verdict == ("answered", "normal", "us")


def test_nobody_is_answered_in_the_name_of_a_group() -> None:
    line = Line()
    line.core.receive_datagram(request("OPTIONS").to_bytes(), Hop("224.0.0.1", 5060), line.now)

    assert line.core.datagrams_to_send(line.now) == []
