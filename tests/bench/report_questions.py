"""The questions of tests/bench/reports, as the API is asked and, for some, as plain SQL on the raw table of any engine."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from analytics.build import build_query
from analytics.plan import reads_facts, sealed_measures
from analytics.query import QueryRequest
from api.report_registry import REPORTS
from tests.bench.report_data import DAYS

FUNNEL = ["attempts", "answered_attempts", "person_answers", "talks", "successes", "conversion_per_talk"]
QUALITY = ["attempts", "asr", "ner", "acd_seconds", "pdd_ms_mean", "short_calls", "cost_sum"]
DISTINCT = ["distinct_numbers", "answered_numbers", "answered_by_number", "unique_target_numbers"]
RAW_SUMS = "count(*) AS attempts, sum(CASE WHEN result = 'answered' THEN 1 ELSE 0 END) AS answered, sum(talk_ms) AS talk"


class Question(msgspec.Struct, frozen=True):
    """One report."""

    name: str
    body: dict[str, Any]
    """Of POST /v1/query; the campaign and the period come in when it is asked."""
    of_all: bool = False
    """Over all campaigns, instead of one."""
    of_largest: bool = False
    """Of the largest campaign alone, whose days the benchmark has sealed."""
    raw: str | None = None
    """What to group by in plain SQL; None = not held against the other engines."""

    def sql(self, campaign_id: int) -> str:
        where = "" if self.of_all else f" WHERE shard_key = {campaign_id * 256}"
        group = f" GROUP BY {self.raw}" if self.raw else ""
        return f"SELECT {self.raw + ', ' if self.raw else ''}{RAW_SUMS} FROM attempts{where}{group}"


def body_of(question: Question, first_day: date, campaign_id: int) -> dict[str, Any]:
    """Return what POST /v1/query is sent: over the whole history, of one campaign if the question is of one."""
    body = {**question.body, "period": {"from": str(first_day), "to": str(first_day + timedelta(days=DAYS))}}
    if not question.of_all:
        body["filter"] = {"op": "is", "dimension": "campaign", "values": [campaign_id]}
    return body


class Asked(msgspec.Struct, frozen=True):
    """A panel of a page, as the page asks for it."""

    name: str
    body: dict[str, Any]
    reads_facts: bool
    """Distinct numbers by anything but days and campaigns, callbacks, the base itself: by their nature longer with more calls."""
    needs_seals: bool
    """Distinct numbers of days; without bitmaps they are read from facts, too."""


def panels(period: dict[str, Any], campaign_id: int, now: datetime) -> Iterator[Asked]:
    """Every panel of every report page, of one campaign and of all, compared where the page compares."""
    for report in REPORTS.values():
        for panel in report.panels:
            for of_all in (False, True):
                body: dict[str, Any] = {
                    "metrics": list(panel.metrics),
                    "dimensions": list(panel.dimensions),
                    "limit": panel.limit,
                    "period": period,
                }
                if panel.order_by:
                    direction = "asc" if panel.is_ascending else "desc"
                    body["order"] = [{"by": panel.order_by, "direction": direction}]
                if report.is_compared:
                    body["compare"] = {"name": "previous_period"}
                if not of_all:
                    body["filter"] = {"op": "is", "dimension": "campaign", "values": [campaign_id]}
                query = build_query(msgspec.convert(body, QueryRequest), now)
                whose = "all" if of_all else "one"
                yield Asked(
                    f"{report.name}.{panel.name} of {whose}",
                    body,
                    reads_facts(query),
                    bool(sealed_measures(query)),
                )


def ask(
    name: str, metrics: list[str], *dimensions: str, of_all: bool = False, raw: str | None = None
) -> Question:
    body = {"metrics": metrics, "dimensions": list(dimensions), "limit": 1000}
    return Question(name, body, of_all=of_all, of_largest=metrics == DISTINCT, raw=raw)


QUESTIONS = (
    ask("summary and funnel", FUNNEL, raw=""),
    ask("medians", ["talk_seconds_median", "pdd_ms_median"]),
    ask("by day", FUNNEL, "day", raw="started_day"),
    ask("weekday and hour", ["attempts", "answered_by_attempt"], "weekday", "hour_of_day"),
    ask("by attempt number", FUNNEL, "attempt_number", raw="attempt_number"),
    ask("by source", FUNNEL, "source", raw="source"),
    ask("by ad", FUNNEL, "ad"),
    ask("by keyword", FUNNEL, "keyword"),
    ask("by list", FUNNEL, "list"),
    ask("by result", ["attempts"], "result"),
    ask("by SIP status", ["attempts"], "sip_status"),
    ask("trunks", QUALITY, "trunk", raw="trunk_id"),
    ask("caller IDs", QUALITY, "caller_id", raw="caller_id"),
    ask("all: summary", FUNNEL, of_all=True, raw=""),
    ask("all: by campaign", FUNNEL, "campaign", of_all=True, raw="campaign_id"),
    ask("all: by day", FUNNEL, "day", of_all=True, raw="started_day"),
    ask("all: weekday and hour", ["attempts", "answered_by_attempt"], "weekday", "hour_of_day", of_all=True),
    ask("all: caller IDs", QUALITY, "caller_id", of_all=True, raw="caller_id"),
    ask("all: by keyword", FUNNEL, "keyword", of_all=True),
    ask("all: medians", ["talk_seconds_median", "pdd_ms_median"], of_all=True),
    ask("distinct numbers", DISTINCT),
    ask("all: distinct numbers", DISTINCT, of_all=True),
)
