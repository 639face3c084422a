"""
The traces of calls on their way into `call_traces`, far behind the outcomes.

Rule 1: nothing here is waited for: a call offers its trace and is forgotten; a database that is away costs traces, never calls.
Rule 2: everything is bounded: what waits (`MAX_WAITING`, the oldest go), a trace (`dialer.sip.trace.MAX_MESSAGES`), the
        table (by age and number). Which calls are kept says `campaigns.trace_policy`.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import structlog

from campaigns.call_trace import pack
from campaigns.database import Connection
from campaigns.database_link import DatabaseAway, DatabaseLink
from campaigns.live_attempt import LiveAttempt
from campaigns.settlement import Settlement
from campaigns.statements import columns, load_statements
from campaigns.trace_policy import TracePolicy

log = structlog.get_logger()

STATEMENTS: Final = load_statements(Path(__file__).with_name("call_trace.sql"))
MAX_WAITING: Final = 1_000
FLUSH_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 1.0
"""After its end a call has an ACK or a repetition to say; its trace waits for that."""
PRUNE_SECONDS: Final = 600.0


class _Waiting(msgspec.Struct, frozen=True):
    live: LiveAttempt
    is_complete: bool
    due_at: float


class TraceWriter:
    """Offered traces by callbacks; one task writes them."""

    def __init__(
        self,
        link: DatabaseLink,
        policy: TracePolicy,
        *,
        rng: Callable[[int], bytes],
        wall_clock: Callable[[], datetime],
        wall_time: Callable[[float], datetime],
        local_address: tuple[str, int],
    ) -> None:
        self._link = link
        self._policy = policy
        self._rng = rng
        self._wall_clock = wall_clock
        self._wall_time = wall_time
        self._local_address = local_address
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)
        self._is_away = False
        self._prune_at = self._loop.time() + PRUNE_SECONDS

    def offer_ended(self, live: LiveAttempt, settlement: Settlement) -> None:
        """The call is over."""
        chance = int.from_bytes(self._rng(4)) / 2**32
        if self._policy.keeps(settlement.result, settlement.fault, chance):
            self._waiting.append(_Waiting(live, True, self._loop.time() + SETTLE_SECONDS))

    def offer_live(self, live: LiveAttempt) -> None:
        """Somebody wants to see a call that goes on."""
        self._waiting.appendleft(_Waiting(live, False, self._loop.time()))

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush(until=self._loop.time())
            if self._loop.time() >= self._prune_at:
                self._prune_at = self._loop.time() + PRUNE_SECONDS
                await self._prune()

    async def flush(self, *, until: float) -> None:
        """Write what is due by then. What the database does not take now is given up, and said once."""
        batch = defaultdict(list)
        while self._waiting and self._waiting[0].due_at <= until:
            waiting = self._waiting.popleft()
            if (row := self._row(waiting)) is not None:
                batch[waiting.live.begun.plan.shard_key].append(row)
            await asyncio.sleep(0)  # packing is work: the clock of the sound goes first
        if not batch:
            return

        async def write(connection: Connection) -> None:
            for shard_key, rows in batch.items():
                await connection.execute(
                    STATEMENTS["write_traces"], shard_key, self._wall_clock(), *columns(rows)
                )

        await self._try(write, lost=sum(map(len, batch.values())))

    def _row(self, waiting: _Waiting) -> tuple[int, datetime, str, datetime, bool, bytes] | None:
        records = waiting.live.call.records() if waiting.live.call is not None else []
        if not records:
            return None
        return (
            waiting.live.begun.attempt_id,
            waiting.live.begun.started_time,
            waiting.live.begun.call_id,
            self._wall_time(records[0].at),
            waiting.is_complete,
            pack(records, self._local_address),
        )

    async def _prune(self) -> None:
        async def prune(connection: Connection) -> None:
            count = await connection.fetchval(
                STATEMENTS["prune_traces"],
                self._wall_clock() - self._policy.max_age,
                self._policy.max_traces,
            )
            if count:
                log.info("traces.pruned", count=count)

        await self._try(prune, lost=0)

    async def _try(self, work: Callable[[Connection], Awaitable[None]], *, lost: int) -> None:
        try:
            await self._link.run(work)
        except (DatabaseAway, asyncpg.PostgresError) as error:
            if not self._is_away:
                log.warning("traces.lost", count=lost, error=str(error))
            self._is_away = True
        else:
            self._is_away = False
