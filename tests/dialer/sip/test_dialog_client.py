"""Requests of ours inside a dialog, looked at through a whole core: PRACK and BYE; the refresh is in test_refresh."""

import pytest

from dialer.events import CallRinging, MediaChanged
from dialer.sip.dialog_client import retry_after_of
from dialer.sip.digest import DigestVerifier
from tests.dialer.calls import Line
from tests.dialer.sip.messages import counting_rng, response


def reliable(line: Line, rseq: int, *, status_code: int = 183, to_tag: str = "callee", port: int = 0) -> None:
    line.trunk.respond(
        line.invite,
        status_code,
        to_tag=to_tag,
        headers=[("Require", "100rel"), ("RSeq", str(rseq))],
        body=line.trunk.sdp(port=port) if port else b"",
    )
    line.run()


def racks(line: Line) -> list[str | None]:
    return [prack.headers.get("RAck") for prack in line.trunk.heard("PRACK")]


def test_a_reliable_provisional_is_acknowledged_in_its_early_dialog() -> None:
    """RFC 3262 §4, §7.2."""
    line = Line()
    line.place_call()
    line.trunk.respond(
        line.invite,
        180,
        headers=[("Require", "100rel"), ("RSeq", "776656"), ("Record-Route", "<sip:127.0.0.8;lr>")],
    )
    line.run()

    prack = line.trunk.last("PRACK")
    assert racks(line) == ["776656 1 INVITE"]
    assert (str(prack.cseq), prack.to.tag, prack.uri) == ("2 PRACK", "callee", "sip:callee@127.0.0.9:5060")
    assert prack.headers.get_all("Route") == ["<sip:127.0.0.8;lr>"]
    assert prack.headers.get("Max-Forwards") == "70"
    assert [type(event) for event in line.events] == [CallRinging]


def test_an_unreliable_provisional_gets_no_prack() -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 180, headers=[("RSeq", "1")])
    line.trunk.respond(line.invite, 180, headers=[("Require", "100rel")])
    line.run()

    assert racks(line) == []
    assert line.core.counters["unusable_rseq"] == 0


@pytest.mark.parametrize("rseq", ["", "0", "2147483648", "one"])
def test_a_reliable_provisional_without_a_usable_number_is_counted_and_still_rings(rseq: str) -> None:
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 180, headers=[("RSeq", rseq), ("Require", "100rel")])
    line.run()

    assert racks(line) == []
    assert line.core.counters["unusable_rseq"] == 1
    assert [type(event) for event in line.events] == [CallRinging]


def test_repeated_and_disordered_provisionals_are_no_news() -> None:
    """RFC 3262 §4: not acknowledged again, not processed when one before them is missing."""
    line = Line()
    line.place_call()
    reliable(line, 10)
    reliable(line, 10)
    reliable(line, 12, port=31_000)
    assert racks(line) == ["10 1 INVITE"]
    reliable(line, 11)
    reliable(line, 12, port=31_000)

    assert racks(line) == ["10 1 INVITE", "11 1 INVITE", "12 1 INVITE"]
    assert [prack.cseq.number for prack in line.trunk.heard("PRACK")] == [2, 3, 4]
    assert line.core.counters["repeated_provisionals"] == 2
    assert sum(isinstance(event, MediaChanged) for event in line.events) == 1


def test_callees_of_a_fork_count_for_themselves() -> None:
    """RFC 3261 §12.1: an early dialog, and a CSeq, for each To-tag."""
    line = Line()
    line.place_call()
    reliable(line, 5, to_tag="one")
    reliable(line, 900, to_tag="two")
    reliable(line, 6, to_tag="one")

    assert [(prack.to.tag, prack.cseq.number) for prack in line.trunk.heard("PRACK")] == [
        ("one", 2),
        ("two", 2),
        ("one", 3),
    ]


def test_the_confirmed_dialog_goes_on_counting_and_takes_the_route_of_the_2xx() -> None:
    """RFC 3261 §13.2.2.4."""
    line = Line()
    call_id = line.place_call()
    reliable(line, 1)
    line.trunk.respond(
        line.invite, 200, headers=[("Record-Route", "<sip:127.0.0.8;lr>")], body=line.trunk.sdp()
    )
    line.run()
    line.hang_up(call_id)

    assert str(line.trunk.last("ACK").cseq) == "1 ACK"
    bye = line.trunk.last("BYE")
    assert (bye.cseq.number, bye.headers.get_all("Route")) == (3, ["<sip:127.0.0.8;lr>"])


def test_the_reliable_answer_stands_whatever_the_2xx_says() -> None:
    """RFC 3261 §13.2.1: the first description is the answer."""
    line = Line()
    line.place_call()
    reliable(line, 1, port=31_000)
    line.answer()

    assert [event.media.remote_port for event in line.events if isinstance(event, MediaChanged)] == [
        31_000,
        31_000,
    ]


def test_a_description_after_the_reliable_answer_is_ignored() -> None:
    """RFC 3261 §13.2.1."""
    line = Line()
    line.place_call()
    reliable(line, 1, port=31_000)
    line.trunk.respond(line.invite, 183, body=line.trunk.sdp(port=32_000))
    line.run()

    assert [event.media.remote_port for event in line.events if isinstance(event, MediaChanged)] == [31_000]


def test_the_callee_who_answers_without_a_description_keeps_their_own_early_one() -> None:
    """Several 18x with SDP of a fork: the last one heard need not be who answers."""
    line = Line()
    line.place_call()
    for tag, port in (("one", 31_000), ("two", 32_000)):
        line.trunk.respond(line.invite, 183, to_tag=tag, body=line.trunk.sdp(port=port))
    line.trunk.respond(line.invite, 200, to_tag="one")
    line.run()

    assert [event.media.remote_port for event in line.events if isinstance(event, MediaChanged)] == [
        31_000,
        32_000,
        31_000,
    ]


def test_a_lost_prack_is_repeated_and_then_counted() -> None:
    line = Line()
    line.place_call(ring_timeout_seconds=60.0)
    reliable(line, 1)
    line.run(2.0)
    assert len({prack.via.branch for prack in line.trunk.heard("PRACK")}) == 1
    assert len(line.trunk.heard("PRACK")) > 1
    line.run(31.0)
    assert line.core.counters["prack_unanswered"] == 1
    line.answer()

    line.settle_talk()


@pytest.mark.parametrize("status_code", [200, 481])
def test_an_answered_prack_is_the_end_of_it(status_code: int) -> None:
    line = Line()
    call_id = line.place_call()
    reliable(line, 1)
    line.respond("PRACK", status_code)
    line.run(10.0)

    assert len(line.trunk.heard("PRACK")) == 1
    assert line.core.counters["prack_refused"] == (status_code != 200)
    line.hang_up(call_id)
    line.respond("CANCEL", 200)
    line.respond("INVITE", 487)
    line.settle()


def test_a_challenged_prack_is_sent_again_with_credentials() -> None:
    line = Line()
    checker = DigestVerifier("trunk", {"user": "pass"}, counting_rng())
    line.place_call()
    reliable(line, 7)
    line.trunk.respond(line.trunk.last("PRACK"), 407, headers=[("Proxy-Authenticate", checker.challenge())])
    line.run()

    again = line.trunk.last("PRACK")
    assert (again.cseq.number, again.headers.get("RAck")) == (3, "7 1 INVITE")
    assert checker.verify(again.headers.get("Proxy-Authorization") or "", "PRACK", b"") == "user"


def test_numbers_begin_anew_with_the_next_invite() -> None:
    """RFC 3262 §4: they belong to one INVITE."""
    line = Line()
    checker = DigestVerifier("trunk", {"user": "pass"}, counting_rng())
    line.place_call()
    reliable(line, 50)
    line.trunk.respond(line.invite, 401, headers=[("WWW-Authenticate", checker.challenge())])
    line.run()
    reliable(line, 3)

    assert racks(line) == ["50 1 INVITE", "3 2 INVITE"]


def test_provisionals_are_acknowledged_while_we_cancel() -> None:
    line = Line()
    line.hang_up(line.ringing())
    reliable(line, 1)

    assert line.trunk.ladder[-1] == "PRACK"


def reason_of(line: Line, method: str) -> str | None:
    return line.trunk.last(method).headers.get("Reason")


def test_our_bye_and_cancel_say_why() -> None:
    """RFC 3326."""
    hung_up = Line()
    hung_up.hang_up(hung_up.talk())
    assert reason_of(hung_up, "BYE") == 'Q.850;cause=16;text="Normal call clearing"'
    unanswered = Line()
    unanswered.place_call(ring_timeout_seconds=15.0)
    unanswered.ring()
    unanswered.run(15.0)
    assert reason_of(unanswered, "CANCEL") == 'Q.850;cause=19;text="No answer from user"'
    unanswered.answer()
    assert reason_of(unanswered, "BYE") == 'Q.850;cause=16;text="Normal call clearing"'
    forked = Line()
    forked.talk()
    forked.answer("second")
    assert reason_of(forked, "BYE") == 'Q.850;cause=26;text="Non-selected user clearing"'
    unusable = Line()
    unusable.place_call()
    unusable.trunk.answer(unusable.invite, body=b"broken")
    unusable.run()
    assert reason_of(unusable, "BYE") == 'Q.850;cause=65;text="Bearer capability not implemented"'


def test_a_challenged_bye_says_why_again() -> None:
    line = Line()
    line.hang_up(line.talk())
    checker = DigestVerifier("trunk", {"user": "pass"}, counting_rng())
    line.trunk.respond(line.trunk.last("BYE"), 401, headers=[("WWW-Authenticate", checker.challenge())])
    line.run()

    assert [bye.headers.get_all("Reason") for bye in line.trunk.heard("BYE")] == [
        ['Q.850;cause=16;text="Normal call clearing"']
    ] * 2


@pytest.mark.parametrize(
    ("value", "expected"), [("120", 120), ("18000;duration=3600", 18_000), ("tomorrow", None)]
)
def test_retry_after_of_a_refusal_is_in_the_outcome(value: str, expected: int | None) -> None:
    """RFC 3261 §20.33."""
    line = Line()
    line.place_call()
    line.trunk.respond(line.invite, 503, headers=[("Retry-After", value)])
    line.run()

    assert (line.outcome.sip_status, line.outcome.retry_after_seconds) == (503, expected)


def test_a_response_that_says_nothing_of_later_has_none() -> None:
    assert retry_after_of(response(503)) is None
