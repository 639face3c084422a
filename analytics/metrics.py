"""
The metric registry: what each figure of a report means, defined once for the API, the pages, the exports and the docs.

Sentences in English and Russian are in the catalogue under `metrics.NAME`; here stand the facts that do not translate.
A measure's formula is the SQL that computes it from the facts; everything else is arithmetic over measures.

Rule 1. A rate without a denominator is null, never 0; a mean or a median of nothing is null; a count or a sum of nothing
        is 0.
Rule 2. A share's numerator is a part of its denominator, so it lies in 0..1 and has a Wilson interval.
Rule 3. A conversion is named after its denominator.
Rule 4. An answer counts as a person's unless something was heard that is none: `answered_by` is null where nobody listened.
Rule 5. Quantiles are of whole seconds of talk and whole tenths of a second of PDD and of verdicts, rounded down, and of steps of
        jitter (`jitter_step_ms`: 0, 2, 5, 10, 15, 20 ... 1000 ms), rounded up: of those a histogram keeps every one
        (docs/rollups.md), so that they are exact without reading the facts.
Rule 6. An estimate weighs each drawn call by 1 / its probability; the numerator and denominator beside it are what was counted.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from analytics.metric import (
    Metric,
    contacts,
    count,
    difference,
    divided,
    estimate,
    numbers,
    quantile,
    share,
    total,
)

ANSWERED: Final = "result = 'answered'"
MACHINE: Final = f"{ANSWERED} AND answered_by = 'machine'"
PERSON: Final = f"{ANSWERED} AND coalesce(answered_by, 'human') IN ('human', 'unsure')"
TIMED: Final = f"{ANSWERED} AND talk_ms IS NOT NULL"
RUNG: Final = "pdd_ms IS NOT NULL"
NOBODY: Final = f"{ANSWERED} AND answered_by IN ('machine', 'screening', 'fax', 'tone', 'music')"
DECIDED: Final = (
    f"{ANSWERED} AND answered_by IS NOT NULL AND verdict_time IS NOT NULL AND answered_time IS NOT NULL"
)
VERDICT_STEPS: Final = "verdict_step_ms(verdict_time - answered_time)"
AUDITED: Final = "audit_judgement IN ('human', 'machine')"
AUDITED_PERSON: Final = "audit_judgement = 'human'"
WEIGHT: Final = "round(1000 / audit_share)::bigint"
"""Of a drawn verdict, in thousandths: how many verdicts it stands for."""
HEARD: Final = "media_packets_expected > 0"
JITTERED: Final = "media_jitter_ms IS NOT NULL"
RATED: Final = "media_mos_hundredths IS NOT NULL"
LOW_MOS: Final = "media_mos_hundredths < 360"
"""Many users are dissatisfied (ITU-T G.107 Annex B, Table B.1: R below 70)."""
TALK: Final = f"{PERSON} AND (talk_ms >= :short_ms OR disposition IS NOT NULL)"
"""A conversation: a person, for longer than a short call, or long enough to decide something."""
SUCCEEDED: Final = "disposition IN ('order', 'meeting', 'offer_requested')"
SUCCESS: Final = f"coalesce({SUCCEEDED}, false)"
LENIENT: Final = "campaign_id IN (SELECT lenient.campaign_id FROM campaigns AS lenient WHERE lenient.machine_counts_as_success)"
"""The campaign counts a machine as a success."""
MACHINE_SUCCESS: Final = f"{MACHINE} AND {LENIENT}"
NO_SUCCESS: Final = f"{ANSWERED} AND NOT {SUCCESS} AND NOT coalesce({MACHINE_SUCCESS}, false)"
REACHED: Final = "(result IN ('answered', 'busy', 'no_answer') OR (result = 'rejected' AND fault = 'callee'))"
"""ITU-T E.425: the network did its part. A refusal by a trunk's policy (403, 608) is not the terminal's."""
CALLED_BACK: Final = (
    "EXISTS (SELECT FROM attempts AS later WHERE later.shard_key = attempts.shard_key"
    " AND later.contact_id = attempts.contact_id AND later.result = 'answered'"
    " AND later.started_time > attempts.started_time"
    " AND later.started_time <= attempts.started_time + :callback_hours * interval '1 hour')"
)
REQUESTED: Final = "disposition = 'callback_requested'"
KNOWN: Final = (
    "EXISTS (SELECT FROM attempts AS earlier WHERE earlier.shard_key = attempts.shard_key"
    " AND earlier.contact_id = attempts.contact_id AND :before_period)"
)
"""The campaign had tried the number before the period; nothing was before one without a beginning."""
KNOWN_NUMBER: Final = (
    "number IN (SELECT earlier.number FROM attempts AS earlier WHERE :asked_campaigns AND :before_period)"
)
"""One of the campaigns that the query asks for had tried the number before the period."""
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
    # how soon and how well it was heard who answered
    count("timed_verdicts", DECIDED, "timed_verdicts"),
    quantile("verdict_ms_median", 0.5, VERDICT_STEPS, DECIDED, "milliseconds", "timed_verdicts = 0"),
    quantile("verdict_ms_p95", 0.95, VERDICT_STEPS, DECIDED, "milliseconds", "timed_verdicts = 0"),
    count("nobody_verdicts", NOBODY, "nobody_verdicts"),
    count("audits_drawn", "audit_share IS NOT NULL", "audits_drawn"),
    count(
        "audits_waiting",
        "audit_share IS NOT NULL AND audit_judgement IS NULL AND audit_unheard IS NULL",
        "audits_waiting",
    ),
    count("audits_unheard", "audit_unheard IS NOT NULL", "audits_unheard"),
    count(
        "audits_unclear",
        "audit_judgement = 'cannot_tell'",
        # only what was drawn is judged
        "coalesce(audits_drawn, 0) - coalesce(audits_waiting, 0) - coalesce(audited_verdicts, 0) - coalesce(audits_unheard, 0)",
    ),
    count("audited_verdicts", AUDITED, "audited_verdicts"),
    count("audited_persons", AUDITED_PERSON, "audited_persons"),
    total("represented_verdicts", WEIGHT, AUDITED, "attempts", 1000, "represented_verdicts"),
    total("represented_persons", WEIGHT, AUDITED_PERSON, "attempts", 1000, "represented_persons"),
    total(
        "represented_squares",
        f"{WEIGHT} * {WEIGHT}",
        AUDITED,
        "attempts",
        1_000_000,
        "represented_squares",
    ),
    estimate(
        "false_positive_share",
        ("audited_persons", "audited_verdicts"),
        ("represented_persons", "represented_verdicts"),
        "represented_squares",
    ),
    # how well the call could be heard
    count("heard_calls", HEARD, "heard_calls"),
    total("packets_expected", "media_packets_expected", HEARD, "packets", 1, "packets_expected"),
    total("packets_lost", "greatest(media_packets_lost, 0)", HEARD, "packets", 1, "packets_lost"),
    divided("ratio", "packet_loss", "packets_lost", "packets_expected", "share"),
    count("jittered_calls", JITTERED, "jittered_calls"),
    total(
        "jitter_ms_sum",
        "round(media_jitter_ms * 1000)::bigint",
        JITTERED,
        "milliseconds",
        1000,
        "jitter_us_sum",
    ),
    divided("mean", "jitter_ms_mean", "jitter_ms_sum", "jittered_calls", "milliseconds"),
    quantile(
        "jitter_ms_p95",
        0.95,
        "jitter_step_ms(media_jitter_ms)",
        JITTERED,
        "milliseconds",
        "jittered_calls = 0",
    ),
    count("direction_checked_calls", "media_is_one_way IS NOT NULL", "direction_checked_calls"),
    count("one_way_calls", "media_is_one_way", "one_way_calls"),
    share("one_way_share", "one_way_calls", "direction_checked_calls"),
    count("mos_calls", RATED, "mos_calls"),
    total("mos_sum", "media_mos_hundredths::bigint", RATED, "score", 100, "mos_hundredths_sum"),
    divided("mean", "mos_mean", "mos_sum", "mos_calls", "score"),
    count("low_mos_calls", LOW_MOS, "low_mos_calls"),
    share("low_mos_share", "low_mos_calls", "mos_calls"),
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
    count("known_number_attempts", KNOWN),
    share("known_number_share", "known_number_attempts", "attempts"),
    numbers("known_numbers", KNOWN_NUMBER),
    share("known_by_number", "known_numbers", "distinct_numbers"),
    numbers("known_answered_numbers", f"{ANSWERED} AND {KNOWN_NUMBER}"),
    share("known_by_answered_number", "known_answered_numbers", "answered_numbers"),
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
