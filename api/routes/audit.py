"""Who changed what while calls were running."""

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import QueryParameter

from api.auth import needs
from api.dependencies import Pool
from api.schemas.parameters import Limit
from campaigns.audit import AuditEntry, list_audit

MAX_ID = 2**63 - 1


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, newest first."""

    items: list[AuditEntry]
    next_before_id: int | None
    """What to ask next as `before_id`; null on the last page."""


class AuditController(Controller):
    """`/v1/audit`."""

    path = "/v1/audit"
    tags = ("audit",)

    @get(operation_id="list_audit", **needs("admin"))
    async def list_audit(
        self,
        pool: Pool,
        before_id: Annotated[int, QueryParameter(ge=1, le=MAX_ID)] = MAX_ID,
        limit: Limit = 100,
    ) -> AuditPage:
        entries = await list_audit(pool, before_id, limit + 1)
        return AuditPage(
            items=entries[:limit],
            next_before_id=entries[limit - 1].audit_id if len(entries) > limit else None,
        )
