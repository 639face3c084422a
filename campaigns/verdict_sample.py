"""Which verdicts of the classifier a person listens to afterwards (docs/adr/0021). Pure: chance is an argument."""

from collections.abc import Callable
from typing import Final

import msgspec

from campaigns.dispositions import AnsweredBy
from campaigns.settlement import Settlement

NOBODY: Final[frozenset[AnsweredBy]] = frozenset({"machine", "screening", "fax", "tone", "music"})
"""Verdicts by which a person would be treated as nobody: hung up on, or kept waiting for a beep."""
_RANDOM_BYTES: Final = 7
_STEPS: Final = 1 << 8 * _RANDOM_BYTES


def with_draw(settlement: Settlement, share: float, rng: Callable[[int], bytes]) -> Settlement:
    """
    Return the settlement with the decision whether its verdict enters the listening queue.

    Each verdict is drawn by itself (Bernoulli sampling), whatever else is known of the call, so that `1 / share` is its weight in any
    estimate (Horvitz and Thompson, 1952). 56 random bits are compared without a rounding.
    """
    if settlement.answered_by not in NOBODY or share <= 0:
        return settlement
    if int.from_bytes(rng(_RANDOM_BYTES)) >= share * _STEPS:
        return settlement
    return msgspec.structs.replace(settlement, audit_share=share)
