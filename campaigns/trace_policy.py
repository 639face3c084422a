"""Which calls' SIP messages are kept after their end, and for how long."""

from datetime import timedelta
from typing import Final

import msgspec

from dialer.outcome import Fault, Result

_TROUBLES: Final[frozenset[Result]] = frozenset(
    {"failed", "unknown", "abandoned", "congested", "unreachable"}
)
_BLAMED: Final[frozenset[Fault]] = frozenset({"trunk", "local", "indeterminate"})


class TracePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Every call that a technician would ask for is kept: whatever the trunk or we are to blame for. Of the others a share."""

    share: float = 0.05
    """Of the calls that nothing was wrong with, 0..1."""
    max_age: timedelta = timedelta(days=7)
    max_traces: int = 50_000
    """In the whole table; some 1.5 kB each."""

    def keeps(self, result: Result, fault: Fault, chance: float) -> bool:
        """Whether to keep the trace of an ended call; `chance` is drawn, 0 <= chance < 1."""
        return result in _TROUBLES or fault in _BLAMED or chance < self.share
