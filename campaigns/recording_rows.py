"""
The rows of recordings on their way into the database, behind the sound itself.

Rule 1: nothing here is waited for. While the database is away rows wait, bounded by `MAX_WAITING`.
Rule 2: a row may come twice, and the row of the end may come alone: the statement is an upsert.
"""

import functools
import struct
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg
import msgspec
import structlog

from campaigns.database import Connection, Pool
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.statements import columns, load_statements
from dialer.recording.recording_file import ClosedFile

log = structlog.get_logger()

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
CHANNEL: Final = "recording_request"
"""NOTIFY: somebody wants a live call recorded; the payload is the attempt's id, and the table is the truth."""
MAX_WAITING: Final = 100_000
MAX_BATCH: Final = 500
_SAMPLES_PER_MS: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OWNER: Final = struct.Struct(">iiqq")

State = Literal["writing", "ready", "broken"]


class RecordingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A recording as it is written to the table, in the order of the statement's arrays."""

    shard_key: int
    recording_id: int
    attempt_id: int
    campaign_id: int
    contact_id: int
    started_time: datetime
    ended_time: datetime | None = None
    state: State = "writing"
    path: str
    duration_ms: int | None = None
    size_bytes: int | None = None
    sha256: bytes | None = None
    gap_ms: int | None = None
    cause: str | None = None
    key_id: str | None

    def owner(self) -> bytes:
        """Pack the ids that the file itself carries, so that a file without its row is still somebody's."""
        return _OWNER.pack(self.shard_key, self.campaign_id, self.contact_id, self.attempt_id)

    def ended(self, file: ClosedFile) -> "RecordingRow":
        """Return the row of its end."""
        missing = sum(gap.samples for gap in file.gaps)
        is_heard = file.size_bytes is not None and missing < file.samples
        return msgspec.structs.replace(
            self,
            state="ready" if is_heard else "broken",
            ended_time=self.started_time + timedelta(milliseconds=file.samples // _SAMPLES_PER_MS),
            duration_ms=file.samples // _SAMPLES_PER_MS,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            gap_ms=missing // _SAMPLES_PER_MS,
            cause=file.cause,
        )

    def broken(self, cause: str) -> "RecordingRow":
        """Return the row of a recording that never was."""
        return msgspec.structs.replace(
            self, state="broken", cause=cause, ended_time=self.started_time, duration_ms=0, gap_ms=0
        )


def row_of_file(recording_id: int, started_ms: int, owner: bytes, path: str, key_id: str) -> RecordingRow:
    """Build the row of a file from what stands in its header."""
    shard_key, campaign_id, contact_id, attempt_id = _OWNER.unpack_from(owner)
    return RecordingRow(
        shard_key=shard_key,
        recording_id=recording_id,
        attempt_id=attempt_id,
        campaign_id=campaign_id,
        contact_id=contact_id,
        started_time=_EPOCH + timedelta(milliseconds=started_ms),
        path=path,
        key_id=key_id,
    )


class RecordingRows:
    """Rows that wait for the database. One user at a time."""

    def __init__(self, link: DatabaseLink, node_name: str) -> None:
        self._link = link
        self._node_name = node_name
        self._waiting: deque[RecordingRow] = deque(maxlen=MAX_WAITING)
        self._is_away = False
        self._batch = MAX_BATCH

    def add(self, row: RecordingRow) -> None:
        if len(self._waiting) == MAX_WAITING:
            log.error("recordings.row_lost", recording_id=self._waiting[0].recording_id)
        self._waiting.append(row)

    async def flush(self) -> list[int]:
        """Write what waits, and return the ids whose end is written now; what the database does not take waits on."""
        ended: list[int] = []
        while self._waiting:
            batch = [self._waiting[index] for index in range(min(self._batch, len(self._waiting)))]
            try:
                await self._link.run(functools.partial(self._write, batch))
            except DatabaseAway as error:
                if not self._is_away:
                    log.warning("recordings.rows_delayed", count=len(self._waiting), error=str(error))
                self._is_away = True
                return ended
            except asyncpg.PostgresError as error:
                if self._batch > 1:
                    self._batch = 1  # find the one that it will never take
                    continue
                log.error("recordings.row_rejected", recording_id=batch[0].recording_id, error=str(error))  # noqa: TRY400 - said by the error
            else:
                ended += [row.recording_id for row in batch if row.state != "writing"]
            self._is_away = False
            for _ in batch:
                self._waiting.popleft()
        self._batch = MAX_BATCH
        return ended

    async def take_requests(self, shard_key: int, attempt_ids: list[int]) -> set[int]:
        """
        Return which of these calls somebody wants recorded, and forget that they do.

        Raises:
            DatabaseAway: nobody knows; ask again.
        """

        async def take(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(STATEMENTS["take_requests"], shard_key, attempt_ids)

        return {row["attempt_id"] for row in await self._link.run(take)}

    async def is_settled(self, row: RecordingRow) -> bool:
        """
        Tell whether the end of this recording, or of its file, is written already.

        Raises:
            DatabaseAway
        """

        async def read(connection: Connection) -> bool:
            return bool(await connection.fetchval(STATEMENTS["is_settled"], row.shard_key, row.recording_id))

        return await self._link.run(read)

    async def left_writing(self, before_time: datetime) -> list[RecordingRow]:
        """
        Return what this node began before and never ended.

        Raises:
            DatabaseAway
        """

        async def read(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(STATEMENTS["left_writing"], self._node_name, before_time)

        return [RecordingRow(**dict(row)) for row in await self._link.run(read)]

    async def _write(self, batch: list[RecordingRow], connection: Connection) -> None:
        # a row's beginning and end may be in one batch, and one statement cannot touch a row twice
        newest = {row.recording_id: row for row in batch}
        by_shard: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in newest.values():
            by_shard[row.shard_key].append(msgspec.structs.astuple(row)[1:])
        for shard_key, rows in by_shard.items():
            await connection.execute(
                STATEMENTS["write_recordings"], shard_key, self._node_name, *columns(rows)
            )


async def request_recording(pool: Pool, shard_key: int, attempt_id: int, now: datetime) -> None:
    """Ask for a live call to be recorded, from now or from its answer on; the node that talks it begins within a second."""
    await pool.execute(STATEMENTS["request_recording"], shard_key, attempt_id, now)
    await pool.execute(STATEMENTS["wake_recorders"], CHANNEL, str(attempt_id))
