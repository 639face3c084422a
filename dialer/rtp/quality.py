"""How well a call could be heard, in figures that are kept with it."""

import msgspec

from dialer.rtp.mos import HUNDREDTHS, estimated_mos


class MediaQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Of one call, both directions; None = not measured. Definitions: RFC 3550 §6.4.1, A.3, A.8."""

    packets_expected: int
    """Sent to us, as far as sequence numbers tell."""
    packets_received: int
    """Duplicates included."""
    packets_lost: int
    packets_late: int
    """Arrived after one that was sent later; not lost."""
    packets_duplicated: int
    packets_sent: int
    jitter_ms: float | None
    """Interarrival jitter of what we receive."""
    round_trip_ms: float | None
    """Smallest seen between two reports (§6.4.1)."""
    reported_loss: float | None
    """Share of our packets that the callee lost, 0..1, as it said last."""
    is_one_way: bool | None
    """Answered, and no packet came since; None when it was not answered."""

    @property
    def lost_share(self) -> float | None:
        """`packets_lost / packets_expected`; None when nothing was expected."""
        return self.packets_lost / self.packets_expected if self.packets_expected else None

    @property
    def mos_hundredths(self) -> int | None:
        """100 times the estimated MOS (`dialer/rtp/mos.py`) of what came from the callee; None where nothing came."""
        if self.lost_share is None or self.is_one_way:
            return None
        mos = estimated_mos(self.lost_share, round_trip_ms=self.round_trip_ms, jitter_ms=self.jitter_ms)
        return round(HUNDREDTHS * mos)

    @property
    def sent_mos_hundredths(self) -> int | None:
        """The same of what the callee's end got, by its own report of loss; its jitter is not known. None where it sent no report."""
        if self.reported_loss is None:
            return None
        return round(
            HUNDREDTHS * estimated_mos(self.reported_loss, round_trip_ms=self.round_trip_ms, jitter_ms=None)
        )
