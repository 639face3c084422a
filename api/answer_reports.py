"""The reports of who answered, how often we were wrong about it, and how well they could be heard."""

from typing import Final

from api.report_panel import Panel, Report, by

MACHINES: Final = (
    "judged_answers",
    "machine_share",
    "audits_drawn",
    "audited_verdicts",
    "audited_persons",
    "false_positive_share",
)
MOS: Final = ("mos_calls", "mos_mean", "low_mos_calls", "low_mos_share")
SOUND: Final = (
    "heard_calls",
    "packets_expected",
    "packets_lost",
    "packet_loss",
    "jitter_ms_mean",
    "jitter_ms_p95",
    "one_way_calls",
    "one_way_share",
)

OF_ANSWERS: Final = (
    Report(
        name="machines",
        panels=(
            Panel(
                name="machine_totals",
                chart="figures",
                metrics=(
                    "voicemail_hits",
                    "machine_share",
                    "verdict_ms_median",
                    "verdict_ms_p95",
                    "audited_verdicts",
                    "false_positive_share",
                ),
            ),
            Panel(
                name="machines_over_days",
                chart="lines",
                metrics=("judged_answers", "voicemail_hits", "machine_share", "false_positive_share"),
                drawn=("machine_share", "false_positive_share"),
                dimensions=("day",),
                order_by="day",
            ),
            by("campaign", MACHINES, ("false_positive_share",)),
            by("trunk", MACHINES, ("false_positive_share",)),
            by("caller_id", MACHINES, ("false_positive_share",)),
            by(
                "answered_by",
                ("judged_answers", "timed_verdicts", "verdict_ms_median", "verdict_ms_p95"),
                ("judged_answers",),
            ),
        ),
    ),
    Report(
        name="media",
        panels=(
            Panel(name="media_totals", chart="figures", metrics=(*SOUND, *MOS)),
            Panel(
                name="media_by_trunk",
                chart="bars",
                metrics=SOUND,
                drawn=("packet_loss",),
                dimensions=("trunk",),
                order_by="packet_loss",
                is_ascending=False,
            ),
            Panel(
                name="media_over_days",
                chart="lines",
                metrics=SOUND,
                drawn=("packet_loss", "one_way_share"),
                dimensions=("day",),
                order_by="day",
            ),
            Panel(
                name="mos_by_trunk",
                chart="bars",
                metrics=MOS,
                drawn=("mos_mean",),
                dimensions=("trunk",),
                order_by="mos_mean",
            ),
            Panel(
                name="mos_over_days",
                chart="lines",
                metrics=MOS,
                drawn=("mos_mean",),
                dimensions=("day",),
                order_by="day",
            ),
            by("campaign", MOS, ("low_mos_share",)),
        ),
    ),
)
