"""
The registry of dimensions: by what the figures of a report can be told apart and filtered, defined once.

A dimension's formula is SQL over the facts; `:zone` is the time zone of the query.
An hour begins as many minutes ago as the local clock shows past the hour, so the two hours of an autumn night stay two
hours and half-hour zones have hours of their own. Days, weeks and months are dates of the local calendar.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from analytics.metrics import Facts

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

    @property
    def is_time(self) -> bool:
        """Whether its values are stretches of the period; those are filtered by the period itself."""
        return self.type in {"instant", "date"}


def local(field: str) -> str:
    return f"extract({field} FROM started_time AT TIME ZONE :zone)::integer"


def calendar(unit: str) -> str:
    return f"date_trunc('{unit}', started_time AT TIME ZONE :zone)::date"


ALL: Final = (
    Dimension(name="hour", type="instant", formula="date_trunc('hour', started_time, :zone)"),
    Dimension(name="day", type="date", formula=calendar("day")),
    Dimension(name="week", type="date", formula=calendar("week")),
    Dimension(name="month", type="date", formula=calendar("month")),
    Dimension(name="hour_of_day", type="integer", formula=local("hour")),
    Dimension(name="weekday", type="integer", formula=local("isodow")),
    Dimension(
        name="campaign",
        type="integer",
        formula="campaign_id",
        facts=("attempts", "leads"),
        names="campaigns",
    ),
    Dimension(name="trunk", type="integer", formula="trunk_id", names="trunks"),
    Dimension(name="caller_id", type="text", formula="caller_id"),
    Dimension(name="result", type="text", formula="result"),
    Dimension(name="reason", type="text", formula="reason"),
    Dimension(name="fault", type="text", formula="fault"),
    Dimension(name="ended_by", type="text", formula="ended_by"),
    Dimension(name="sip_status", type="integer", formula="sip_status"),
    Dimension(name="q850_cause", type="integer", formula="q850_cause"),
    Dimension(name="disposition", type="text", formula="disposition"),
    Dimension(name="attempt_number", type="integer", formula="attempt_number"),
)

DIMENSIONS: Final[Mapping[str, Dimension]] = {dimension.name: dimension for dimension in ALL}
