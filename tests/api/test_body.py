"""A wrong body is answered once, with everything that is wrong with it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.body import read_body
from api.errors import ApiError
from campaigns.errors import InvalidSettings
from campaigns.models import CampaignPatch, NewCampaign
from campaigns.trunk_models import NewTrunk


def problems_of(body: object, struct: type[msgspec.Struct] = NewCampaign) -> set[tuple[str, str]]:
    with pytest.raises(ApiError) as caught:
        read_body(msgspec.json.encode(body), struct)
    assert caught.value.code == "request_invalid"
    return {(problem.field, problem.code) for problem in caught.value.problems}


def test_a_good_body_becomes_the_struct() -> None:
    campaign = read_body(b'{"name": "autumn", "trunk_id": 1, "window_weekdays": [1, 2]}', NewCampaign)
    assert (campaign.name, campaign.trunk_id, campaign.window_weekdays) == ("autumn", 1, (1, 2))


def test_missing_unknown_mistyped_and_senseless_fields_are_named_together() -> None:
    body = {
        "trunk_id": "one",
        "colour": "red",
        "split": 1000,
        "time_zone": "Mars/Olympus",
        "mode": "predictive",
        "window_weekdays": [1, "two"],
        "retry_rules": {"busy": {"delay_seconds": 1}},
    }
    assert problems_of(body) == {
        ("name", "missing"),
        ("trunk_id", "wrong_type"),
        ("colour", "unknown"),
        ("split", "out_of_range"),
        ("time_zone", "not_a_time_zone"),
        ("mode", "wrong_type"),
        ("window_weekdays.1", "wrong_type"),
        ("retry_rules.busy.max_attempts", "missing"),
    }


def test_a_wrong_choice_names_the_choices() -> None:
    with pytest.raises(ApiError) as caught:
        read_body(b'{"name": "x", "trunk_id": 1, "purpose": "fun"}', NewCampaign)
    assert caught.value.problems[0].params == {"expected": "enum", "values": ("service", "advertising")}


def test_rules_that_only_the_struct_knows_speak_for_themselves_when_nothing_else_is_wrong() -> None:
    assert problems_of({"name": " ", "trunk_id": 1}, NewCampaign) == {("name", "empty")}


def test_a_patch_is_checked_by_the_rules_of_a_campaign_but_only_where_it_speaks() -> None:
    body = {"ring_timeout_seconds": 3, "name": 5, "mode": "voice_message"}
    assert problems_of(body, CampaignPatch) == {
        ("ring_timeout_seconds", "out_of_range"),
        ("name", "wrong_type"),
        ("mode", "unknown"),
    }


def test_what_postgresql_cannot_hold_is_refused_here() -> None:
    body = {"name": "a\0b", "trunk_id": 2**40, "caller_id": 5, "retry_rules": {"\0": {}}}
    assert problems_of(body) == {
        ("name", "invalid"),
        ("trunk_id", "out_of_range"),
        ("caller_id", "wrong_type"),
        ("retry_rules", "invalid"),
    }


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"name": }', b"nul", b"[" * 100_000])
def test_what_is_not_json_is_a_400_that_names_the_place(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        read_body(body, NewTrunk)
    assert (caught.value.status, caught.value.code) == (400, "body_not_json")
    assert isinstance(caught.value.params["position"], int)


@pytest.mark.parametrize("body", [[], "text", 5, None])
def test_a_body_must_be_an_object(body: object) -> None:
    assert problems_of(body) == {("", "wrong_type")}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from([*NewCampaign.__struct_fields__, "other"]) | st.text(max_size=3),
        json_values,
        max_size=8,
    )
)
def test_any_object_is_a_campaign_or_a_list_of_problems(body: dict[str, object]) -> None:
    try:
        read_body(msgspec.json.encode(body), NewCampaign)
    except ApiError as error:
        assert error.code in {"request_invalid", "body_not_json"}  # noqa: PT017 - either is an answer
    except InvalidSettings as error:
        assert error.problems  # noqa: PT017
