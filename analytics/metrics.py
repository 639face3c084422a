"""
The metric registry: what each figure of a report means, defined once for the API, the pages, the exports and the docs.

Sentences in English and Russian are in the catalogue under `metrics.NAME`; here stand the facts that do not translate.
A measure's formula is the SQL that computes it from the facts; everything else is arithmetic over measures.

Rule 1. A rate without a denominator is null, never 0; a mean or a median of nothing is null; a count or a sum of nothing
        is 0.
Rule 2. A share's numerator is a part of its denominator, so it lies in 0..1 and has a Wilson interval.
Rule 3. A conversion is named after its denominator.
Rule 4. An answer counts as a person's unless something was heard that is none: `answered_by` is null where nobody listened.
Rule 5. Quantiles are of whole seconds of talk and of whole tenths of a second of PDD, rounded down: of those a histogram keeps
        every one (docs/rollups.md), so that they are exact without reading the facts.
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
    counter: str | None = None
    """Of a measure: the sum of what over columns of `stats` it is; None = it is not kept there."""
    needs: tuple[str, str] | None = None
    """Two metrics that must be equal, else the figure is not known and null."""
    fraction: float | None = None
    """Of a quantile."""
    scale: int = 1
    """What a measure's whole number is divided by at the very end: milliseconds stay whole until then, sums exact."""

    @property
    def is_additive(self) -> bool:
        """Whether the figure of a whole is the sum of the figures of its parts."""
        return self.kind in {"count", "sum"}

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics that it is made of."""
        made_of = (self.numerator, self.denominator, self.squares, *(self.needs or ()))
        return tuple(name for name in made_of if name is not None)


MEDIAN: Final = 0.5
ANSWERED: Final = "result = 'answered'"
MACHINE: Final = f"{ANSWERED} AND answered_by = 'machine'"
PERSON: Final = f"{ANSWERED} AND coalesce(answered_by, 'human') IN ('human', 'unsure')"
TIMED: Final = f"{ANSWERED} AND talk_ms IS NOT NULL"
RUNG: Final = "pdd_ms IS NOT NULL"
TALK: Final = f"{PERSON} AND (talk_ms >= :short_ms OR disposition IS NOT NULL)"
"""A conversation: a person, for longer than a short call, or long enough to decide something."""
SUCCESS: Final = "coalesce(disposition IN ('order', 'meeting', 'offer_requested'), false)"
LENIENT: Final = "campaign_id IN (SELECT lenient.campaign_id FROM campaigns AS lenient WHERE lenient.machine_counts_as_success)"
"""The campaign counts a machine as a success."""
MACHINE_SUCCESS: Final = f"{MACHINE} AND {LENIENT}"
NO_SUCCESS: Final = f"{ANSWERED} AND NOT {SUCCESS} AND NOT coalesce({MACHINE_SUCCESS}, false)"
REACHED: Final = "result IN ('answered', 'busy', 'no_answer', 'rejected')"
CALLED_BACK: Final = (
    "EXISTS (SELECT FROM attempts AS later WHERE later.shard_key = attempts.shard_key"
    " AND later.number = attempts.number AND later.result = 'answered'"
    " AND later.started_time > attempts.started_time"
    " AND later.started_time <= attempts.started_time + :callback_hours * interval '1 hour')"
)
REQUESTED: Final = "disposition = 'callback_requested'"
WAITING: Final = "started_time + :callback_hours * interval '1 hour' > :now"
PRICED: Final = ("priced_attempts", "settled_attempts")
"""Money is known when every ended attempt has its price."""


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


def count(name: str, where: str | None = None, counter: str | None = None) -> Metric:
    return Metric(
        name=name,
        unit="attempts",
        kind="count",
        formula=f"count(*){only(where)}",
        facts="attempts",
        where=where,
        counter=counter,
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


def total(
    name: str,
    terms: str,
    where: str,
    unit: Unit,
    scale: int,
    counter: str,
    needs: tuple[str, str] | None = None,
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        kind="sum",
        formula=f"coalesce(sum({terms}){only(where)}, 0)",
        facts="attempts",
        where=where,
        counter=counter,
        needs=needs,
        is_null_when=f"{needs[0]} < {needs[1]}" if needs else None,
        scale=scale,
    )


def quantile(name: str, fraction: float, steps: str, where: str, unit: Unit, is_null_when: str) -> Metric:
    """The median may lie halfway between two values; any other quantile is one of the values, so that none needs rounding."""
    function = "percentile_cont" if fraction == MEDIAN else "percentile_disc"
    return Metric(
        name=name,
        unit=unit,
        kind="quantile",
        formula=f"{function}({fraction}) WITHIN GROUP (ORDER BY {steps}){only(where)}",
        facts="attempts",
        where=where,
        is_null_when=is_null_when,
        fraction=fraction,
    )


def divided(
    kind: Literal["share", "mean", "ratio"],
    name: str,
    numerator: str,
    denominator: str,
    unit: Unit,
    squares: str | None = None,
    needs: tuple[str, str] | None = None,
) -> Metric:
    return Metric(
        name=name,
        unit=unit,
        kind=kind,
        formula=f"{numerator} / {denominator}",
        numerator=numerator,
        denominator=denominator,
        squares=squares,
        needs=needs,
        is_null_when=f"{denominator} = 0" + (f" or {needs[0]} < {needs[1]}" if needs else ""),
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
    count("attempts", None, "attempts"),
    count("settled_attempts", "settled_time IS NOT NULL", "settled"),
    difference("open_attempts", "attempts", "settled_attempts", "settled_time IS NULL"),
    numbers("distinct_numbers"),
    numbers("settled_numbers", "settled_time IS NOT NULL"),
    # answered
    count("answered_attempts", ANSWERED, "answered"),
    numbers("answered_numbers", ANSWERED),
    share("answered_by_attempt", "answered_attempts", "settled_attempts"),
    share("answered_by_number", "answered_numbers", "settled_numbers"),
    count("person_answers", PERSON, "persons"),
    numbers("person_numbers", PERSON),
    share("person_share", "person_answers", "answered_attempts"),
    count("voicemail_hits", MACHINE, "machines"),
    count("judged_answers", f"{ANSWERED} AND answered_by IS NOT NULL", "judged"),
    share("machine_share", "voicemail_hits", "judged_answers"),
    count("voicemails_left", "disposition = 'voicemail_left'", "voicemails_left"),
    # the network
    share("asr", "answered_attempts", "settled_attempts"),
    count("network_reached", REACHED, "network_effective"),
    share("ner", "network_reached", "settled_attempts"),
    divided("ratio", "acd_seconds", "talk_seconds_sum", "answered_attempts", "seconds"),
    count("rung_attempts", RUNG, "pdd_count"),
    total("pdd_ms_sum", "pdd_ms", RUNG, "milliseconds", 1, "pdd_ms_sum"),
    divided("mean", "pdd_ms_mean", "pdd_ms_sum", "rung_attempts", "milliseconds"),
    quantile("pdd_ms_median", 0.5, "pdd_ms / 100 * 100", RUNG, "milliseconds", "rung_attempts = 0"),
    quantile("pdd_ms_p95", 0.95, "pdd_ms / 100 * 100", RUNG, "milliseconds", "rung_attempts = 0"),
    count("short_calls", f"{ANSWERED} AND talk_ms < :short_ms", "short_calls"),
    share("short_call_share", "short_calls", "answered_attempts"),
    # talk
    count("talks", TALK, "talks"),
    count("timed_answers", TIMED, "talk_count"),
    total("talk_seconds_sum", "talk_ms", TIMED, "seconds", 1000, "talk_ms_sum"),
    total(
        "talk_seconds_squares",
        "talk_ms::numeric * talk_ms",
        TIMED,
        "square_seconds",
        1_000_000,
        "talk_ms_squares",
    ),
    divided(
        "mean", "talk_seconds_mean", "talk_seconds_sum", "timed_answers", "seconds", "talk_seconds_squares"
    ),
    quantile("talk_seconds_median", 0.5, "talk_ms / 1000", TIMED, "seconds", "timed_answers = 0"),
    # what came of it
    count("orders", "disposition = 'order'", "orders"),
    count("meetings", "disposition = 'meeting'", "meetings"),
    count("offers", "disposition = 'offer_requested'", "offers"),
    count("successes", SUCCESS, "orders + meetings + offers"),
    numbers("successful_numbers", SUCCESS),
    count("successful_talks", f"{PERSON} AND {SUCCESS}", "successful_talks"),
    share("conversion_per_talk", "successful_talks", "talks"),
    share("conversion_per_dial", "successes", "settled_attempts"),
    share("conversion_per_number", "successful_numbers", "settled_numbers"),
    share("conversion_per_contact", "successful_numbers", "person_numbers"),
    share("conversion_per_lead", "successful_numbers", "leads"),
    count("refusals", "disposition = 'refused'", "refusals"),
    # to be called back
    count("callback_requests", REQUESTED, "callbacks"),
    share("callback_requests_per_answer", "callback_requests", "answered_attempts"),
    count("callbacks_done", f"{REQUESTED} AND {CALLED_BACK}"),
    count("callbacks_due", f"{REQUESTED} AND {WAITING} AND NOT {CALLED_BACK}"),
    count("callbacks_missed", f"{REQUESTED} AND NOT ({WAITING}) AND NOT {CALLED_BACK}"),
    share("callbacks_done_share", "callbacks_done", "callback_requests"),
    # target, unique and repeat calls
    count("target_calls", ":target", "target_calls"),
    numbers("unique_target_numbers", ":target"),
    share("target_share", "target_calls", "answered_attempts"),
    difference("repeat_calls", "attempts", "distinct_numbers"),
    # successful or not, by the campaign's rule
    count(
        "status_successful",
        f"{SUCCESS} OR {MACHINE_SUCCESS}",
        "orders + meetings + offers + CASE WHEN :lenient THEN machines - machine_successes ELSE 0 END",
    ),
    count(
        "status_successful_with_machines",
        f"{SUCCESS} OR {MACHINE}",
        "orders + meetings + offers + machines - machine_successes",
    ),
    count(
        "status_unsuccessful",
        f"{NO_SUCCESS} AND NOT coalesce(:target, false)",
        "unsuccessful - CASE WHEN :lenient THEN unsuccessful_machines ELSE 0 END",
    ),
    count(
        "status_undecided",
        f"{NO_SUCCESS} AND :target",
        "undecided - CASE WHEN :lenient THEN undecided_machines ELSE 0 END",
    ),
    # money
    count("priced_attempts", "cost_micros IS NOT NULL", "cost_count"),
    total(
        "cost_sum", "cost_micros", "cost_micros IS NOT NULL", "money", 1_000_000, "cost_micros_sum", PRICED
    ),
    divided("ratio", "cost_per_talk", "cost_sum", "talks", "money", None, PRICED),
    divided("ratio", "cost_per_success", "cost_sum", "successes", "money", None, PRICED),
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
