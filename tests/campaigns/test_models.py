from typing import Any

import pytest

from campaigns.errors import InvalidSettings
from campaigns.models import CampaignPatch, NewCampaign, RetryRule
from campaigns.trunk_models import NewTrunk


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", " ", "empty"),
        ("name", "x" * 201, "too_long"),
        ("default_country", "ZZ", "not_a_country"),
        ("time_zone", "Mars/Olympus", "not_a_time_zone"),
        ("time_zone", "../etc/passwd", "not_a_time_zone"),
        ("time_zone", "", "not_a_time_zone"),
        ("window_start_minute", -1, "out_of_range"),
        ("window_end_minute", 1441, "out_of_range"),
        ("window_end_minute", 540, "not_after_start"),
        ("window_weekdays", (), "not_weekdays"),
        ("window_weekdays", (1, 1), "not_weekdays"),
        ("window_weekdays", (0,), "not_weekdays"),
        ("max_calls_per_second", 0.0, "not_positive"),
        ("max_calls_per_second", float("nan"), "not_positive"),
        ("max_concurrent_calls", 0, "not_positive"),
        ("max_talk_seconds", float("inf"), "not_positive"),
        ("ring_timeout_seconds", 14.9, "out_of_range"),
        ("key_wait_seconds", -1.0, "out_of_range"),
        ("split", 257, "out_of_range"),
        ("answering_machine", "pass_to_agent", "no_agents"),
        ("retry_rules", {"answered": RetryRule(delay_seconds=1, max_attempts=2)}, "not_retryable"),
        ("retry_rules", {"unknown": RetryRule(delay_seconds=1, max_attempts=2)}, "not_retryable"),
        ("retry_rules", {"busy": RetryRule(delay_seconds=-1, max_attempts=2)}, "out_of_range"),
        ("retry_rules", {"busy": RetryRule(delay_seconds=1, max_attempts=0)}, "out_of_range"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_a_code(field: str, value: Any, code: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        NewCampaign(**{"name": "c", "trunk_id": 1, field: value})
    assert [(problem.field.partition(".")[0], problem.code) for problem in refused.value.problems] == [
        (field, code)
    ]


def test_all_problems_come_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        NewTrunk(name="", host="", port=0, max_calls_per_second=0, max_channels=0)
    assert [problem.field for problem in refused.value.problems] == [
        "name", "host", "port", "max_calls_per_second", "max_channels",
    ]  # fmt: skip


def test_a_patch_changes_only_what_it_names() -> None:
    assert CampaignPatch(prompt_id=None, name="n").changes() == {"prompt_id": None, "name": "n"}
