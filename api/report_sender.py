"""
Sends scheduled reports: one loop per API process, any number of processes.

A due time becomes one row of `report_deliveries`, written by the process that moves the schedule on; a try takes that row under a
lease. Every due time is answered, also those of an outage. A process that dies between sending and noting it leaves the
one case in which a report goes out twice: with the same Message-ID or webhook-id, by which the receiver knows it.
"""

import asyncio
import contextlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from analytics.build import build_query
from analytics.database import Pool
from analytics.errors import AnalyticsError
from analytics.export import MEDIA_TYPES, write_result
from analytics.result import QueryResult
from analytics.run import run_query
from api.catalogue import text
from api.mail import MailFailed, MailServer, compose_mail, send_mail
from api.readers import Readers
from api.report_models import Delivery, SavedReport, Schedule
from api.report_store import ReportStore
from api.schemas.query import query_answer
from api.webhook import WebhookFailed, WebhookRefused, send_webhook
from campaigns.errors import NotFound

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=5)
BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
)
"""Between the tries, as Standard Webhooks proposes; then the delivery has failed."""
CLOSE_SECONDS: Final = 5.0


class Undeliverable(Exception):
    """Trying again changes nothing."""


class ReportSender:
    """The loop of one process."""

    def __init__(
        self,
        pool: Pool,
        readers: Readers,
        clock: Callable[[], datetime],
        mail_server: MailServer | None,
        *,
        allows_private_webhooks: bool,
        interval_seconds: float,
    ) -> None:
        self._readers = readers
        self._store = ReportStore(pool)
        self._clock = clock
        self._mail_server = mail_server
        self._allows_private = allows_private_webhooks
        self._interval = interval_seconds
        self._holder = secrets.randbits(62)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loop while the block runs; a try under way may end within a bounded time."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._loop(stop), name="report sender")
            try:
                yield
            finally:
                stop.set()
                await asyncio.wait([task], timeout=CLOSE_SECONDS)
                task.cancel()

    async def _loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.work(stop)
            except Exception as error:  # noqa: BLE001 - the database is away, or restarts; the loop outlives it
                log.warning("reports.delayed", error=str(error)[:200])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval)

    async def work(self, stop: asyncio.Event | None = None) -> int:
        """Write what is due and try what waits; return the number of tries."""
        tries = 0
        while await self._store.begin_due(self._clock()):
            pass
        while stop is None or not stop.is_set():
            now = self._clock()
            taken = await self._store.take(self._holder, now, now + LEASE)
            if taken is None:
                break
            tries += 1
            await self.try_once(taken)
        return tries

    async def try_once(self, taken: Delivery) -> None:
        key = {"schedule_id": taken.schedule_id, "due_time": taken.due_time.isoformat(), "tries": taken.tries}
        try:
            await self.deliver(taken)
        except (Undeliverable, WebhookRefused, AnalyticsError, NotFound) as error:
            log.warning("report.failed", **key, error=str(error)[:200])
            await self._store.end(taken, self._holder, "failed", self._clock(), str(error)[:500])
        except (MailFailed, WebhookFailed) as error:
            await self.postpone(taken, error, key)
        else:
            log.info("report.sent", **key)
            await self._store.end(taken, self._holder, "sent", self._clock(), None)

    async def postpone(self, taken: Delivery, error: Exception, key: dict[str, object]) -> None:
        is_gone = isinstance(error, WebhookFailed) and error.is_gone
        is_last = taken.tries > len(BACK_OFF)
        log.warning("report.postponed", **key, error=str(error)[:200])
        if is_gone:
            await self._store.end_schedule(taken.schedule_id)
        if is_gone or is_last:
            await self._store.end(taken, self._holder, "failed", self._clock(), str(error)[:500])
        else:
            again = self._clock() + BACK_OFF[taken.tries - 1]
            await self._store.end(taken, self._holder, "waiting", again, str(error)[:500])

    async def deliver(self, taken: Delivery) -> None:
        """Answer the query as of the due time, so that `yesterday` is the same day at every try, and send it."""
        schedule = await self._store.get_schedule(taken.schedule_id, shows_secret=True)
        report = await self._store.get(schedule.report_id)
        query = build_query(report.query, taken.due_time, default_zone=schedule.time_zone)
        result = await run_query(self._readers.of(query), query)
        if schedule.recipients is not None:
            await self.mail(schedule, report, result, taken)
        else:
            await self.call(schedule, report, result, taken)

    async def mail(
        self, schedule: Schedule, report: SavedReport, result: QueryResult, taken: Delivery
    ) -> None:
        if self._mail_server is None:
            raise Undeliverable("OBZVON_SMTP_URL and OBZVON_MAIL_FROM are not set")
        file_name = f"report-{report.report_id}-{taken.due_time:%Y-%m-%d}.{schedule.format}"
        with tempfile.TemporaryDirectory(prefix="obzvon-report-") as folder:
            path = Path(folder) / file_name
            await asyncio.to_thread(write_result, result, schedule.format, path)
            attachment = await asyncio.to_thread(path.read_bytes)
        mail = compose_mail(
            self._mail_server,
            schedule.recipients or [],
            subject=text("reports.mail.subject", schedule.language, name=report.name),
            text=mail_text(report, result, schedule.language),
            message_id=message_id(taken),
            attachment=attachment,
            file_name=file_name,
            media_type=MEDIA_TYPES[schedule.format],
        )
        await send_mail(self._mail_server, mail)

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
        await send_webhook(
            schedule.webhook_url,
            schedule.webhook_secret,
            message_id(taken),
            msgspec.json.encode(body),
            self._clock(),
            allows_private=self._allows_private,
        )


def message_id(taken: Delivery) -> str:
    """The same for every try of a delivery, another for each delivery."""
    return f"report-{taken.schedule_id}-{int(taken.due_time.timestamp())}"


def mail_text(report: SavedReport, result: QueryResult, language: str) -> str:
    """The totals in words; the rows are in the file."""
    lines = [text("reports.mail.introduction", language, name=report.name), ""]
    for name in result.query.metrics:
        figure = result.totals[name]
        value = "-" if figure.value is None else f"{figure.value:g}"
        parts = (
            f" ({figure.numerator:g} / {figure.denominator:g})"
            if figure.denominator_name and figure.numerator is not None and figure.denominator is not None
            else ""
        )
        lines.append(f"{text(f'metrics.{name}.title', language)}: {value}{parts}")
    return "\n".join([*lines, ""])
