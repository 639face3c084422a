"""
Sends scheduled reports.

A due time becomes one row of `report_deliveries`, written by the process that moves the schedule on. Every due time is answered,
also those of an outage. How a row is tried: `api/delivery.py`.
"""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from analytics.build import build_query
from analytics.database import Pool
from analytics.export import MEDIA_TYPES, write_result
from analytics.metrics import METRICS
from analytics.result import QueryResult
from analytics.run import run_query
from api.catalogue import Language, text
from api.delivery import Status, Ways
from api.delivery_error import DeliveryError
from api.figures_in_words import figure as figure_in_words
from api.figures_in_words import integer
from api.mail import Attachment
from api.readers import Readers
from api.report_models import Delivery, SavedReport, Schedule
from api.report_store import ReportStore
from api.schemas.query import query_answer


class ReportQueue:
    """The reports that are due (`api.delivery.Queue`)."""

    def __init__(self, pool: Pool, readers: Readers, clock: Callable[[], datetime], ways: Ways) -> None:
        self._readers = readers
        self._store = ReportStore(pool)
        self._clock = clock
        self._ways = ways

    async def begin_due(self, now: datetime) -> None:
        while await self._store.begin_due(now):
            pass

    async def take(self, holder: int, now: datetime, lease_until: datetime) -> Delivery | None:
        return await self._store.take(holder, now, lease_until)

    def key(self, taken: Delivery) -> dict[str, object]:
        return {"schedule_id": taken.schedule_id, "due_time": taken.due_time.isoformat()}

    async def end(
        self, taken: Delivery, holder: int, status: Status, at: datetime, error: DeliveryError | None
    ) -> None:
        await self._store.end(taken, holder, status, at, error)

    async def end_receiver(self, taken: Delivery) -> None:
        await self._store.end_schedule(taken.schedule_id)

    async def deliver(self, taken: Delivery) -> DeliveryError | None:
        """Answer the query as of the due time, so that `yesterday` is the same day at every try, and send it."""
        schedule = await self._store.get_schedule(taken.schedule_id, shows_secret=True)
        report = await self._store.get(schedule.report_id)
        query = build_query(report.query, taken.due_time, default_zone=schedule.time_zone)
        result = await run_query(self._readers.of(query), query, self._readers.kept)
        if schedule.recipients is not None:
            return await self.mail(schedule, report, result, taken)
        await self.call(schedule, report, result, taken)
        return None

    async def mail(
        self, schedule: Schedule, report: SavedReport, result: QueryResult, taken: Delivery
    ) -> DeliveryError | None:
        file_name = f"report-{report.report_id}-{taken.due_time:%Y-%m-%d}.{schedule.format}"
        with tempfile.TemporaryDirectory(prefix="obzvon-report-") as folder:
            path = Path(folder) / file_name
            await asyncio.to_thread(write_result, result, schedule.format, path)
            content = await asyncio.to_thread(path.read_bytes)
        return await self._ways.mail(
            schedule.recipients or [],
            subject=text("reports.mail.subject", schedule.language, name=report.name),
            text=mail_text(report, result, schedule.language),
            message_id=message_id(taken),
            attachment=Attachment(
                content=content, file_name=file_name, media_type=MEDIA_TYPES[schedule.format]
            ),
        )

    async def call(
        self, schedule: Schedule, report: SavedReport, result: QueryResult, taken: Delivery
    ) -> None:
        assert schedule.webhook_url is not None
        assert schedule.webhook_secret is not None
        body = {
            "type": "report.ready",
            "timestamp": taken.due_time,
            "data": {
                "report_id": report.report_id,
                "name": report.name,
                "schedule_id": schedule.schedule_id,
                "answer": query_answer(result, schedule.language),
            },
        }
        await self._ways.call(
            schedule.webhook_url, schedule.webhook_secret, message_id(taken), body, self._clock()
        )


def message_id(taken: Delivery) -> str:
    """The same for every try of a delivery, another for each delivery."""
    return f"report-{taken.schedule_id}-{int(taken.due_time.timestamp())}"


def mail_text(report: SavedReport, result: QueryResult, language: Language) -> str:
    """The totals in words; the rows are in the file."""
    lines = [text("reports.mail.introduction", language, name=report.name), ""]
    for name in result.query.metrics:
        figure = result.totals[name]
        value = figure_in_words(figure.value, METRICS[name].unit, language)
        parts = (
            f" ({integer(figure.numerator, language)} / {integer(figure.denominator, language)})"
            if figure.denominator_name and figure.numerator is not None and figure.denominator is not None
            else ""
        )
        lines.append(f"{text(f'metrics.{name}.title', language)}: {value}{parts}")
    return "\n".join([*lines, ""])
