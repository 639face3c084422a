"""
Keys that the callee presses, as telephone-events (RFC 4733 §2.3, §2.5).

One press is many packets with one RTP timestamp: updates while it is held, then the end, sent three times. A press
counts at the first packet that arrives, so that a lost beginning or end loses nothing; every other packet of that
timestamp says nothing new, however late it comes.
"""

from collections import deque
from typing import Final

DIGITS: Final = "0123456789*#ABCD"
"""By event code 0-15 (RFC 4733 §3.2)."""
_REMEMBERED_PRESSES: Final = 16
"""Far more than a network reorders: a press takes 40 ms at least (RFC 4733 §2.5.2.3)."""
_SEGMENT_SAMPLES: Final = 0xFFFF


class DigitReceiver:
    """The receiving side of one stream of events."""

    __slots__ = ("_segment", "_timestamps")

    def __init__(self) -> None:
        self._timestamps: deque[int] = deque(maxlen=_REMEMBERED_PRESSES)
        self._segment: tuple[int, int] | None = None
        """Key and timestamp of what would continue a press that has filled its duration field (§2.5.1.3)."""

    def receive(self, payload: bytes, timestamp: int) -> str | None:
        """Return the digit at the first packet of a press; None for its others, and for other events."""
        if len(payload) < 4 or payload[0] >= len(DIGITS):
            return None
        code = payload[0]
        is_new = timestamp not in self._timestamps
        if is_new:
            self._timestamps.append(timestamp)
        is_continued = (code, timestamp) == self._segment
        if int.from_bytes(payload[2:4], "big") == _SEGMENT_SAMPLES:
            self._segment = (code, (timestamp + _SEGMENT_SAMPLES) & 0xFFFFFFFF)
        return DIGITS[code] if is_new and not is_continued else None

    def restart(self) -> None:
        """Forget the past: the peer's stream begins anew (another SSRC, another clock)."""
        self._timestamps.clear()
        self._segment = None
