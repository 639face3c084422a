"""Why a mail or a webhook was not taken: a code, which has a sentence in each language, and what the other side said itself."""

from typing import Literal

import msgspec

ErrorCode = Literal[
    "mail_not_set_up",
    "mail_server_away",
    "mail_refused",
    "mail_partly_refused",
    "webhook_not_https",
    "webhook_private",
    "webhook_no_address",
    "webhook_no_answer",
    "webhook_unreachable",
    "webhook_refused",
    "query_failed",
    "receiver_gone",
    "told_by_another",
    "internal",
]


class DeliveryError(msgspec.Struct, frozen=True):
    """What is stored of a try."""

    code: ErrorCode
    detail: str = ""
    """As the server or the machine said it, in its own language; may be empty."""


class NotSent(Exception):
    """Something did not leave, or nobody took it."""

    def __init__(self, code: ErrorCode, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.error = DeliveryError(code, detail)
