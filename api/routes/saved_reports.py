"""Reports that people keep, and who gets them when."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from analytics.build import build_query
from analytics.export import FileFormat
from analytics.run import run_query, usual_zone
from api.auth import needs
from api.body import CheckedBody
from api.catalogue import choose_language
from api.dependencies import ApiRequest, Clock, Pool, Readers
from api.exports import EXPORT_ROWS, ExportOperation, result_file
from api.idempotency import answer_once
from api.report_models import Delivery, NewReport, NewSchedule, SavedReport, Schedule
from api.report_store import ReportStore
from api.schemas.parameters import AfterId, Limit
from api.schemas.query import QueryAnswer, query_answer

Id = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


class ReportPage(msgspec.Struct, frozen=True, kw_only=True):
    """Saved reports, in the order in which they were saved."""

    items: list[SavedReport]
    next_after_id: int | None


class ScheduleList(msgspec.Struct, frozen=True, kw_only=True):
    """All schedules of a report."""

    items: list[Schedule]


class DeliveryList(msgspec.Struct, frozen=True, kw_only=True):
    """The last deliveries of a schedule, newest first."""

    items: list[Delivery]


class SavedReportController(Controller):
    """`/v1/reports`."""

    path = "/v1"
    tags = ("reports",)

    @post(
        "/reports",
        operation_id="save_report",
        **needs("reports:write"),
        dto=CheckedBody[NewReport],
        return_dto=None,
    )
    async def save(
        self, request: ApiRequest, data: JSONBody[NewReport], pool: Pool, clock: Clock
    ) -> Response[SavedReport]:
        build_query(data.query, clock())  # what cannot be answered is not kept

        async def work() -> SavedReport:
            return await ReportStore(pool).add(data, request.auth.owner, clock())

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get("/reports", operation_id="list_reports", **needs("reports:read"))
    async def list_reports(self, pool: Pool, after_id: AfterId = 0, limit: Limit = 100) -> ReportPage:
        reports = await ReportStore(pool).page(after_id, limit + 1)
        return ReportPage(
            items=reports[:limit],
            next_after_id=reports[limit - 1].report_id if len(reports) > limit else None,
        )

    @get("/reports/{report_id:int}", operation_id="get_report", **needs("reports:read"))
    async def read(self, report_id: Id, pool: Pool) -> SavedReport:
        return await ReportStore(pool).get(report_id)

    @put(
        "/reports/{report_id:int}",
        operation_id="replace_report",
        **needs("reports:write"),
        dto=CheckedBody[NewReport],
        return_dto=None,
    )
    async def replace(
        self, report_id: Id, data: JSONBody[NewReport], pool: Pool, clock: Clock
    ) -> SavedReport:
        build_query(data.query, clock())
        return await ReportStore(pool).replace(report_id, data, clock())

    @delete("/reports/{report_id:int}", operation_id="delete_report", **needs("reports:write"))
    async def remove(self, report_id: Id, pool: Pool) -> None:
        await ReportStore(pool).delete(report_id)

    @get("/reports/{report_id:int}/answer", operation_id="answer_report", **needs("reports:read"))
    async def answer(
        self, request: ApiRequest, report_id: Id, pool: Pool, readers: Readers, clock: Clock
    ) -> Response[QueryAnswer]:
        report = await ReportStore(pool).get(report_id)
        query = build_query(report.query, clock(), default_zone=await usual_zone(pool))
        result = await run_query(readers.of(query), query, readers.kept)
        language = choose_language(request.headers.get("accept-language"))
        return Response(query_answer(result, language), headers={"Vary": "Accept-Language"})

    @get(
        "/reports/{report_id:int}/export",
        operation_id="export_report",
        **needs("reports:read"),
        operation_class=ExportOperation,
    )
    async def export(
        self,
        report_id: Id,
        pool: Pool,
        readers: Readers,
        clock: Clock,
        file_format: Annotated[FileFormat, QueryParameter(name="format")] = "csv",
    ) -> Stream:
        report = await ReportStore(pool).get(report_id)
        query = build_query(report.query, clock(), default_zone=await usual_zone(pool), max_rows=EXPORT_ROWS)
        return result_file(
            await run_query(readers.of(query), query, readers.kept), file_format, has_bom=False
        )

    @post(
        "/reports/{report_id:int}/schedules",
        operation_id="schedule_report",
        **needs("reports:write"),
        dto=CheckedBody[NewSchedule],
        return_dto=None,
    )
    async def add_schedule(
        self, request: ApiRequest, report_id: Id, data: JSONBody[NewSchedule], pool: Pool, clock: Clock
    ) -> Response[Schedule]:
        async def work() -> Schedule:
            store = ReportStore(pool)
            await store.get(report_id)
            return await store.add_schedule(report_id, data, clock())

        return await answer_once(request, pool, clock(), work, body=await request.body())

    @get("/reports/{report_id:int}/schedules", operation_id="list_schedules", **needs("reports:read"))
    async def schedules(self, report_id: Id, pool: Pool) -> ScheduleList:
        store = ReportStore(pool)
        await store.get(report_id)
        return ScheduleList(items=await store.schedules(report_id))

    @delete(
        "/schedules/{schedule_id:int}",
        operation_id="delete_schedule",
        **needs("reports:write"),
        status_code=HTTPStatus.NO_CONTENT,
    )
    async def remove_schedule(self, schedule_id: Id, pool: Pool) -> None:
        await ReportStore(pool).delete_schedule(schedule_id)

    @post("/schedules/{schedule_id:int}/send", operation_id="send_schedule_now", **needs("reports:write"))
    async def send_now(
        self, request: ApiRequest, schedule_id: Id, pool: Pool, clock: Clock
    ) -> Response[Delivery]:
        async def work() -> Delivery:
            return await ReportStore(pool).begin_now(schedule_id, clock())

        return await answer_once(request, pool, clock(), work)

    @get("/schedules/{schedule_id:int}/deliveries", operation_id="list_deliveries", **needs("reports:read"))
    async def deliveries(
        self,
        schedule_id: Id,
        pool: Pool,
        before: Annotated[datetime | None, QueryParameter()] = None,
        limit: Limit = 100,
    ) -> DeliveryList:
        store = ReportStore(pool)
        await store.get_schedule(schedule_id)
        return DeliveryList(items=await store.deliveries(schedule_id, before, limit))
