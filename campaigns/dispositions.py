"""
What a call meant for the campaign, and who or what picked up: the names that facts may carry.

The table `attempts` allows the same names (migration 20261125000003); a further one is a line here and a migration.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Disposition = Literal[
    "order", "meeting", "offer_requested", "callback_requested", "refused", "voicemail_left"
]
AnsweredBy = Literal["human", "machine", "fax", "tone", "music", "silence", "screening", "unsure"]


class DispositionKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a disposition counts."""

    counter: str
    """The column of `stats` that counts it."""
    is_success: bool = False
    """A successful talk: an order, an agreed meeting, or consent to get a commercial offer."""


DISPOSITIONS: Final[Mapping[Disposition, DispositionKind]] = {
    "order": DispositionKind(counter="orders", is_success=True),
    "meeting": DispositionKind(counter="meetings", is_success=True),
    "offer_requested": DispositionKind(counter="offers", is_success=True),
    "callback_requested": DispositionKind(counter="callbacks"),
    "refused": DispositionKind(counter="refusals"),
    "voicemail_left": DispositionKind(counter="voicemails_left"),
}
