"""Who changed what while calls were running: written in the transaction of the change itself, so that neither is without the other."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from campaigns.database import Connection, Pool
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
SYSTEM: Final = "system"
"""The actor where nobody in particular asked: the demo, a benchmark."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change made by a person or a program."""

    audit_id: int
    time: datetime
    actor: str
    """`key:N`, `session:HASH`, `cli:USER` of the command line, or `system`."""
    action: str
    """start, pause, resume, stop, change; acknowledge for an alert."""
    subject_kind: str
    """campaign or alert."""
    subject_id: int
    old: dict[str, Any]
    """What changed, as it was before; `new` has the same names."""
    new: dict[str, Any]


async def record(
    connection: Connection,
    now: datetime,
    actor: str,
    action: str,
    subject: tuple[str, int],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> None:
    """Write one change within the caller's transaction; `subject` is kind and id. Equal values are left out."""
    before, after = msgspec.to_builtins(dict(old)), msgspec.to_builtins(dict(new))
    changed = [name for name in after if before.get(name) != after[name]]
    await connection.execute(
        SQL["add_audit"],
        now,
        actor,
        action,
        *subject,
        {name: before.get(name) for name in changed},
        {name: after[name] for name in changed},
    )


async def list_audit(pool: Pool, before_id: int, limit: int) -> list[AuditEntry]:
    """Return changes, newest first, those below `before_id`."""
    rows = await pool.fetch(SQL["list_audit"], before_id, limit)
    return [msgspec.convert(dict(row), AuditEntry) for row in rows]
