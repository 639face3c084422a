"""Where something may be sent to: mail addresses or a webhook, one of the two, and the secret that signs the webhook."""

import base64
import secrets
from typing import Final
from urllib.parse import urlsplit

from api.mail import is_address
from campaigns.errors import Problem

MAX_RECIPIENTS: Final = 50
SECRET_BYTES: Final = 32


def address_problems(recipients: list[str] | None, webhook_url: str | None) -> list[Problem]:
    """Return everything that is wrong with a way to send."""
    problems = []
    if (recipients is None) == (webhook_url is None):
        problems.append(Problem("recipients", "one_way_to_send"))
    if recipients is not None:
        if not 1 <= len(recipients) <= MAX_RECIPIENTS:
            problems.append(Problem("recipients", "out_of_range", {"min": 1, "max": MAX_RECIPIENTS}))
        problems += [
            Problem(f"recipients.{index}", "not_an_address", {"value": address[:60]})
            for index, address in enumerate(recipients)
            if not is_address(address)
        ]
    if webhook_url is not None and not is_url(webhook_url):
        problems.append(Problem("webhook_url", "not_a_webhook_url", {"value": webhook_url[:60]}))
    return problems


def is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.username is None
            and (parts.port or 1) > 0
        )
    except ValueError:
        return False


def new_secret(webhook_url: str | None) -> str | None:
    """Return what signs the webhooks of a receiver (Standard Webhooks); None for one that gets mail."""
    if webhook_url is None:
        return None
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
