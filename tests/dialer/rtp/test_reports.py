"""When reports leave, and what the peer's say."""

import pytest

from dialer.rtp.outgoing import OutgoingStream
from dialer.rtp.reception import Reception
from dialer.rtp.reports import Reports
from dialer.rtp.rtcp import ReportBlock, build_report, parse_compound

OURS, THEIRS = 0, 77


class Side:
    """One end of a call: what it sent and heard, and its reports."""

    def __init__(self) -> None:
        self.outgoing = OutgoingStream(bytes)
        self.outgoing.can_send = True
        self.reception = Reception()
        self.reports = Reports()

    def report(self, now: float) -> bytes | None:
        return self.reports.next_report(now, "name", self.outgoing, self.reception, THEIRS)

    def play_until(self, seconds: float) -> list[float]:
        """Send, ask at each tick, and tell when a report left."""
        self.outgoing.play(bytes(8_000 * 60), bytes(8_000 * 60))
        times = []
        for tick in range(int(seconds * 50)):
            self.outgoing.next_packet(tick / 50)
            if self.report(tick / 50) is not None:
                times.append(tick / 50)
        return times


def test_nothing_heard_and_nothing_sent_is_not_reported() -> None:
    side = Side()
    assert side.report(0.0) is None
    assert side.report(60.0) is None


def test_the_first_report_comes_after_half_the_interval() -> None:
    assert Side().play_until(20) == [2.5, 7.5, 12.5, 17.5]


def test_who_only_hears_sends_receiver_reports() -> None:
    side = Side()
    for sequence in (1, 2, 4, 5):
        side.reception.note(sequence)
    side.report(0.0)
    wire = side.report(2.5)
    assert wire is not None
    assert wire[1] == 201
    compound = parse_compound(wire)
    assert compound is not None
    assert compound.blocks == (ReportBlock(THEIRS, 51, 1, 5, 0, 0, 0),)  # one of five, in 1/256


def test_a_sender_that_fell_silent_is_a_receiver() -> None:
    side = Side()
    side.reception.note(1)
    side.play_until(3)
    wire = side.report(7.6)
    assert wire is not None
    assert wire[1] == 200, "it has sent since 2.5"
    wire = side.report(12.7)
    assert wire is not None
    assert wire[1] == 201


def test_the_peers_time_comes_back_with_the_delay() -> None:
    side = Side()
    side.reception.note(1)
    side.report(0.0)
    theirs = build_report(THEIRS, "x", elapsed_seconds=1.0, timestamp=0, packets=1, octets=1, block=None)
    side.reports.receive(theirs, OURS, 2.0)
    wire = side.report(2.5)
    assert wire is not None
    compound = parse_compound(wire)
    assert compound is not None
    assert compound.blocks[0].last_report == 1 << 16
    assert compound.blocks[0].delay_since_last_report == 1 << 15


def test_the_round_trip_is_what_is_left_of_the_time_between_two_reports() -> None:
    side = Side()
    side.play_until(3)  # our report left at 2.5, which is 2.5 on our clock
    for now, answered_after in ((5.0, 2.0), (5.0, 2.3)):
        block = ReportBlock(OURS, 64, 1, 1, 0, int(2.5 * 65_536), int(answered_after * 65_536))
        answer = build_report(
            THEIRS, "x", elapsed_seconds=None, timestamp=0, packets=0, octets=0, block=block
        )
        side.reports.receive(answer, OURS, now)
    assert side.reports.round_trip_ms == pytest.approx(200, abs=0.1)
    assert side.reports.reported_loss == 0.25


def test_nonsense_about_the_time_is_not_a_round_trip() -> None:
    side = Side()
    side.play_until(3)
    for last_report in (0, 0xFFFFFFFF):
        block = ReportBlock(OURS, 0, 0, 1, 0, last_report, 0)
        wire = build_report(THEIRS, "x", elapsed_seconds=None, timestamp=0, packets=0, octets=0, block=block)
        side.reports.receive(wire, OURS, 300.0)
    assert side.reports.round_trip_ms is None


def test_garbage_is_no_report() -> None:
    side = Side()
    side.reports.receive(b"garbage!", OURS, 0.0)
    assert side.reports.received == 0
