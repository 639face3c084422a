"""Alert rules and alerts as the API takes and gives them."""

from collections.abc import Iterator

import msgspec

from analytics.alert_rule import METRICS, AlertMetric, Comparison, MetricName, SubjectKind
from campaigns.alerts import Alert, NewAlertRule
from campaigns.errors import InvalidSettings, Problem
from campaigns.problems import empty_or_long, out_of_range

MAX_ID = 2**31 - 1


class RuleBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to add. Raises `InvalidSettings` when it contradicts itself."""

    name: str
    metric: MetricName
    comparison: Comparison
    """below or above a threshold; worse_than_usual: against the same minutes of the same weekday of the last four weeks."""
    subject_kind: SubjectKind = "campaign"
    subject_id: int | None = None
    """One campaign or trunk; null = each by itself."""
    threshold: float | None = None
    """Of shares 0 to 1; of the others minutes or a number. Null for worse_than_usual, and only there."""
    window_minutes: int = 15
    min_count: int = 50
    """A share of fewer calls than this says nothing."""
    is_enabled: bool = True

    def __post_init__(self) -> None:
        problems = [
            *empty_or_long("name", self.name, 200),
            *out_of_range("window_minutes", self.window_minutes, 1, 1440),
            *out_of_range("min_count", self.min_count, 1, 1_000_000),
        ]
        # an unknown one is named by whoever reads the body
        metric = METRICS.get(self.metric)
        if metric is not None:
            problems += self._problems_of(metric)
        if self.subject_id is not None:
            problems.extend(
                [Problem("subject_id", "not_for_all")]
                if self.subject_kind == "all"
                else out_of_range("subject_id", self.subject_id, 1, MAX_ID)
            )
        if problems:
            raise InvalidSettings(*problems)

    def _problems_of(self, metric: AlertMetric) -> Iterator[Problem]:
        if self.subject_kind not in metric.kinds:
            yield Problem("subject_kind", "not_for_this_metric", {"allowed": sorted(metric.kinds)})
        if self.comparison == "worse_than_usual":
            if not metric.is_share:
                yield Problem("comparison", "has_no_history")
            if self.threshold is not None:
                yield Problem("threshold", "only_with_threshold")
        elif self.threshold is None:
            yield Problem("threshold", "missing")
        else:
            yield from out_of_range("threshold", self.threshold, 0, 1 if metric.is_share else 1e6)

    def rule(self) -> NewAlertRule:
        return msgspec.convert(self, NewAlertRule, from_attributes=True)


class RulePatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switches a rule on or off."""

    is_enabled: bool


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts, newest first."""

    items: list[Alert]
    next_before_id: int | None
    """What to ask next as `before_id`; null on the last page."""
