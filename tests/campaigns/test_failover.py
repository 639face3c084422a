import pytest

from campaigns.failover import trunk_verdict, was_not_placed
from dialer.events import CallTimings
from dialer.outcome import (
    Outcome,
    outcome_of_answer,
    outcome_of_cancellation,
    outcome_of_local_failure,
    outcome_of_lost_connection,
    outcome_of_refusal,
    outcome_of_silence,
    outcome_of_transport_error,
)

SILENT = CallTimings(invite_sent_at=0.0)
TRYING = CallTimings(invite_sent_at=0.0, trying_at=0.1)
RINGING = CallTimings(invite_sent_at=0.0, trying_at=0.1, ringing_at=0.2)
EARLY = CallTimings(invite_sent_at=0.0, trying_at=0.1, early_media_at=0.2)
ANSWERED = CallTimings(invite_sent_at=0.0, answered_at=0.2)


@pytest.mark.parametrize(
    ("outcome", "timings"),
    [
        (outcome_of_silence(), SILENT),
        (outcome_of_transport_error(), SILENT),
        (outcome_of_refusal(503), SILENT),
        (outcome_of_refusal(503), TRYING),
        (outcome_of_refusal(503, q850_cause=42), TRYING),
        (outcome_of_refusal(408), SILENT),
    ],
)
def test_what_provably_was_not_placed(outcome: Outcome, timings: CallTimings) -> None:
    assert was_not_placed(outcome, timings)


@pytest.mark.parametrize(
    ("outcome", "timings"),
    [
        (outcome_of_refusal(503), RINGING),
        (outcome_of_refusal(503), EARLY),
        (outcome_of_refusal(503, q850_cause=17), TRYING),  # a gateway's busy
        (outcome_of_refusal(503, q850_cause=21), TRYING),
        (outcome_of_refusal(503, q850_cause=3), TRYING),  # no route to this number
        (outcome_of_transport_error(), TRYING),  # the trunk had it: a phone may ring
        (outcome_of_transport_error(), RINGING),
        (outcome_of_lost_connection(), SILENT),  # the INVITE had left
        (outcome_of_refusal(408), TRYING),
        (outcome_of_refusal(408), RINGING),
        (outcome_of_refusal(500), SILENT),
        (outcome_of_refusal(486), SILENT),
        (outcome_of_refusal(404), SILENT),
        (outcome_of_refusal(603), SILENT),
        (outcome_of_cancellation("ring_timeout", sip_status=487), SILENT),
        (outcome_of_cancellation("hang_up"), SILENT),
        (outcome_of_local_failure("no_rtp_port"), SILENT),
        (outcome_of_answer(200, ended_by="us"), ANSWERED),
        (Outcome(result="unknown", reason="dialer_closed", fault="local", ended_by="us"), SILENT),
    ],
)
def test_a_phone_that_may_have_rung_is_not_rung_again(outcome: Outcome, timings: CallTimings) -> None:
    assert not was_not_placed(outcome, timings)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (outcome_of_silence(), "fault"),
        (outcome_of_transport_error(), "fault"),
        (outcome_of_refusal(503), "fault"),
        (outcome_of_refusal(503, q850_cause=17), "success"),
        (outcome_of_refusal(500, q850_cause=3), "success"),
        (outcome_of_refusal(486), "success"),
        (outcome_of_refusal(404), "success"),
        (outcome_of_answer(200, ended_by="callee"), "success"),
        (outcome_of_refusal(401), "nothing"),
        (outcome_of_local_failure("no_rtp_port"), "nothing"),
        (outcome_of_cancellation("hang_up"), "nothing"),
    ],
)
def test_only_what_speaks_of_the_trunk_counts_for_its_circuit(outcome: Outcome, verdict: str) -> None:
    assert trunk_verdict(outcome) == verdict
