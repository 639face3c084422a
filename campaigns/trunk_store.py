"""Trunks in the database: one method per thing that can be done to them, rows to structs."""

from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import structlog

from campaigns.access import AccessStore
from campaigns.errors import Conflict, NotFound
from campaigns.statements import load_statements
from campaigns.trunk_models import COLUMNS, NewTrunk, Trunk, TrunkPatch, profile_of, to_trunk

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
MAX_INTEGER: Final = 2**31 - 1
MAX_USERS_NAMED: Final = 5


class TrunkStore(AccessStore):
    """Safe to share between tasks."""

    async def create_trunk(self, trunk: NewTrunk, now: datetime) -> Trunk:
        """Raise `Conflict("trunk_name_taken")` if there is one of this name."""
        try:
            row = await self._pool.fetchrow(SQL["create_trunk"], *_values(trunk), now)
        except asyncpg.UniqueViolationError as error:
            raise Conflict("trunk_name_taken", name=trunk.name) from error
        created = to_trunk(row)
        log.info("trunk.created", trunk_id=created.trunk_id, trunk=created.name)
        return created

    async def get_trunk(self, trunk_id: int) -> Trunk:
        row = await self._pool.fetchrow(SQL["get_trunk"], key(trunk_id, "trunk"))
        if row is None:
            raise NotFound("trunk", trunk_id)
        return to_trunk(row)

    async def list_trunks(self) -> list[Trunk]:
        """Return all by id, without the deleted ones."""
        return [to_trunk(row) for row in await self._pool.fetch(SQL["list_trunks"])]

    async def patch_trunk(self, trunk_id: int, patch: TrunkPatch) -> Trunk:
        """
        Change settings; nodes take them up within a second, calls under way go on as they began.

        Raises:
            NotFound: no such trunk.
            Conflict: `trunk_name_taken`.
            InvalidSettings: the whole would contradict itself.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(SQL["lock_trunk"], key(trunk_id, "trunk"))
            if row is None:
                raise NotFound("trunk", trunk_id)
            old = msgspec.structs.asdict(to_trunk(row).settings())
            settings = NewTrunk(**{**old, **patch.changes()})
            try:
                async with connection.transaction():
                    row = await connection.fetchrow(SQL["update_trunk"], trunk_id, *_values(settings))
            except asyncpg.UniqueViolationError as error:
                raise Conflict("trunk_name_taken", name=settings.name) from error
            await connection.execute(SQL["wake_nodes"])
        log.info("trunk.changed", trunk_id=trunk_id, fields=sorted(patch.changes()))
        return to_trunk(row)

    async def delete_trunk(self, trunk_id: int, now: datetime) -> None:
        """
        Delete a trunk that no campaign uses. Attempts keep its name, nothing keeps its password.

        Raises:
            NotFound: no such trunk.
            Conflict: `trunk_in_use`, with the `campaigns` that dial by it.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchrow(SQL["lock_trunk"], key(trunk_id, "trunk")) is None:
                raise NotFound("trunk", trunk_id)
            users = [row["name"] for row in await connection.fetch(SQL["users_of_trunk"], trunk_id)]
            if users:
                raise Conflict("trunk_in_use", count=len(users), campaigns=users[:MAX_USERS_NAMED])
            await connection.execute(SQL["delete_trunk"], trunk_id, now)
        log.info("trunk.deleted", trunk_id=trunk_id)


def key(value: int, kind: str) -> int:
    """Return an id that fits its column; what does not cannot exist."""
    if not 0 <= value <= MAX_INTEGER:
        raise NotFound(kind, value)
    return value


def _values(trunk: NewTrunk) -> list[object]:
    return [*(getattr(trunk, name) for name in COLUMNS), profile_of(trunk)]
