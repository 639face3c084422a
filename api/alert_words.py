"""How an alert and its rule are said: the same on pages and in mails."""

from analytics.alert_rule import METRICS
from api.alert_models import AlertFacts
from api.catalogue import Language, text
from api.figures_in_words import integer, minutes, percent


def is_share(metric: str) -> bool:
    return any(known.name == metric and known.is_share for known in METRICS.values())


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


def subject(kind: str, identifier: int | None, name: str | None, language: Language) -> str:
    """Say what is watched: a campaign or trunk by its name, each of them, or all calls."""
    if kind == "all":
        return text("alerts.subject.all", language)
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
