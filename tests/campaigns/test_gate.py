from datetime import UTC, datetime

import msgspec

from campaigns.calling_window import ALL_WEEKDAYS, CallingWindow
from campaigns.gate import Allowed, Blocked, GateFacts, gate_trace, pre_dial_gate

NOON = datetime(2026, 11, 24, 9, tzinfo=UTC)
"""12:00 in Moscow."""
FACTS = GateFacts(
    number="+79161234567",
    is_in_dnc=False,
    mode="voice_message",
    purpose="service",
    zones=("Europe/Moscow",),
    window=CallingWindow(start_minute=9 * 60, end_minute=20 * 60, weekdays=ALL_WEEKDAYS),
    now=NOON,
)


def test_a_service_call_by_day_is_allowed() -> None:
    assert pre_dial_gate(FACTS) == Allowed()


def test_a_refused_number_is_blocked_for_good() -> None:
    facts = msgspec.structs.replace(FACTS, is_in_dnc=True)
    assert pre_dial_gate(facts) == Blocked(rule="dnc")


def test_automatic_advertising_to_russia_is_blocked_for_good() -> None:
    facts = msgspec.structs.replace(FACTS, purpose="advertising")
    assert pre_dial_gate(facts) == Blocked(rule="advertising_needs_human")


def test_advertising_elsewhere_is_not_the_business_of_that_rule() -> None:
    facts = msgspec.structs.replace(
        FACTS, purpose="advertising", number="+4930123456", zones=("Europe/Berlin",)
    )
    assert pre_dial_gate(facts) == Allowed()


def test_night_is_put_off_until_the_window_opens() -> None:
    facts = msgspec.structs.replace(FACTS, now=datetime(2026, 11, 24, 20, tzinfo=UTC))
    assert pre_dial_gate(facts) == Blocked(
        rule="calling_window", next_eligible=datetime(2026, 11, 25, 6, tzinfo=UTC)
    )


def test_a_window_that_never_opens_is_named() -> None:
    never = CallingWindow(start_minute=600, end_minute=660, weekdays=ALL_WEEKDAYS)
    facts = msgspec.structs.replace(FACTS, zones=("Europe/Moscow", "Asia/Kamchatka"), window=never)
    assert pre_dial_gate(facts) == Blocked(rule="calling_window_never")


def test_a_refusal_outranks_the_hour() -> None:
    facts = msgspec.structs.replace(FACTS, is_in_dnc=True, now=datetime(2026, 11, 24, 20, tzinfo=UTC))
    assert pre_dial_gate(facts) == Blocked(rule="dnc")


def test_the_trace_says_what_was_seen_and_by_which_policy() -> None:
    trace = msgspec.json.decode(msgspec.json.encode(gate_trace(FACTS)))
    assert trace == {
        "policy": 1,
        "passed": ["dnc", "purpose", "calling_window"],
        "mode": "voice_message",
        "purpose": "service",
        "zones": ["Europe/Moscow"],
        "window": [540, 1200, [1, 2, 3, 4, 5, 6, 7]],
    }
