"""
Facts that change after the fact: a disposition given later, a person erased. Figures follow by themselves, through the outbox.

Erasing (GDPR art. 17, 152-FZ art. 21): the number becomes one random word in every row, fields and pressed keys go, the
facts stay without a person. Distinct counts stay what they were, for the word is as distinct as the number was. The
do-not-call list keeps the number: only so can the refusal be honoured (GDPR art. 21 (3), recital 65).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import phonenumbers
import structlog

from campaigns.database import Connection, Pool
from campaigns.dispositions import Disposition
from campaigns.errors import Conflict, NotFound
from campaigns.numbers import E164
from campaigns.snowflake import time_of
from campaigns.statements import load_statements

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
CLOCK_STEP: Final = timedelta(days=1)
"""An id goes on from the last one when its node's clock steps back; by how much at most we look."""


class ChangedDisposition(msgspec.Struct, frozen=True, kw_only=True):
    """What was and what is. Equal: it had been said before."""

    attempt_id: int
    old_disposition: Disposition | None
    disposition: Disposition | None


class ErasedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a person. Zeros: nothing."""

    contacts: int
    attempts: int
    rejected_rows: int
    recording_ids: tuple[int, ...] = ()
    """What is to be deleted of their voice, held ones too: those go when they are released (`campaigns.recording_keeper`)."""


class LateChanges:
    """Changes facts of one database."""

    def __init__(self, pool: Pool, rng: Callable[[int], bytes]) -> None:
        self._pool = pool
        self._rng = rng

    async def set_disposition(
        self, attempt_id: int, disposition: Disposition | None, *, changed_by: str, now: datetime
    ) -> ChangedDisposition:
        """
        Set what an attempt meant; None takes it back. `refused` puts the number on the do-not-call list.

        Raises:
            NotFound: no such attempt.
            Conflict: `attempt_under_way`, it has no result yet.
        """
        begun = datetime.fromtimestamp(time_of(attempt_id) / 1000, UTC)
        async with self._pool.acquire() as connection, connection.transaction():
            found = await connection.fetchrow(
                SQL["find_attempt"], attempt_id, begun - CLOCK_STEP, begun + timedelta(seconds=1)
            )
            if found is None:
                raise NotFound("attempt", attempt_id)
            if found["settled_time"] is None:
                raise Conflict("attempt_under_way")
            changed = await connection.fetchrow(
                SQL["set_disposition"],
                found["shard_key"],
                found["started_time"],
                attempt_id,
                disposition,
                now,
            )
            if changed is None:
                return ChangedDisposition(
                    attempt_id=attempt_id, old_disposition=disposition, disposition=disposition
                )
            old = changed["old_disposition"]
            await connection.execute(
                SQL["log_change"],
                now,
                changed_by,
                "disposition",
                attempt_id,
                old,
                disposition,
                None,
                {"attempts": 1},
            )
        log.info("attempt.disposition_changed", attempt_id=attempt_id, old=old, new=disposition)
        return ChangedDisposition(attempt_id=attempt_id, old_disposition=old, disposition=disposition)

    async def erase_person(self, number: E164, *, changed_by: str, now: datetime) -> ErasedPerson:
        """
        Forget everything that leads from our rows to this person; again finds nothing.

        Raises:
            Conflict: `call_under_way`, wait until it has ended.
        """
        word = f"erased-{UUID(bytes=self._rng(16), version=4)}"
        async with self._pool.acquire() as connection, connection.transaction():
            erased = await erase(connection, number, word)
            await connection.execute(
                SQL["log_change"],
                now,
                changed_by,
                "erase",
                None,
                None,
                None,
                word,
                msgspec.structs.asdict(erased),
            )
        log.info("person.erased", **msgspec.structs.asdict(erased))
        return erased


async def erase(connection: Connection, number: E164, word: str) -> ErasedPerson:
    """Erase within the caller's transaction."""
    leads = await connection.fetch(SQL["lock_leads"], number)
    if any(lead["open_attempt_id"] is not None for lead in leads):
        raise Conflict("call_under_way")
    attempts = 0
    recordings: list[Any] = []
    for lead in leads:
        shard_key, contact_id = lead["shard_key"], lead["contact_id"]
        await connection.execute(SQL["erase_contact"], shard_key, number, word)
        await connection.execute(SQL["erase_lead"], shard_key, contact_id, word)
        erased = await connection.fetch(SQL["erase_attempts"], shard_key, contact_id, word)
        await connection.execute(SQL["erase_traces"], shard_key, [row["attempt_id"] for row in erased])
        recordings += await connection.fetch(SQL["erase_recordings"], shard_key, contact_id)
        attempts += len(erased)
    await connection.execute(SQL["erase_dictionary"], number, word)
    national = phonenumbers.national_significant_number(phonenumbers.parse(number))
    rejected = await connection.fetch(SQL["erase_rejections"], national)
    return ErasedPerson(
        contacts=len(leads),
        attempts=attempts,
        rejected_rows=len(rejected),
        recording_ids=tuple(row["recording_id"] for row in recordings),
    )
