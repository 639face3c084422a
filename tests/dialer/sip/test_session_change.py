"""What a far end changes in a session, looked at through a whole core; re-INVITEs also in test_request_handler."""

import pytest

from dialer.events import MediaChanged
from dialer.sip.hop import Hop
from tests.dialer.calls import Line

RELIABLE = (("Require", "100rel"), ("RSeq", "1"))


def media_of(line: Line) -> list[tuple[int, bool]]:
    return [
        (event.media.remote_port, event.is_early) for event in line.events if isinstance(event, MediaChanged)
    ]


def update(line: Line, *headers: tuple[str, str], body: bytes = b"", to_tag: str = "callee") -> int:
    """Send an UPDATE; the status that it is answered with."""
    line.trunk.request("UPDATE", line.invite, headers=headers, body=body, to_tag=to_tag)
    line.run()
    return line.trunk.responses[-1].status_code


def early(line: Line, *, is_reliable: bool = True) -> None:
    """Place a call whose early media are agreed on."""
    line.place_call()
    line.trunk.respond(
        line.invite, 183, headers=RELIABLE if is_reliable else (), body=line.trunk.sdp(port=31_000)
    )
    line.run()


def test_an_update_moves_the_media_of_a_talk() -> None:
    """RFC 3311 §5.2."""
    line = Line()
    line.talk()

    assert update(line, body=line.trunk.sdp(port=32_000)) == 200
    answer = line.trunk.responses[-1]
    assert b"m=audio 20000 RTP/AVP 0" in answer.body
    assert answer.headers.get("Content-Type") == "application/sdp"
    assert answer.contact is not None
    assert "UPDATE" in answer.headers.get_all("Allow")
    assert media_of(line) == [(30_000, False), (32_000, False)]


def test_a_retransmitted_update_is_answered_by_the_same_and_changes_nothing_again() -> None:
    line = Line()
    line.talk()
    asked = line.trunk.request("UPDATE", line.invite, body=line.trunk.sdp(port=32_000))
    line.run()
    line.trunk.send(asked.to_bytes())
    line.run()

    assert line.trunk.responses[0] == line.trunk.responses[1]
    assert len(media_of(line)) == 2


def test_an_update_without_an_offer_changes_the_target_alone() -> None:
    line = Line()
    call_id = line.talk()
    line.trunk.address = Hop("127.0.0.10", 5070)  # what its Contact says from now on
    assert update(line) == 200
    assert line.trunk.responses[-1].body == b""
    line.hang_up(call_id)

    assert line.trunk.last("BYE").uri == "sip:callee@127.0.0.10:5070"
    assert len(media_of(line)) == 1


def test_an_update_in_an_early_dialog_moves_the_early_media_and_stands_after_the_answer() -> None:
    """RFC 3311 §5.2; RFC 3262 §5: the reliable answer, and what changed it, outlive the 2xx's description."""
    line = Line()
    early(line)
    assert update(line, body=line.trunk.sdp(port=32_000)) == 200
    line.answer()

    assert media_of(line) == [(31_000, True), (32_000, True), (32_000, False)]
    line.settle_talk()


def test_an_offer_before_ours_is_reliably_answered_is_refused() -> None:
    """RFC 3311 §5.2: 491 while an offer of ours is open."""
    line = Line()
    early(line, is_reliable=False)

    assert update(line, body=line.trunk.sdp()) == 491
    assert update(line) == 200
    assert media_of(line) == [(31_000, True)]


def test_an_update_from_a_callee_of_whom_nothing_was_heard_is_refused() -> None:
    line = Line()
    early(line)

    assert update(line, to_tag="stranger") == 481


def test_a_reinvite_before_the_answer_is_refused() -> None:
    """RFC 3261 §14.2."""
    line = Line()
    early(line)
    line.trunk.request("INVITE", line.invite, body=line.trunk.sdp())
    line.run()

    assert line.trunk.responses[-1].status_code == 491


def test_an_update_that_crosses_an_open_offer_of_ours_is_refused_until_the_ack() -> None:
    line = Line()
    line.talk()
    reinvite = line.trunk.request("INVITE", line.invite)  # no offer: ours is in the 200
    line.run()
    assert update(line, body=line.trunk.sdp()) == 491
    assert update(line) == 200
    line.trunk.request("ACK", line.invite, cseq=reinvite.cseq.number, body=line.trunk.sdp(port=33_000))
    line.run()

    assert update(line, body=line.trunk.sdp(port=34_000)) == 200
    assert media_of(line) == [(30_000, False), (33_000, False), (34_000, False)]


@pytest.mark.parametrize(
    ("body", "content_type", "status_code"),
    [
        (b"v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\nm=audio 0 RTP/AVP 0\r\n", None, 488),
        (b"broken", None, 488),
        (b"text", "text/plain", 415),
    ],
)
def test_an_update_that_we_cannot_use_leaves_the_session_as_it_was(
    body: bytes, content_type: str | None, status_code: int
) -> None:
    line = Line()
    line.talk()
    asked = line.trunk.request("UPDATE", line.invite, body=body)
    line.trunk.datagrams_to_send(0.0)
    if content_type is not None:
        asked.headers.set("Content-Type", content_type)
    line.trunk.send(asked.to_bytes())
    line.run()

    assert line.trunk.responses[-1].status_code == status_code
    assert media_of(line) == [(30_000, False)]


def test_an_update_that_crosses_our_bye_is_refused() -> None:
    line = Line()
    line.hang_up(line.talk())

    assert update(line) == 481


def test_an_update_of_another_leg_than_ours_does_not_move_its_early_media_away() -> None:
    line = Line()
    line.talk()
    line.trunk.respond(line.invite, 183, to_tag="second")
    line.run()

    assert update(line, to_tag="second") == 481  # its 18x came after the answer


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_refresh_of_the_peer_is_agreed_to_and_its_absence_ends_the_call(method: str) -> None:
    """RFC 4028 §9, §10."""
    line = Line()
    line.talk()
    body = line.trunk.sdp() if method == "INVITE" else b""
    asked = line.trunk.request(
        method,
        line.invite,
        headers=[("Supported", "timer"), ("Session-Expires", "120;refresher=uac")],
        body=body,
    )
    line.run()
    answer = line.trunk.responses[-1]
    assert answer.headers.get("Session-Expires") == "120;refresher=uac"
    assert answer.headers.get_all("Require") == ["timer"]
    if method == "INVITE":
        line.trunk.request("ACK", line.invite, cseq=asked.cseq.number)
        line.run()
    line.run(87.9)
    assert "BYE" not in line.trunk.ladder
    line.run(0.2)
    assert line.trunk.last("BYE").headers.get("Reason") == 'Q.850;cause=102;text="Recovery on timer expiry"'
    line.respond("BYE", 200)

    assert line.verdict == ("answered", "session_expired", "us")
    line.settle()


def test_a_refresh_in_time_lets_the_talk_go_on_and_one_without_a_timer_ends_the_timer() -> None:
    line = Line()
    line.talk()
    asks = ("Supported", "timer"), ("Session-Expires", "120;refresher=uac")
    for _ in range(4):
        assert update(line, *asks) == 200
        line.run(80.0)
    assert update(line) == 200
    assert "Session-Expires" not in line.trunk.responses[-1].headers
    line.run(1_000.0)

    assert line.core.live_calls == 1


def test_too_short_an_interval_is_refused() -> None:
    """RFC 4028 §6."""
    line = Line()
    line.talk()

    assert update(line, ("Supported", "timer"), ("Session-Expires", "30")) == 422
    assert line.trunk.responses[-1].headers.get("Min-SE") == "90"


def test_we_refresh_where_only_a_proxy_wants_the_timer() -> None:
    """RFC 4028 §9, table 2."""
    line = Line()
    line.talk()
    assert update(line, ("Session-Expires", "120"), ("Allow", "INVITE, UPDATE")) == 200
    assert line.trunk.responses[-1].headers.get("Session-Expires") == "120;refresher=uas"
    line.run(60.0)

    assert line.trunk.ladder[-1] == "UPDATE"
