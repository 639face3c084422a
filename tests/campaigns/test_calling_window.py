from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.calling_window import ALL_WEEKDAYS, CallingWindow, is_open, next_opening, possible_zones

WORKDAYS = frozenset({1, 2, 3, 4, 5})
DAY = CallingWindow(start_minute=9 * 60, end_minute=20 * 60, weekdays=ALL_WEEKDAYS)
MOSCOW = ("Europe/Moscow",)
KALININGRAD_TO_KAMCHATKA = ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka")


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def test_the_start_is_inside_and_the_end_is_outside() -> None:
    assert not is_open(DAY, MOSCOW, at("2026-11-24T08:59:59", "Europe/Moscow"))
    assert is_open(DAY, MOSCOW, at("2026-11-24T09:00", "Europe/Moscow"))
    assert is_open(DAY, MOSCOW, at("2026-11-24T19:59:59", "Europe/Moscow"))
    assert not is_open(DAY, MOSCOW, at("2026-11-24T20:00", "Europe/Moscow"))


def test_every_possible_zone_must_be_inside() -> None:
    """11:00 in Moscow is 20:00 in Kamchatka; at 10:30 it is 19:30 there and 9:30 in Kaliningrad."""
    assert is_open(DAY, KALININGRAD_TO_KAMCHATKA, at("2026-11-24T10:30", "Europe/Moscow"))
    assert not is_open(DAY, KALININGRAD_TO_KAMCHATKA, at("2026-11-24T11:00", "Europe/Moscow"))
    assert not is_open(DAY, KALININGRAD_TO_KAMCHATKA, at("2026-11-24T09:30", "Europe/Moscow"))


def test_a_number_that_tells_its_zone_is_believed_before_the_campaign() -> None:
    assert possible_zones(("Asia/Tokyo",), assumed="Europe/Moscow", fallback="UTC") == ("Asia/Tokyo",)


def test_a_number_that_leaves_a_choice_is_where_the_campaign_says() -> None:
    assert possible_zones(KALININGRAD_TO_KAMCHATKA, assumed="Asia/Omsk", fallback="UTC") == ("Asia/Omsk",)
    assert possible_zones((), assumed="Asia/Omsk", fallback="UTC") == ("Asia/Omsk",)


def test_where_nobody_says_every_possible_zone_counts() -> None:
    assert possible_zones(KALININGRAD_TO_KAMCHATKA, assumed=None, fallback="UTC") == KALININGRAD_TO_KAMCHATKA
    assert possible_zones((), assumed=None, fallback="UTC") == ("UTC",)


def test_the_next_opening_is_the_moment_the_last_zone_joins() -> None:
    opening = next_opening(DAY, KALININGRAD_TO_KAMCHATKA, at("2026-11-24T12:00", "Europe/Moscow"))
    assert opening == at("2026-11-25T10:00", "Europe/Moscow")


def test_an_open_window_opens_now() -> None:
    now = at("2026-11-24T12:00", "Europe/Moscow")
    assert next_opening(DAY, MOSCOW, now) == now


def test_a_window_too_short_for_its_zones_never_opens() -> None:
    short = CallingWindow(start_minute=10 * 60, end_minute=18 * 60, weekdays=ALL_WEEKDAYS)
    assert next_opening(short, KALININGRAD_TO_KAMCHATKA, at("2026-11-24T12:00")) is None


def test_friday_evening_waits_for_monday() -> None:
    window = CallingWindow(start_minute=9 * 60, end_minute=18 * 60, weekdays=WORKDAYS)
    opening = next_opening(window, MOSCOW, at("2026-11-27T18:00", "Europe/Moscow"))
    assert opening == at("2026-11-30T09:00", "Europe/Moscow")


def test_no_weekday_means_never() -> None:
    never = CallingWindow(start_minute=0, end_minute=1440, weekdays=frozenset())
    assert next_opening(never, MOSCOW, at("2026-11-24T12:00")) is None


def test_midnight_to_midnight_on_all_days_is_always_open() -> None:
    always = CallingWindow(start_minute=0, end_minute=1440, weekdays=ALL_WEEKDAYS)
    assert always.is_always_open
    assert is_open(always, KALININGRAD_TO_KAMCHATKA, at("2026-11-24T23:59:59"))


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        # Berlin, 2026-03-29: 02:00 becomes 03:00, so 02:30 does not exist and the window begins at 03:00 (01:00 UTC).
        ("2026-03-28T23:30", "2026-03-29T01:00"),
        # The day before it begins at 02:30 CET.
        ("2026-03-27T23:30", "2026-03-28T01:30"),
        # 2026-10-25: 03:00 becomes 02:00, so 02:30 comes twice; the first is CEST (00:30 UTC)
        ("2026-10-24T22:00", "2026-10-25T00:30"),
        # and between the two of them the clock shows 02:00-02:30 again, outside.
        ("2026-10-25T01:10", "2026-10-25T01:30"),
    ],
)
def test_dst_changes_follow_the_clock_on_the_wall(now: str, opening: str) -> None:
    window = CallingWindow(start_minute=2 * 60 + 30, end_minute=12 * 60, weekdays=ALL_WEEKDAYS)
    assert next_opening(window, ("Europe/Berlin",), at(now)) == at(opening)


def test_a_gap_that_swallows_the_whole_window_is_skipped() -> None:
    window = CallingWindow(start_minute=2 * 60 + 10, end_minute=2 * 60 + 50, weekdays=ALL_WEEKDAYS)
    assert next_opening(window, ("Europe/Berlin",), at("2026-03-28T12:00")) == at("2026-03-30T00:10")


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 1439),
    length=st.integers(1, 1440),
    weekdays=st.frozensets(st.integers(1, 7), min_size=1),
    zones=st.lists(
        st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        min_size=1,
        max_size=2,
    ),
    offset_minutes=st.integers(0, 14 * 24 * 60),
    spring=st.booleans(),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    *, start: int, length: int, weekdays: frozenset[int], zones: list[str], offset_minutes: int, spring: bool
) -> None:
    """Checked minute by minute around both DST changes of 2026."""
    window = CallingWindow(start_minute=start, end_minute=min(1440, start + length), weekdays=weekdays)
    now = datetime(2026, 3 if spring else 10, 20, tzinfo=UTC) + timedelta(minutes=offset_minutes)
    opening = next_opening(window, zones, now)
    minutes = 3 * 24 * 60 if opening is None else int((opening - now) / timedelta(minutes=1))
    assert not any(
        is_open(window, zones, now + timedelta(minutes=minute)) for minute in range(min(minutes, 3 * 24 * 60))
    )
    assert opening is None or is_open(window, zones, opening)
