"""The pages of saved reports: a list of them, and each with its answer, its schedules and what was sent."""

from collections import defaultdict
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from babel.dates import format_date
from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect

from analytics.build import ZONES, build_query
from analytics.errors import QueryRefused
from analytics.query import Period, Query, QueryRequest
from analytics.run import usual_zone
from api.alert_pages import moments, texts_of
from api.auth import requires
from api.calls_page import filter_words
from api.catalogue import LANGUAGES, Language, text
from api.dependencies import ApiRequest, Clock, Pool, Settings
from api.errors import FieldProblem, field_view
from api.figures_in_words import LOCALES
from api.page_view import ProblemText, json_in_html, language_of, problem_details, problem_text, render
from api.report_models import NewReport, SavedReport, Schedule
from api.report_pages import page_data, words_of
from api.report_store import ReportStore
from api.saved_panel import report_of
from api.schedule_form import DEFAULTS, read_schedule

SECTION: Final = "reports"
MAX_ID: Final = 2**31 - 1
PAGE: Final = 100
RUNS: Final = 20
INSTANT: Final = timedelta(microseconds=1)
Id = Annotated[int, PathParameter(ge=1, le=MAX_ID)]


class SavedReportPageController(Controller):
    """`/reports/saved`."""

    include_in_schema = False
    path = "/reports/saved"

    @get(guards=[requires("reports:read")])
    async def saved(
        self,
        request: ApiRequest,
        pool: Pool,
        after: Annotated[int, QueryParameter(ge=0, le=MAX_ID)] = 0,
    ) -> Response[str]:
        store = ReportStore(pool)
        reports = await store.page(after, PAGE + 1)
        schedules: dict[int, list[Schedule]] = defaultdict(list)
        for schedule in await store.all_schedules():
            schedules[schedule.report_id].append(schedule)
        language = language_of(request)
        return render(
            request,
            "saved_reports.html",
            reports=reports[:PAGE],
            next_page=f"/reports/saved?after={reports[PAGE - 1].report_id}" if len(reports) > PAGE else None,
            schedules=schedules,
            last=await store.last_deliveries(),
            period=lambda report: period_words(report.query.period, language),
            time=await moments(request, pool),
            section=SECTION,
        )

    @get("/{report_id:int}", guards=[requires("reports:read")])
    async def report(
        self, request: ApiRequest, report_id: Id, pool: Pool, clock: Clock, settings: Settings
    ) -> Response[str]:
        report = await ReportStore(pool).get(report_id)
        return await report_page(request, report, pool, clock(), settings)

    @post("/{report_id:int}/name", guards=[requires("reports:write")], status_code=HTTPStatus.OK)
    async def rename(
        self, request: ApiRequest, report_id: Id, pool: Pool, clock: Clock, settings: Settings
    ) -> Response[str] | Redirect:
        store = ReportStore(pool)
        report = await store.get(report_id)
        sent = await texts_of(request)
        try:
            await store.replace(report_id, NewReport(name=sent.get("name", ""), query=report.query), clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown on the page
            return await report_page(
                request, report, pool, clock(), settings, problem=problem_text(request, error)[1]
            )
        return Redirect(f"/reports/saved/{report_id}", status_code=303)

    @post("/{report_id:int}/delete", guards=[requires("reports:write")])
    async def remove(self, report_id: Id, pool: Pool) -> Redirect:
        await ReportStore(pool).delete(report_id)
        return Redirect("/reports/saved", status_code=303)

    @post("/{report_id:int}/schedules", guards=[requires("reports:write")], status_code=HTTPStatus.OK)
    async def add_schedule(
        self, request: ApiRequest, report_id: Id, pool: Pool, clock: Clock, settings: Settings
    ) -> Response[str] | Redirect:
        store = ReportStore(pool)
        report = await store.get(report_id)
        sent = await texts_of(request)
        try:
            made = await store.add_schedule(report_id, read_schedule(sent), clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown above the form
            problem, words = problem_text(request, error)
            return await report_page(
                request,
                report,
                pool,
                clock(),
                settings,
                sent=sent,
                problem=words,
                problems=list(problem.problems),
            )
        if made.webhook_secret is None:
            return Redirect(f"/reports/saved/{report_id}#sending", status_code=303)
        return await report_page(request, report, pool, clock(), settings, made=made)

    @post(
        "/{report_id:int}/schedules/{schedule_id:int}/send",
        guards=[requires("reports:write")],
        status_code=HTTPStatus.OK,
    )
    async def send_now(
        self,
        request: ApiRequest,
        report_id: Id,
        schedule_id: Id,
        pool: Pool,
        clock: Clock,
        settings: Settings,
    ) -> Response[str] | Redirect:
        try:
            await ReportStore(pool).begin_now(schedule_id, clock())
        except Exception as error:  # noqa: BLE001 - every problem is shown on the page
            report = await ReportStore(pool).get(report_id)
            return await report_page(
                request, report, pool, clock(), settings, problem=problem_text(request, error)[1]
            )
        return Redirect(f"/reports/saved/{report_id}#runs", status_code=303)

    @post("/{report_id:int}/schedules/{schedule_id:int}/delete", guards=[requires("reports:write")])
    async def remove_schedule(self, report_id: Id, schedule_id: Id, pool: Pool) -> Redirect:
        await ReportStore(pool).delete_schedule(schedule_id)
        return Redirect(f"/reports/saved/{report_id}#sending", status_code=303)


async def report_page(
    request: ApiRequest,
    report: SavedReport,
    pool: Pool,
    now: datetime,
    settings: Settings,
    *,
    sent: dict[str, str] | None = None,
    made: Schedule | None = None,
    problem: ProblemText | None = None,
    problems: list[FieldProblem] | None = None,
) -> Response[str]:
    language = language_of(request)
    usual = await usual_zone(pool)
    shown = report_of(report.query)
    resolved, broken = None, None
    try:
        resolved = build_query(report.query, now, default_zone=usual)
    except QueryRefused as error:  # a metric or dimension that is no more
        broken = problem_details(request, error)
    metrics, dimensions = words_of(shown, language) if resolved else ({}, {})
    data = page_data(shown, report.query, usual, metrics, dimensions, language) if resolved else {}
    store = ReportStore(pool)
    schedules = await store.schedules(report.report_id)
    runs = await store.deliveries_of_report(report.report_id, RUNS)
    return render(
        request,
        "saved_report.html",
        HTTPStatus.OK if problem is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        saved=report,
        report=shown,
        facts=facts_of(report.query, resolved, language),
        broken=broken,
        metrics=metrics,
        dimensions=dimensions,
        schedules={schedule.schedule_id: schedule for schedule in schedules},
        runs=runs,
        is_under_way=any(run.status == "waiting" and run.next_try_time <= now for run in runs),
        when=lambda schedule: when_words(schedule, language),
        weekdays=range(1, 8),
        zones=sorted(ZONES),
        languages=LANGUAGES,
        values={**DEFAULTS, "time_zone": usual, "language": language, **(sent or {})},
        made=made,
        problem=problem,
        problems=[field_view(field, language) for field in problems or []],
        has_mail=settings.mail_server is not None,
        may_change=request.auth.may("reports:write"),
        may_save=False,
        time=await moments(request, pool),
        section=SECTION,
        data=json_in_html({**data, "report": f"report-{report.report_id}"}),
    )


def facts_of(asked: QueryRequest, resolved: Query | None, language: Language) -> list[str]:
    """Say what is asked, and what that means now."""
    facts = [period_words(asked.period, language)]
    if resolved is not None and (asked.period.name != "all"):
        begin, end = resolved.period.from_time, resolved.period.to_time
        start = text("saved.since_ever", language) if begin is None else date_words(begin, language)
        # the end is not part of it
        until = text("saved.until_now", language) if end is None else date_words(end - INSTANT, language)
        facts.append(text("saved.period_now", language, start=start, end=until))
    facts.append(asked.time_zone or text("saved.own_clock", language))
    if asked.compare is not None and asked.compare.name is not None:
        facts.append(
            f"{text('reports.filter.compare', language)}: "
            f"{text(f'reports.compare.{asked.compare.name}', language).lower()}"
        )
    return facts + filter_words(asked.filter, language)


def date_words(at: datetime, language: Language) -> str:
    return format_date(at, "medium", locale=LOCALES[language])


def period_words(period: Period, language: Language) -> str:
    if period.name is not None:
        return text(f"reports.period.{period.name}", language)
    return " – ".join(day for day in (period.from_time, period.to_time) if day)


def when_words(schedule: Schedule, language: Language) -> str:
    """Say when it is due: `every Mon at 09:00, Europe/Moscow`."""
    return text(
        f"saved.when.{schedule.every}",
        language,
        time=f"{schedule.minute // 60:02}:{schedule.minute % 60:02}",
        zone=schedule.time_zone,
        **({"weekday": text(f"reports.weekday.{schedule.weekday}", language)} if schedule.weekday else {}),
        **({"day": schedule.month_day} if schedule.month_day else {}),
    )
