"""
How a call ended: every final status, Reason header, timer and race becomes exactly one `Outcome`.

Outcomes are what the network told us. What it means for a campaign is a disposition, and not known here.

Everything is a table. For a refused INVITE the order is:

1. 401/407 (with no credentials left) and 487 after we gave up: our own reason stands.
2. A Q.850 cause in a Reason header (RFC 3326) is more precise than the status that a gateway made of it
   (RFC 3398 §8.2.6.1 is many-to-one), so `Q850_OUTCOMES` overrides.
3. `STATUS_OUTCOMES`; RFC 3261 §8.1.3.2: a status that is not in it counts as the x00 of its class.

`ended_by` of a refusal is the callee's only where the status says that a person or their phone decided
(`CALLEE_STATUSES`); everything else is the network's. For an answered call it is the side whose BYE came first.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from dialer.sip.headers import Reason

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
    retry_after_seconds: int | None = None
    """From the Retry-After of the refusal (RFC 3261 §20.33): with 503 how long to leave the trunk alone."""


CALLEE_STATUSES: Final = frozenset({480, 486, 600, 603, 607})
"""Refusals that the called person or phone decides. 607: RFC 8197; 608 is a machine on the way (RFC 8688)."""

STATUS_OUTCOMES: Final[Mapping[int, tuple[Result, Fault]]] = {
    # 3xx: not followed (or no further, `SipPolicy.max_redirects`); a trunk is expected to route.
    300: ("failed", "trunk"),
    301: (
        "invalid_number",
        "callee",
    ),  # moved for good: RFC 3398 §8.2.6.1 makes it of Q.850 22, number changed
    302: ("failed", "trunk"),
    305: ("failed", "trunk"),
    380: ("failed", "trunk"),
    # 4xx
    400: ("failed", "indeterminate"),
    401: ("failed", "local"),  # wrong or missing credentials
    402: ("failed", "local"),  # the account, not the callee
    403: ("rejected", "indeterminate"),  # by trunk policy or the callee's; the status does not say
    404: ("invalid_number", "callee"),
    405: ("failed", "local"),
    406: ("failed", "local"),
    407: ("failed", "local"),
    408: ("no_answer", "indeterminate"),
    410: ("invalid_number", "callee"),
    413: ("failed", "local"),
    414: ("failed", "local"),
    415: ("failed", "local"),
    416: ("failed", "local"),
    420: ("failed", "local"),
    421: ("failed", "local"),
    422: ("failed", "local"),  # again, after we had asked for the session that it wants
    433: ("rejected", "callee"),  # RFC 5079: anonymous callers are refused
    480: ("no_answer", "callee"),
    481: ("failed", "trunk"),
    482: ("failed", "trunk"),
    483: ("failed", "trunk"),
    484: ("invalid_number", "callee"),
    485: ("invalid_number", "callee"),
    486: ("busy", "callee"),
    487: ("no_answer", "indeterminate"),  # we did not cancel: somebody on the way gave up ringing
    488: ("failed", "local"),
    491: ("failed", "trunk"),
    493: ("failed", "local"),
    # 5xx
    500: ("congested", "trunk"),
    501: ("failed", "trunk"),
    502: ("unreachable", "trunk"),
    503: ("congested", "trunk"),
    504: ("unreachable", "trunk"),
    505: ("failed", "trunk"),
    513: ("failed", "local"),
    580: ("failed", "local"),
    # 6xx
    600: ("busy", "callee"),
    603: ("rejected", "callee"),
    604: ("invalid_number", "callee"),
    606: ("failed", "local"),  # our session description
    607: ("rejected", "callee"),
    608: ("rejected", "trunk"),
}

Q850_OUTCOMES: Final[Mapping[int, tuple[Result, Fault, EndedBy]]] = {
    1: ("invalid_number", "callee", "network"),  # unallocated number
    2: ("unreachable", "trunk", "network"),  # no route to transit network
    3: ("unreachable", "trunk", "network"),  # no route to destination
    17: ("busy", "callee", "callee"),
    18: ("no_answer", "callee", "callee"),  # no user responding
    19: ("no_answer", "callee", "callee"),  # alerted, no answer
    20: ("no_answer", "callee", "callee"),  # subscriber absent
    21: ("rejected", "callee", "callee"),
    22: ("invalid_number", "callee", "network"),  # number changed
    27: ("unreachable", "trunk", "network"),  # destination out of order
    28: ("invalid_number", "callee", "network"),  # invalid number format
    34: ("congested", "trunk", "network"),  # no circuit available
    38: ("congested", "trunk", "network"),  # network out of order
    41: ("congested", "trunk", "network"),  # temporary failure
    42: ("congested", "trunk", "network"),  # switching equipment congestion
    44: ("congested", "trunk", "network"),  # requested circuit not available
    47: ("congested", "trunk", "network"),  # resource unavailable
    55: ("rejected", "indeterminate", "network"),  # incoming calls barred in the group
    57: ("rejected", "indeterminate", "network"),  # bearer capability not authorised
    102: ("unreachable", "trunk", "network"),  # recovery on timer expiry
}
"""ITU-T Q.850 causes that say more than the status. 16 and 31 (normal, unspecified) and the rest do not."""

Cancellation = Literal["hang_up", "ring_timeout"]
"""Why we gave up an unanswered call."""

CANCELLATION_RESULTS: Final[Mapping[Cancellation, tuple[Result, Fault]]] = {
    "hang_up": ("cancelled", "none"),
    "ring_timeout": ("no_answer", "callee"),
}


def outcome_of_refusal(
    sip_status: int,
    q850_cause: int | None = None,
    cancellation: Cancellation | None = None,
    retry_after_seconds: int | None = None,
) -> Outcome:
    """Classify a final 300-699. `cancellation` is set once we have given up on the call."""
    if cancellation is not None and sip_status in {401, 407, 487}:
        return outcome_of_cancellation(cancellation, sip_status=sip_status, q850_cause=q850_cause)
    ended_by: EndedBy
    if q850_cause is not None and q850_cause in Q850_OUTCOMES:
        result, fault, ended_by = Q850_OUTCOMES[q850_cause]
    else:
        result, fault = STATUS_OUTCOMES.get(sip_status) or STATUS_OUTCOMES[sip_status // 100 * 100]
        ended_by = "callee" if sip_status in CALLEE_STATUSES else "network"
    return Outcome(
        result=result,
        reason=f"sip_{sip_status}",
        fault=fault,
        sip_status=sip_status,
        q850_cause=q850_cause,
        ended_by=ended_by,
        retry_after_seconds=retry_after_seconds,
    )


def outcome_of_cancellation(
    cancellation: Cancellation, *, sip_status: int | None = None, q850_cause: int | None = None
) -> Outcome:
    """We gave up before an answer. `sip_status` is None when the 487 never came (RFC 3261 §9.1: 64*T1)."""
    result, fault = CANCELLATION_RESULTS[cancellation]
    return Outcome(
        result=result,
        reason=cancellation,
        fault=fault,
        sip_status=sip_status,
        q850_cause=q850_cause,
        ended_by="us",
    )


def outcome_of_silence() -> Outcome:
    """Timer B: not one response to the INVITE, so it does not matter whether we had given up meanwhile."""
    return Outcome(result="unreachable", reason="timer_b", fault="trunk", ended_by="network")


def outcome_of_transport_error() -> Outcome:
    """The socket or an ICMP message says that the trunk cannot be reached (RFC 3261 §18.4)."""
    return Outcome(result="unreachable", reason="transport_error", fault="trunk", ended_by="network")


def outcome_of_lost_connection() -> Outcome:
    """The connection broke before a final response; unlike after a refused one, the INVITE may have been served."""
    return Outcome(result="unreachable", reason="connection_lost", fault="trunk", ended_by="network")


def outcome_of_answer(
    sip_status: int | None, *, ended_by: EndedBy, reason: str = "normal", q850_cause: int | None = None
) -> Outcome:
    """An answered call that ended by a BYE. `sip_status` is None if the BYE overtook the 2xx."""
    return Outcome(
        result="answered",
        reason=reason,
        fault="none",
        sip_status=sip_status,
        q850_cause=q850_cause,
        ended_by=ended_by,
    )


def outcome_of_abandonment(sip_status: int | None, cancellation: Cancellation) -> Outcome:
    """The callee answered as we gave up (RFC 3261 §9.1). `sip_status` is None if a BYE overtook the 2xx."""
    return Outcome(
        result="abandoned", reason=cancellation, fault="local", sip_status=sip_status, ended_by="us"
    )


def outcome_of_unusable_answer(sip_status: int) -> Outcome:
    """A 2xx whose session description we cannot use: ACKed, then hung up by us (RFC 3261 §13.2.2.4)."""
    return Outcome(
        result="failed", reason="unusable_sdp", fault="trunk", sip_status=sip_status, ended_by="us"
    )


def outcome_of_local_failure(reason: str) -> Outcome:
    """No INVITE could leave: no port, no socket."""
    return Outcome(result="failed", reason=reason, fault="local", ended_by="us")


def _q850(cause: int, text: str) -> str:
    return str(Reason("Q.850", cause, text))


RELEASE_REASONS: Final[Mapping[str, str]] = {
    "hang_up": _q850(16, "Normal call clearing"),
    "normal": _q850(16, "Normal call clearing"),
    "max_talk": _q850(16, "Normal call clearing"),
    "ring_timeout": _q850(19, "No answer from user"),
    "ack_missing": _q850(102, "Recovery on timer expiry"),
    "session_expired": _q850(102, "Recovery on timer expiry"),
    "refresh_failed": _q850(102, "Recovery on timer expiry"),
    "unusable_sdp": _q850(65, "Bearer capability not implemented"),  # RFC 3398 §8.2.6.1: 488
}
"""The Reason header (RFC 3326) of our CANCEL or BYE, by the `reason` of the outcome."""

FORK_RELEASE_REASON: Final = _q850(26, "Non-selected user clearing")
"""For a callee who answered after another one had."""
