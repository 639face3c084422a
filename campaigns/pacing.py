"""How many attempts a campaign may start now: calls per second and calls at once. Its trunks: `trunk_choice`. Pure."""

from typing import Final, Literal

import msgspec

BURST_SECONDS: Final = 0.25
"""How much unused rate may be caught up at once: a tick that is a little late is made good, an idle minute is not."""

Limit = Literal["campaign_rate", "campaign_concurrency", "batch"]


class TokenBucket:
    """Calls per second, smoothed: in any t seconds at most `rate * t + capacity` calls, where capacity is small."""

    __slots__ = ("_filled_at", "_tokens", "rate")

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._tokens = 1.0
        self._filled_at = now

    @property
    def _capacity(self) -> float:
        # One more than the burst, so that a slow rate does not lose its fractions of a call between two ticks.
        return 1.0 + self.rate * BURST_SECONDS

    def available(self, now: float) -> int:
        """Fill up to `now` (monotonic seconds) and count whole calls."""
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        # A hair of tolerance: ten additions of 0.1 are one call, not none.
        return int(self._tokens + 1e-9)

    def take(self, count: int) -> None:
        self._tokens -= count


class Pace(msgspec.Struct, frozen=True):
    """How many attempts may start, and which limit said so."""

    count: int
    limit: Limit


def pace(
    *,
    campaign_tokens: int,
    campaign_free: int,
    batch_size: int,
) -> Pace:
    """Take the tightest of the limits; `campaign_free` are calls that may still be added to those under way."""
    limits: tuple[tuple[int, Limit], ...] = (
        (campaign_tokens, "campaign_rate"),
        (campaign_free, "campaign_concurrency"),
        (batch_size, "batch"),
    )
    count, limit = min(limits, key=lambda pair: pair[0])
    return Pace(max(0, count), limit)


def share_of(limit: float, owned: int, total: int) -> float:
    """
    Give this node's part of a limit that several nodes share by owning shards.

    The parts of all owners never add up to more than the limit.
    """
    return limit * owned / total if total else 0.0
