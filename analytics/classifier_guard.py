"""
When the answer classifier hangs up on too many people to go on: a sequential test of what listeners judged. Pure.

The question is asked again after every judgement, so an interval of 95 % would raise a false alarm sooner or later. Instead the evidence is
a mixture of likelihood ratios of worse shares against the limit (Robbins, 1970; Wald's test with several alternatives). While the true share is
at the limit or below, the expected evidence never exceeds 1, whenever one looks, so that it ever reaches 1 / FALSE_ALARM has at most that
probability (Ville, 1939). The evidence of the last WINDOW judgements is used, so that a long good record does not hide a turn for the
worse; what that costs in false alarms is simulated in tests/analytics/test_classifier_guard.py.
"""

import math
from typing import Final

FALSE_ALARM: Final = 0.05
"""How likely a classifier exactly at the limit is switched off, ever, without the window."""
WORSE: Final = (1.5, 2.0, 3.0, 5.0, 10.0)
"""Multiples of the limit that are held against it, each with the same weight."""
MIN_JUDGED: Final = 20
"""A few wrong key presses must not switch anything off."""
WINDOW: Final = 500


def log_evidence(humans: int, judged: int, limit: float) -> float:
    """Return the logarithm of the evidence that the share of people exceeds `limit`, 0 < limit < 1."""
    terms = []
    for factor in WORSE:
        worse = min(limit * factor, (1 + limit) / 2)
        terms.append(
            humans * math.log(worse / limit) + (judged - humans) * math.log((1 - worse) / (1 - limit))
        )
    highest = max(terms)
    return highest + math.log(sum(math.exp(term - highest) for term in terms) / len(terms))


def must_stop(humans: int, judged: int, limit: float) -> bool:
    """Tell whether the classifier must be switched off: `humans` of the last `judged` were people."""
    return judged >= MIN_JUDGED and log_evidence(humans, judged, limit) >= -math.log(FALSE_ALARM)
