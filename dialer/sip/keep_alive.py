"""When a connection is pinged, and when its silence means that the peer is dead (RFC 5626 §4.4.1). Sans-IO."""

from typing import Final, Literal

Due = Literal["ping", "dead"]
_PROOF: Final = 2


class KeepAliveClock:
    """
    One connection's. `now` is monotonic seconds.

    Rule: a pong is missed only in a peer that has answered two pings in a row. Many never do, and some send CRLFs of
    their own accord, which look alike; for them TCP itself must tell.
    """

    __slots__ = ("_dead_after", "_interval", "_ping_at", "_pinged_at", "_pongs_in_a_row")

    def __init__(self, interval_seconds: float, dead_after_seconds: float, now: float) -> None:
        self._interval = interval_seconds
        self._dead_after = dead_after_seconds
        self._ping_at = now + interval_seconds
        self._pinged_at: float | None = None
        self._pongs_in_a_row = 0

    def hear(self, *, is_pong: bool = False) -> None:
        """Anything has arrived."""
        if is_pong and self._pinged_at is not None:
            self._pongs_in_a_row += 1
        self._pinged_at = None

    def due(self, now: float) -> Due | None:
        """What is to be done now; a ping counts as sent."""
        knows_pongs = self._pongs_in_a_row >= _PROOF
        if knows_pongs and self._pinged_at is not None and now - self._pinged_at >= self._dead_after:
            return "dead"
        if now < self._ping_at:
            return None
        self._ping_at = now + self._interval
        if self._pinged_at is None:
            self._pinged_at = now
        elif not knows_pongs:
            self._pongs_in_a_row = 0
        return "ping"
