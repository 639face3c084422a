"""
The listening queue: verdicts of the classifier that chance has drawn, for people to hear again (docs/adr/0021).

    waiting --claim--> claimed --judge--> judged --judge (the same person)--> judged
                          |
                          +--time over, or asked for another--> waiting --sound gone--> unheard

Rule 1. A verdict is before one person at a time: claiming is one statement, and a claim ends by itself.
Rule 2. Nobody chooses: the newest that can be heard comes first.
Rule 3. What cannot be heard any more leaves with the reason, and nothing is drawn in its place (docs/adr/0029).
Rule 4. Whoever judged may judge again; nobody else may. Every judgement is in the audit log.
"""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from campaigns import audit
from campaigns.database import Connection, Pool
from campaigns.dispositions import AnsweredBy, Disposition
from campaigns.errors import Conflict, NotFound
from campaigns.statements import columns, load_statements
from dialer.outcome import EndedBy

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
CLAIM: Final = timedelta(minutes=10)

WAIT_FOR_SOUND: Final = timedelta(days=1)
"""A recording is there within minutes; where its node died, as soon as that has come back."""
COUNTED_DAYS: Final = timedelta(days=30)
BATCH: Final = 500

Judgement = Literal["human", "machine", "cannot_tell"]
UnheardWhy = Literal["expired", "asked", "erased", "broken", "none"]
"""Its recording was deleted by age, by request, with its person; could not be written; or there never was one."""


class DrawnVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict to be heard again, with what is known of its call. No telephone number: it is not needed to judge."""

    attempt_id: int
    campaign_id: int
    campaign_name: str
    trunk_name: str
    started_time: datetime
    answered_time: datetime | None
    answered_by: AnsweredBy
    answered_by_cause: str | None
    speech_started_ms: int | None
    """After the answer."""
    verdict_time: datetime | None
    greeting_ended_time: datetime | None
    talk_ms: int | None
    ended_by: EndedBy | None
    disposition: Disposition | None
    claimed_until: datetime | None
    judgement: Judgement | None
    recording_id: int | None
    recording_ms: int | None
    recording_started_time: datetime | None

    @property
    def verdict_ms(self) -> int | None:
        """After the answer."""
        if self.verdict_time is None or self.answered_time is None:
            return None
        return (self.verdict_time - self.answered_time) // timedelta(milliseconds=1)


class QueueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the queue, for one who asks."""

    waiting: int
    """Can be heard; one's own included."""
    with_others: int
    """Before other people at this moment."""
    without_sound: int
    """No sound yet. What has none after a day, or has lost it, is not in the queue any more: `unheard`."""


class VerdictAudits:
    """Safe to share between tasks and processes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def held(self, actor: str, now: datetime) -> DrawnVerdict | None:
        """Return what this person has before them."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(SQL["held_audit"], actor, now)
            return None if row is None else await describe(connection, row)

    async def claim(self, actor: str, now: datetime, campaign_id: int | None = None) -> DrawnVerdict | None:
        """Put the next verdict before this person, and what they had before them back; None if nothing waits."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(SQL["claim_audit"], actor, now, now + CLAIM, campaign_id)
            if row is None:
                row = await connection.fetchrow(SQL["held_audit"], actor, now)
                return None if row is None else await describe(connection, row)
            await connection.execute(SQL["release_others"], actor, row["attempt_id"])
            return await describe(connection, row)

    async def judge(
        self, attempt_id: int, judgement: Judgement, now: datetime, *, actor: str
    ) -> DrawnVerdict:
        """
        Say what was heard.

        Raises:
            NotFound: this attempt is not in the queue.
            Conflict: `audit_not_yours`, somebody else has it before them, or has judged it.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(SQL["lock_audit"], attempt_id)
            if row is None:
                raise NotFound("verdict_audit", attempt_id)
            if (row["claimed_by"] if row["judged_by"] is None else row["judged_by"]) != actor:
                raise Conflict("audit_not_yours")
            await connection.execute(
                SQL["judge_audit"], row["shard_key"], attempt_id, row["started_time"], judgement, actor, now
            )
            await audit.record(
                connection, now, actor, "judge_verdict", ("attempt", attempt_id),
                {"judgement": row["judgement"]}, {"judgement": judgement},
            )  # fmt: skip
            found = await describe(connection, {**dict(row), "attempt_id": attempt_id})
        log.info("verdict.judged", attempt_id=attempt_id, judgement=judgement, old=row["judgement"])
        return found

    async def leave_unheard(self, now: datetime, stop: asyncio.Event | None = None) -> int:
        """Take out of the queue what nobody can ever listen to, with the reason; return how many left. Any number of processes may."""
        left = 0
        while stop is None or not stop.is_set():
            rows = await self._pool.fetch(SQL["find_unheard"], now, now - WAIT_FOR_SOUND, BATCH)
            by_shard: dict[int, list[tuple[int, datetime, str]]] = defaultdict(list)
            for row in rows:
                by_shard[row["shard_key"]].append((row["attempt_id"], row["started_time"], row["why"]))
            gone = 0
            for shard_key, unheard in by_shard.items():
                done = await self._pool.fetch(SQL["leave_queue"], shard_key, *columns(unheard), now)
                gone += len(done)
            left += gone
            if gone < BATCH:
                break
        if left:
            log.info("verdicts.left_unheard", count=left)
        return left

    async def unheard(self, now: datetime, campaign_id: int | None = None) -> dict[UnheardWhy, int]:
        """Count the drawn verdicts of the last 30 days that nobody could listen to, by the reason."""
        rows = await self._pool.fetch(SQL["count_unheard"], now - COUNTED_DAYS, campaign_id)
        return {row["why"]: row["verdicts"] for row in rows}

    async def counts(self, actor: str, now: datetime, campaign_id: int | None = None) -> QueueCounts:
        row = await self._pool.fetchrow(SQL["count_audits"], actor, now, campaign_id)
        return msgspec.convert(dict(row or {}), QueueCounts)


async def describe(connection: Connection, key: Any) -> DrawnVerdict:
    row = await connection.fetchrow(
        SQL["describe_audit"], key["shard_key"], key["started_time"], key["attempt_id"]
    )
    return msgspec.convert(dict(row or {}), DrawnVerdict)
