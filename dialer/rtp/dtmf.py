"""
Keys that the callee presses, as telephone-events (RFC 4733 §2.3, §2.5).

One press is many packets with one RTP timestamp: updates while it is held, then the end, sent three times. A press
counts at its first packet, so that a lost end loses nothing; everything else of that timestamp says nothing new.
"""

from typing import Final

DIGITS: Final = "0123456789*#ABCD"
"""By event code 0-15 (RFC 4733 §3.2)."""
_HALF_RANGE: Final = 1 << 31


class DigitReceiver:
    """The receiving side of one stream of events."""

    __slots__ = ("_newest_timestamp",)

    def __init__(self) -> None:
        self._newest_timestamp: int | None = None

    def receive(self, payload: bytes, timestamp: int) -> str | None:
        """Return the digit at the first packet of a press; None for its others, late ones, and other events."""
        if len(payload) < 4 or payload[0] >= len(DIGITS):
            return None
        if self._newest_timestamp is not None:
            # 32-bit serial numbers: the newest press again, or one before it that arrives late
            ahead = (timestamp - self._newest_timestamp) % (1 << 32)
            if ahead == 0 or ahead >= _HALF_RANGE:
                return None
        self._newest_timestamp = timestamp
        return DIGITS[payload[0]]

    def restart(self) -> None:
        """Forget the past: the peer's stream begins anew (another SSRC, another clock)."""
        self._newest_timestamp = None
