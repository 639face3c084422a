"""Saved reports, their schedules and deliveries: what is sent, stored and shown."""

import zoneinfo
from datetime import datetime
from typing import Final, Literal

import msgspec

from analytics.export import FileFormat
from analytics.query import QueryRequest
from api.addresses import address_problems
from api.catalogue import Language
from api.delivery import Status
from api.delivery_error import ErrorCode
from campaigns.errors import InvalidSettings, Problem

Every = Literal["day", "week", "month"]
MAX_NAME: Final = 200
ZONES: Final = zoneinfo.available_timezones()


class NewReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A query to keep. Raises `InvalidSettings` for a name that is none."""

    name: str
    query: QueryRequest

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InvalidSettings(Problem("name", "empty"))
        if len(self.name) > MAX_NAME:
            raise InvalidSettings(Problem("name", "too_long", {"max": MAX_NAME}))


class SavedReport(msgspec.Struct, frozen=True, kw_only=True):
    """A query that somebody kept."""

    report_id: int
    name: str
    owner: str
    """The API key or session that saved it."""
    query: QueryRequest
    created_time: datetime
    changed_time: datetime


class Rhythm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a report is due."""

    every: Every
    weekday: int | None = None
    """Of a weekly one: ISO, 1 is Monday."""
    month_day: int | None = None
    """Of a monthly one; a month that is shorter has it on its last day."""
    minute: int
    """After midnight of the zone."""
    time_zone: str


class NewSchedule(Rhythm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets a report when: by e-mail or by webhook. Raises `InvalidSettings` naming everything that is wrong."""

    format: FileFormat = "xlsx"
    """Of the file attached to an e-mail."""
    language: Language = "en"
    recipients: list[str] | None = None
    webhook_url: str | None = None

    def __post_init__(self) -> None:
        problems = list(schedule_problems(self))
        if problems:
            raise InvalidSettings(*problems)


class Schedule(Rhythm, frozen=True, kw_only=True):
    """Who gets a report when."""

    schedule_id: int
    report_id: int
    format: FileFormat
    language: Language
    recipients: list[str] | None
    webhook_url: str | None
    is_active: bool
    next_time: datetime
    webhook_secret: str | None = None
    """Shown once, in the answer that made it: checks the signature of the webhooks (Standard Webhooks)."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a schedule was due."""

    schedule_id: int
    due_time: datetime
    status: Status
    tries: int
    next_try_time: datetime
    error_code: ErrorCode | None
    """What was wrong at the last try, or is worth knowing of a sent one; null of older versions, too."""
    last_error: str | None
    """What the other side said itself, as it said it."""
    sent_time: datetime | None


def schedule_problems(new: NewSchedule) -> list[Problem]:
    problems = []
    for name, value, belongs, high in (
        ("weekday", new.weekday, new.every == "week", 7),
        ("month_day", new.month_day, new.every == "month", 31),
    ):
        if (value is not None) != belongs:
            problems.append(
                Problem(name, "rhythm_needs" if belongs else "rhythm_has_none", {"every": new.every})
            )
        elif value is not None and not 1 <= value <= high:
            problems.append(Problem(name, "out_of_range", {"min": 1, "max": high}))
    if not 0 <= new.minute < 24 * 60:
        problems.append(Problem("minute", "out_of_range", {"min": 0, "max": 24 * 60 - 1}))
    if new.time_zone not in ZONES:
        problems.append(Problem("time_zone", "not_a_time_zone", {"value": new.time_zone[:60]}))
    return problems + address_problems(new.recipients, new.webhook_url)
