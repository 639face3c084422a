"""
Keys as telephone-events (RFC 4733 §2.3, §2.5): those that the callee presses, and those that we press.

One press is many packets with one RTP timestamp: updates while it is held, then the end, sent three times. A press
counts at the first packet that arrives, so that a lost beginning or end loses nothing; every other packet of that
timestamp says nothing new, however late it comes.
"""

from collections import deque
from typing import Final, NamedTuple

DIGITS: Final = "0123456789*#ABCD"
"""By event code 0-15 (RFC 4733 §3.2)."""
_REMEMBERED_PRESSES: Final = 16
"""Far more than a network reorders: a press takes 40 ms at least (RFC 4733 §2.5.2.3)."""
_SEGMENT_SAMPLES: Final = 0xFFFF
_PRESS_SAMPLES: Final = 800
"""100 ms: twice what receivers must know (40 ms, ITU-T Q.24), and well below what annoys."""
_PAUSE_SAMPLES: Final = 800
"""From the end of one key to the beginning of the next."""
_END_PACKETS: Final = 3
"""§2.5.1.4: the end is sent three times, because a lost one is a key that does not end."""
_END_BIT: Final = 0x80
_VOLUME_DBM0: Final = 10
"""-10 dBm0 (§2.3.5)."""
MAX_PENDING_DIGITS: Final = 64


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


class DigitStep(NamedTuple):
    """One packet of a press that we send."""

    payload: bytes
    timestamp: int
    """That of the beginning of the press, the same in all its packets."""
    is_first: bool


class DigitSender:
    """The sending side: one step per packet time, keys in the order they were asked for."""

    __slots__ = ("_duration", "_ends", "_pause", "_pending", "_timestamp")

    def __init__(self) -> None:
        self._pending: deque[str] = deque()
        self._duration = 0
        self._ends = 0
        self._pause = 0
        self._timestamp = 0

    @property
    def is_done(self) -> bool:
        return not self._pending and self._pause <= 0

    def press(self, digits: str) -> None:
        """
        Press these after the others.

        Raises:
            ValueError: a character that is no key, or more than `MAX_PENDING_DIGITS` waiting.
        """
        if not digits or any(digit not in DIGITS for digit in digits):
            raise ValueError(f"digits must be of {DIGITS}")
        if len(self._pending) + len(digits) > MAX_PENDING_DIGITS:
            raise ValueError(f"at most {MAX_PENDING_DIGITS} digits can wait to be sent")
        self._pending.extend(digits)

    def next_step(self, frame_samples: int, timestamp: int) -> DigitStep | None:
        """Return the packet of this packet time, which begins at `timestamp`; None in a pause."""
        if self._pause > 0:
            self._pause -= frame_samples
            return None
        if not self._pending:
            return None
        is_first = self._duration == 0
        if is_first:
            self._timestamp = timestamp
        self._duration = min(self._duration + frame_samples, max(_PRESS_SAMPLES, frame_samples))
        is_over = self._duration >= _PRESS_SAMPLES
        payload = bytes([
            DIGITS.index(self._pending[0]), (_END_BIT if is_over else 0) | _VOLUME_DBM0, *self._duration.to_bytes(2, "big")
        ])  # fmt: skip
        self._ends += is_over
        if self._ends == _END_PACKETS:
            self._pending.popleft()
            self._duration = self._ends = 0
            self._pause = _PAUSE_SAMPLES
        return DigitStep(payload, self._timestamp, is_first)
