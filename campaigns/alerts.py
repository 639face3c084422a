"""Alert rules and alerts in the database. What a rule means is decided in `analytics/alert_rule.py`; here it is kept."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from campaigns import audit
from campaigns.database import Connection, Pool
from campaigns.errors import Conflict, NotFound
from campaigns.statements import load_statements

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))

State = Literal["raised", "acknowledged", "resolved"]


class NewAlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to keep, its words already checked; fields as in the table `alert_rules`."""

    name: str
    metric: str
    subject_kind: str
    subject_id: int | None
    comparison: str
    threshold: float | None
    window_minutes: int
    min_count: int
    is_enabled: bool


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as stored."""

    rule_id: int
    name: str
    metric: str
    subject_kind: str
    subject_id: int | None
    """Null: each campaign, or each trunk, by itself."""
    comparison: str
    threshold: float | None
    window_minutes: int
    min_count: int
    is_enabled: bool
    created_time: datetime


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that deserved attention. raised -> acknowledged -> resolved; raised may be resolved by itself."""

    alert_id: int
    rule_id: int
    subject_kind: str
    subject_id: int
    """0 = everything."""
    state: State
    raised_time: datetime
    acknowledged_time: datetime | None
    acknowledged_by: str | None
    resolved_time: datetime | None
    value: float
    """When it was raised."""
    numerator: int | None
    denominator: int | None
    expected: float
    """The threshold, or what was usual."""
    last_value: float
    last_time: datetime
    recovering_since: datetime | None
    detail: dict[str, str | int | None] | None
    """What there is to say beside the figure, as it was while it was bad; null where there is nothing."""


class OwnRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is made the first time that there is something to say; fields as in the table."""

    name: str
    """Stored, so it cannot follow the reader's language: it is in both."""
    metric: str
    subject_kind: str
    window_minutes: int
    threshold: float = 0


class OpenAlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """An alert of a rule that is not resolved."""

    alert_id: int
    subject_kind: str
    subject_id: int
    recovering_since: datetime | None


async def add_own_rule(where: Pool | Connection, rule: OwnRule, now: datetime) -> None:
    """Make a rule, unless there is or was one of its metric."""
    await where.execute(
        SQL["add_own_rule"],
        rule.name,
        rule.metric,
        rule.subject_kind,
        rule.threshold,
        rule.window_minutes,
        now,
    )


class AlertStore:
    """Safe to share between tasks, and between processes: each change is one statement that says what it expects."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add_rule(self, rule: NewAlertRule, now: datetime) -> AlertRule:
        row = await self._pool.fetchrow(SQL["add_rule"], *msgspec.structs.astuple(rule), now)
        return msgspec.convert(dict(row or {}), AlertRule)

    async def list_rules(self) -> list[AlertRule]:
        return [msgspec.convert(dict(row), AlertRule) for row in await self._pool.fetch(SQL["list_rules"])]

    async def enable_rule(self, rule_id: int, now: datetime, *, is_enabled: bool) -> AlertRule:
        """Switch a rule on or off; off resolves its alerts. Raises `NotFound`."""
        row = await self._pool.fetchrow(SQL["enable_rule"], rule_id, is_enabled)
        if row is None:
            raise NotFound("alert_rule", rule_id)
        if not is_enabled:
            await self._resolve_of_rule(rule_id, now)
        return msgspec.convert(dict(row), AlertRule)

    async def get_rule(self, rule_id: int) -> AlertRule:
        """Raise `NotFound` if there is no such rule."""
        row = await self._pool.fetchrow(SQL["get_rule"], rule_id)
        if row is None:
            raise NotFound("alert_rule", rule_id)
        return msgspec.convert(dict(row), AlertRule)

    async def replace_rule(self, rule_id: int, rule: NewAlertRule, now: datetime) -> AlertRule:
        """Make a rule ask something else; what it raised by the old question is resolved. Raises `NotFound`."""
        row = await self._pool.fetchrow(SQL["replace_rule"], rule_id, *msgspec.structs.astuple(rule))
        if row is None:
            raise NotFound("alert_rule", rule_id)
        await self._resolve_of_rule(rule_id, now)
        return msgspec.convert(dict(row), AlertRule)

    async def _resolve_of_rule(self, rule_id: int, now: datetime) -> None:
        for row in await self._pool.fetch(SQL["resolve_of_rule"], rule_id, now):
            log.info("alert.resolved", alert_id=row["alert_id"])

    async def add_own_rule(self, rule: OwnRule, now: datetime) -> None:
        await add_own_rule(self._pool, rule, now)

    async def open_alerts(self, rule_id: int) -> list[OpenAlertRow]:
        rows = await self._pool.fetch(SQL["open_alerts"], rule_id)
        return [msgspec.convert(dict(row), OpenAlertRow) for row in rows]

    async def raise_alert(
        self,
        rule_id: int,
        subject: tuple[str, int],
        now: datetime,
        *,
        value: float,
        numerator: int | None,
        denominator: int | None,
        expected: float,
        detail: Mapping[str, str | int | None] | None = None,
    ) -> int | None:
        """Return the new alert's id, None if another process raised it already."""
        alert_id: int | None = await self._pool.fetchval(
            SQL["raise_alert"], rule_id, *subject, now, value, numerator, denominator, expected, detail
        )
        if alert_id is not None:
            log.warning(
                "alert.raised",
                alert_id=alert_id,
                rule_id=rule_id,
                subject_kind=subject[0],
                subject_id=subject[1],
            )
        return alert_id

    async def keep(
        self,
        alert_id: int,
        now: datetime,
        value: float | None,
        detail: Mapping[str, str | int | None] | None = None,
    ) -> None:
        await self._pool.execute(SQL["keep_alert"], alert_id, now, value, detail)

    async def recover(self, alert_id: int, now: datetime, value: float | None) -> None:
        await self._pool.execute(SQL["recover_alert"], alert_id, now, value)

    async def resolve(self, alert_id: int, now: datetime) -> None:
        if await self._pool.fetchval(SQL["resolve_alert"], alert_id, now) is not None:
            log.info("alert.resolved", alert_id=alert_id)

    async def acknowledge(self, alert_id: int, now: datetime, actor: str) -> Alert:
        """
        Say that a person has seen it; again changes nothing.

        Raises:
            NotFound: no such alert.
            Conflict: `alert_is_resolved`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(SQL["get_alert"], alert_id)
            if row is None:
                raise NotFound("alert", alert_id)
            if row["state"] == "resolved":
                raise Conflict("alert_is_resolved")
            if row["state"] == "raised":
                row = await connection.fetchrow(SQL["acknowledge_alert"], alert_id, now, actor)
                await audit.record(
                    connection, now, actor, "acknowledge", ("alert", alert_id),
                    {"state": "raised"}, {"state": "acknowledged"},
                )  # fmt: skip
        return msgspec.convert(dict(row or {}), Alert)

    async def list_alerts(self, before_id: int, limit: int, *, is_open: bool | None) -> list[Alert]:
        """Return alerts, newest first, those below `before_id`; None = resolved ones, too."""
        rows = await self._pool.fetch(SQL["list_alerts"], before_id, limit, is_open)
        return [msgspec.convert(dict(row), Alert) for row in rows]
