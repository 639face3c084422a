"""Who answered, who listened, how well it could be heard: the part of `reference` that is about sound."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.analytics.reference_quantiles import median, p95

Attempt = dict[str, Any]
Attempts = list[Attempt]

COUNTS: dict[str, Callable[[Any, Attempts], int]] = {
    "timed_verdicts": lambda w, rows: len(verdict_times(rows)),
    "nobody_verdicts": lambda w, rows: sum(
        is_answered(a) and a["answered_by"] not in {None, "human", "unsure", "silence"} for a in rows
    ),
    "audits_drawn": lambda w, rows: sum(a["audit_share"] is not None for a in rows),
    "audits_waiting": lambda w, rows: sum(
        a["audit_share"] is not None and a["audit_judgement"] is None and a["audit_unheard"] is None
        for a in rows
    ),
    "audits_unheard": lambda w, rows: sum(a["audit_unheard"] is not None for a in rows),
    "audits_unclear": lambda w, rows: sum(a["audit_judgement"] == "cannot_tell" for a in rows),
    "audited_verdicts": lambda w, rows: len(audited(rows)),
    "audited_persons": lambda w, rows: sum(a["audit_judgement"] == "human" for a in rows),
    "heard_calls": lambda w, rows: len(measured(rows)),
    "packets_expected": lambda w, rows: sum(a["media_packets_expected"] for a in measured(rows)),
    "packets_lost": lambda w, rows: sum(max(a["media_packets_lost"], 0) for a in measured(rows)),
    "jittered_calls": lambda w, rows: sum(a["media_jitter_ms"] is not None for a in rows),
    "direction_checked_calls": lambda w, rows: sum(a["media_is_one_way"] is not None for a in rows),
    "one_way_calls": lambda w, rows: sum(a["media_is_one_way"] is True for a in rows),
    "mos_calls": lambda w, rows: len(scores(rows)),
    "low_mos_calls": lambda w, rows: sum(score < Fraction("3.6") for score in scores(rows)),
}


def is_answered(a: Attempt) -> bool:
    return bool(a["result"] == "answered")


def verdict_times(rows: Attempts) -> list[int]:
    """From the answer to the verdict, in whole tenths of a second."""
    return [
        (a["verdict_time"] - a["answered_time"]) // timedelta(milliseconds=100) * 100
        for a in rows
        if is_answered(a) and a["answered_by"] is not None and a["verdict_time"] and a["answered_time"]
    ]


def audited(rows: Attempts) -> Attempts:
    return [a for a in rows if a["audit_judgement"] in {"human", "machine"}]


def weights(rows: Attempts) -> list[Fraction]:
    """How many verdicts each stands for; shares of the histories divide 1000."""
    return [1 / Fraction(str(a["audit_share"])) for a in rows]


def measured(rows: Attempts) -> Attempts:
    return [a for a in rows if a["media_packets_expected"]]


def scores(rows: Attempts) -> list[Fraction]:
    """The estimated MOS of each call that has one."""
    return [Fraction(a["media_mos_hundredths"], 100) for a in rows if a["media_mos_hundredths"] is not None]


def jitter_step(jitter: Fraction) -> int:
    """The first of the steps that it does not exceed; the last one is for all that is more."""
    for step in [0, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500]:
        if jitter <= step:
            return step
    return 1000


def values(rows: Attempts) -> dict[str, Any]:
    """Return the metrics that are no counts."""
    found: dict[str, Any] = {}
    found["verdict_ms_median"] = median(verdict_times(rows))
    found["verdict_ms_p95"] = p95(verdict_times(rows))
    people = [a for a in audited(rows) if a["audit_judgement"] == "human"]
    found["represented_verdicts"] = float(sum(weights(audited(rows))))
    found["represented_persons"] = float(sum(weights(people)))
    found["represented_squares"] = float(sum(w * w for w in weights(audited(rows))))
    found["false_positive_share"] = (
        float(sum(weights(people)) / sum(weights(audited(rows)))) if audited(rows) else None
    )
    lost = sum(max(a["media_packets_lost"], 0) for a in measured(rows))
    expected = sum(a["media_packets_expected"] for a in measured(rows))
    found["packet_loss"] = float(Fraction(lost, expected)) if expected else None
    jitters = [Fraction(a["media_jitter_ms"]) for a in rows if a["media_jitter_ms"] is not None]
    found["jitter_ms_sum"] = float(sum(jitters))
    found["jitter_ms_mean"] = float(sum(jitters) / len(jitters)) if jitters else None
    found["mos_sum"] = float(sum(scores(rows)))
    found["mos_mean"] = float(sum(scores(rows)) / len(scores(rows))) if scores(rows) else None
    found["jitter_ms_p95"] = p95([jitter_step(jitter) for jitter in jitters])
    return found
