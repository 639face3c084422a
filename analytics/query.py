"""
A query is a value: what is asked (`QueryRequest`), and what it means at one instant (`Query`).

parse -> build and validate (`analytics.build`) -> optimise (`analytics.optimize`) -> SQL (`analytics.sql`) ->
run (`analytics.run`) -> result (`analytics.result`)
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

PeriodName = Literal[
    "today", "yesterday", "last_7_days", "last_30_days", "last_90_days", "this_week", "last_week",
    "this_month", "last_month", "this_year", "last_year", "all",
]  # fmt: skip
ComparisonName = Literal["previous_period", "year_ago"]
Combination = Literal["and", "or", "not"]
Comparison = Literal["is", "is_not", "in", "contains", "gt", "gte", "lt", "lte", "is_null"]
Direction = Literal["asc", "desc"]
Value = str | int

Clock = Literal["campaign", "zone"]
Reading = Literal["auto", "facts"]

SHORT_CALL_SECONDS: Final = 6
CALLBACK_HOURS: Final = 24
MAX_ROWS: Final = 10_000
DEFAULT_ROWS: Final = 1000


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """
    A tree: `and`, `or`, `not` have `filters`; comparisons have a `dimension` and `values`.

    `is` and `in` hold for any of the values, `is_not` for none of them, null included; `contains` looks for any of the texts
    without regard to case; `gt`, `gte`, `lt`, `lte` take one number; `is_null` takes none.
    """

    op: Combination | Comparison
    dimension: str | None = None
    values: list[Value] = []
    filters: list["Filter"] = []


class Period(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """
    Either a name, or the first instant and the first that is no longer in it.

    An instant is RFC 3339 with an offset, or a date, which begins at midnight of the query's zone.
    """

    name: PeriodName | None = None
    from_time: str | None = msgspec.field(default=None, name="from")
    to_time: str | None = msgspec.field(default=None, name="to")


class ComparedPeriod(Period, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another period to hold the first against."""

    name: ComparisonName | None = None  # type: ignore[assignment]  # the same field, other names


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By a metric or dimension of the query; nulls come last."""

    by: str
    direction: Direction = "asc"


class QuerySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the definitions leave open."""

    target_min_seconds: int | None = None
    """A target call talks at least so long ..."""
    target_max_seconds: int | None = None
    """... and at most so long; both included. Null both: as the campaign had it when the call ended."""
    short_call_seconds: int = SHORT_CALL_SECONDS
    """An answered call that is shorter was no conversation."""
    callback_hours: int = CALLBACK_HOURS
    """Who asks to be called back waits so long until the callback is missed."""


class QueryRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends. Names of metrics and dimensions: GET /v1/metrics and GET /v1/dimensions."""

    metrics: list[str]
    dimensions: list[str] = []
    filter: Filter | None = None
    period: Period = Period(name="all")
    compare: ComparedPeriod | None = None
    time_zone: str | None = None
    """IANA zone of hours and days. Null: each attempt counts on the day and hour of its own campaign's clock."""
    order: list[Order] = []
    """Default: time upwards, or the first metric downwards."""
    limit: int = DEFAULT_ROWS
    offset: int = 0
    settings: QuerySettings = QuerySettings()
    reading: Reading = "auto"
    """facts = leave out the rollups and read every attempt: the same figures, later."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """[from, to); null = without bound."""

    from_time: datetime | None = msgspec.field(name="from")
    to_time: datetime | None = msgspec.field(name="to")


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A checked query with every default resolved; the result echoes it."""

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    filter: Filter | None
    period: Span
    compare: Span | None
    clock: Clock
    """campaign: days and hours are those of each campaign's own clock. zone: those of `time_zone`."""
    time_zone: str
    """Of dates in the period and of the instants that are shown."""
    order: tuple[Order, ...]
    limit: int
    offset: int
    settings: QuerySettings
    reading: Reading
    now: datetime
