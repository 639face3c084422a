"""The form of an alert rule gives back what it was given, and names what cannot be."""

from datetime import UTC, datetime

import msgspec
import pytest

from api.alert_form import DEFAULTS, read_rule, shown_rule
from campaigns.alerts import AlertRule

STORED = AlertRule(
    rule_id=1, name="Answers", metric="answer_rate", subject_kind="campaign", subject_id=7, comparison="below",
    threshold=0.225, window_minutes=15, min_count=50, is_enabled=True, created_time=datetime(2026, 11, 25, tzinfo=UTC),
)  # fmt: skip


def test_what_is_shown_comes_back_as_it_was() -> None:
    shown = shown_rule(STORED)
    assert (shown["threshold"], shown["subject"]) == ("22.5", "campaign:7")
    read = read_rule(shown).rule
    assert read is not None
    assert msgspec.structs.asdict(read.rule()) == {
        name: value
        for name, value in msgspec.structs.asdict(STORED).items()
        if name not in {"rule_id", "created_time"}
    }


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": " "}, {"name"}),
        ({"name": "x", "metric": "colour"}, {"metric"}),
        ({"name": "x", "threshold": "lots", "window_minutes": "", "min_count": "1.5"}, {"threshold", "window_minutes", "min_count"}),
        ({"name": "x", "comparison": "below", "threshold": "120"}, {"threshold"}),
        ({"name": "x", "metric": "dry_minutes", "subject": "trunk:x"}, {"comparison", "subject_kind", "subject_id"}),
    ],
)  # fmt: skip
def test_everything_wrong_is_named(changes: dict[str, str], fields: set[str]) -> None:
    read = read_rule({**DEFAULTS, **changes})
    assert read.rule is None
    assert {problem.field for problem in read.problems} == fields


def test_minutes_are_no_percent() -> None:
    read = read_rule(
        {**DEFAULTS, "name": "x", "metric": "idle_minutes", "comparison": "above", "threshold": "12,5"}
    ).rule
    assert read is not None
    assert read.threshold == 12.5
