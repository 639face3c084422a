from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from campaigns.doctor import check_clock, check_version, database_trouble, examine, minor_release_date, unique
from campaigns.findings import found
from dialer.config import DialerConfig

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        (180_006, ["database_answers"]),
        (180_001, ["database_answers", "database_minor_old"]),
        (150_002, ["database_answers", "database_minor_old"]),
        (140_011, ["database_too_old"]),
    ],
)
def test_a_version_is_judged_by_its_major_and_the_age_of_its_minor(number: int, codes: list[str]) -> None:
    assert [finding.code for finding in check_version(number, "x", NOON.date())] == codes


@pytest.mark.parametrize(
    ("major", "minor", "released"),
    [
        (17, 0, date(2024, 9, 26)),
        (16, 6, date(2024, 11, 21)),
        (15, 1, date(2022, 11, 10)),
        (18, 1, date(2025, 11, 13)),
    ],
)
def test_the_estimate_is_never_older_than_the_release(major: int, minor: int, released: date) -> None:
    """Real dates of PostgreSQL's releases; the estimate may be late by a quarter or two, early by some weeks."""
    late = minor_release_date(major, minor) - released
    assert timedelta(days=-45) <= late <= timedelta(days=190)


@pytest.mark.parametrize(
    ("server_seconds", "round_trip_seconds", "code"),
    [
        (0.0, 0.01, "clock_right"),
        (0.9, 0.0, "clock_right"),
        (1.5, 0.01, "clock_differs"),
        (-1.5, 0.01, "clock_differs"),
        (2.0, 3.0, "clock_right"),
    ],
)
def test_a_clock_is_judged_beyond_what_the_question_took(
    server_seconds: float, round_trip_seconds: float, code: str
) -> None:
    answered = NOON + timedelta(seconds=round_trip_seconds)
    assert check_clock(NOON, NOON + timedelta(seconds=server_seconds), answered).code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(), "database_unreachable"),
        (TimeoutError(), "database_unreachable"),
        (asyncpg.InvalidPasswordError("x"), "database_refuses"),
        (asyncpg.InvalidCatalogNameError("x"), "database_missing"),
    ],
)
def test_trouble_with_the_database_is_named_without_its_address(error: Exception, code: str) -> None:
    finding = database_trouble(error)
    assert finding.code == code
    assert finding.level == "problem"


def test_what_is_found_twice_is_told_once() -> None:
    once, other = found("no_trunks"), found("schema_missing")
    assert unique([once, other, once]) == [once, other]


async def test_a_database_that_is_away_hides_nothing_else(tmp_path: Path) -> None:
    config = DialerConfig(rtp_port_min=20_080, rtp_port_max=20_099)
    findings = await examine(
        "postgresql://user:secret@127.0.0.1:1/x", config, [tmp_path], None, rng=bytes, wall_clock=lambda: NOON
    )
    assert [finding.area for finding in findings] == ["database", "ports", "ports", "disk"]
    assert findings[0].code == "database_unreachable"
    assert "secret" not in str(findings)
