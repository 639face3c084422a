"""
How a call ended: every final status, Reason header, timer and race becomes exactly one `Outcome`.

Outcomes are what the network told us. What it means for a campaign is a disposition, and not known here.
"""

from typing import Literal

import msgspec

Result = Literal[
    "answered", "busy", "no_answer", "rejected", "unreachable", "invalid_number",
    "congested", "cancelled", "abandoned", "failed", "unknown",
]  # fmt: skip
Fault = Literal["none", "callee", "trunk", "local", "indeterminate"]
EndedBy = Literal["us", "callee", "network"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one call."""

    result: Result
    reason: str
    """Stable code, e.g. `normal`, `sip_486`, `ring_timeout`, `timer_b`, `transport_error`."""
    fault: Fault
    """Whose doing it was."""
    sip_status: int | None = None
    """The final status of the INVITE, None if there was none."""
    q850_cause: int | None = None
    """From a Reason header (RFC 3326), in the failure or the BYE."""
    ended_by: EndedBy
    """Who hung up or refused: for an answered call the side whose BYE came first."""
