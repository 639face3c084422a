"""Saved reports, schedules and deliveries in the database."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from analytics.database import Pool
from api.addresses import new_secret
from api.delivery import Status
from api.delivery_error import DeliveryError
from api.report_models import Delivery, NewReport, NewSchedule, SavedReport, Schedule
from api.report_schedule import next_due
from campaigns.errors import Conflict, NotFound
from campaigns.statements import load_statements

STATEMENTS: Final = load_statements(Path(__file__).with_suffix(".sql"))


class ReportStore:
    """One method per statement."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, new: NewReport, owner: str, now: datetime) -> SavedReport:
        row = await self._pool.fetchrow(
            STATEMENTS["insert_report"], new.name, owner, msgspec.to_builtins(new.query), now
        )
        return saved_report(row)

    async def page(self, after_id: int, limit: int) -> list[SavedReport]:
        return [
            saved_report(row) for row in await self._pool.fetch(STATEMENTS["list_reports"], after_id, limit)
        ]

    async def get(self, report_id: int) -> SavedReport:
        row = await self._pool.fetchrow(STATEMENTS["find_report"], report_id)
        return saved_report(found(row, "report", report_id))

    async def replace(self, report_id: int, new: NewReport, now: datetime) -> SavedReport:
        row = await self._pool.fetchrow(
            STATEMENTS["replace_report"], report_id, new.name, msgspec.to_builtins(new.query), now
        )
        return saved_report(found(row, "report", report_id))

    async def delete(self, report_id: int) -> None:
        found(await self._pool.fetchrow(STATEMENTS["delete_report"], report_id), "report", report_id)

    async def add_schedule(self, report_id: int, new: NewSchedule, now: datetime) -> Schedule:
        """Store a schedule; the answer alone shows the secret of its webhooks. The report must be there."""
        secret = new_secret(new.webhook_url)
        row = await self._pool.fetchrow(
            STATEMENTS["insert_schedule"], report_id, new.every, new.weekday, new.month_day, new.minute, new.time_zone,
            new.language, new.format, new.recipients, new.webhook_url, secret, now, next_due(new, now),
        )  # fmt: skip
        return schedule(row, shows_secret=True)

    async def schedules(self, report_id: int) -> list[Schedule]:
        return [schedule(row) for row in await self._pool.fetch(STATEMENTS["list_schedules"], report_id)]

    async def get_schedule(self, schedule_id: int, *, shows_secret: bool = False) -> Schedule:
        row = await self._pool.fetchrow(STATEMENTS["find_schedule"], schedule_id)
        return schedule(found(row, "schedule", schedule_id), shows_secret=shows_secret)

    async def delete_schedule(self, schedule_id: int) -> None:
        found(await self._pool.fetchrow(STATEMENTS["delete_schedule"], schedule_id), "schedule", schedule_id)

    async def end_schedule(self, schedule_id: int) -> None:
        await self._pool.execute(STATEMENTS["end_schedule"], schedule_id)

    async def deliveries(self, schedule_id: int, before: datetime | None, limit: int) -> list[Delivery]:
        rows = await self._pool.fetch(STATEMENTS["list_deliveries"], schedule_id, before, limit)
        return [converted(row, Delivery) for row in rows]

    async def all_schedules(self) -> list[Schedule]:
        return [schedule(row) for row in await self._pool.fetch(STATEMENTS["list_all_schedules"])]

    async def last_deliveries(self) -> dict[int, Delivery]:
        """Return the newest delivery of each schedule that has any."""
        rows = await self._pool.fetch(STATEMENTS["last_deliveries"])
        return {row["schedule_id"]: converted(row, Delivery) for row in rows}

    async def deliveries_of_report(self, report_id: int, limit: int) -> list[Delivery]:
        """Return what was sent by all schedules of a report, newest first."""
        rows = await self._pool.fetch(STATEMENTS["deliveries_of_report"], report_id, limit)
        return [converted(row, Delivery) for row in rows]

    async def begin_now(self, schedule_id: int, now: datetime) -> Delivery:
        """
        Write a delivery that is due now, whatever the schedule says; the schedule goes on as before.

        Raises:
            NotFound: no such schedule.
            Conflict: `schedule_has_ended`.
        """
        row = await self._pool.fetchrow(STATEMENTS["begin_now"], schedule_id, now)
        if row is None:
            await self.get_schedule(schedule_id)
            raise Conflict("schedule_has_ended")
        made: Delivery = converted(row, Delivery)
        return made

    async def begin_due(self, now: datetime) -> int:
        """Write the deliveries that have become due; return how many of them this process wrote."""
        begun = 0
        for row in await self._pool.fetch(STATEMENTS["due_schedules"], now):
            due = schedule(row)
            following = next_due(due, due.next_time)
            begun += (
                len(
                    await self._pool.fetch(
                        STATEMENTS["begin_delivery"], due.schedule_id, due.next_time, following, now
                    )
                )
                == 1
            )
        return begun

    async def take(self, holder: int, now: datetime, lease_until: datetime) -> Delivery | None:
        """Take a delivery that is to be tried now; nobody else gets it until the lease is over."""
        row = await self._pool.fetchrow(STATEMENTS["take_delivery"], holder, now, lease_until)
        return None if row is None else converted(row, Delivery)

    async def end(
        self, taken: Delivery, holder: int, status: Status, at: datetime, error: DeliveryError | None
    ) -> None:
        """Say how a try ended; `at` is when it was sent, or when to try again."""
        sent_time = at if status == "sent" else None
        await self._pool.execute(
            STATEMENTS["end_delivery"],
            taken.schedule_id,
            taken.due_time,
            holder,
            status,
            at,
            error.code if error else None,
            error.detail if error else None,
            sent_time,
        )


def found(row: Any, kind: str, key: int) -> Any:
    if row is None:
        raise NotFound(kind, key)
    return row


def converted(row: Any, kind: Any) -> Any:
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)


def saved_report(row: Any) -> SavedReport:
    report: SavedReport = converted(row, SavedReport)
    return report


def schedule(row: Any, *, shows_secret: bool = False) -> Schedule:
    made: Schedule = converted(row, Schedule)
    return made if shows_secret else msgspec.structs.replace(made, webhook_secret=None)
