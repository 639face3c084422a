"""
Which source answers which part of a query. Pure.

The facts can answer everything; `stats` (docs/rollups.md) answers the same, to the last digit, without reading them. One
dimension of `stats` is one partition of the attempts, so a query that tells them apart by two of those is one for the facts;
but for passes over a list, which have a dimension of pairs.
"""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from analytics.dimensions import DIMENSIONS
from analytics.metric import Metric
from analytics.metrics import METRICS, attempts_behind, measures_of
from analytics.optimize import campaigns_of
from analytics.query import CALLBACK_HOURS, SHORT_CALL_SECONDS, Filter, Query, Span

Source = Literal["attempts", "leads", "rollups"]
Kind = Literal["dialed", "settled", "answered", "person", "target", "success"]
"""What happened to a number at least once."""
QUARTER_HOUR_DIM: Final = 0
DAY_DIM: Final = 1
HOUR_OF_DAY_DIM: Final = 2
TALK_DIM: Final = 16
PDD_DIM: Final = 17
VERDICT_DIM: Final = 18
JITTER_DIM: Final = 19
PASS_DIM: Final = 20
MONTH_DIMS: Final = 100
"""Added to the number of a dimension of `stats` gives that of the same by month of the campaigns' clocks; the quarter has none."""
HISTOGRAMS: Final[Mapping[str, int]] = {
    "verdict_ms_median": VERDICT_DIM,
    "verdict_ms_p95": VERDICT_DIM,
    "jitter_ms_p95": JITTER_DIM,
    "talk_seconds_median": TALK_DIM,
    "pdd_ms_median": PDD_DIM,
    "pdd_ms_p95": PDD_DIM,
}
"""Quantiles, each with the dimension of `stats` that is its histogram."""
KEYS: Final[Mapping[int, tuple[str, ...]]] = {
    TALK_DIM: (),
    PDD_DIM: (),
    VERDICT_DIM: ("answered_by",),
    JITTER_DIM: ("trunk",),
    PASS_DIM: ("list", "attempt_number"),
}
"""What stands in the value, in this order, between colons; of a histogram its step comes last."""
HOURS: Final = frozenset({"hour", "hour_of_day"})
TARGET_METRICS: Final = frozenset(metric.name for metric in METRICS.values() if ":target" in metric.formula)
SHORT_METRICS: Final = frozenset(metric.name for metric in METRICS.values() if ":short_ms" in metric.formula)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Measures that one SELECT computes."""

    source: Source
    measures: tuple[Metric, ...]
    dim: int | None = None
    """Of `stats`."""

    @property
    def is_histogram(self) -> bool:
        return self.dim in HISTOGRAMS.values()

    @property
    def keys(self) -> tuple[str, ...]:
        """The dimensions whose values stand in one value of `stats`; none: it is the value of the part's one dimension."""
        return () if self.dim is None else KEYS.get(self.dim, ())


def plan(query: Query) -> list[Part]:
    """Split the measures of a query by the source that answers them."""
    dim = stats_dim(query) if query.reading == "auto" else None
    groups: dict[tuple[Source, int | None], list[Metric]] = {}
    for measure in measures_of(query.metrics):
        place: tuple[Source, int | None] = ("attempts", None)
        if measure.facts == "leads":
            place = ("leads", None)
        elif measure.name in HISTOGRAMS and dim is not None:
            histogram = HISTOGRAMS[measure.name]
            place = ("rollups", histogram) if has_histogram(query, histogram) else ("attempts", None)
        elif measure.counter is not None and dim is not None and is_standard(measure, query):
            place = ("rollups", dim)
        groups.setdefault(place, []).append(measure)
    parts = [
        Part(source=source, measures=tuple(measures), dim=place)
        for (source, place), measures in groups.items()
    ]
    if query.dimensions and all(part.is_histogram for part in parts):
        # groups without a value are in no histogram
        parts.append(Part(source="rollups", measures=(), dim=dim))
    return parts


SEALED_KINDS: Final[Mapping[str, Kind]] = {
    "distinct_numbers": "dialed",
    "settled_numbers": "settled",
    "answered_numbers": "answered",
    "person_numbers": "person",
    "unique_target_numbers": "target",
    "successful_numbers": "success",
}
"""What of a day's bitmaps (`analytics.distinct`) counts a measure."""
SEALED_KNOWN: Final[Mapping[str, Kind]] = {"known_numbers": "dialed", "known_answered_numbers": "answered"}
"""Of numbers that had been dialed before the period: what of the bitmaps in it counts a measure (`analytics.known`)."""
SEALED_CALLBACKS: Final = frozenset({"callbacks_done", "callbacks_due", "callbacks_missed"})
"""What seals of days say of callbacks (`analytics.callbacks`), when 24 hours are waited for them."""


def sealed_measures(query: Query) -> list[Metric]:
    """
    Return the measures whose total the seals of days tell: distinct numbers and callbacks of one campaign or of all, on whole days
    of the campaigns' own clocks.
    """
    has_one = query.filter is not None and query.filter.op in {"is", "in"} and len(query.filter.values) == 1
    is_whole = query.filter is None or (has_one and campaigns_of(query.filter) is not None)
    if query.reading != "auto" or not is_whole or (query.clock == "zone" and is_bounded(query)):
        return []
    zone = ZoneInfo(query.time_zone)
    instants = [instant for span in spans(query) for instant in (span.from_time, span.to_time) if instant]
    if any(instant.astimezone(zone).time() != time() for instant in instants):
        return []
    return [
        measure
        for measure in measures_of(query.metrics)
        if measure.name in SEALED_KINDS.keys() | SEALED_KNOWN.keys() | SEALED_CALLBACKS
        and is_standard(measure, query)
    ]


SEALED_GROUPS: Final = frozenset({"day", "week", "month"})
"""Made of whole days."""
SEALED_VALUES: Final[Mapping[str, int]] = {
    name: dim for name in ("source", "ad", "keyword") if (dim := DIMENSIONS[name].stats_dim) is not None
}
"""Dimensions of `stats` whose values have bitmaps of their own (`analytics.attribution`)."""


def sealed_groups(query: Query) -> list[Metric]:
    """
    Return the measures whose groups the seals of days tell, too: days of the campaigns' clocks, campaigns, and of distinct numbers
    source, ad or keyword.
    """
    values = SEALED_VALUES.keys() & query.dimensions
    names = set(query.dimensions) - values
    is_of_days = (
        len(values) <= 1
        and names <= {*SEALED_GROUPS, "campaign"}
        and (query.clock == "campaign" or not names & SEALED_GROUPS)
    )
    sealed = sealed_measures(query) if is_of_days else []
    if values:
        sealed = [measure for measure in sealed if measure.name in SEALED_KINDS]
    if "campaign" in names:
        # known is what any of the campaigns knew: that of one of them does not tell
        sealed = [measure for measure in sealed if measure.name not in SEALED_KNOWN]
    # a page of groups is cut off by what SQL knows
    by_metrics = measures_of(order.by for order in query.order if order.by in METRICS)
    return [] if any(measure in sealed for measure in by_metrics) else sealed


def is_standard(measure: Metric, query: Query) -> bool:
    """Tell whether the measure is kept with the thresholds that the query sets."""
    settings = query.settings
    has_target = settings.target_min_seconds is not None or settings.target_max_seconds is not None
    if measure.name in TARGET_METRICS and has_target:
        return False
    if measure.name in SEALED_CALLBACKS:
        return settings.callback_hours == CALLBACK_HOURS
    return measure.name not in SHORT_METRICS or settings.short_call_seconds == SHORT_CALL_SECONDS


def stats_dim(query: Query) -> int | None:
    """Return the dimension of `stats` in which the query's groups and filters can be found; None = in none."""
    names = {*query.dimensions, *filtered(query.filter)} - {"campaign"}
    special = [name for name in names if not DIMENSIONS[name].is_clock]
    clock = names - set(special)
    reads_clock = bool(clock) or is_bounded(query)
    if special:
        is_by_day = query.clock == "campaign" or not reads_clock
        if not is_by_day or HOURS & clock:
            return None
        if len(special) == 1:
            return DIMENSIONS[special[0]].stats_dim
        return PASS_DIM if set(special) == set(KEYS[PASS_DIM]) else None
    if not reads_clock:
        return DAY_DIM
    if query.clock == "zone":
        return QUARTER_HOUR_DIM if is_on_quarter_hours(query) else None
    if "hour" in clock:
        return None
    return HOUR_OF_DAY_DIM if "hour_of_day" in clock else DAY_DIM


def reads_months(query: Query, part: Part) -> bool:
    """Tell whether rows of whole months do as well as those of their days: nothing asks for a part of a month."""
    clock = {name for name in (*query.dimensions, *filtered(query.filter)) if DIMENSIONS[name].is_clock}
    return part.dim not in {None, QUARTER_HOUR_DIM} and clock <= {"month", "hour_of_day"}


def has_histogram(query: Query, dim: int) -> bool:
    """Tell whether a histogram of each day answers: it knows the campaign's days, its keys and nothing else."""
    names = {*query.dimensions, *filtered(query.filter)} - {"campaign"}
    clock = {name for name in names if DIMENSIONS[name].is_clock}
    reads_clock = bool(clock) or is_bounded(query)
    return (
        names <= clock | set(KEYS[dim])
        and not HOURS & clock
        and (query.clock == "campaign" or not reads_clock)
    )


CALL_COUNTERS: Final[Mapping[str | None, Metric]] = {
    metric.where: metric
    for metric in METRICS.values()
    if metric.kind == "count" and metric.counter is not None
}
"""Of conditions on attempts: the measure whose counter of `stats` counts those."""


def counter_of_calls(query: Query, metric: str) -> str:
    """Return the counter of `stats` that counts the calls behind a figure, or else more than those."""
    measure = CALL_COUNTERS.get(attempts_behind(metric)[1])
    if (
        measure is None
        or measure.counter is None
        or ":" in measure.counter
        or not is_standard(measure, query)
    ):
        return "attempts"
    return measure.counter


def value_of_calls(query: Query, at: Mapping[str, Any]) -> tuple[int, str | None]:
    """Return a dimension of `stats`, and the value in it that calls of a row have; None = it has but one."""
    if at.keys() >= set(KEYS[PASS_DIM]):
        return PASS_DIM, ":".join(value_text(at[name]) for name in KEYS[PASS_DIM])
    for name, value in at.items():
        dim = DIMENSIONS[name].stats_dim
        if dim is not None:
            return dim, value_text(value)
    if query.clock == "campaign" and at.get("hour_of_day") is not None:
        return HOUR_OF_DAY_DIM, f"{at['hour_of_day']:02}"
    return DAY_DIM, None


def value_text(value: Any) -> str:
    return "" if value is None else str(value)


def filtered(node: Filter | None) -> Iterator[str]:
    """Name the dimensions that a filter looks at."""
    if node is not None:
        if node.dimension is not None:
            yield node.dimension
        for inner in node.filters:
            yield from filtered(inner)


def spans(query: Query) -> list[Span]:
    return [span for span in (query.period, query.compare) if span is not None]


def is_bounded(query: Query) -> bool:
    return any(span.from_time is not None or span.to_time is not None for span in spans(query))


def is_on_quarter_hours(query: Query) -> bool:
    return all(
        instant is None or (instant.minute * 60 + instant.second) % 900 + instant.microsecond == 0
        for span in spans(query)
        for instant in (span.from_time, span.to_time)
    )


def keeps_campaigns_apart(query: Query, part: Part) -> bool:
    """Tell whether the sums over all campaigns, which `stats` has too, would not do."""
    by_campaign = "campaign" in query.dimensions or "campaign" in filtered(query.filter)
    return by_campaign or any(":lenient" in (measure.counter or "") for measure in part.measures)


def sources(parts: list[Part]) -> dict[str, Source]:
    """Return where each measure comes from."""
    return {measure.name: part.source for part in parts for measure in part.measures}


def reads_facts(query: Query) -> bool:
    """Tell whether a query is answered from attempts or leads, one by one; then it takes as long as there are of them."""
    sealed = sealed_groups(query) if query.dimensions else sealed_measures(query)
    others = set(measures_of(query.metrics)) - set(sealed)
    return any(part.source != "rollups" and others & set(part.measures) for part in plan(query))


def source_of(name: str, by_measure: dict[str, Source]) -> Source:
    """Return what a metric is made of: the base as it is now if any of it is, else the facts if any of it is."""
    found = {by_measure[measure.name] for measure in measures_of([name])}
    return next(source for source in ("leads", "attempts", "rollups") if source in found)
