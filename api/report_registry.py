"""
The reports as data: each is a page of panels, each panel one query, drawn as a chart with its table below.

A report says which metrics of `analytics.metrics` it shows by which dimensions; the page's script asks them of
`POST /v1/query`, so a page, the API and an export cannot disagree. Sentences are in the catalogue: `reports.REPORT.title`,
`reports.REPORT.question`, `reports.panel.PANEL`. A new report is an entry here and its sentences.
"""

from collections.abc import Mapping
from typing import Final

from api.answer_reports import OF_ANSWERS
from api.report_panel import CAMPAIGN_RESULTS, RESULTS, Panel, Report, by, over

NETWORK: Final = (
    "settled_attempts",
    "asr",
    "ner",
    "acd_seconds",
    "pdd_ms_mean",
    "short_calls",
    "short_call_share",
)
"""Means of PDD, as medians by trunk and caller ID would have to read every call."""
CAUSES: Final = ("settled_attempts", "rung_attempts", "pdd_ms_mean", "refusals")
CALLBACKS: Final = (
    "callback_requests",
    "callbacks_due",
    "callbacks_done",
    "callbacks_missed",
    "callbacks_done_share",
)
STATUSES: Final = (
    "status_successful",
    "status_successful_with_machines",
    "status_unsuccessful",
    "status_undecided",
    "voicemail_hits",
)
COSTS: Final = ("cost_sum", "talks", "cost_per_talk", "successes", "cost_per_success", "priced_attempts")


ALL: Final = (
    Report(
        name="summary",
        panels=(
            Panel(
                name="totals",
                chart="figures",
                metrics=(
                    "attempts",
                    "distinct_numbers",
                    "answered_by_number",
                    "talks",
                    "conversion_per_talk",
                    "successes",
                    "voicemail_hits",
                    "callback_requests",
                ),
            ),
            over(
                "day",
                (
                    "attempts",
                    "answered_attempts",
                    "answered_by_attempt",
                    "talks",
                    "successes",
                    "conversion_per_talk",
                ),
                ("attempts", "answered_attempts"),
            ),
            Panel(
                name="funnel",
                chart="funnel",
                metrics=(
                    "settled_attempts",
                    "answered_attempts",
                    "person_answers",
                    "talks",
                    "successful_talks",
                ),
            ),
            by("campaign", CAMPAIGN_RESULTS),
        ),
        is_compared=True,
    ),
    Report(
        name="hours",
        panels=(
            Panel(
                name="heat_answers",
                chart="heat",
                metrics=("answered_by_attempt", "settled_attempts"),
                dimensions=("weekday", "hour_of_day"),
                order_by="weekday",
            ),
            Panel(
                name="heat_conversion",
                chart="heat",
                metrics=("conversion_per_talk", "talks"),
                dimensions=("weekday", "hour_of_day"),
                order_by="weekday",
            ),
            over("hour_of_day", RESULTS, ("answered_by_attempt",)),
        ),
    ),
    Report(
        name="tries",
        panels=(
            over(
                "attempt_number",
                (
                    "settled_attempts",
                    "answered_attempts",
                    "answered_by_attempt",
                    "talks",
                    "successes",
                    "conversion_per_dial",
                ),
                ("answered_by_attempt", "conversion_per_dial"),
            ),
        ),
    ),
    Report(name="sources", panels=(by("source"), by("ad"), by("keyword"))),
    Report(
        name="lists",
        panels=(
            Panel(
                name="lists_inventory",
                chart="bars",
                metrics=(
                    "leads",
                    "leads_attempted",
                    "penetration",
                    "leads_pending",
                    "dialable_now",
                    "leads_finished",
                    "leads_blocked",
                ),
                drawn=("penetration",),
                dimensions=("list",),
                order_by="leads",
                is_ascending=False,
            ),
            Panel(
                name="passes",
                chart="columns",
                metrics=(
                    "settled_attempts",
                    "answered_by_attempt",
                    "talks",
                    "successes",
                    "conversion_per_dial",
                    "refusals",
                ),
                drawn=("settled_attempts",),
                dimensions=("list", "attempt_number"),
                order_by="list",
            ),
            by("list"),
        ),
        has_dry_time=True,
    ),
    Report(
        name="causes",
        panels=(
            by("result", CAUSES, ("settled_attempts",)),
            by("sip_status", CAUSES, ("settled_attempts",)),
            by("q850_cause", CAUSES, ("settled_attempts",)),
        ),
    ),
    Report(
        name="network",
        panels=(
            by("trunk", NETWORK, ("asr", "ner")),
            by("caller_id", NETWORK, ("asr",)),
            over("day", NETWORK, ("asr", "ner"), "lines"),
        ),
    ),
    Report(
        name="target",
        panels=(
            Panel(
                name="target_totals",
                chart="figures",
                metrics=(
                    "attempts",
                    "distinct_numbers",
                    "repeat_calls",
                    "target_calls",
                    "unique_target_numbers",
                    "target_share",
                ),
            ),
            over(
                "day",
                (
                    "attempts",
                    "distinct_numbers",
                    "repeat_calls",
                    "target_calls",
                    "unique_target_numbers",
                    "target_share",
                ),
                ("target_calls", "repeat_calls"),
            ),
            Panel(
                name="known_numbers",
                chart="columns",
                metrics=(
                    "distinct_numbers",
                    "known_numbers",
                    "known_by_number",
                    "answered_numbers",
                    "known_answered_numbers",
                    "known_by_answered_number",
                ),
                drawn=("distinct_numbers", "known_numbers"),
                dimensions=("day",),
                order_by="day",
            ),
            by("source", ("attempts", "target_calls", "target_share"), ("target_calls",)),
            # apart, so that the sums beside them do not wait for days that are not sealed
            Panel(
                name="numbers_by_source",
                chart="bars",
                metrics=("attempts", "distinct_numbers", "repeat_calls", "unique_target_numbers"),
                drawn=("distinct_numbers", "unique_target_numbers"),
                dimensions=("source",),
                order_by="attempts",
                is_ascending=False,
            ),
        ),
        is_compared=True,
    ),
    Report(
        name="callbacks",
        panels=(
            Panel(name="callback_totals", chart="figures", metrics=CALLBACKS),
            over("day", CALLBACKS, ("callback_requests", "callbacks_done")),
            by("campaign", CALLBACKS, ("callbacks_missed",)),
        ),
    ),
    Report(
        name="statuses",
        panels=(
            Panel(name="status_totals", chart="figures", metrics=STATUSES),
            over("day", STATUSES, ("status_successful", "status_unsuccessful")),
            by("campaign", STATUSES, ("status_successful",)),
        ),
        is_compared=True,
    ),
    Report(
        name="comparison",
        panels=(
            Panel(
                name="comparison_totals",
                chart="periods",
                metrics=(
                    *CAMPAIGN_RESULTS,
                    "answered_by_number",
                    "person_share",
                    "orders",
                    "meetings",
                    "offers",
                    "callback_requests",
                    "refusals",
                    "talk_seconds_sum",
                    "talk_seconds_mean",
                    "talk_seconds_median",
                    "asr",
                    "ner",
                    "acd_seconds",
                    "pdd_ms_median",
                    "short_call_share",
                    "machine_share",
                    "target_calls",
                    "repeat_calls",
                ),
            ),
            by("campaign", CAMPAIGN_RESULTS),
        ),
        is_compared=True,
    ),
    *OF_ANSWERS,
    Report(
        name="costs",
        panels=(
            Panel(name="cost_totals", chart="figures", metrics=COSTS),
            by("trunk", COSTS, ("cost_sum",)),
            by("source", COSTS, ("cost_sum",)),
        ),
        is_compared=True,
    ),
)

REPORTS: Final[Mapping[str, Report]] = {report.name: report for report in ALL}
