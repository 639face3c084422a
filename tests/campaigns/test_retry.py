from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import RetryRule
from campaigns.retry import FINISHED, Finished, RetryAt, next_step

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


RULES = {
    "busy": RetryRule(delay_seconds=60, max_attempts=3),
    "no_answer": RetryRule(delay_seconds=3600, max_attempts=2),
    "unknown": RetryRule(delay_seconds=1, max_attempts=9),
    "answered": RetryRule(delay_seconds=5, max_attempts=9),
}


def step(result: str, attempts_made: int, disposition: str | None = None) -> RetryAt | Finished:
    return next_step(
        result=result, disposition=disposition, attempts_made=attempts_made, rules=RULES, ended_time=NOW
    )


def test_a_busy_number_is_tried_again_after_the_rules_delay() -> None:
    assert step("busy", 1) == RetryAt(NOW + timedelta(seconds=60))


def test_the_last_allowed_attempt_finishes_the_lead() -> None:
    assert step("busy", 2) == RetryAt(NOW + timedelta(seconds=60))
    assert step("busy", 3) == FINISHED


def test_the_rule_of_the_last_result_counts_all_attempts() -> None:
    assert step("no_answer", 2) == FINISHED


def test_a_result_without_a_rule_finishes_the_lead() -> None:
    assert step("rejected", 1) == FINISHED


def test_an_unknown_outcome_is_never_redialed_whatever_the_rules_say() -> None:
    assert step("unknown", 1) == FINISHED


@pytest.mark.parametrize("disposition", ["callback_requested", "refused"])
def test_a_callee_who_decided_is_not_called_again(disposition: str) -> None:
    assert step("answered", 1, disposition) == FINISHED
    assert step("answered", 1) == RetryAt(NOW + timedelta(seconds=5))


def test_who_was_asked_to_come_back_later_does_not_come_earlier() -> None:
    """RFC 3261 §20.33; a rule that waits longer stands, and more than a day is a mistake."""

    def due_after(retry_after_seconds: float) -> timedelta:
        following = next_step(
            result="busy", disposition=None, attempts_made=1, rules=RULES, ended_time=NOW,
            retry_after_seconds=retry_after_seconds,
        )  # fmt: skip
        assert isinstance(following, RetryAt)
        return following.due_time - NOW

    assert due_after(5) == timedelta(seconds=60)
    assert due_after(600) == timedelta(seconds=600)
    assert due_after(10**9) == timedelta(days=1)
