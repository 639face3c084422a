"""
The metric registry: what each figure of a report means, defined once for the API, the pages, the exports and the docs.

Sentences in English and Russian are in the catalogue under `metrics.NAME`; here stand the facts that do not translate.
A measure's formula is the SQL that computes it from the facts; everything else is arithmetic over measures.

Rule 1. A rate without a denominator is null, never 0; a mean or a median of nothing is null; a count or a sum of nothing
        is 0.
Rule 2. A share's numerator is a part of its denominator, so it lies in 0..1 and has a Wilson interval.
Rule 3. A conversion is named after its denominator.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

Unit = Literal[
    "attempts", "numbers", "contacts", "callbacks", "share", "seconds", "square_seconds", "milliseconds", "money"
]  # fmt: skip
Kind = Literal["count", "distinct", "sum", "quantile", "share", "mean", "ratio", "difference"]
Facts = Literal["attempts", "leads"]
"""The table that a measure is made of."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One figure."""

    name: str
    unit: Unit
    kind: Kind
    formula: str
    """Of a measure: SQL over the facts, `:names` are settings of the query. Else: arithmetic over other metrics."""
    facts: Facts | None = None
    """Of a measure: what it is made of; None = it is made of other metrics."""
    where: str | None = None
    """Of what is made of attempts: which of them count; None = all, or those of the denominator."""
    numerator: str | None = None
    """Of a share, mean, ratio or difference: the metric above the line, or the one that is lessened."""
    denominator: str | None = None
    """The metric below the line, or the one that is taken away."""
    squares: str | None = None
    """Of a mean: the measure that sums the squares, for its interval."""
    is_null_when: str | None = None
    """None = the metric always has a value."""
    scale: int = 1
    """What a measure's whole number is divided by at the very end: milliseconds stay whole until then, sums exact."""

    @property
    def is_additive(self) -> bool:
        """Whether the figure of a whole is the sum of the figures of its parts."""
        return self.kind in {"count", "sum"}

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics that it is made of."""
        return tuple(name for name in (self.numerator, self.denominator, self.squares) if name is not None)


ANSWERED: Final = "result = 'answered'"
PERSON: Final = ANSWERED
TIMED: Final = f"{ANSWERED} AND talk_ms IS NOT NULL"
RUNG: Final = "pdd_ms IS NOT NULL"
SHORT: Final = f"{ANSWERED} AND coalesce(talk_ms, 0) < :short_ms"
TALK: Final = f"{PERSON} AND (talk_ms >= :short_ms OR disposition IS NOT NULL)"
"""A conversation: a person, for longer than a short call, or long enough to decide something."""
SUCCESS: Final = f"{ANSWERED} AND disposition IN ('order', 'meeting', 'offer_requested')"
TARGET: Final = f"{ANSWERED} AND talk_ms BETWEEN :target_min_ms AND :target_max_ms"
REACHED: Final = "result IN ('answered', 'busy', 'no_answer', 'rejected')"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share with what it was made of."""

    numerator: int
    denominator: int
    denominator_name: str
    """The metric that the denominator is: rates of the same name differ in nothing else so often."""
    value: float | None
    """0..1; null when the denominator is 0."""


def only(where: str | None) -> str:
    return f" FILTER (WHERE {where})" if where else ""


def count(name: str, where: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="attempts",
        kind="count",
        formula=f"count(*){only(where)}",
        facts="attempts",
        where=where,
    )


def numbers(name: str, where: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="numbers",
        kind="distinct",
        formula=f"count(DISTINCT number){only(where)}",
        facts="attempts",
        where=where,
    )


def contacts(name: str, where: str | None = None) -> Metric:
    return Metric(name=name, unit="contacts", kind="count", formula=f"count(*){only(where)}", facts="leads")


def total(name: str, terms: str, where: str, unit: Unit, scale: int) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        kind="sum",
        formula=f"coalesce(sum({terms}){only(where)}, 0)",
        facts="attempts",
        where=where,
        scale=scale,
    )


def quantile(
    name: str, fraction: float, column: str, where: str, unit: Unit, scale: int, is_null_when: str
) -> Metric:
    """Between two values the quantile is interpolated, as percentile_cont does."""
    return Metric(
        name=name,
        unit=unit,
        kind="quantile",
        formula=f"percentile_cont({fraction}) WITHIN GROUP (ORDER BY {column}){only(where)}",
        facts="attempts",
        where=where,
        is_null_when=is_null_when,
        scale=scale,
    )


def divided(
    kind: Literal["share", "mean", "ratio"],
    name: str,
    numerator: str,
    denominator: str,
    unit: Unit,
    squares: str | None = None,
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        kind=kind,
        formula=f"{numerator} / {denominator}",
        numerator=numerator,
        denominator=denominator,
        squares=squares,
        is_null_when=f"{denominator} = 0",
    )


def share(name: str, numerator: str, denominator: str) -> Metric:
    return divided("share", name, numerator, denominator, "share")


def difference(name: str, whole: str, part: str, where: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="attempts",
        kind="difference",
        formula=f"{whole} - {part}",
        numerator=whole,
        denominator=part,
        where=where,
    )


ALL: Final = (
    # dialed
    count("attempts"),
    count("settled_attempts", "settled_time IS NOT NULL"),
    difference("open_attempts", "attempts", "settled_attempts", "settled_time IS NULL"),
    numbers("distinct_numbers"),
    numbers("settled_numbers", "settled_time IS NOT NULL"),
    # answered
    count("answered_attempts", ANSWERED),
    numbers("answered_numbers", ANSWERED),
    share("answered_by_attempt", "answered_attempts", "settled_attempts"),
    share("answered_by_number", "answered_numbers", "settled_numbers"),
    # the network
    share("asr", "answered_attempts", "settled_attempts"),
    count("network_reached", REACHED),
    share("ner", "network_reached", "settled_attempts"),
    divided("ratio", "acd_seconds", "talk_seconds_sum", "answered_attempts", "seconds"),
    count("rung_attempts", RUNG),
    total("pdd_ms_sum", "pdd_ms", RUNG, "milliseconds", 1),
    divided("mean", "pdd_ms_mean", "pdd_ms_sum", "rung_attempts", "milliseconds"),
    quantile("pdd_ms_median", 0.5, "pdd_ms", RUNG, "milliseconds", 1, "rung_attempts = 0"),
    quantile("pdd_ms_p95", 0.95, "pdd_ms", RUNG, "milliseconds", 1, "rung_attempts = 0"),
    count("short_calls", SHORT),
    share("short_call_share", "short_calls", "answered_attempts"),
    # talk
    count("talks", TALK),
    count("timed_answers", TIMED),
    total("talk_seconds_sum", "talk_ms", TIMED, "seconds", 1000),
    total("talk_seconds_squares", "talk_ms::bigint * talk_ms", TIMED, "square_seconds", 1_000_000),
    divided(
        "mean", "talk_seconds_mean", "talk_seconds_sum", "timed_answers", "seconds", "talk_seconds_squares"
    ),
    quantile("talk_seconds_median", 0.5, "talk_ms", TIMED, "seconds", 1000, "timed_answers = 0"),
    # what came of it
    count("orders", f"{ANSWERED} AND disposition = 'order'"),
    count("meetings", f"{ANSWERED} AND disposition = 'meeting'"),
    count("offers", f"{ANSWERED} AND disposition = 'offer_requested'"),
    count("successes", SUCCESS),
    numbers("successful_numbers", SUCCESS),
    count("successful_talks", f"{PERSON} AND {SUCCESS}"),
    share("conversion_per_talk", "successful_talks", "talks"),
    share("conversion_per_dial", "successes", "settled_attempts"),
    share("conversion_per_number", "successful_numbers", "settled_numbers"),
    count("refusals", "disposition = 'refused'"),
    count("callback_requests", "disposition = 'callback_requested'"),
    share("callback_requests_per_answer", "callback_requests", "answered_attempts"),
    # target, unique and repeat calls
    count("target_calls", TARGET),
    numbers("unique_target_numbers", TARGET),
    share("target_share", "target_calls", "answered_attempts"),
    difference("repeat_calls", "attempts", "distinct_numbers"),
    # the base
    contacts("leads"),
    contacts("leads_attempted", "attempts_made > 0"),
    share("penetration", "leads_attempted", "leads"),
    contacts("leads_pending", "status = 'pending'"),
    contacts("leads_finished", "status = 'finished'"),
    contacts("leads_blocked", "status = 'blocked'"),
    contacts("dialable_now", "status = 'pending' AND due_time <= :now"),
)

METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in ALL}


def measures_of(names: Iterable[str]) -> list[Metric]:
    """Return the measures that these metrics are made of, each once, in the order of the registry."""
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        metric = METRICS[waiting.pop()]
        if metric.facts is not None:
            wanted.add(metric.name)
        waiting += metric.parts
    return [metric for metric in ALL if metric.name in wanted]


def attempts_behind(name: str) -> tuple[bool, str | None]:
    """Return whether attempts are behind a figure, and which: a condition, None for all. Of a rate: those it is out of."""
    metric = METRICS[name]
    if metric.facts is not None or metric.where is not None:
        return metric.facts != "leads", metric.where
    if metric.kind == "difference":
        assert metric.numerator is not None
        return attempts_behind(metric.numerator)
    assert metric.denominator is not None
    return attempts_behind(metric.denominator)


def rate(name: str, counts: Mapping[str, int]) -> Rate:
    """Compute a rate of the registry from counts by metric name."""
    metric = METRICS[name]
    assert metric.numerator is not None
    assert metric.denominator is not None
    numerator, denominator = counts[metric.numerator], counts[metric.denominator]
    return Rate(
        numerator=numerator,
        denominator=denominator,
        denominator_name=metric.denominator,
        value=numerator / denominator if denominator else None,
    )
