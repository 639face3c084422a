"""
The reports as pages: a list of them, and each with its filter bar and panels.

The server draws words, filters and table heads; the page's script asks the figures of `POST /v1/query`
(`api.report_registry` says which) and leads from each to the calls behind it.
"""

from typing import Final, get_args

import msgspec
from litestar import Controller, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from analytics.build import ZONES, build_query
from analytics.errors import QueryRefused
from analytics.metrics import METRICS
from analytics.query import QueryRequest
from analytics.report import RESULTS
from analytics.run import usual_zone
from api.auth import requires
from api.catalogue import Language, text
from api.dependencies import ApiRequest, Clock, Pool, Store
from api.page_view import json_in_html, language_of, problem_details, raw_texts, render
from api.report_filter import COMPARISONS, PERIODS, choice_of, chosen_of, others_of, presets_of, span_words
from api.report_panel import Panel, Report
from api.report_registry import REPORTS
from api.schemas.query import MetricView, metric_view
from campaigns.dispositions import AnsweredBy, Disposition

MAX_CAMPAIGNS: Final = 200

SCRIPT_TEXTS: Final = {
    name: f"reports.{name}"
    for name in (
        "empty", "failed", "total", "none", "before", "interval", "of", "points", "fresh", "truncated", "calls_behind",
        "scale", "scale_compared", "sums_proven", "sums_unproven", "sums_wrong", "save_failed", "other_period",
        "scale_funnel", "scale_share", "heat_few", "not_over", "no_price",
    )
}  # fmt: skip

BETTER_WHEN_MORE: Final = frozenset(
    {
        "answered_attempts", "answered_numbers", "answered_by_attempt", "answered_by_number", "asr", "ner",
        "person_answers", "person_share", "talks", "successes", "successful_talks", "orders", "meetings", "offers",
        "conversion_per_talk", "conversion_per_dial", "conversion_per_number", "conversion_per_contact",
        "mos_mean", "conversion_per_lead", "target_calls", "target_share", "unique_target_numbers", "callback_requests",
        "callbacks_done", "callbacks_done_share", "penetration", "status_successful", "status_successful_with_machines",
    }
)  # fmt: skip
WORSE_WHEN_MORE: Final = frozenset(
    {
        "refusals", "short_calls", "short_call_share", "pdd_ms_median", "pdd_ms_p95", "voicemail_hits", "machine_share",
        "callbacks_missed", "status_unsuccessful", "cost_per_talk", "cost_per_success", "false_positive_share",
        "audited_persons", "verdict_ms_median", "verdict_ms_p95", "packet_loss", "packets_lost", "jitter_ms_mean",
        "jitter_ms_p95", "one_way_calls", "one_way_share", "low_mos_calls", "low_mos_share",
    }
)  # fmt: skip
"""What is in neither set is simply more or less: a change of it has no colour."""


class PanelData(msgspec.Struct, frozen=True, kw_only=True):
    """A panel as the script wants it."""

    name: str
    title: str
    """Of the whole: what a saved one is called unless its owner says otherwise."""
    chart: str
    metrics: tuple[str, ...]
    drawn: tuple[str, ...]
    dimensions: tuple[str, ...]
    order: list[dict[str, str]]
    limit: int


class MetricWords(msgspec.Struct, frozen=True, kw_only=True):
    """A metric as the script says it."""

    name: str
    title: str
    unit: str
    has_calls: bool
    is_more_better: bool | None


class ReportPageController(Controller):
    """`/reports`."""

    include_in_schema = False
    guards = (requires("reports:read"),)

    @get("/reports")
    async def reports(self, request: ApiRequest) -> Response[str]:
        return render(request, "reports.html", reports=REPORTS.values(), section="reports")

    @get("/reports/{name:str}")
    async def report(
        self,
        request: ApiRequest,
        name: FromPath[str],
        pool: Pool,
        store: Store,
        clock: Clock,
    ) -> Response[str]:
        report = REPORTS.get(name)
        if report is None:
            raise NotFoundException
        campaigns = await store.newest_campaigns(MAX_CAMPAIGNS)
        choice = choice_of(request, report)
        usual = await usual_zone(pool)
        language = language_of(request)
        problem, query = None, None
        try:
            query = build_query(choice.request(), clock(), default_zone=usual)
        except QueryRefused as error:
            problem = problem_details(request, error)
        metrics, dimensions = words_of(report, language)
        names = {campaign.campaign_id: campaign.name for campaign in campaigns}
        return render(
            request,
            "report.html",
            report=report,
            choice=choice,
            periods=PERIODS,
            comparisons=COMPARISONS,
            presets=presets_of(request),
            others=others_of(request),
            chosen=[]
            if query is None
            else chosen_of(request, choice, query, names.get(choice.campaign or 0), language),
            days="" if query is None else span_words(query.period, query.time_zone, language),
            campaigns=campaigns,
            zones=sorted(ZONES),
            metrics=metrics,
            dimensions=dimensions,
            problem=problem,
            may_save=request.auth.may("reports:write"),
            section="reports",
            data=json_in_html(page_data(report, choice.request(), usual, metrics, dimensions, language)),
        )


def words_of(report: Report, language: Language) -> tuple[dict[str, MetricView], dict[str, str]]:
    """Return how the metrics and dimensions of a report's panels are called."""
    metrics = {
        name: metric_view(METRICS[name], language) for panel in report.panels for name in panel.metrics
    }
    dimensions = {
        name: text(f"dimensions.{name}.title", language)
        for panel in report.panels
        for name in panel.dimensions
    }
    return metrics, dimensions


def page_data(
    report: Report,
    request: QueryRequest,
    usual_zone: str,
    metrics: dict[str, MetricView],
    dimensions: dict[str, str],
    language: Language,
) -> dict[str, object]:
    """Return what the script needs; every panel's query begins with `request`."""
    return {
        "report": report.name,
        "language": language,
        "shown_zone": request.time_zone or usual_zone,
        "panels": [panel_data(panel, report.name, language) for panel in report.panels],
        "request": {
            "period": request.period,
            "compare": request.compare,
            "filter": request.filter,
            "time_zone": request.time_zone,
        },
        "metrics": {
            name: MetricWords(
                name=name,
                title=view.title,
                unit=view.unit,
                has_calls=view.has_calls,
                is_more_better=True
                if name in BETTER_WHEN_MORE
                else False
                if name in WORSE_WHEN_MORE
                else None,
            )
            for name, view in metrics.items()
        },
        "dimensions": dimensions,
        "values": {
            **{f"result.{result}": text(f"pages.result.{result}", language) for result in RESULTS},
            **{
                f"disposition.{name}": text(f"pages.disposition.{name}", language)
                for name in get_args(Disposition)
            },
            **{
                f"answered_by.{name}": text(f"pages.answered_by.{name}", language)
                for name in get_args(AnsweredBy)
            },
            **{f"weekday.{day}": text(f"reports.weekday.{day}", language) for day in range(1, 8)},
        },
        "texts": raw_texts(language, SCRIPT_TEXTS),
    }


def panel_data(panel: Panel, report: str, language: Language) -> PanelData:
    order = (
        []
        if panel.order_by is None
        else [{"by": panel.order_by, "direction": "asc" if panel.is_ascending else "desc"}]
    )
    return PanelData(
        name=panel.name,
        title=f"{text(f'reports.{report}.title', language)}: {text(f'reports.panel.{panel.name}', language)}",
        chart=panel.chart,
        metrics=panel.metrics,
        drawn=panel.drawn,
        dimensions=panel.dimensions,
        order=order,
        limit=panel.limit,
    )
