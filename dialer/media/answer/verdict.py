"""What the classifier says about a call. Milliseconds count from the first frame, that is from the answer (or early media)."""

from typing import Literal

import msgspec

AnsweredBy = Literal["human", "machine", "fax", "tone", "music", "silence", "screening", "unsure"]
"""
`unsure` and `silence` mean: pass to a person; they may still become something else. The others are final, but for a machine
that falls silent for 5 s without a beep: it may become `screening`, a guess, because rhythm alone cannot tell an assistant
from a voicemail whose beep is missing.
"""


class AnswerVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Who or what answered."""

    answered_by: AnsweredBy
    cause: str
    """Why: `short_greeting`, `long_greeting`, `beep`, `sit_vacant`, `busy`, `ced`, ...; constant words."""
    speech_start_ms: int | None
    greeting_end_ms: int | None
    """Where a person stopped talking: the law's two seconds start here. None while somebody still talks."""
    verdict_ms: int
    confidence: float
    """0 to 1; of the model where the model spoke."""


class GreetingEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A machine has stopped talking."""

    end_ms: int


class BeepEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A beep is over: a message may begin. Where it tells that a machine answered, that verdict follows."""

    end_ms: int
    heard_ms: int


class SuspectedBeep(msgspec.Struct, frozen=True, kw_only=True):
    """
    What may be a beep is over, where nobody has spoken: a message may begin on trial. Its `BeepEnd` follows, or `DismissedBeep`,
    or a final verdict.
    """

    end_ms: int
    heard_ms: int


class DismissedBeep(msgspec.Struct, frozen=True, kw_only=True):
    """What was suspected was none: another tone or a voice has followed it."""

    heard_ms: int


Heard = AnswerVerdict | GreetingEnd | SuspectedBeep | DismissedBeep | BeepEnd
