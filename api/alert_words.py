"""How an alert and its rule are said: the same on pages and in mails."""

from datetime import datetime, timedelta

from analytics.alert_rule import OF_RECORDINGS, is_share
from api.alert_models import AlertFacts
from api.catalogue import Catalogue, Language, text
from api.figures_in_words import decimal, integer, minutes, percent


def figure(metric: str, value: float, language: Language) -> str:
    """Say one figure of a metric: a share in percent, minutes, or a number."""
    if is_share(metric):
        return percent(value, language)
    if metric.endswith("_minutes"):
        return minutes(value, language)
    return integer(round(value), language)


def finding(alert: AlertFacts, value: float, language: Language) -> str:
    """Say a figure beside what was expected: `19.3%, usually 34.2%`."""
    kind = "usual" if alert.comparison == "worse_than_usual" else alert.comparison
    return text(
        f"floor.script.expected_{kind}",
        language,
        value=figure(alert.metric, value, language),
        expected=figure(alert.metric, alert.expected, language),
    )


def detail(alert: AlertFacts, language: Language) -> str | None:
    """Say what there is beside the figure: how long the oldest copy waits, and why; None where there is nothing."""
    facts = alert.detail
    match alert.metric:
        case "failing_copies" if facts and isinstance(oldest := facts.get("oldest_time"), str):
            return text(
                "alerts.detail.failing_copies",
                language,
                age=age(alert.last_time - datetime.fromisoformat(oldest), language),
                error=code_words("recordings.copy_error", facts.get("error"), language),
            )
        case "damaged_recordings" if facts:
            return text(
                "alerts.detail.damaged_recordings",
                language,
                seconds=decimal(int(facts.get("gap_ms") or 0) / 1000, 1, language),
                cause=code_words("recordings.cause", facts.get("cause"), language),
                node=facts.get("node_name"),
            )
    return None


def age(of: timedelta, language: Language) -> str:
    """Say how long ago something was, in the largest unit of which there is at least one, rounded down."""
    whole = max(0, of // timedelta(minutes=1))
    for unit, length in (("days", 1440), ("hours", 60)):
        if whole >= length:
            return text(f"alerts.age.{unit}", language, count=whole // length)
    return text("alerts.age.minutes", language, count=whole)


def code_words(prefix: str, code: object, language: Language) -> str:
    """Say what a code means; one that has no words is said as it is."""
    key = f"{prefix}.{code}"
    return text(key, language) if Catalogue.load().has(key) else str(code)


def subject(metric: str, kind: str, identifier: int | None, name: str | None, language: Language) -> str:
    """Say what is watched: a campaign or trunk by its name, each of them, or all calls."""
    if kind == "all":
        return text(
            "alerts.subject.recordings" if metric in OF_RECORDINGS else "alerts.subject.all", language
        )
    if identifier is None:
        return text(f"alerts.subject.each_{kind}", language)
    return name or text(f"alerts.subject.{kind}", language, id=identifier)


def condition(metric: str, comparison: str, threshold: float | None, language: Language) -> str:
    """Say when a rule raises: `Answer rate below 20.0%`."""
    shown = "" if threshold is None else figure(metric, threshold, language)
    return text(
        f"alerts.condition.{comparison}",
        language,
        metric=text(f"alerts.metric.{metric}", language),
        threshold=shown,
    )
