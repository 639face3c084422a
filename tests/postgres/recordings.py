"""A recording as a node leaves it: the file made by the writer of the product, and its row."""

import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from campaigns.database import Pool
from campaigns.recording_settings import RecordingSettings
from campaigns.snowflake import SnowflakeIds
from dialer.media.g711 import to_ulaw
from dialer.recording.keyring import Keyring
from dialer.recording.recording_file import write_recording

KEYRING = Keyring("k1", {"k1": bytes(range(32))})
SECONDS = 20
IDS = SnowflakeIds(1)


def settings_of(directory: Path) -> RecordingSettings:
    return RecordingSettings(directory=directory, keyring=KEYRING)


def sound(seconds: int = SECONDS) -> tuple[bytes, bytes]:
    """The callee speaks in the first half, we in the second; u-law."""
    at = np.arange(seconds * 8000)
    tone = (8000 * np.sin(at * 2 * np.pi * 440 / 8000)).astype("<i2")
    callee, us = tone.copy(), tone.copy()
    callee[len(at) // 2 :] = 0
    us[: len(at) // 2] = 0
    return to_ulaw(callee.tobytes()), to_ulaw(us.tobytes())


async def add_recording(
    pool: Pool,
    directory: Path,
    *,
    campaign_id: int,
    attempt_id: int,
    contact_id: int = 1,
    started_time: datetime | None = None,
    seconds: int = SECONDS,
    **columns: object,
) -> int:
    """Write a file and its row; return the recording's id."""
    started = started_time or datetime.now(UTC)
    recording_id = IDS.next(int(started.timestamp() * 1000))
    path = f"{started:%Y/%m/%d}/{recording_id}.obz"
    callee, us = sound(seconds)
    (directory / path).parent.mkdir(parents=True, exist_ok=True)
    closed = write_recording(
        directory / path,
        KEYRING,
        recording_id=recording_id,
        callee=callee,
        us=us,
        started_ms=int(started.timestamp() * 1000),
        rng=secrets.token_bytes,
    )
    assert closed.sha256 == hashlib.sha256((directory / path).read_bytes()).digest()
    row = {
        "shard_key": campaign_id * 256,
        "recording_id": recording_id,
        "attempt_id": attempt_id,
        "campaign_id": campaign_id,
        "contact_id": contact_id,
        "node_name": "node",
        "started_time": started,
        "ended_time": started,
        "state": "ready",
        "path": path,
        "duration_ms": seconds * 1000,
        "size_bytes": closed.size_bytes,
        "sha256": closed.sha256,
        "gap_ms": 0,
        "key_id": "k1",
        **columns,
    }
    names, places = ", ".join(row), ", ".join(f"${index}" for index in range(1, len(row) + 1))
    await pool.execute(f"INSERT INTO recordings ({names}) VALUES ({places})", *row.values())
    return recording_id
