"""
The tasks that keep the figures: they live in the API process, so that no dialing node's clock is disturbed, and go on when
no campaign runs.

    roll    every second: what settled is added to `stats`
    seal    every minute: of closed days, bitmaps of the numbers, by source too, and how many were called back; of closed months, bitmaps
    check   one slice at a time: `stats` against the facts

Rule 1: whoever adds up hurries, since the next report waits for it; who seals and checks goes last, as reports do (docs/adr/0023).
Rule 2: of many processes one does a task, by a lease in `rollup_tasks`. Two would do no harm (docs/adr/0014).
Rule 3: an absent or busy database is waited for, and what fails, a bug of ours included, is logged and tried again: reports stay exact
without us.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog

from campaigns import attribution_seals
from campaigns.callback_seals import seal_callbacks
from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.niceness import LAST_SETTINGS, answer_last
from campaigns.number_seals import seal_days, seal_months
from campaigns.rollups import SQL, Slice, check_slice, fold_outbox

log = structlog.get_logger()

LEASE_SECONDS: Final = 15.0
ROLL_SECONDS: Final = 1.0
SEAL_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 10.0
RETRY_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 120.0
"""Of a recount of one day of a giant shard; adding up a second takes a fraction of one."""

Work = Callable[[Connection], Awaitable[None]]


class RollupTasks:
    """Runs between entering and leaving `running()`. `holder` names this process in the leases."""

    def __init__(self, dsn: str, *, holder: int, wall_clock: Callable[[], datetime]) -> None:
        self._dsn = dsn
        self._holder = holder
        self._wall_clock = wall_clock

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(
                self._repeat("roll", ROLL_SECONDS, self._roll, hurries=True), name="rollups roll"
            ),
            asyncio.create_task(self._repeat("seal", SEAL_SECONDS, self._seal), name="rollups seal"),
            asyncio.create_task(self._repeat("check", CHECK_SECONDS, self._check), name="rollups check"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, task: str, seconds: float, work: Work, *, hurries: bool = False) -> None:
        link = DatabaseLink(
            self._dsn,
            application_name=f"obzvon rollups {task}",
            timeout_seconds=STATEMENT_SECONDS,
            on_connect=None if hurries else answer_last,
            settings=None if hurries else LAST_SETTINGS,
        )

        async def one_turn(connection: Connection) -> None:
            now = self._wall_clock()
            lease_until = now + timedelta(seconds=LEASE_SECONDS)
            if await connection.fetchval(SQL["take_task"], task, self._holder, now, lease_until):
                await work(connection)

        try:
            while True:
                try:
                    await link.run(one_turn)
                    pause = seconds
                except DatabaseAway as error:
                    log.warning("rollups.waiting", task=task, error=str(error))
                    pause = RETRY_SECONDS
                except asyncpg.PostgresError as error:
                    log.error("rollups.failed", task=task, error=f"{type(error).__name__}: {error}")  # noqa: TRY400 - the server's own words
                    pause = RETRY_SECONDS
                except Exception:
                    log.exception("rollups.crashed", task=task)
                    pause = RETRY_SECONDS
                await asyncio.sleep(pause)
        finally:
            link.drop()

    async def _roll(self, connection: Connection) -> None:
        await fold_outbox(connection)

    async def _seal(self, connection: Connection) -> None:
        if count := await seal_days(connection, self._wall_clock()):
            log.info("rollups.sealed", days=count)
        if count := await seal_months(connection, self._wall_clock()):
            log.info("rollups.months_sealed", months=count)
        if count := await attribution_seals.seal_days(connection, self._wall_clock()):
            log.info("rollups.sources_sealed", days=count)
        if count := await attribution_seals.seal_months(connection, self._wall_clock()):
            log.info("rollups.source_months_sealed", months=count)
        if count := await seal_callbacks(connection, self._wall_clock()):
            log.info("rollups.callbacks_sealed", days=count)

    async def _check(self, connection: Connection) -> None:
        now = self._wall_clock()
        row = await connection.fetchrow(SQL["next_check"], now)
        if row is None:
            return
        part = Slice(shard_key=row["shard_key"], month=row["month"])
        verdict = await check_slice(connection, part, now, repair=False)
        if verdict.differences:
            log.error(
                "rollups.disagreed",
                shard_key=part.shard_key,
                month=part.month.isoformat(),
                differences=verdict.differences,
            )
