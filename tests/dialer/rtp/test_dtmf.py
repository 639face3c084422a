"""Each key is reported once, whatever the network does to its packets (RFC 4733)."""

import random
from collections.abc import Iterable

import pytest

from dialer.rtp.dtmf import DigitReceiver

Event = tuple[bytes, int]


def press(digit_code: int, timestamp: int) -> list[Event]:
    """100 ms: five updates, and the end three times."""
    updates = [bytes([digit_code, 10]) + (160 * n).to_bytes(2, "big") for n in range(1, 6)]
    end = bytes([digit_code, 0x8A]) + (800).to_bytes(2, "big")
    return [(payload, timestamp) for payload in [*updates, end, end, end]]


def heard(events: Iterable[Event]) -> str:
    receiver = DigitReceiver()
    return "".join(digit for event in events if (digit := receiver.receive(*event)) is not None)


def test_every_code_is_its_digit() -> None:
    assert heard(event for code in range(16) for event in press(code, code * 2000)) == "0123456789*#ABCD"


def test_a_press_of_eight_packets_is_one_digit() -> None:
    assert heard(press(1, 1000)) == "1"


@pytest.mark.parametrize("survivor", range(8))
def test_any_single_packet_of_a_press_is_enough(survivor: int) -> None:
    assert heard([press(9, 1000)[survivor]]) == "9"


def test_lost_end_packets_do_not_join_two_presses_of_one_key() -> None:
    assert heard([*press(1, 1000)[:5], *press(1, 4000)]) == "11"


def test_duplicates_say_nothing_new() -> None:
    assert heard([event for event in [*press(1, 1000), *press(2, 3000)] for _ in range(2)]) == "12"


def test_late_packets_of_the_press_before_are_not_a_third_one() -> None:
    first, second = press(1, 1000), press(9, 3000)
    assert heard([*first[:4], *second[:2], *first[4:], *second[2:]]) == "19"


def test_a_press_that_arrives_whole_after_the_next_one_is_not_lost() -> None:
    assert heard([*press(9, 3000), *press(1, 1000)]) == "91"


def test_any_order_of_packets_reports_each_press_once() -> None:
    rng = random.Random(7)
    for _ in range(50):
        events = [*press(1, 1000), *press(2, 3000), *press(3, 5000)]
        rng.shuffle(events)
        assert sorted(heard(events)) == ["1", "2", "3"]


def test_the_timestamp_may_wrap() -> None:
    assert heard([*press(1, 0xFFFFFFF0), *press(2, 0x100)]) == "12"


def test_a_key_held_beyond_the_duration_field_is_one_press() -> None:
    full = bytes([5, 10]) + b"\xff\xff"
    rest = bytes([5, 10]) + (160).to_bytes(2, "big")
    assert heard([(full, 1000), (rest, 1000 + 0xFFFF), *press(5, 200_000)]) == "55"


def test_flash_and_cut_payloads_are_no_digits() -> None:
    assert heard([(bytes([16, 10, 0, 160]), 1000), (b"\x01\x0a", 2000), (b"", 3000)]) == ""


def test_after_a_restart_the_same_timestamp_is_another_press() -> None:
    receiver = DigitReceiver()
    assert receiver.receive(*press(1, 1000)[0]) == "1"
    receiver.restart()
    assert receiver.receive(*press(1, 1000)[0]) == "1"
