"""The form of an alert rule: what stands in it, and what comes back as the body of the API (docs/adr/0010 for trunks)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from analytics.alert_rule import is_share
from api.body import read_body
from api.errors import ApiError, FieldProblem
from api.schemas.alerts import RuleBody
from campaigns.alerts import AlertRule

DEFAULTS = {
    "name": "",
    "metric": "answer_rate",
    "subject": "campaign",
    "comparison": "worse_than_usual",
    "threshold": "",
    "window_minutes": "15",
    "min_count": "50",
    "is_enabled": "on",
}


class ReadRule(msgspec.Struct, frozen=True):
    """What a visitor sent: the rule, or every problem."""

    rule: RuleBody | None
    problems: list[FieldProblem]


def shown_rule(rule: AlertRule) -> dict[str, str]:
    """Return what stands in each input; shares in percent."""
    threshold = rule.threshold
    if threshold is not None and is_share(rule.metric):
        threshold *= 100
    subject = rule.subject_kind if rule.subject_id is None else f"{rule.subject_kind}:{rule.subject_id}"
    return {
        "name": rule.name,
        "metric": rule.metric,
        "subject": subject,
        "comparison": rule.comparison,
        "threshold": "" if threshold is None else f"{threshold:g}",
        "window_minutes": str(rule.window_minutes),
        "min_count": str(rule.min_count),
        "is_enabled": "on" if rule.is_enabled else "",
    }


def read_rule(sent: Mapping[str, str]) -> ReadRule:
    """Turn the inputs into a rule; what cannot be stays a text, which the check then names."""
    kind, _, identifier = sent.get("subject", "").partition(":")
    metric = sent.get("metric", "")
    threshold = number(sent.get("threshold", ""))
    if isinstance(threshold, (int, float)) and is_share(metric):
        threshold = round(threshold / 100, 12)  # so that 2.3 % is 0.023 and not its neighbour
    values: dict[str, Any] = {
        "name": sent.get("name", "").strip(),
        "metric": metric,
        "comparison": sent.get("comparison", ""),
        "subject_kind": kind,
        "subject_id": number(identifier),
        "threshold": threshold,
        "window_minutes": number(sent.get("window_minutes", "")),
        "min_count": number(sent.get("min_count", "")),
        "is_enabled": "is_enabled" in sent,
    }
    try:
        return ReadRule(read_body(msgspec.json.encode(values), RuleBody), [])
    except ApiError as error:
        return ReadRule(None, list(error.problems))


def number(text: str) -> float | str | None:
    """Read a number as people write it, with a comma, too; an empty input is null."""
    text = text.strip()
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(value) if value.is_integer() else value
