"""
Who answers in the simulated carrier: the behaviour of a callee is a function of (seed, number), nothing else.

The plans keep clear of the dialer's own deadlines, so that no outcome is decided by a hair: rings end well before
15 s (the shortest ring timeout there is), callees hang up or press a key 1-4 s after the answer (the demo's message
lasts 6 s). Where datagrams are lost plans shift; what then counts is what happened (dialer/testing/truth.py).
"""

import random
from typing import Final, Literal

import msgspec

Behaviour = Literal[
    "listens", "hangs_up", "presses_1", "presses_9", "presses_other", "voicemail", "early_media",
    "busy", "declines", "unallocated", "unallocated_announced", "unavailable", "congested",
    "no_answer", "answers_after_cancel", "silent",
]  # fmt: skip

WEIGHTS: Final[dict[Behaviour, int]] = {
    "listens": 18,
    "hangs_up": 17,
    "presses_1": 10,
    "presses_9": 4,
    "presses_other": 2,
    "voicemail": 8,
    "early_media": 4,
    "busy": 11,
    "declines": 5,
    "unallocated": 3,
    "unallocated_announced": 1,
    "unavailable": 3,
    "congested": 4,
    "no_answer": 8,
    "answers_after_cancel": 1,
    "silent": 1,
}
"""Parts of 100. Roughly a cold base: half of the people pick up."""

REFUSAL_STATUSES: Final[dict[Behaviour, int]] = {
    "busy": 486,
    "declines": 603,
    "unallocated": 404,
    "unallocated_announced": 404,
    "unavailable": 480,
}
CONGESTED_STATUS: Final = 503


class CalleePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one callee does with a call. Seconds count from the INVITE (ring) or from the ACK (the rest)."""

    behaviour: Behaviour
    ring_seconds: float = 0.0
    """Until the final answer is sent."""
    final_status: int | None = None
    """None = rings until cancelled, or says nothing at all."""
    is_silent: bool = False
    """Not even a 100."""
    has_early_media: bool = False
    """183 with SDP and sound instead of 180."""
    congested_calls: int = 0
    """The first calls to this number are refused with 503."""
    picks_up_when_cancelled: bool = False
    """200 to the INVITE crosses the CANCEL."""
    digit: str | None = None
    press_after_seconds: float = 0.0
    hang_up_after_seconds: float | None = None
    """None = stays until the caller hangs up."""
    greeting_seconds: float = 0.0
    """A voice that speaks first, then a beep."""


def plan_for(number: str, seed: int) -> CalleePlan:
    """Tell what the callee behind a number is like; the same for the same seed in every process and version."""
    digits = number.lstrip("+")
    rng = random.Random(f"{seed}:{digits}")
    behaviour = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return plan_of(behaviour, rng)


def plan_of(behaviour: Behaviour, rng: random.Random) -> CalleePlan:
    """Choose the times of one behaviour."""
    ring_seconds = rng.uniform(0.5, 4.0)
    talk_seconds = rng.uniform(1.0, 4.0)
    if behaviour in REFUSAL_STATUSES:
        return CalleePlan(
            behaviour=behaviour,
            ring_seconds=rng.uniform(0.1, 1.5) if behaviour != "declines" else ring_seconds,
            final_status=REFUSAL_STATUSES[behaviour],
            has_early_media=behaviour == "unallocated_announced",
        )
    if behaviour == "silent":
        return CalleePlan(behaviour=behaviour, is_silent=True)
    if behaviour in {"no_answer", "answers_after_cancel"}:
        return CalleePlan(behaviour=behaviour, picks_up_when_cancelled=behaviour == "answers_after_cancel")
    return CalleePlan(
        behaviour=behaviour,
        ring_seconds=ring_seconds,
        final_status=200,
        has_early_media=behaviour == "early_media",
        congested_calls=rng.randint(1, 2) if behaviour == "congested" else 0,
        digit={"presses_1": "1", "presses_9": "9", "presses_other": rng.choice("0235678*#")}.get(behaviour),
        press_after_seconds=talk_seconds,
        hang_up_after_seconds=talk_seconds if behaviour == "hangs_up" else None,
        greeting_seconds=rng.uniform(1.0, 3.0) if behaviour == "voicemail" else 0.0,
    )
