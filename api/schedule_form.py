"""The form of a schedule: what is sent as inputs becomes the body of the API."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.body import read_body
from api.report_models import NewSchedule

DEFAULTS: Final = {
    "every": "week",
    "weekday": "1",
    "month_day": "1",
    "at": "09:00",
    "time_zone": "",
    "recipients": "",
    "webhook_url": "",
    "format": "xlsx",
    "language": "en",
}


def read_schedule(sent: Mapping[str, str]) -> NewSchedule:
    """
    Read the inputs; those of another rhythm are passed over.

    Raises:
        ApiError: naming everything that is wrong.
    """
    every = sent.get("every", "")
    addresses = [part.strip() for part in sent.get("recipients", "").split(",") if part.strip()]
    body: dict[str, Any] = {
        "every": every,
        "weekday": whole(sent.get("weekday", "")) if every == "week" else None,
        "month_day": whole(sent.get("month_day", "")) if every == "month" else None,
        "minute": minute_of(sent.get("at", "")),
        "time_zone": sent.get("time_zone", "").strip(),
        "recipients": addresses or None,
        "webhook_url": sent.get("webhook_url", "").strip() or None,
        "format": sent.get("format", ""),
        "language": sent.get("language", ""),
    }
    return read_body(msgspec.json.encode(body), NewSchedule)


def whole(text: str) -> int | str:
    return int(text) if text.strip().isdecimal() else text


def minute_of(text: str) -> int | str:
    """Read `09:30`; what is no time of day stays a text, which the check then names."""
    hour, _, minute = text.strip().partition(":")
    if hour.isdecimal() and minute[:2].isdecimal() and int(hour) < 24 and int(minute[:2]) < 60:
        return int(hour) * 60 + int(minute[:2])
    return text
