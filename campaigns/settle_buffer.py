"""
Outcomes on their way into the database: collected for a tenth of a second, written in one statement per shard.

Rule 1: whatever enters is settled exactly once: by the statement, or later from the spool while the database is away.
Rule 2: what the database refuses for good (a bug of ours) is set aside in a file and logged; it neither blocks the rest
        nor is it lost. Its attempt stays open and becomes `unknown` with the end of this run.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.settlement import Settlement
from campaigns.spool import Spool
from campaigns.statements import load_statements

log = structlog.get_logger()

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))
FLUSH_SECONDS: Final = 0.1
FLUSH_SIZE: Final = 200
RETRY_SECONDS: Final = 0.5

_COLUMNS: Final = (
    "started_time", "attempt_id", "result", "reason", "fault", "sip_status", "q850_cause", "ended_by", "ringing_time",
    "early_media_time", "answered_time", "ended_time", "pdd_ms", "talk_ms", "digits", "message_played_ms",
    "disposition", "answered_by", "next_due_time", "failover", "media_figures", "answer_facts", "audit_share",
)  # fmt: skip


class SettleBuffer:
    """Takes settlements from callbacks; one task flushes them."""

    def __init__(
        self,
        link: DatabaseLink,
        spool: Spool,
        *,
        wall_clock: Callable[[], datetime],
        on_settled: Callable[[int], None] = lambda _campaign_id: None,
    ) -> None:
        self._link = link
        self._spool = spool
        self._wall_clock = wall_clock
        self._on_settled = on_settled
        self._waiting: list[Settlement] = []
        self._wake = asyncio.Event()
        self._is_away = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, settlement: Settlement) -> None:
        self._waiting.append(settlement)
        if len(self._waiting) == 1 or len(self._waiting) >= FLUSH_SIZE:
            self._wake.set()

    async def run(self) -> None:
        """Flush until cancelled."""
        if not self._spool.is_empty():
            self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if len(self._waiting) < FLUSH_SIZE:
                await asyncio.sleep(RETRY_SECONDS if self._is_away else FLUSH_SECONDS)
            if not await self.flush():
                self._wake.set()

    async def flush(self) -> bool:
        """Write what waits, what is in the spool first. Return whether everything reached the database."""
        batch, self._waiting = self._waiting, []
        try:
            if not self._spool.is_empty():
                await self._replay()
            await self._settle(batch)
        except DatabaseAway as error:
            self._log_away(str(error))
            await self._keep(batch)
            return False
        except BaseException:
            # Cancelled in the middle: nobody knows whether it was committed, and settling twice is harmless.
            self._waiting[:0] = batch
            raise
        if self._is_away:
            self._is_away = False
            log.info("database.returned", application="settle")
        return True

    def _log_away(self, error: str) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("database.lost", application="settle", error=error)

    async def _keep(self, batch: list[Settlement]) -> None:
        if not batch:
            return
        try:
            await asyncio.to_thread(self._spool.append, batch)
        except OSError as error:
            log.error("spool.failed", error=str(error), attempts=len(batch))  # noqa: TRY400 - the disk's own words
            self._waiting[:0] = batch
        else:
            log.info("attempts.spooled", count=len(batch))

    async def _replay(self) -> None:
        # A long spool is not read again and again while there is nobody to give it to.
        await self._link.run(lambda connection: connection.execute("SELECT"))
        count = 0
        for chunk in await asyncio.to_thread(lambda: list(self._spool.chunks())):
            await self._settle(chunk)
            count += len(chunk)
        await asyncio.to_thread(self._spool.clear)
        log.info("spool.replayed", count=count)

    async def _settle(self, batch: list[Settlement]) -> None:
        by_shard: dict[int, list[Settlement]] = defaultdict(list)
        for settlement in batch:
            by_shard[settlement.shard_key].append(settlement)
        for shard_key, settlements in by_shard.items():
            try:
                await self._settle_shard(shard_key, settlements)
            except asyncpg.PostgresError as error:
                if len(settlements) > 1:
                    for settlement in settlements:
                        await self._settle_alone(settlement)
                else:
                    await self._set_aside(settlements[0], error)

    async def _settle_alone(self, settlement: Settlement) -> None:
        try:
            await self._settle_shard(settlement.shard_key, [settlement])
        except asyncpg.PostgresError as error:
            await self._set_aside(settlement, error)

    async def _set_aside(self, settlement: Settlement, error: Exception) -> None:
        log.error(
            "attempt.settle_rejected",
            attempt_id=settlement.attempt_id,
            error=f"{type(error).__name__}: {error}",
        )
        await asyncio.to_thread(self._spool.set_aside, [settlement])

    async def _settle_shard(self, shard_key: int, settlements: list[Settlement]) -> None:
        started_times = [settlement.started_time for settlement in settlements]
        columns = [[getattr(settlement, name) for settlement in settlements] for name in _COLUMNS]

        async def settle(connection: Connection) -> Collection[int]:
            rows = await connection.fetch(
                STATEMENTS["settle_attempts"],
                shard_key,
                self._wall_clock(),
                min(started_times),
                max(started_times),
                *columns,
            )
            return {row[0] for row in rows}

        settled = await self._link.run(settle)
        for settlement in settlements:
            if settlement.attempt_id in settled:
                log_settled(settlement)
                self._on_settled(settlement.campaign_id)


def log_settled(settlement: Settlement) -> None:
    """Write the one full line of an attempt."""
    log.info(
        "attempt.settled",
        campaign_id=settlement.campaign_id,
        attempt_id=settlement.attempt_id,
        call_id=settlement.call_id,
        trunk=settlement.trunk,
        number=settlement.masked_number,
        result=settlement.result,
        reason=settlement.reason,
        fault=settlement.fault,
        sip_status=settlement.sip_status,
        q850_cause=settlement.q850_cause,
        ended_by=settlement.ended_by,
        pdd_ms=settlement.pdd_ms,
        talk_ms=settlement.talk_ms,
        digits=settlement.digits,
        message_played_ms=settlement.message_played_ms,
        disposition=settlement.disposition,
        answered_by=settlement.answered_by,
        next_due_time=None if settlement.next_due_time is None else settlement.next_due_time.isoformat(),
    )
