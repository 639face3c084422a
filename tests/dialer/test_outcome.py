from typing import Final

import pytest

from dialer.outcome import (
    CALLEE_STATUSES,
    Q850_OUTCOMES,
    Cancellation,
    EndedBy,
    Fault,
    Outcome,
    Result,
    outcome_of_abandonment,
    outcome_of_answer,
    outcome_of_cancellation,
    outcome_of_local_failure,
    outcome_of_refusal,
    outcome_of_silence,
    outcome_of_transport_error,
    outcome_of_unusable_answer,
)

# Written apart from the table under test: what an operator expects of every status. A row is a status or a range.
EXPECTED: Final[list[tuple[range, Result, Fault, EndedBy]]] = [
    (range(300, 301), "failed", "trunk", "network"),
    (range(301, 302), "invalid_number", "callee", "network"),
    (range(302, 400), "failed", "trunk", "network"),
    (range(400, 401), "failed", "indeterminate", "network"),
    (range(401, 403), "failed", "local", "network"),
    (range(403, 404), "rejected", "indeterminate", "network"),
    (range(404, 405), "invalid_number", "callee", "network"),
    (range(405, 408), "failed", "local", "network"),
    (range(408, 409), "no_answer", "indeterminate", "network"),
    (range(409, 410), "failed", "indeterminate", "network"),
    (range(410, 411), "invalid_number", "callee", "network"),
    (range(411, 413), "failed", "indeterminate", "network"),
    (range(413, 417), "failed", "local", "network"),
    (range(417, 420), "failed", "indeterminate", "network"),
    (range(420, 423), "failed", "local", "network"),
    (range(423, 433), "failed", "indeterminate", "network"),
    (range(433, 434), "rejected", "callee", "network"),
    (range(434, 480), "failed", "indeterminate", "network"),
    (range(480, 481), "no_answer", "callee", "callee"),
    (range(481, 484), "failed", "trunk", "network"),
    (range(484, 486), "invalid_number", "callee", "network"),
    (range(486, 487), "busy", "callee", "callee"),
    (range(487, 488), "no_answer", "indeterminate", "network"),
    (range(488, 489), "failed", "local", "network"),
    (range(489, 491), "failed", "indeterminate", "network"),
    (range(491, 492), "failed", "trunk", "network"),
    (range(492, 493), "failed", "indeterminate", "network"),
    (range(493, 494), "failed", "local", "network"),
    (range(494, 500), "failed", "indeterminate", "network"),
    (range(500, 501), "congested", "trunk", "network"),
    (range(501, 502), "failed", "trunk", "network"),
    (range(502, 503), "unreachable", "trunk", "network"),
    (range(503, 504), "congested", "trunk", "network"),
    (range(504, 505), "unreachable", "trunk", "network"),
    (range(505, 506), "failed", "trunk", "network"),
    (range(506, 513), "congested", "trunk", "network"),
    (range(513, 514), "failed", "local", "network"),
    (range(514, 580), "congested", "trunk", "network"),
    (range(580, 581), "failed", "local", "network"),
    (range(581, 600), "congested", "trunk", "network"),
    (range(600, 601), "busy", "callee", "callee"),
    (range(601, 603), "busy", "callee", "network"),
    (range(603, 604), "rejected", "callee", "callee"),
    (range(604, 605), "invalid_number", "callee", "network"),
    (range(605, 606), "busy", "callee", "network"),
    (range(606, 607), "failed", "local", "network"),
    (range(607, 608), "rejected", "callee", "callee"),
    (range(608, 609), "rejected", "trunk", "network"),
    (range(609, 700), "busy", "callee", "network"),
]
ROWS: Final = [(code, *expected) for codes, *expected in EXPECTED for code in codes]


def test_the_rows_cover_every_final_status_once() -> None:
    assert [row[0] for row in ROWS] == list(range(300, 700))


@pytest.mark.parametrize(("sip_status", "result", "fault", "ended_by"), ROWS)
def test_a_refusal_is_classified_by_its_status(
    sip_status: int, result: Result, fault: Fault, ended_by: EndedBy
) -> None:
    assert outcome_of_refusal(sip_status) == Outcome(
        result=result, reason=f"sip_{sip_status}", fault=fault, sip_status=sip_status, ended_by=ended_by
    )


@pytest.mark.parametrize(
    ("cause", "result", "fault", "ended_by"),
    [
        (1, "invalid_number", "callee", "network"),
        (2, "unreachable", "trunk", "network"),
        (3, "unreachable", "trunk", "network"),
        (17, "busy", "callee", "callee"),
        (18, "no_answer", "callee", "callee"),
        (19, "no_answer", "callee", "callee"),
        (20, "no_answer", "callee", "callee"),
        (21, "rejected", "callee", "callee"),
        (22, "invalid_number", "callee", "network"),
        (27, "unreachable", "trunk", "network"),
        (28, "invalid_number", "callee", "network"),
        (34, "congested", "trunk", "network"),
        (38, "congested", "trunk", "network"),
        (41, "congested", "trunk", "network"),
        (42, "congested", "trunk", "network"),
        (44, "congested", "trunk", "network"),
        (47, "congested", "trunk", "network"),
        (55, "rejected", "indeterminate", "network"),
        (57, "rejected", "indeterminate", "network"),
        (102, "unreachable", "trunk", "network"),
    ],
)
def test_a_q850_cause_overrides_the_status(
    cause: int, result: Result, fault: Fault, ended_by: EndedBy
) -> None:
    assert outcome_of_refusal(400, cause) == Outcome(
        result=result, reason="sip_400", fault=fault, sip_status=400, q850_cause=cause, ended_by=ended_by
    )


@pytest.mark.parametrize("cause", sorted(set(range(1, 128)) - set(Q850_OUTCOMES)))
def test_any_other_q850_cause_is_kept_but_changes_nothing(cause: int) -> None:
    outcome = outcome_of_refusal(486, cause)

    assert (outcome.result, outcome.ended_by, outcome.q850_cause) == ("busy", "callee", cause)


@pytest.mark.parametrize("sip_status", [401, 407, 487])
@pytest.mark.parametrize(
    ("cancellation", "result", "fault"),
    [("hang_up", "cancelled", "none"), ("ring_timeout", "no_answer", "callee")],
)
def test_our_own_reason_stands_when_we_gave_up_first(
    sip_status: int, cancellation: Cancellation, result: Result, fault: Fault
) -> None:
    outcome = outcome_of_refusal(sip_status, None, cancellation)

    assert outcome == Outcome(
        result=result, reason=cancellation, fault=fault, sip_status=sip_status, ended_by="us"
    )


@pytest.mark.parametrize(("sip_status", "result"), [(486, "busy"), (603, "rejected"), (503, "congested")])
def test_a_refusal_that_crosses_our_cancel_is_what_the_network_said(sip_status: int, result: Result) -> None:
    assert outcome_of_refusal(sip_status, None, "hang_up").result == result


@pytest.mark.parametrize(
    ("outcome", "result", "reason", "fault", "ended_by", "sip_status"),
    [
        (outcome_of_silence(), "unreachable", "timer_b", "trunk", "network", None),
        (outcome_of_transport_error(), "unreachable", "transport_error", "trunk", "network", None),
        (outcome_of_cancellation("ring_timeout"), "no_answer", "ring_timeout", "callee", "us", None),
        (outcome_of_cancellation("hang_up"), "cancelled", "hang_up", "none", "us", None),
        (outcome_of_abandonment(200, "hang_up"), "abandoned", "hang_up", "local", "us", 200),
        (outcome_of_abandonment(202, "ring_timeout"), "abandoned", "ring_timeout", "local", "us", 202),
        (outcome_of_answer(200, ended_by="callee"), "answered", "normal", "none", "callee", 200),
        (outcome_of_answer(200, ended_by="us", reason="max_talk"), "answered", "max_talk", "none", "us", 200),
        (outcome_of_unusable_answer(200), "failed", "unusable_sdp", "trunk", "us", 200),
        (outcome_of_local_failure("no_rtp_port"), "failed", "no_rtp_port", "local", "us", None),
    ],
)
def test_timers_races_and_local_faults(
    outcome: Outcome, result: Result, reason: str, fault: Fault, ended_by: EndedBy, sip_status: int | None
) -> None:
    assert outcome == Outcome(
        result=result, reason=reason, fault=fault, sip_status=sip_status, ended_by=ended_by
    )


def test_the_cause_of_a_bye_is_kept() -> None:
    assert outcome_of_answer(200, ended_by="callee", q850_cause=16).q850_cause == 16


def test_only_people_and_phones_end_a_refused_call_as_callee() -> None:
    assert {
        code for code in range(300, 700) if outcome_of_refusal(code).ended_by == "callee"
    } == CALLEE_STATUSES
