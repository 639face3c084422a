"""
The classifier of a campaign, switched off and on again. Why it is switched off: `analytics/classifier_guard.py`.

    on --stop (the guard)--> off --resume (a person)--> on

While it is off the nodes read the campaign's policy as `ignore`: nobody listens, every answer is a person's. The campaign's setting stays
what it was, so that switching on again needs no memory of it. One open stop per campaign is the database's doing, whoever looks.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog

from campaigns import audit
from campaigns.alerts import OwnRule, add_own_rule
from campaigns.database import Pool
from campaigns.errors import Conflict
from campaigns.statements import load_statements

log = structlog.get_logger()

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
RULE: Final = OwnRule(
    name="Classifier off · Классификатор отключён",
    metric="classifier_off",
    subject_kind="campaign",
    window_minutes=1,
)
"""Made with the first stop."""


class ClassifierStop(msgspec.Struct, frozen=True, kw_only=True):
    """Once that a classifier was switched off."""

    stop_id: int
    campaign_id: int
    stopped_time: datetime
    humans: int
    """People among the `judged` last verdicts that listeners judged."""
    judged: int
    false_positive_limit: float
    """The campaign's, as it was then."""
    resumed_time: datetime | None
    resumed_by: str | None


class ClassifierStops:
    """Safe to share between tasks and processes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def stop(self, campaign_id: int, *, humans: int, judged: int, limit: float, now: datetime) -> bool:
        """Switch off, once; False if it is off already. The alert follows from the row: `classifier_off` is a metric of alerts."""
        async with self._pool.acquire() as connection, connection.transaction():
            stop_id = await connection.fetchval(
                SQL["stop_classifier"], campaign_id, now, humans, judged, limit
            )
            if stop_id is None:
                return False
            await audit.record(
                connection, now, audit.SYSTEM, "stop_classifier", ("campaign", campaign_id),
                {"classifier": "on"},
                {"classifier": "off", "humans": humans, "judged": judged, "false_positive_limit": limit},
            )  # fmt: skip
            await add_own_rule(connection, RULE, now)
            await connection.execute(SQL["wake_nodes"], campaign_id)
        log.warning(
            "classifier.stopped", campaign_id=campaign_id, stop_id=stop_id, humans=humans, judged=judged
        )
        return True

    async def resume(self, campaign_id: int, now: datetime, *, actor: str) -> None:
        """
        Switch on again; what was judged of calls before this moment is not held against it.

        Raises:
            Conflict: `classifier_is_on`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            stop_id = await connection.fetchval(SQL["resume_classifier"], campaign_id, now, actor)
            if stop_id is None:
                raise Conflict("classifier_is_on")
            await audit.record(
                connection, now, actor, "resume_classifier", ("campaign", campaign_id),
                {"classifier": "off"}, {"classifier": "on"},
            )  # fmt: skip
            await connection.execute(SQL["wake_nodes"], campaign_id)
        log.info("classifier.resumed", campaign_id=campaign_id, stop_id=stop_id)

    async def open_stop(self, campaign_id: int) -> ClassifierStop | None:
        """Return why the classifier is off; None while it is on."""
        row = await self._pool.fetchrow(SQL["open_stop"], campaign_id)
        return None if row is None else msgspec.convert(dict(row), ClassifierStop)
