"""
The circuit breaker of one trunk in one node: a trunk that fails is left alone, then tried with one call, then let back
to its full rate in steps. Pure; times are monotonic seconds.

    CLOSED      calls go
    OPEN        no call until `open_until`: after faults, or because the trunk asked for it (Retry-After, RFC 3261 §20.33)
    HALF_OPEN   one call as a probe; once somebody answered, a rate that doubles every two seconds

Rule 1: only what speaks of the trunk itself counts (`campaigns.failover.trunk_verdict`), never a busy callee.
Rule 2: a pair absent from `TRANSITIONS` changes nothing.
Rule 3: a trunk that answered OPTIONS and does not any more is not probed with people's calls; its answer ends the rest. Of one that
never answered any, silence says nothing: many carriers drop OPTIONS and place every call.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, Literal

from dialer.config import HealthPolicy

WINDOW_SECONDS: Final = 60.0
_SLOTS: Final = 6
_SLOT_SECONDS: Final = WINDOW_SECONDS / _SLOTS
MAX_OPEN_SECONDS: Final = 600.0
MAX_LEFT_ALONE_SECONDS: Final = 3_600.0
"""A Retry-After is obeyed up to this: a mistyped one must not take a trunk away for good."""
LOST_PINGS: Final = 2
RAMP_START_PER_SECOND: Final = 1.0
RAMP_STEP_SECONDS: Final = 2.0
_RAMP_FAULTS: Final = 2


PingAnswer = Literal["serves", "cannot_serve", "silence"]
"""Of an OPTIONS: somebody who can serve, somebody who cannot, nobody."""


class CircuitState(Enum):
    """Where a circuit stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitInput(Enum):
    """What can happen to it."""

    TRIP = "trip"
    """Too many faults, a probe that failed, OPTIONS without an answer."""
    LEAVE_ALONE = "leave_alone"
    """The trunk said until when it wants no calls."""
    REST_OVER = "rest_over"
    RECOVERED = "recovered"


_S, _I = CircuitState, CircuitInput

TRANSITIONS: Final[Mapping[tuple[CircuitState, CircuitInput], CircuitState]] = {
    (_S.CLOSED, _I.TRIP): _S.OPEN,
    (_S.CLOSED, _I.LEAVE_ALONE): _S.OPEN,
    (_S.OPEN, _I.LEAVE_ALONE): _S.OPEN,
    (_S.OPEN, _I.REST_OVER): _S.HALF_OPEN,
    (_S.HALF_OPEN, _I.TRIP): _S.OPEN,
    (_S.HALF_OPEN, _I.LEAVE_ALONE): _S.OPEN,
    (_S.HALF_OPEN, _I.RECOVERED): _S.CLOSED,
}


class CircuitBreaker:
    """`rng(n)` gives n random bytes; rests differ a little, so that nodes do not all probe at once."""

    def __init__(self, policy: HealthPolicy, rng: Callable[[int], bytes]) -> None:
        self.policy = policy
        self.state = CircuitState.CLOSED
        self.reason: str | None = None
        """Why it is not closed: the reason of the outcome that opened it, `options_silent`, `retry_after`."""
        self.open_until = 0.0
        self._rng = rng
        self._openings = 0
        """Since it was closed for the last time."""
        self._consecutive_faults = 0
        self._lost_pings = 0
        self._speaks_options = False
        self._slots: dict[int, list[int]] = {}
        """Calls and faults of each ten seconds."""
        self._probe_is_out = False
        self._ramp_since: float | None = None
        """When the first call went well again."""

    def advance(self, full_rate: float, now: float) -> None:
        """Let time pass: the rest may be over, the ramp at its top."""
        if self.state is CircuitState.OPEN and now >= self.open_until and not self.is_silent:
            self._step(CircuitInput.REST_OVER, now)
        elif self.state is CircuitState.HALF_OPEN and self._ramp_rate(now) >= full_rate:
            self._step(CircuitInput.RECOVERED, now)

    @property
    def is_silent(self) -> bool:
        """OPTIONS goes unanswered."""
        return self._lost_pings >= LOST_PINGS

    def rate(self, full_rate: float, now: float) -> float:
        """Return the calls per second that may begin."""
        match self.state:
            case CircuitState.CLOSED:
                return full_rate
            case CircuitState.OPEN:
                return 0.0
            case CircuitState.HALF_OPEN:
                return min(full_rate, self._ramp_rate(now) or RAMP_START_PER_SECOND)

    @property
    def room(self) -> int | None:
        """How many calls may begin now, beside the rate; None = no limit."""
        match self.state:
            case CircuitState.CLOSED:
                return None
            case CircuitState.OPEN:
                return 0
            case CircuitState.HALF_OPEN:
                return None if self._ramp_since is not None else int(not self._probe_is_out)

    def call_begun(self) -> None:
        """Note that a call went out; in HALF_OPEN it is the probe."""
        self._probe_is_out = self.state is CircuitState.HALF_OPEN

    def note_success(self, now: float) -> None:
        """Somebody beyond the trunk reacted: a phone rang, a callee answered or refused."""
        self._consecutive_faults = 0
        self._count(now, is_fault=False)
        if self.state is CircuitState.HALF_OPEN and self._ramp_since is None:
            self._ramp_since = now
        self._probe_is_out = False

    def note_nothing(self) -> None:
        """A call ended without saying anything of the trunk: another one may be the probe."""
        self._probe_is_out = False

    def note_fault(self, reason: str, now: float, *, retry_after_seconds: float | None = None) -> None:
        """The trunk failed a call; a Retry-After opens the circuit by itself."""
        self._probe_is_out = False
        self._consecutive_faults += 1
        self._count(now, is_fault=True)
        if retry_after_seconds:
            self.leave_alone(retry_after_seconds, now)
        elif self._is_too_much(now):
            self._open(reason, now)

    def leave_alone(self, seconds: float, now: float) -> None:
        """The trunk asks for a rest; a shorter one than it has already is no news."""
        until = now + min(seconds, MAX_LEFT_ALONE_SECONDS)
        if self.state is CircuitState.OPEN and until <= self.open_until:
            return
        self._step(CircuitInput.LEAVE_ALONE, now)
        self.reason, self.open_until = "retry_after", until

    def forget_pings(self) -> None:
        """OPTIONS is not sent any more."""
        self._lost_pings = 0
        self._speaks_options = False

    def note_ping(self, now: float, answer: PingAnswer) -> None:
        """Note what became of an OPTIONS."""
        self._speaks_options |= answer != "silence"
        if answer == "serves":
            self._lost_pings = 0
            if self.state is CircuitState.OPEN and self.reason in {
                "options_silent",
                "timer_b",
                "transport_error",
            }:
                self._step(CircuitInput.REST_OVER, now)
            return
        if not self._speaks_options:
            return  # Rule 3
        self._lost_pings += 1
        if self.is_silent and self.state is not CircuitState.OPEN:
            self._open("options_silent", now)

    def _is_too_much(self, now: float) -> bool:
        match self.state:
            case CircuitState.OPEN:
                return False
            case CircuitState.HALF_OPEN:
                return self._ramp_since is None or self._consecutive_faults >= _RAMP_FAULTS
            case CircuitState.CLOSED:
                calls, faults = self._window(now)
                is_mostly_faults = (
                    calls >= self.policy.min_calls and faults >= self.policy.fault_share * calls
                )
                return self._consecutive_faults >= self.policy.consecutive_faults or is_mostly_faults

    def _open(self, reason: str, now: float) -> None:
        self._step(CircuitInput.TRIP, now)
        self.reason, self.open_until = reason, now + self._rest()

    def _rest(self) -> float:
        doublings = min(max(0, self._openings - 1), 16)
        rest = min(self.policy.open_seconds * (1 << doublings), MAX_OPEN_SECONDS)
        return rest * (0.9 + 0.2 * self._rng(1)[0] / 255)

    def _step(self, event: CircuitInput, now: float) -> None:
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            return
        if following is not self.state:
            self._ramp_since = None
            self._probe_is_out = False
            self._consecutive_faults = 0
        if following is CircuitState.OPEN and self.state is not CircuitState.OPEN:
            self._openings += 1
        elif following is CircuitState.CLOSED:
            self.reason, self._openings = None, 0
            self._slots.clear()
        elif following is CircuitState.HALF_OPEN:
            self.open_until = now
        self.state = following

    def _ramp_rate(self, now: float) -> float:
        if self._ramp_since is None:
            return 0.0
        steps = min(int((now - self._ramp_since) / RAMP_STEP_SECONDS), 30)
        return RAMP_START_PER_SECOND * (1 << steps)

    def _count(self, now: float, *, is_fault: bool) -> None:
        slot = int(now / _SLOT_SECONDS)
        if slot not in self._slots:
            self._slots = {key: value for key, value in self._slots.items() if key > slot - _SLOTS}
            self._slots[slot] = [0, 0]
        self._slots[slot][0] += 1
        self._slots[slot][1] += is_fault

    def _window(self, now: float) -> tuple[int, int]:
        oldest = int(now / _SLOT_SECONDS) - _SLOTS
        counted = [value for key, value in self._slots.items() if key > oldest]
        return sum(calls for calls, _ in counted), sum(faults for _, faults in counted)
