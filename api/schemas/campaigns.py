"""Campaigns, messages and the do-not-call list as the API shows them."""

from datetime import datetime

import msgspec

from campaigns.models import Campaign, DncNumber, DncSource, Prompt


class CampaignPage(msgspec.Struct, frozen=True, kw_only=True):
    """Campaigns by id."""

    items: list[Campaign]
    next_after_id: int | None
    """Send it as `after_id` to go on; null on the last page."""


class PromptList(msgspec.Struct, frozen=True, kw_only=True):
    """All messages."""

    items: list[Prompt]


class NewDncNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that must not be called again."""

    number: str
    default_country: str = "RU"
    """ISO 3166 code for a number without a country code."""


class DncNumberView(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is not called."""

    number: str
    """E.164."""
    source: DncSource
    attempt_id: str | None
    """The attempt whose callee refused."""
    added_time: datetime


class DncPage(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers in their order."""

    items: list[DncNumberView]
    next_cursor: str | None
    """Send it as `cursor` to go on; null on the last page."""


def dnc_view(entry: DncNumber) -> DncNumberView:
    return DncNumberView(
        number=entry.number,
        source=entry.source,
        attempt_id=None if entry.attempt_id is None else str(entry.attempt_id),
        added_time=entry.added_time,
    )
