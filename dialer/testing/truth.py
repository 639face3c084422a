"""
What really happened, as the far end knows it, and the comparison with what the dialer recorded.

One truth row per Call-ID. The comparison is plain equality of every field below, in both directions (a row that only
one side has is a difference); there is no tolerance in it. That is possible under loss because each fact is defined
by an event that both sides must come to see: SIP repeats a message until the other side has shown that it got it,
so a lost datagram moves a fact in time and cannot undo it.

`sip_status`  The final response to the INVITE that the carrier sent; None = it never sent one. Sent again until the
    ACK comes (RFC 3261 §17.2.1; a 2xx §13.3.1.4), so a lost one arrives later.
`answered`    The callee picked up: the carrier sent a 2xx.
`result`      What the callee did, in the words of the product. Decided by the carrier from its own plan:
    `unreachable` = it kept silent; `no_answer` = it rang until a CANCEL came; `abandoned` = it picked up and a CANCEL
    came, before or after: the caller had given up before it learned of the answer. A lost CANCEL is repeated, so the
    carrier sees one in each of these calls, sooner or later; a row may change even after the call is over.
`ended_by`    Of an answered call: `callee` if the carrier had sent its BYE before the caller's BYE arrived, else `us`.
    The hard case is glare: both BYEs are under way, one of them perhaps lost. The carrier then holds its answer to the
    caller's BYE back until its own has been answered. The caller therefore always gets to see the callee's BYE while
    its own is unanswered, which by the rule of `dialer.outcome` is `callee` as well. Without the hold a lost BYE of
    the callee would leave each side with a true story of its own.
    Of a refusal: `callee` where a person or phone decided, `network` otherwise. Of a call given up: `us`.
`digits`      Keys whose first RTP packet left before the call ended. A key is sent as eight or more packets that all
    name the same event (RFC 4733 §2.5.1.4), any of which is enough to hear it.
`disposition` What the keys mean to a voice-message campaign: 9 refuses, else 1 asks for a callback.

Not covered, and reported as differences if they ever happen: eleven losses in a row of the same message (5e-15 at
5 % loss), seven of an INVITE (8e-10: the carrier then has no row for an attempt), all packets of a key (4e-11), and a
call answered later than 15 s because five or more INVITEs and answers in a row were lost (1e-7).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from dialer.testing.population import Behaviour

COMPARED_FIELDS: Final = ("number", "result", "sip_status", "answered", "ended_by", "digits", "disposition")
Fact = str | int | bool | None
DISPOSITIONS: Final = (("9", "refused"), ("1", "callback_requested"))


class TruthRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the carrier saw it."""

    call_id: str
    number: str
    """As dialed, with its +."""
    call_number: int
    """1 for the first call to this number."""
    behaviour: Behaviour
    result: str | None
    """None while nothing is decided yet."""
    sip_status: int | None
    answered: bool
    ended_by: Literal["us", "callee", "network"] | None
    """None while the call is up."""
    digits: str
    talk_ms: int | None
    """ACK to the first BYE, by the carrier's clock; None if it was never answered or is still up. Not compared."""
    heard_ms: int
    """Sound that arrived from the dialer, 20 ms per RTP packet. Not compared."""

    @property
    def disposition(self) -> str | None:
        return disposition_of(self.digits)


class RecordedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as it stands in the database."""

    call_id: str
    number: str
    result: str | None
    sip_status: int | None
    answered: bool
    ended_by: str | None
    digits: str
    disposition: str | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One fact on which the two sides disagree."""

    call_id: str
    number: str
    behaviour: str | None
    """None where the carrier has no row."""
    field: str
    """A compared field, or `row`: only one side knows of the call; or `rows`: one side has it more than once."""
    truth: Fact
    recorded: Fact


class TruthLog:
    """Appends rows to a file of JSON lines; a later row of the same call replaces an earlier one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def write(self, row: TruthRow) -> None:
        """Append one row; it is in the file when this returns."""
        self._file.write(msgspec.json.encode(row) + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_truth(path: Path) -> dict[str, TruthRow]:
    """Read the newest row of each call, by Call-ID."""
    decoder = msgspec.json.Decoder(TruthRow)
    with path.open("rb") as lines:
        rows = [decoder.decode(line) for line in lines]
    return {row.call_id: row for row in rows}


def disposition_of(digits: str) -> str | None:
    """A 9 always counts, also after a 1: who refuses is not called again."""
    return next((disposition for digit, disposition in DISPOSITIONS if digit in digits), None)


def compare(truth: dict[str, TruthRow], attempts: Iterable[RecordedAttempt]) -> list[Difference]:
    """List every fact that is not the same on both sides; empty = they agree row by row."""
    differences = []
    unmatched = dict(truth)
    seen: set[str] = set()
    for attempt in attempts:
        row = unmatched.pop(attempt.call_id, None)
        if attempt.call_id in seen:
            differences.append(_difference(truth.get(attempt.call_id), attempt, "rows", 1, 2))
        elif row is None:
            differences.append(_difference(None, attempt, "row", None, attempt.result))
        else:
            differences += _compare_fields(row, attempt)
        seen.add(attempt.call_id)
    differences += [_difference(row, None, "row", row.result, None) for row in unmatched.values()]
    return differences


def _compare_fields(row: TruthRow, attempt: RecordedAttempt) -> list[Difference]:
    return [
        _difference(row, attempt, field, true_value, recorded)
        for field in COMPARED_FIELDS
        if (true_value := getattr(row, field)) != (recorded := getattr(attempt, field))
    ]


def _difference(
    row: TruthRow | None,
    attempt: RecordedAttempt | None,
    field: str,
    truth: Fact,
    recorded: Fact,
) -> Difference:
    known = row or attempt
    assert known is not None, "a difference has at least one side"
    return Difference(
        call_id=known.call_id,
        number=known.number,
        behaviour=None if row is None else row.behaviour,
        field=field,
        truth=truth,
        recorded=recorded,
    )
