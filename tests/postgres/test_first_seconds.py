"""What is kept of calls that nobody records: only the sound of drawn verdicts, and never a person's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from campaigns.database import Pool
from campaigns.database_link import DatabaseLink
from campaigns.first_seconds import MAX_SAMPLES, SECONDS, FirstSeconds
from campaigns.live_attempt import LiveAttempt
from campaigns.recording_rows import RecordingRows
from campaigns.recording_settings import RecordingSettings
from campaigns.snowflake import SnowflakeIds
from dialer.recording.reader import G711, Recording
from dialer.rtp.tap import AudioSink, AudioTap, Side, TapFrame
from tests.campaigns.settlements import settlement
from tests.postgres.dialing import KEYRING

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DRAWN = settlement(7, answered_by="machine", audit_share=0.05)
NOT_DRAWN = settlement(7, answered_by="machine")


@dataclass
class Plan:
    answering_machine: str = "hang_up"
    audit_share: float = 0.05
    recording: str = "none"
    shard_key: int = 256
    campaign_id: int = 1


@dataclass
class Begun:
    plan: Plan
    attempt_id: int = 7
    contact_id: int = 3


@dataclass
class Call:
    taps: list[AudioTap] = field(default_factory=list)
    closed: list[AudioTap] = field(default_factory=list)

    def open_tap(self, sink: AudioSink, *, depth_ms: int = 60) -> AudioTap:
        self.taps.append(AudioTap("call", sink, now=0.0, depth_ms=depth_ms))
        return self.taps[-1]

    def close_tap(self, tap: AudioTap) -> None:
        self.closed.append(tap)


class Live:
    """Of a `LiveAttempt` what is looked at."""

    def __init__(self, **plan: Any) -> None:
        self.begun = Begun(Plan(**plan))
        self.call = Call()
        self.answered_by: str | None = None

    def talks(self, first: FirstSeconds, seconds: int, *, from_second: int = 0) -> None:
        """Send frames whose byte is the second they belong to."""
        (tap,) = self.call.taps
        for start in range(from_second * 8000, (from_second + seconds) * 8000, 160):
            sides: tuple[Side, Side] = ("callee", "us")
            first.take_frames(
                [TapFrame(tap, side, start, 0, bytes([1 + start // 8000]) * 160, False) for side in sides]
            )


def attempt(live: Live) -> LiveAttempt:
    return cast("LiveAttempt", live)


MakeFirst = Callable[..., FirstSeconds]


@pytest.fixture
async def make_first(database: str, tmp_path: Path) -> AsyncIterator[MakeFirst]:
    link = DatabaseLink(database, application_name="test", timeout_seconds=5.0)
    rows = RecordingRows(link, "test")

    def make(**changes: Any) -> FirstSeconds:
        settings = RecordingSettings(directory=tmp_path, keyring=KEYRING, keep_free_bytes=0)
        return FirstSeconds(
            rows,
            msgspec.structs.replace(settings, **changes),
            node_name="test",
            ids=SnowflakeIds(1),
            rng=lambda size: bytes(range(size)),
            wall_clock=lambda: NOW,
        )

    make.rows = rows  # type: ignore[attr-defined]
    yield make
    await link.close()


def files_of(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def kept(first: FirstSeconds, make_first: MakeFirst, pool: Pool) -> list[Any]:
    await first.flush()
    await make_first.rows.flush()  # type: ignore[attr-defined]
    return await pool.fetch("SELECT * FROM recordings")


@pytest.mark.parametrize("tap_ends_first", [True, False])
async def test_of_a_drawn_verdict_the_first_seconds_are_kept_and_no_more(
    make_first: MakeFirst, pool: Pool, tmp_path: Path, *, tap_ends_first: bool
) -> None:
    first, live = make_first(), Live()
    first.call_answered(attempt(live))
    live.talks(first, SECONDS + 5)
    await asyncio.sleep(0)
    assert live.call.closed == live.call.taps, "once, and the rest of the call is not listened to"
    steps: list[Callable[[], None]] = [
        lambda: first.end_tap(live.call.taps[0]),
        lambda: first.call_ended(attempt(live), DRAWN),
    ]
    for step in steps if tap_ends_first else reversed(steps):
        step()
    (row,) = await kept(first, make_first, pool)
    assert (row["attempt_id"], row["state"], row["cause"]) == (7, "ready", None)
    assert (row["duration_ms"], row["started_time"]) == (SECONDS * 1000, NOW)
    recording = Recording.open(tmp_path / row["path"], KEYRING)
    assert isinstance(recording, Recording)
    with recording:
        assert recording.samples == MAX_SAMPLES
        sound = recording.read_g711(0, MAX_SAMPLES)
    assert isinstance(sound, G711)
    expected = b"".join(bytes([1 + second]) * 8000 for second in range(SECONDS))
    assert (sound.callee, sound.us) == (expected, expected)


async def test_what_was_not_drawn_is_forgotten(make_first: MakeFirst, pool: Pool, tmp_path: Path) -> None:
    first, live = make_first(), Live()
    first.call_answered(attempt(live))
    live.talks(first, 3)
    first.call_ended(attempt(live), NOT_DRAWN)
    first.end_tap(live.call.taps[0])
    assert await kept(first, make_first, pool) == []
    assert files_of(tmp_path) == []


@pytest.mark.parametrize("answered_by", ["human", "unsure"])
async def test_a_person_is_forgotten_at_the_verdict_whatever_comes_after(
    make_first: MakeFirst, pool: Pool, answered_by: str
) -> None:
    first, live = make_first(), Live()
    first.call_answered(attempt(live))
    live.talks(first, 2)
    live.answered_by = answered_by
    live.talks(first, 1, from_second=2)
    await asyncio.sleep(0)
    assert live.call.closed == live.call.taps
    first.call_ended(attempt(live), DRAWN)
    first.end_tap(live.call.taps[0])
    assert await kept(first, make_first, pool) == []


@pytest.mark.parametrize(
    "plan",
    [{"answering_machine": "ignore"}, {"audit_share": 0.0}, {"recording": "all"}],
    ids=["does not listen", "audits nothing", "is recorded anyhow"],
)
async def test_a_call_that_needs_no_ear_gets_none(make_first: MakeFirst, plan: dict[str, Any]) -> None:
    live = Live(**plan)
    make_first().call_answered(attempt(live))
    assert live.call.taps == []


async def test_without_a_key_nothing_is_heard(make_first: MakeFirst) -> None:
    live = Live()
    make_first(keyring=None).call_answered(attempt(live))
    assert live.call.taps == []


async def test_a_full_disk_costs_the_sound_and_says_so(make_first: MakeFirst, pool: Pool) -> None:
    first, live = make_first(keep_free_bytes=2**62), Live()
    first.call_answered(attempt(live))
    live.talks(first, 2)
    first.call_ended(attempt(live), DRAWN)
    first.end_tap(live.call.taps[0])
    (row,) = await kept(first, make_first, pool)
    assert (row["state"], row["cause"]) == ("broken", "disk_full")
