"""The arguments of a composed statement, and what the names in the registries' formulas stand for."""

import re
from typing import Any, Final

from analytics.before_period import before_period
from analytics.metrics import LENIENT
from analytics.optimize import campaigns_of
from analytics.plan import Part
from analytics.query import Query, Span

SLOTS: Final = 256
"""Shards of a campaign: campaign_id * 256 .. + 255 (docs/adr/0006)."""
NAMED: Final = re.compile(r"(?<!:):([a-z_]+)")
STATS: Final = Part(source="rollups", measures=(), dim=0)
ASKED: Final = "earlier.shard_key = ANY (ARRAY(SELECT asked.shard_key FROM shards AS asked WHERE asked.campaign_id = ANY(:campaigns)))"
TARGET_MAX_SECONDS: Final = 86_400
"""Of a query that sets only the lower end."""


class Binds:
    """Numbers the arguments of one statement, and knows what the names in formulas stand for."""

    def __init__(self, query: Query, period: Span) -> None:
        self.arguments: list[Any] = []
        self._named: dict[str, str] = {}
        settings = query.settings
        self._query = query
        self._period = period
        self._values: dict[str, tuple[Any, str]] = {
            "zone": (query.time_zone, "text"),
            "now": (query.now, "timestamptz"),
            "short_ms": (settings.short_call_seconds * 1000, "integer"),
            "callback_hours": (settings.callback_hours, "integer"),
            "target_min_ms": ((settings.target_min_seconds or 0) * 1000, "integer"),
            "target_max_ms": ((settings.target_max_seconds or TARGET_MAX_SECONDS) * 1000, "integer"),
        }

    def add(self, value: Any, sql_type: str) -> str:
        """Take one more argument; return its place."""
        self.arguments.append(value)
        return f"${len(self.arguments)}::{sql_type}"

    def fill(self, formula: str, part: Part | None = None) -> str:
        """Put into a formula of the registry what its names stand for, over the facts or over `stats`."""
        return NAMED.sub(lambda match: self._meaning(match[1], part), formula)

    def _meaning(self, name: str, part: Part | None) -> str:
        over_stats = part is not None and part.dim is not None
        match name:
            case "start":
                return "bucket_time" if over_stats else "started_time"
            case "local":
                return self._local(over_stats=over_stats)
            case "lenient":
                return LENIENT.replace("campaign_id IN", f"shard_key / {SLOTS} IN", 1)
            case "before_period":
                return before_period(self._query, self._period, self.add)
            case "asked_campaigns":
                return self._asked_campaigns()
            case "target":
                settings = self._query.settings
                if settings.target_min_seconds is None and settings.target_max_seconds is None:
                    return "is_target"
                return self.fill(
                    "(result = 'answered' AND talk_ms BETWEEN :target_min_ms AND :target_max_ms)"
                )
            case _:
                if name not in self._named:
                    self._named[name] = self.add(*self._values[name])
                return self._named[name]

    def _asked_campaigns(self) -> str:
        """That the attempt `earlier` is of a campaign that the query may ask for, by its shards, which an index begins with."""
        campaigns = campaigns_of(self._query.filter)
        if campaigns is None:
            return "true"
        return ASKED.replace(":campaigns", self.add(list(campaigns), "integer[]"))

    def _local(self, *, over_stats: bool) -> str:
        """What the clock of the query showed. A day of `stats` is midnight UTC of the date on the campaign's clock."""
        if self._query.clock == "zone":
            return f"({self.fill(':start AT TIME ZONE :zone', STATS if over_stats else None)})"
        if over_stats:
            return "(bucket_time AT TIME ZONE 'UTC')"
        return "(started_time AT TIME ZONE 'UTC' + utc_offset_minutes * interval '1 minute')"
