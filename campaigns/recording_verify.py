"""Whether what lies on the disk, and in the copies, is what was written: every file read whole and held against its checksum."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from campaigns.database import Pool
from campaigns.recording_keeper import place_of
from campaigns.recording_storage import CopyStorage, StorageFailed
from campaigns.recordings import RecordingFilter, RecordingRow, RecordingStore

Place = Literal["here", "copy"]
Verdict = Literal["whole", "missing", "damaged", "unreadable", "no_checksum"]
"""no_checksum: it is there, and its row has none to hold it against. unreadable: nobody could look, so nothing is known."""
BLOCK_BYTES: Final = 1 << 20


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was looked at."""

    recording_id: int
    attempt_id: int
    campaign_name: str
    started_time: datetime
    path: str
    place: Place
    verdict: Verdict
    error: str | None = None
    """Why it could not be read: the storage's failure, or the system's word."""

    @property
    def is_good(self) -> bool:
        return self.verdict in {"whole", "no_checksum"}


async def verify(
    pool: Pool, directory: Path, storage: CopyStorage | None, which: RecordingFilter
) -> AsyncIterator[Verified]:
    """Look at every file that should be there, the newest first; copies where `storage` is given. Changes nothing."""
    async for row in RecordingStore(pool).all_of(which):
        if row.deleted_time is None and row.size_bytes is not None and row.state in {"ready", "broken"}:
            yield await asyncio.to_thread(verify_file, directory, row)
        if storage is not None and row.copy_state == "copied":
            yield await verify_copy(storage, row)


def verify_file(directory: Path, row: RecordingRow) -> Verified:
    """Read one file. Blocking."""
    digest = hashlib.sha256()
    try:
        with place_of(directory, row.path).open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except FileNotFoundError:
        return found(row, "here", "missing")
    except OSError as error:
        return found(row, "here", "unreadable", error.strerror or type(error).__name__)
    return found(row, "here", held_against(row, digest.digest()))


async def verify_copy(storage: CopyStorage, row: RecordingRow) -> Verified:
    try:
        data = await storage.get(row.path)
    except StorageFailed as failed:
        return found(row, "copy", "unreadable", failed.code)
    if data is None:
        return found(row, "copy", "missing")
    return found(row, "copy", held_against(row, await asyncio.to_thread(sha256, data)))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def held_against(row: RecordingRow, digest: bytes) -> Verdict:
    if row.sha256 is None:
        return "no_checksum"
    return "whole" if digest == row.sha256 else "damaged"


def found(row: RecordingRow, place: Place, verdict: Verdict, error: str | None = None) -> Verified:
    return Verified(
        recording_id=row.recording_id,
        attempt_id=row.attempt_id,
        campaign_name=row.campaign_name,
        started_time=row.started_time,
        path=row.path,
        place=place,
        verdict=verdict,
        error=error,
    )
