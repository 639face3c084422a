"""How well a call could be heard, in figures that are kept with it."""

import msgspec


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
