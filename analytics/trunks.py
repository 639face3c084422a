"""How the trunks are: what the living nodes know of each, and what its calls of the last quarter of an hour came to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from analytics.database import Pool, statement
from analytics.metrics import Rate

FIGURES_SPAN: Final = timedelta(minutes=15)
SILENT_AFTER: Final = timedelta(seconds=10)
"""A node that has not beaten for so long says nothing of the present."""
CircuitName = Literal["closed", "half_open", "open"]
SEVERITY: Final[tuple[CircuitName, ...]] = ("closed", "half_open", "open")


class TrunkState(msgspec.Struct, frozen=True, kw_only=True):
    """One trunk, over all nodes: where they differ, what is worst. Null is not known."""

    trunk_id: int
    nodes: int
    """How many nodes speak of it; without any, all else but the figures of calls is null."""
    circuit: CircuitName | None = None
    """open: left alone; half_open: on its way back."""
    circuit_reason: str | None = None
    open_until: datetime | None = None
    """Null also while the circuit waits for an answer to OPTIONS."""
    is_registered: bool | None = None
    """By every node; null without registration."""
    registration_problem: str | None = None
    resolve_problem: str | None = None
    """Why its name has no address."""
    channels_in_use: int | None = None
    options_time: datetime | None = None
    options_ms: int | None = None
    """Of the newest OPTIONS; null when it had no answer."""
    options_status: int | None = None
    failed_by_trunk: int
    """Attempts of the last 15 minutes that the trunk itself failed, ..."""
    answered: Rate
    """... and the answered of the settled ones (ASR)."""


async def trunk_states(pool: Pool, trunk_ids: Sequence[int], now: datetime) -> dict[int, TrunkState]:
    """Return the state of each of these trunks."""
    known: dict[int, list[Any]] = {trunk_id: [] for trunk_id in trunk_ids}
    for row in await pool.fetch(statement("trunk_health"), now - SILENT_AFTER):
        known.setdefault(row["trunk_id"], []).append(row)
    figures = {
        row["trunk_id"]: row for row in await pool.fetch(statement("trunk_figures"), now - FIGURES_SPAN)
    }
    return {trunk_id: _state(trunk_id, known[trunk_id], figures.get(trunk_id)) for trunk_id in trunk_ids}


def _state(trunk_id: int, rows: Sequence[Any], figures: Any) -> TrunkState:
    settled, answered, failed = (
        (0, 0, 0)
        if figures is None
        else (figures["settled_attempts"], figures["answered_attempts"], figures["failed_by_trunk"])
    )
    rate = Rate(
        numerator=answered,
        denominator=settled,
        denominator_name="settled_attempts",
        value=answered / settled if settled else None,
    )
    if not rows:
        return TrunkState(trunk_id=trunk_id, nodes=0, failed_by_trunk=failed, answered=rate)
    worst = max(rows, key=lambda row: SEVERITY.index(row["state"]))
    asked = [row for row in rows if row["options_time"] is not None]
    newest = max(asked, key=lambda row: row["options_time"], default=None)
    registrations = [row["is_registered"] for row in rows if row["is_registered"] is not None]
    return TrunkState(
        trunk_id=trunk_id,
        nodes=len(rows),
        circuit=worst["state"],
        circuit_reason=worst["reason"],
        open_until=worst["open_until"],
        is_registered=all(registrations) if registrations else None,
        registration_problem=_first(rows, "registration_problem"),
        resolve_problem=_first(rows, "resolve_problem"),
        channels_in_use=sum(row["channels_in_use"] for row in rows),
        options_time=None if newest is None else newest["options_time"],
        options_ms=None if newest is None else newest["options_ms"],
        options_status=None if newest is None else newest["options_status"],
        failed_by_trunk=failed,
        answered=rate,
    )


def _first(rows: Sequence[Any], name: str) -> str | None:
    return next((row[name] for row in rows if row[name] is not None), None)
