"""
What the reports' filter bar says: it stands in the address, so that a report can be linked, kept and taken on to the next one.

Whatever is chosen is seen above the report as a word with a cross, and goes by a click.
"""

from datetime import date, timedelta
from typing import Final, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_interval

from analytics.query import (
    ComparedPeriod,
    ComparisonName,
    Filter,
    Period,
    PeriodName,
    Query,
    QueryRequest,
    Span,
)
from api.catalogue import Language, text
from api.dependencies import ApiRequest
from api.figures_in_words import LOCALES
from api.report_panel import Report
from api.report_registry import REPORTS

PERIODS: Final = (*get_args(PeriodName), "custom")
COMPARISONS: Final = ("none", *get_args(ComparisonName))
PRESETS: Final = ("today", "yesterday", "last_7_days", "last_30_days", "this_month", "last_month")
"""Periods that are one click away."""
NAMES: Final = ("period", "from", "to", "compare", "campaign", "zone")
"""What of an address is the filter bar's."""
INSTANT: Final = timedelta(microseconds=1)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the filter bar says; as it stands in the address."""

    period: str
    from_date: str | None
    to_date: str | None
    """The last day that is counted, as people say periods; a query's period ends before its end."""
    compare: str
    campaign: int | None
    zone: str | None
    """IANA; None leaves days and hours to each campaign's own clock, which the rollups answer."""

    def request(self) -> QueryRequest:
        """Return what every panel's query begins with."""
        is_custom = self.period == "custom" or self.period not in PERIODS
        return QueryRequest(
            metrics=["attempts"],
            period=Period(from_time=self.from_date, to_time=day_after(self.to_date))
            if is_custom
            else Period(name=self.period),  # type: ignore[arg-type]  # in PERIODS
            compare=ComparedPeriod(name=self.compare)  # type: ignore[arg-type]  # in COMPARISONS
            # nothing came before all time
            if self.compare in get_args(ComparisonName) and self.period != "all"
            else None,
            filter=None
            if self.campaign is None
            else Filter(op="is", dimension="campaign", values=[self.campaign]),
            time_zone=self.zone,
        )


def choice_of(request: ApiRequest, report: Report) -> Choice:
    """Read the filter bar from the address; what is missing has a default, what is wrong is said by the query."""
    given = request.query_params
    campaign_text = given.get("campaign", "")
    campaign = int(campaign_text) if campaign_text.isdecimal() else None
    from_date, to_date = given.get("from") or None, given.get("to") or None
    return Choice(
        period=given.get("period") or ("custom" if from_date or to_date else "last_30_days"),
        from_date=from_date,
        to_date=to_date,
        compare=given.get("compare") or ("previous_period" if report.is_compared else "none"),
        campaign=campaign,
        zone=given.get("zone") or None,
    )


def day_after(day: str | None) -> str | None:
    """Return the day after a date; what is none is left to the query, which says so."""
    try:
        return None if day is None else (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Something that narrows or widens what is counted, and the address of the report without it."""

    words: str
    address: str


def address(request: ApiRequest, path: str = "", **changes: str) -> str:
    """Return the address of a report with the filter bar as it is, but for the changes; an empty one is left out."""
    given = {name: value for name, value in request.query_params.items() if name in NAMES}
    return f"{path}?{urlencode({name: value for name, value in {**given, **changes}.items() if value})}"


def presets_of(request: ApiRequest) -> dict[str, str]:
    """Return the address of this report in each of the usual periods, with everything else as it is."""
    return {name: address(request, **{"period": name, "from": "", "to": ""}) for name in PRESETS}


def others_of(request: ApiRequest) -> dict[str, str]:
    """Return the address of every report, with the filter bar as it is here."""
    return {name: address(request, f"/reports/{name}") for name in REPORTS}


def chosen_of(
    request: ApiRequest, choice: Choice, query: Query, campaign_name: str | None, language: Language
) -> list[Chosen]:
    """Say what was chosen beside a usual period."""
    chosen = []
    if choice.period not in PRESETS:
        name = choice.period if choice.period in PERIODS else "custom"
        words = text(f"reports.period.{name}", language)
        chosen.append(Chosen(words=words, address=address(request, **{"period": "", "from": "", "to": ""})))
    if query.compare is not None:
        dates = span_words(query.compare, query.time_zone, language)
        words = text("reports.chosen.compare", language, dates=dates)
        chosen.append(Chosen(words=words, address=address(request, compare="none")))
    if choice.campaign is not None:
        words = text("reports.chosen.campaign", language, name=campaign_name or choice.campaign)
        chosen.append(Chosen(words=words, address=address(request, campaign="")))
    if choice.zone is not None:
        words = text("reports.chosen.zone", language, zone=choice.zone)
        chosen.append(Chosen(words=words, address=address(request, zone="")))
    return chosen


def span_words(span: Span, time_zone: str, language: Language) -> str:
    """Say the days of a period: `27 Oct – 26 Nov 2026`; nothing of one that has no bound."""
    if span.from_time is None or span.to_time is None:
        return ""
    zone = ZoneInfo(time_zone)
    first, last = span.from_time.astimezone(zone), (span.to_time - INSTANT).astimezone(zone)
    return format_interval(first.date(), last.date(), "yMMMd", locale=LOCALES[language])
