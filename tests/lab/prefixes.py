"""What the lab's dialplan (sip-lab/asterisk/extensions.conf) dictates for each number prefix."""

from typing import Final, NamedTuple

from dialer.outcome import EndedBy, Result


class Expected(NamedTuple):
    """The outcome that a prefix must come out as, with a ring timeout of 15 s."""

    prefix: str
    behaviour: str
    result: Result
    sip_status: int | None
    ended_by: EndedBy
    disposition: str | None = None


EXPECTED: Final = (
    Expected("7901", "answers and talks", "answered", 200, "us"),
    Expected("7902", "answers and hangs up", "answered", 200, "callee"),
    Expected("7903", "busy", "busy", 486, "callee"),
    Expected("7904", "congestion", "congested", 503, "network"),
    Expected("7905", "no answer", "no_answer", 487, "us"),
    Expected("7906", "unallocated", "invalid_number", 404, "network"),
    Expected("7907", "answers and presses 9", "answered", 200, "us", "refused"),
    Expected("7908", "forbidden", "rejected", 403, "callee"),
    Expected("7909", "early media, then answers", "answered", 200, "us"),
    Expected("7910", "answers and presses 1", "answered", 200, "us", "callback_requested"),
    Expected("7912", "rings longer than we wait", "no_answer", 487, "us"),
)


def number(prefix: str, index: int) -> str:
    """The E.164 number of the index-th callee behind a prefix."""
    return f"+{prefix}{index:07d}"
