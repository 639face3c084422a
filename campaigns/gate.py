"""
The one gate before every attempt: may this lead be called now? Pure; evaluated inside the claim's transaction.

Rule 1: nothing is dialed without it, and what it saw is stored with the attempt.
Rule 2: rules that can never pass come before the one that only asks to wait, so a lead is not put off for nothing.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from campaigns.calling_window import CallingWindow, is_open, next_opening

POLICY_VERSION: Final = 1
"""Counts up whenever a rule changes, so that a stored trace says which rules it means."""

Rule = Literal["dnc", "advertising_needs_human", "calling_window", "calling_window_never"]
RULES: Final = ("dnc", "purpose", "calling_window")
"""In the order of evaluation; the trace of an allowed attempt names them."""

AUTOMATIC_MODES: Final = frozenset({"voice_message"})
"""Modes in which no person decides on the single call."""


class GateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate looks at."""

    number: str
    is_in_dnc: bool
    mode: str
    purpose: str
    zones: tuple[str, ...]
    """IANA zones the callee may be in; empty only when the window is open always and everywhere."""
    window: CallingWindow
    now: datetime
    """Aware."""


class Allowed(msgspec.Struct, frozen=True):
    """Dial."""


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """Do not dial, by this rule; `next_eligible` is None when waiting does not help."""

    rule: Rule
    next_eligible: datetime | None = None


ALLOWED: Final = Allowed()


def pre_dial_gate(facts: GateFacts) -> Allowed | Blocked:
    """Decide on one lead."""
    if facts.is_in_dnc:
        return Blocked(rule="dnc")
    # 38-FZ art. 18 part 2: no advertising "with selection and (or) dialing of a number without human participation".
    if facts.purpose == "advertising" and facts.mode in AUTOMATIC_MODES and facts.number.startswith("+7"):
        return Blocked(rule="advertising_needs_human")
    if not is_open(facts.window, facts.zones, facts.now):
        opening = next_opening(facts.window, facts.zones, facts.now)
        # A window too short for zones so far apart never opens: say so instead of putting the lead off for ever.
        return Blocked(
            rule="calling_window_never" if opening is None else "calling_window", next_eligible=opening
        )
    return ALLOWED


def gate_trace(facts: GateFacts) -> dict[str, object]:
    """Give what is stored with the attempt that the gate allowed."""
    return {
        "policy": POLICY_VERSION,
        "passed": RULES,
        "mode": facts.mode,
        "purpose": facts.purpose,
        "zones": facts.zones,
        "window": [facts.window.start_minute, facts.window.end_minute, sorted(facts.window.weekdays)],
    }
