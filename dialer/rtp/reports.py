"""
When RTCP leaves, and what the peer's says: sender and receiver reports, loss, round trip (RFC 3550 §6.2-6.4).

Our clock in them is the time since the stream began, as §6.4.1 allows to a sender that knows no wallclock.
"""

from typing import Final

from dialer.rtp.outgoing import OutgoingStream
from dialer.rtp.reception import Reception
from dialer.rtp.rtcp import ReportBlock, build_report, parse_compound

REPORT_SECONDS: Final = 5.0
"""Between our reports, the first after half of it (§6.2)."""
_MAX_ROUND_TRIP_SECONDS: Final = 30.0
"""More is nonsense of the peer's."""


class Reports:
    """The RTCP of one call. `now` is monotonic seconds."""

    __slots__ = ("_due_at", "_peer_ntp", "_peer_reported_at", "_sent_at_report", "_started_at", "received", "reported_loss", "round_trip_ms")  # fmt: skip

    def __init__(self) -> None:
        self.received = 0
        self.reported_loss: float | None = None
        self.round_trip_ms: float | None = None
        self._started_at: float | None = None
        self._due_at = 0.0
        self._sent_at_report = 0
        self._peer_ntp = 0
        """Middle 32 bits of the peer's last sender report (§6.4.1, LSR); 0 = none yet."""
        self._peer_reported_at = 0.0

    def next_report(
        self, now: float, cname: str, outgoing: OutgoingStream, reception: Reception, peer_ssrc: int
    ) -> bytes | None:
        """
        Return the compound that is due: a sender report when we have sent since the last one, else a receiver report.

        None when none is due, or nothing was ever heard or sent.
        """
        if self._started_at is None:
            if not outgoing.packets_sent and not reception.received:
                return None
            self._started_at, self._due_at = now, now + REPORT_SECONDS / 2
        if now < self._due_at:
            return None
        self._due_at = now + REPORT_SECONDS
        has_sent = outgoing.packets_sent > self._sent_at_report
        self._sent_at_report = outgoing.packets_sent
        block = None
        if reception.received and peer_ssrc >= 0:
            figures = reception.take_report()
            delay = now - self._peer_reported_at if self._peer_ntp else 0.0
            block = ReportBlock(
                ssrc=peer_ssrc,
                fraction_lost=figures.fraction_lost,
                cumulative_lost=figures.cumulative_lost,
                highest_sequence=figures.highest_sequence,
                jitter=figures.jitter,
                last_report=self._peer_ntp,
                delay_since_last_report=min(int(delay * 65_536), 0xFFFFFFFF),
            )
        elapsed = now - self._started_at if has_sent else None
        return build_report(
            outgoing.ssrc,
            cname,
            elapsed_seconds=elapsed,
            timestamp=outgoing.timestamp_at(now),
            packets=outgoing.packets_sent,
            octets=outgoing.octets_sent,
            block=block,
        )

    def receive(self, data: bytes, our_ssrc: int, now: float) -> None:
        """Take in what the peer says of our stream, and the time of its own report."""
        compound = parse_compound(data)
        if compound is None:
            return
        self.received += 1
        if compound.sender_ntp is not None:
            self._peer_ntp = (compound.sender_ntp >> 16) & 0xFFFFFFFF
            self._peer_reported_at = now
        for block in compound.blocks:
            if block.ssrc == our_ssrc:
                self.reported_loss = block.fraction_lost / 256
                self._measure_round_trip(block, now)

    def forget_peer(self) -> None:
        """The peer began another stream."""
        self._peer_ntp = 0

    def _measure_round_trip(self, block: ReportBlock, now: float) -> None:
        """`A - LSR - DLSR` of §6.4.1, in our own clock."""
        if block.last_report == 0 or self._started_at is None:
            return
        here = int((now - self._started_at) * 65_536) & 0xFFFFFFFF
        round_trip = ((here - block.last_report - block.delay_since_last_report) & 0xFFFFFFFF) / 65_536
        if round_trip < _MAX_ROUND_TRIP_SECONDS:
            measured = round(round_trip * 1000, 2)
            self.round_trip_ms = measured if self.round_trip_ms is None else min(self.round_trip_ms, measured)
