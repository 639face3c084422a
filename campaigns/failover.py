"""
What the end of a call says of its trunk, and whether another trunk may try the same person at once. Pure.

A call may go by another trunk only when the first one provably did not place it: a phone that may have rung is not rung
again (docs/adr/0010).
"""

from typing import Final, Literal

from dialer.events import CallTimings
from dialer.outcome import Outcome

TrunkVerdict = Literal["success", "fault", "nothing"]

_NUMBER_CAUSES: Final = frozenset({2, 3, 27})
"""Q.850: no route there, destination out of order. A trunk's fault, but of this number only."""
_SILENCES: Final = frozenset({"timer_b", "transport_error", "tls_error"})


def trunk_verdict(outcome: Outcome) -> TrunkVerdict:
    """Say what the circuit breaker counts. Our own failures, and calls that we gave up, say nothing."""
    if outcome.fault == "trunk" and outcome.q850_cause not in _NUMBER_CAUSES:
        return "fault"
    if outcome.fault == "local" or outcome.sip_status is None:
        return "nothing"
    return "success"


def was_not_placed(outcome: Outcome, timings: CallTimings) -> bool:
    """
    Tell whether the trunk provably did not place the call.

    Nobody rang (no 18x, no early media, no answer), it is the trunk's doing, and one of: not a single response (Timer B,
    connection refused, TLS failure), a 503, a 408 without any provisional (RFC 3263 §4.3 tries the next server then).
    """
    if (
        timings.ringing_at is not None
        or timings.early_media_at is not None
        or timings.answered_at is not None
    ):
        return False
    has_no_response = timings.trying_at is None
    if outcome.reason in _SILENCES:
        return has_no_response
    if outcome.sip_status == 503:
        # with a cause that speaks of the callee (busy, rejected), the fault is not the trunk's
        return outcome.fault == "trunk" and outcome.q850_cause not in _NUMBER_CAUSES
    return outcome.sip_status == 408 and outcome.ended_by == "network" and has_no_response
