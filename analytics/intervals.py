"""Confidence intervals of 95 %: how much of a figure may be chance. Pure."""

import math
from typing import Final

Z: Final = 1.959963984540054
"""The two-sided 95 % point of the normal distribution."""
MIN_MEAN_COUNT: Final = 30
"""Below this a mean's distribution is not near enough to a normal one, whatever is averaged; then there is no interval."""

Interval = tuple[float, float]


def wilson(successes: float, trials: float) -> Interval | None:
    """
    Return the score interval of a share (Wilson, 1927); None of no trials, and of more successes than trials, which is none.

    Unlike the textbook p +- z*sqrt(p*q/n) it never leaves 0..1 and is honest for few trials and for shares near 0 or 1.
    Counts need not be whole: of a weighted sample they are those of as many equal draws.
    """
    if not 0 <= successes <= trials or trials == 0:
        return None
    share = successes / trials
    spread = Z * math.sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    centre = share + Z * Z / (2 * trials)
    scale = 1 + Z * Z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def mean_interval(total: float, squares: float, count: int) -> Interval | None:
    """Return mean +- z * s / sqrt(n) from the sum and the sum of squares; None of fewer than 30 values."""
    if count < MIN_MEAN_COUNT:
        return None
    mean = total / count
    variance = max(0.0, (squares - total * mean) / (count - 1))
    spread = Z * math.sqrt(variance / count)
    return mean - spread, mean + spread
