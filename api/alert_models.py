"""Who is told of alerts, and what has been told."""

from datetime import datetime
from typing import Literal

import msgspec

from api.addresses import address_problems
from api.catalogue import Language
from api.delivery import Status
from api.delivery_error import ErrorCode
from campaigns.errors import InvalidSettings
from campaigns.problems import out_of_range

Event = Literal["raised", "resolved"]


class NewReceiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to tell, by e-mail or by webhook. Raises `InvalidSettings` naming everything that is wrong."""

    rule_id: int | None = None
    """Null: of the alerts of every rule."""
    language: Language = "en"
    recipients: list[str] | None = None
    webhook_url: str | None = None

    def __post_init__(self) -> None:
        problems = address_problems(self.recipients, self.webhook_url)
        if self.rule_id is not None:
            problems += out_of_range("rule_id", self.rule_id, 1, 2**31 - 1)
        if problems:
            raise InvalidSettings(*problems)


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of alerts."""

    receiver_id: int
    rule_id: int | None
    language: Language
    recipients: list[str] | None
    webhook_url: str | None
    is_active: bool
    """False: the webhook answered 410 Gone."""
    created_time: datetime
    webhook_secret: str | None = None
    """Shown once, in the answer that made it: checks the signature of the webhooks (Standard Webhooks)."""


class AlertDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver told, or to be told, of one turn of an alert."""

    receiver_id: int
    alert_id: int
    event: Event
    status: Status
    tries: int
    next_try_time: datetime
    error_code: ErrorCode | None
    """What was wrong at the last try, or is worth knowing of a sent one; null of older versions, too."""
    last_error: str | None
    """What the other side said itself, as it said it."""
    sent_time: datetime | None


class AlertFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with the names that a person reads."""

    alert_id: int
    rule_id: int
    rule_name: str
    metric: str
    comparison: str
    window_minutes: int
    subject_kind: str
    subject_id: int | None
    subject_name: str | None
    """Null for all calls, and for a subject that is gone."""
    state: Literal["raised", "acknowledged", "resolved"]
    raised_time: datetime
    acknowledged_time: datetime | None
    acknowledged_by: str | None
    resolved_time: datetime | None
    value: float
    """When it was raised."""
    last_value: float
    last_time: datetime
    """When that was seen."""
    expected: float
    """The threshold, or what was usual."""
    numerator: int | None
    denominator: int | None
    detail: dict[str, str | int | None] | None = None
    """Of failing_copies: `oldest_time`, `error`; of damaged_recordings: `gap_ms`, `cause`, `node_name`."""
