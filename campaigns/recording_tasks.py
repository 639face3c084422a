"""The tasks of `campaigns.recording_keeper`, in the API process: no dialing node's clock is disturbed by them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog

from campaigns.recording_keeper import RecordingKeeper

log = structlog.get_logger()

KEEP_SECONDS: Final = 60.0
COPY_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 5.0
"""What is under way at the end gets this long; a lease brings it back if that was too short."""


@contextlib.asynccontextmanager
async def keeping_recordings(
    keeper: RecordingKeeper, leave_unheard: Callable[[asyncio.Event], Awaitable[int]]
) -> AsyncIterator[None]:
    """Run the tasks while the block runs. `leave_unheard` takes verdicts whose sound is gone out of the listening queue."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_repeat("keep", keeper.delete_due, KEEP_SECONDS, stop), name="recordings keep"),
            group.create_task(_repeat("copy", keeper.copy_due, COPY_SECONDS, stop), name="recordings copy"),
            group.create_task(
                _repeat("unheard", leave_unheard, KEEP_SECONDS, stop), name="recordings unheard"
            ),
        ]
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
            for task in tasks:
                task.cancel()


async def _repeat(
    name: str, work: Callable[[asyncio.Event], Awaitable[int]], seconds: float, stop: asyncio.Event
) -> None:
    while not stop.is_set():
        try:
            await work(stop)
        except Exception as error:  # noqa: BLE001 - the database is away, or restarts; the loop outlives it
            log.warning("recordings.delayed", task=name, error=f"{type(error).__name__}: {error}"[:200])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
