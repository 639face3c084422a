"""
The registry of dimensions: by what the figures of a report can be told apart and filtered, defined once.

A dimension's formula is SQL over the facts. `:local` is when the attempt began by the clock of the query: of its time zone,
or each campaign's own. An hour begins as many minutes ago as that clock shows past the hour, so the two hours of an
autumn night stay two hours and half-hour zones have hours of their own. Days, weeks and months are dates of that clock.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from analytics.metric import Facts

ValueType = Literal["text", "integer", "instant", "date"]
Names = Literal["campaigns", "trunks", "lists"]
"""Where the names of ids are found."""


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """One way to tell figures apart."""

    name: str
    type: ValueType
    formula: str
    """SQL over the facts."""
    facts: tuple[Facts, ...] = ("attempts",)
    """The tables that have it."""
    names: Names | None = None
    """Of ids: whose names the result shows beside them."""
    stats_dim: int | None = None
    """The dimension of `stats` that keeps it (docs/rollups.md), if one of its own does."""

    @property
    def is_time(self) -> bool:
        """Whether its values are stretches of the period; those are filtered by the period itself."""
        return self.type in {"instant", "date"}

    @property
    def is_clock(self) -> bool:
        """Whether it is read off the clock of the query."""
        return ":local" in self.formula


def clock(unit: str) -> str:
    return f"extract({unit} FROM :local)::integer"


def calendar(unit: str) -> str:
    return f"date_trunc('{unit}', :local)::date"


def text(name: str, stats_dim: int | None = None, facts: tuple[Facts, ...] = ("attempts",)) -> Dimension:
    """Of a column of its own name; an empty text is as good as none."""
    return Dimension(name=name, type="text", formula=f"nullif({name}, '')", facts=facts, stats_dim=stats_dim)


def integer(
    name: str,
    formula: str,
    stats_dim: int,
    names: Names | None = None,
    facts: tuple[Facts, ...] = ("attempts",),
) -> Dimension:
    return Dimension(
        name=name, type="integer", formula=formula, facts=facts, names=names, stats_dim=stats_dim
    )


OF_CONTACTS: Final[tuple[Facts, ...]] = ("attempts", "leads")
"""What a contact is from its import on, so that its lead and its attempts share it."""


ALL: Final = (
    Dimension(name="hour", type="instant", formula=":start - (:local - date_trunc('hour', :local))"),
    Dimension(name="day", type="date", formula=calendar("day")),
    Dimension(name="week", type="date", formula=calendar("week")),
    Dimension(name="month", type="date", formula=calendar("month")),
    Dimension(name="hour_of_day", type="integer", formula=clock("hour")),
    Dimension(name="weekday", type="integer", formula=clock("isodow")),
    Dimension(
        name="campaign",
        type="integer",
        formula="campaign_id",
        facts=OF_CONTACTS,
        names="campaigns",
    ),
    integer("list", "import_id", 5, "lists", OF_CONTACTS),
    text("source", 6, OF_CONTACTS),
    text("ad", 7, OF_CONTACTS),
    text("keyword", 8, OF_CONTACTS),
    text("region", 9, OF_CONTACTS),
    integer("trunk", "trunk_id", 3, "trunks"),
    text("caller_id", 4),
    text("result", 10),
    text("reason"),
    text("fault"),
    text("ended_by"),
    integer("sip_status", "sip_status", 11),
    integer("q850_cause", "q850_cause", 12),
    text("disposition", 13),
    integer("attempt_number", "attempt_number", 14),
    text("answered_by", 15),
)

DIMENSIONS: Final[Mapping[str, Dimension]] = {dimension.name: dimension for dimension in ALL}
