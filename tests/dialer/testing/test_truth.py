"""Truth and record are equal, or the difference is named."""

from pathlib import Path

import msgspec
import pytest

from dialer.testing.truth import (
    COMPARED_FIELDS,
    RecordedAttempt,
    TruthLog,
    TruthRow,
    compare,
    disposition_of,
    read_truth,
)

ROW = TruthRow(
    call_id="a",
    number="+79000000001",
    call_number=1,
    behaviour="presses_1",
    result="answered",
    sip_status=200,
    answered=True,
    ended_by="us",
    digits="1",
    talk_ms=2_000,
    heard_ms=1_900,
)
ATTEMPT = RecordedAttempt(
    call_id="a",
    number="+79000000001",
    result="answered",
    sip_status=200,
    answered=True,
    ended_by="us",
    digits="1",
    disposition="callback_requested",
)


def test_equal_rows_have_no_difference() -> None:
    assert compare({"a": ROW}, [ATTEMPT]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "+79000000002"),
        ("result", "busy"),
        ("sip_status", None),
        ("answered", False),
        ("ended_by", "callee"),
        ("digits", ""),
        ("disposition", None),
    ],
)
def test_every_compared_field_is_noticed(field: str, value: object) -> None:
    changed = msgspec.structs.replace(ATTEMPT, **{field: value})
    (difference,) = compare({"a": ROW}, [changed])
    assert (difference.field, difference.recorded, difference.behaviour) == (field, value, "presses_1")
    assert field in COMPARED_FIELDS


def test_an_attempt_that_the_carrier_never_saw_is_a_difference() -> None:
    (difference,) = compare({}, [ATTEMPT])
    assert (difference.field, difference.truth, difference.recorded) == ("row", None, "answered")


def test_a_call_that_nobody_recorded_is_a_difference() -> None:
    (difference,) = compare({"a": ROW}, [])
    assert (difference.field, difference.truth, difference.recorded) == ("row", "answered", None)


def test_a_call_recorded_twice_is_a_difference() -> None:
    (difference,) = compare({"a": ROW}, [ATTEMPT, ATTEMPT])
    assert difference.field == "rows"


def test_a_call_that_is_still_up_equals_nothing_that_was_settled() -> None:
    (difference,) = compare({"a": msgspec.structs.replace(ROW, ended_by=None)}, [ATTEMPT])
    assert (difference.field, difference.truth) == ("ended_by", None)


def test_the_newest_row_of_a_call_counts(tmp_path: Path) -> None:
    log = TruthLog(tmp_path / "truth.jsonl")
    log.write(msgspec.structs.replace(ROW, ended_by=None))
    log.write(ROW)
    log.close()
    assert read_truth(tmp_path / "truth.jsonl") == {"a": ROW}


@pytest.mark.parametrize(
    ("digits", "disposition"),
    [
        ("", None),
        ("5", None),
        ("1", "callback_requested"),
        ("59", "refused"),
        ("91", "refused"),
        ("19", "refused"),
    ],
)
def test_nine_outweighs_one_and_other_keys_mean_nothing(digits: str, disposition: str | None) -> None:
    assert disposition_of(digits) == disposition
