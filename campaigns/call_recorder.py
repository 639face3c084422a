"""
Which calls of a node are recorded, and what becomes of it (docs/adr/0019).

A campaign records `none`, `all` (from the answer on), or `on_demand` (from the moment somebody asks for a live call). The sound
is the business of `dialer.recording.recorder`, a thread; the rows go behind it. A call never waits for either.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import structlog

from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.first_seconds import FirstSeconds
from campaigns.live_attempt import LiveAttempt
from campaigns.recording_rows import RecordingRow, RecordingRows, row_of_file
from campaigns.recording_settings import RecordingSettings
from campaigns.settlement import Settlement
from campaigns.snowflake import SnowflakeIds, time_of
from dialer.recording.recorder import ClosedRecording, Recorder, relative_path
from dialer.recording.recording_file import forget_part, put_in_place
from dialer.recording.salvage import CUT, Salvaged, examine, forget_parts, parts_left

log = structlog.get_logger()

TICK_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 20.0
"""How long a stopping node waits for its disk: what a stalled one holds is settled at the next start."""


class CallRecorder:
    """Owned by the node's loop."""

    def __init__(
        self,
        link: DatabaseLink,
        settings: RecordingSettings,
        *,
        node_name: str,
        ids: SnowflakeIds,
        rng: Callable[[int], bytes],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._node_name = node_name
        self._ids = ids
        self._wall_clock = wall_clock
        self._started_time = wall_clock()
        self._rows = RecordingRows(link, node_name)
        self._open: dict[int, RecordingRow] = {}
        """By recording id."""
        self._recorded: set[int] = set()
        """Attempts under way that have a recording, whatever became of it."""
        self._on_demand: dict[int, LiveAttempt] = {}
        """Answered calls that nobody has asked for yet."""
        self._over: list[tuple[int, int]] = []
        """Shard and id of attempts that can be recorded no more."""
        self._ended: list[int] = []
        """Recordings whose rows are written, and whose first names are not dropped yet."""
        self._wake = asyncio.Event()
        self._first_seconds = FirstSeconds(
            self._rows, settings, node_name=node_name, ids=ids, rng=rng, wall_clock=wall_clock
        )
        keyring = settings.keyring
        self._recorder = None if keyring is None else Recorder(
            asyncio.get_running_loop(),
            settings.directory,
            keyring,
            node_name=node_name,
            keep_free_bytes=settings.keep_free_bytes,
            rng=rng,
            on_closed=self._closed,
        )  # fmt: skip

    def call_answered(self, live: LiveAttempt) -> None:
        """Record it from here on, or remember it for who may ask; keep its first seconds for the listening queue."""
        self._first_seconds.call_answered(live)
        match live.begun.plan.recording:
            case "all":
                self._begin(live)
            case "on_demand":
                self._on_demand[live.begun.attempt_id] = live
                self._wake.set()  # perhaps it was asked for while it rang
            case _:
                pass

    def call_ended(self, live: LiveAttempt, settlement: Settlement) -> None:
        self._first_seconds.call_ended(live, settlement)
        begun = live.begun
        self._recorded.discard(begun.attempt_id)
        self._on_demand.pop(begun.attempt_id, None)
        if begun.plan.recording == "on_demand":
            self._over.append((begun.plan.shard_key, begun.attempt_id))

    def wake(self) -> None:
        """Look for requests now."""
        self._wake.set()

    async def run(self) -> None:
        """Settle what the last life left, then follow requests and write rows, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._first_seconds.run(), name="first-seconds")
            await self._settle_left()
            await self._follow()

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            await self._follow_requests()
            await self._flush()

    async def close(self) -> None:
        """End, after the calls: every recording is closed and told, unless its disk stalls."""
        if self._recorder is not None:
            await self._recorder.close(CLOSE_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._first_seconds.flush()
        await self._flush()

    async def _flush(self) -> None:
        """Write rows; the first name of a file is needed until its row is there."""
        self._ended += await self._rows.flush()
        if self._ended:
            await asyncio.to_thread(forget_parts, self._settings.directory, self._node_name, self._ended)
            self._ended = []

    def _begin(self, live: LiveAttempt) -> None:
        begun, now = live.begun, self._wall_clock()
        if begun.attempt_id in self._recorded:
            return
        self._recorded.add(begun.attempt_id)
        recording_id = self._ids.next(int(now.timestamp() * 1000))
        row = RecordingRow(
            shard_key=begun.plan.shard_key,
            recording_id=recording_id,
            attempt_id=begun.attempt_id,
            campaign_id=begun.plan.campaign_id,
            contact_id=begun.contact_id,
            started_time=now,
            path=relative_path(recording_id, now).as_posix(),
            key_id=None if self._recorder is None else self._recorder.key_id,
        )
        cause = None
        if self._recorder is None:
            cause = "no_key"
        elif live.call is None or self._recorder.begin(live.call, recording_id, now, row.owner()) is None:
            cause = "engine_cannot"
        if cause is None:
            self._open[recording_id] = row
            self._rows.add(row)
        else:
            log.error("recording.not_begun", **_ids_of(row), cause=cause)
            self._rows.add(row.broken(cause))

    def _closed(self, closed: ClosedRecording) -> None:
        self._tell(self._open.pop(closed.recording_id).ended(closed.file))

    def _tell(self, row: RecordingRow) -> None:
        if row.cause is None:
            log.info("recording.ended", **_ids_of(row), duration_ms=row.duration_ms)
        else:
            log.warning(
                "recording.damaged",
                **_ids_of(row),
                state=row.state,
                cause=row.cause,
                duration_ms=row.duration_ms,
                gap_ms=row.gap_ms,
            )
        self._rows.add(row)

    async def _follow_requests(self) -> None:
        asked: dict[int, list[int]] = defaultdict(list)
        for attempt_id, live in self._on_demand.items():
            asked[live.begun.plan.shard_key].append(attempt_id)
        over, self._over = self._over, []
        for shard_key, attempt_id in over:
            asked[shard_key].append(attempt_id)
        try:
            for shard_key, attempt_ids in asked.items():
                for attempt_id in await self._rows.take_requests(shard_key, attempt_ids):
                    if attempt_id in self._on_demand:
                        self._begin(self._on_demand.pop(attempt_id))
        except (DatabaseAway, asyncpg.PostgresError):
            self._over += over

    # What the last life left

    async def _settle_left(self) -> None:
        """Settle the files that were never closed, then the rows that have no such file."""
        before_ms = int(self._started_time.timestamp() * 1_000)
        empty: set[int] = set()
        for path in await asyncio.to_thread(parts_left, self._settings.directory, self._node_name):
            if path.stem.isdecimal() and time_of(int(path.stem)) >= before_ms:
                continue  # of this life
            found = await asyncio.to_thread(examine, path, self._settings.keyring)
            if found is None:
                log.error("recording.unreadable", path=str(path))
            elif found.file.cause == "unknown_key":
                # not the file's fault: a start with the right keys will read it
                log.error("recording.key_unknown", recording_id=found.recording_id, key_id=found.key_id)
            elif not found.file.samples:
                empty.add(found.recording_id)  # not one second, and nothing that vouches for its ids
                await asyncio.to_thread(forget_part, path)
            else:
                await self._settle_file(found)
        await self._flush()
        await self._settle_rows(empty)

    async def _settle_file(self, found: Salvaged) -> None:
        row = _row_of(found)
        try:
            if await self._rows.is_settled(row):
                # killed between its row and this; the file may have been deleted since, and stays so
                await asyncio.to_thread(forget_part, found.path)
                return
        except (DatabaseAway, asyncpg.PostgresError) as error:
            log.warning("recordings.left_open", error=str(error))  # until the next start
            return
        if await asyncio.to_thread(self._put_in_place, found.path, row):
            self._tell(row.ended(found.file))

    async def _settle_rows(self, empty: Collection[int]) -> None:
        try:
            rows = await self._rows.left_writing(self._started_time)
        except (DatabaseAway, asyncpg.PostgresError) as error:
            log.warning("recordings.left_open", error=str(error))  # until the next start
            return
        for row in rows:
            path = self._settings.directory / row.path
            found = await asyncio.to_thread(examine, path, self._settings.keyring)
            if found is None:
                self._tell(row.broken(CUT if row.recording_id in empty else "missing"))
            elif found.file.cause != "unknown_key":
                self._tell(row.ended(found.file))

    def _put_in_place(self, part_path: Path, row: RecordingRow) -> bool:
        try:
            put_in_place(part_path, self._settings.directory / row.path)
        except OSError as error:
            log.error("recording.not_moved", recording_id=row.recording_id, error=str(error))  # noqa: TRY400 - said by the error
            return False
        return True


def _row_of(found: Salvaged) -> RecordingRow:
    """Build the row of a file from what stands in its header."""
    row = row_of_file(found.recording_id, found.started_ms, found.owner, "", found.key_id)
    return msgspec.structs.replace(row, path=relative_path(found.recording_id, row.started_time).as_posix())


def _ids_of(row: RecordingRow) -> dict[str, int]:
    return {
        "recording_id": row.recording_id,
        "attempt_id": row.attempt_id,
        "campaign_id": row.campaign_id,
    }
