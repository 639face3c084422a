"""
What the live floor reads, one function per source, each cheap at any length of history except `lead_counts`.

Every source has its own pace and its own age; the page shows both (api/floor.py).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from analytics.alert_rule import OF_RECORDINGS, is_share
from analytics.database import Pool, statement

WINDOW: Final = timedelta(minutes=5)
"""Outcomes of the last minutes."""
MINUTES: Final = 30
"""Of the little charts."""
KEPT: Final = timedelta(hours=12)
"""A campaign that ended stays on the floor this long."""
MAX_CAMPAIGNS: Final = 100


class CampaignRow(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign on the floor."""

    campaign_id: int
    name: str
    status: str
    max_calls_per_second: float
    max_concurrent_calls: int
    started_time: datetime | None
    finished_time: datetime | None


class CallsRow(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts of one campaign over one trunk that ended in one result (None = under way), begun within `WINDOW`."""

    campaign_id: int
    trunk_id: int
    result: str | None
    attempts: int
    last_minute: int
    """Of them, begun within the last 60 s."""
    trunk_faults: int
    short_calls: int
    """Answered, talk below 6 s."""
    callback_requests: int
    refusals: int


class MinuteRow(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts begun in one minute; `minute` counts from the oldest shown, 0 to `MINUTES` - 1."""

    campaign_id: int
    minute: int
    attempts: int
    answered: int


class LeadsRow(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts of a campaign by where they stand; pending ones by when they are due, cumulative, in minutes from now."""

    campaign_id: int
    total: int
    pending: int
    dialing: int
    finished: int
    blocked: int
    due_now: int
    due_15: int
    due_60: int
    due_240: int
    due_1440: int

    @property
    def due_curve(self) -> list[tuple[float, int]]:
        """As `analytics.dry_time` wants it."""
        counts = (self.due_now, self.due_15, self.due_60, self.due_240, self.due_1440)
        return list(zip((0.0, 15.0, 60.0, 240.0, 1440.0), counts, strict=True))


class Stages(msgspec.Struct, kw_only=True):
    """Calls under way: INVITE sent, ringing, answered."""

    dialing: int = 0
    ringing: int = 0
    talking: int = 0


class NodeCalls(msgspec.Struct, frozen=True, kw_only=True):
    """The stages that a node counted, by campaign id and by trunk id."""

    campaigns: dict[int, Stages]
    trunks: dict[int, Stages]


class NodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A living node and what it said last; None = nothing yet."""

    node_name: str
    heartbeat_time: datetime
    time: datetime | None
    state: NodeCalls | None


class TrunkRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trunk, its limits, and the worst that a living node thinks of it."""

    trunk_id: int
    name: str
    max_channels: int
    max_calls_per_second: float
    state: str | None = None
    """closed = in use, half_open = on trial, open = left alone (docs/trunks.md); None = no node uses it."""
    reason: str | None = None


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is not resolved."""

    alert_id: int
    rule_name: str
    metric: str
    is_share: bool
    """Of `value` and `expected`; else they are counts or minutes."""
    is_of_recordings: bool
    """Without a subject it is all recordings that are meant, not all calls."""
    comparison: str
    subject_kind: str
    subject_id: int | None
    subject_name: str | None
    state: str
    raised_time: datetime
    value: float
    expected: float


async def floor_campaigns(pool: Pool, now: datetime) -> list[CampaignRow]:
    rows = await pool.fetch(statement("floor_campaigns"), now - KEPT, MAX_CAMPAIGNS)
    return [msgspec.convert(dict(row), CampaignRow) for row in rows]


async def recent_calls(pool: Pool, campaign_ids: Sequence[int], now: datetime) -> list[CallsRow]:
    rows = await pool.fetch(
        statement("floor_calls"), list(campaign_ids), now - timedelta(minutes=1), now - WINDOW, now
    )
    return [msgspec.convert(dict(row), CallsRow) for row in rows]


async def calls_by_minute(pool: Pool, campaign_ids: Sequence[int], now: datetime) -> list[MinuteRow]:
    """Return whole minutes only: the one that `now` is in would always look like a fall."""
    until = now.replace(second=0, microsecond=0)
    rows = await pool.fetch(
        statement("floor_minutes"), list(campaign_ids), until - timedelta(minutes=MINUTES), until
    )
    return [msgspec.convert(dict(row), MinuteRow) for row in rows]


async def lead_counts(pool: Pool, campaign_ids: Sequence[int], now: datetime) -> list[LeadsRow]:
    """Read every lead of these campaigns: about 0.1 s per million."""
    rows = await pool.fetch(statement("floor_leads"), list(campaign_ids), now)
    return [msgspec.convert(dict(row), LeadsRow) for row in rows]


async def node_calls(pool: Pool) -> list[NodeRow]:
    rows = await pool.fetch(statement("floor_nodes"))
    return [msgspec.convert(dict(row), NodeRow, strict=False) for row in rows]


async def floor_trunks(pool: Pool) -> list[TrunkRow]:
    return [msgspec.convert(dict(row), TrunkRow) for row in await pool.fetch(statement("floor_trunks"))]


async def open_alerts(pool: Pool) -> list[AlertRow]:
    rows = await pool.fetch(statement("floor_alerts"))
    return [
        msgspec.convert(
            {
                **row,
                "is_share": is_share(row["metric"]),
                "is_of_recordings": row["metric"] in OF_RECORDINGS,
            },
            AlertRow,
        )
        for row in rows
    ]
