"""
Registration with one trunk, sans-IO (RFC 3261 §10.2): when to send REGISTER, to which registrar, and until when we are
registered. The owner (`dialer.sip.trunk_watch`) carries out the actions and feeds what came of them.

Rule 1: a binding is refreshed while it is valid; a refresh that fails leaves us registered until the binding ends.
Rule 2: registrars are tried in their order, and all again after a pause that doubles (RFC 5626 §4.5: half to all of the
        bound, by chance). Retry-After is obeyed (§20.33). A refusal is not repeated often, lest an account be locked.
Rule 3: a pair absent from `TRANSITIONS` changes nothing: what comes late means nothing any more.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

BASE_PAUSE_SECONDS: Final = 10.0
MAX_PAUSE_SECONDS: Final = 1_800.0
REFUSED_PAUSE_SECONDS: Final = 120.0
"""The least pause after a wrong password or a 403."""
MAX_EXPIRES_SECONDS: Final = 86_400


class RegistrationState(Enum):
    """Where a registration stands."""

    IDLE = "idle"
    REGISTERING = "registering"
    """REGISTER sent, no binding yet."""
    REGISTERED = "registered"
    REFRESHING = "refreshing"
    """REGISTER sent, the old binding is valid."""
    WAITING = "waiting"
    """No binding, next try later."""
    LAPSING = "lapsing"
    """The refresh failed, next try later, the old binding is valid still."""
    UNREGISTERING = "unregistering"
    CLOSED = "closed"

    __hash__ = object.__hash__


class RegistrationInput(Enum):
    """What can happen to it."""

    START = "start"
    ACCEPTED = "accepted"
    """2xx."""
    AGAIN = "again"
    """The same, in another way: credentials for a 401, a longer time for a 423, the next registrar."""
    FAILED = "failed"
    """Refused, or no registrar is left."""
    TIMER = "timer"
    EXPIRED = "expired"
    """The binding's time is over."""
    CLOSE = "close"
    FINISHED = "finished"
    """Whatever came of the REGISTER that takes the binding back."""

    __hash__ = object.__hash__


class RegistrationAction(Enum):
    """What the owner must do now."""

    SEND_REGISTER = "send_register"
    SEND_UNREGISTER = "send_unregister"
    TELL = "tell"
    """Whether we are registered, or why not, is news."""

    __hash__ = object.__hash__


_S, _I, _A = RegistrationState, RegistrationInput, RegistrationAction

TRANSITIONS: Final[
    Mapping[
        tuple[RegistrationState, RegistrationInput], tuple[RegistrationState, tuple[RegistrationAction, ...]]
    ]
] = {
    (_S.IDLE, _I.START): (_S.REGISTERING, (_A.SEND_REGISTER,)),
    (_S.REGISTERING, _I.ACCEPTED): (_S.REGISTERED, (_A.TELL,)),
    (_S.REGISTERING, _I.AGAIN): (_S.REGISTERING, (_A.SEND_REGISTER,)),
    (_S.REGISTERING, _I.FAILED): (_S.WAITING, (_A.TELL,)),
    # its answer may be on the way: what it has bound is taken back
    (_S.REGISTERING, _I.CLOSE): (_S.UNREGISTERING, (_A.SEND_UNREGISTER,)),
    (_S.REGISTERED, _I.TIMER): (_S.REFRESHING, (_A.SEND_REGISTER,)),
    (_S.REGISTERED, _I.EXPIRED): (_S.REGISTERING, (_A.SEND_REGISTER, _A.TELL)),  # a clock that stood still
    (_S.REGISTERED, _I.CLOSE): (_S.UNREGISTERING, (_A.SEND_UNREGISTER,)),
    (_S.REFRESHING, _I.ACCEPTED): (_S.REGISTERED, (_A.TELL,)),
    (_S.REFRESHING, _I.AGAIN): (_S.REFRESHING, (_A.SEND_REGISTER,)),
    (_S.REFRESHING, _I.FAILED): (_S.LAPSING, (_A.TELL,)),
    (_S.REFRESHING, _I.EXPIRED): (_S.REGISTERING, (_A.TELL,)),
    (_S.REFRESHING, _I.CLOSE): (_S.UNREGISTERING, (_A.SEND_UNREGISTER,)),
    (_S.WAITING, _I.TIMER): (_S.REGISTERING, (_A.SEND_REGISTER,)),
    (_S.WAITING, _I.CLOSE): (_S.CLOSED, ()),
    (_S.LAPSING, _I.TIMER): (_S.REFRESHING, (_A.SEND_REGISTER,)),
    (_S.LAPSING, _I.EXPIRED): (_S.WAITING, (_A.TELL,)),
    (_S.LAPSING, _I.CLOSE): (_S.UNREGISTERING, (_A.SEND_UNREGISTER,)),
    (_S.UNREGISTERING, _I.AGAIN): (_S.UNREGISTERING, (_A.SEND_UNREGISTER,)),
    (_S.UNREGISTERING, _I.FINISHED): (_S.CLOSED, ()),
}

_BOUND: Final = frozenset({_S.REGISTERED, _S.REFRESHING, _S.LAPSING})
_PAUSING: Final = frozenset({_S.REGISTERED, _S.WAITING, _S.LAPSING})


class RegistrationClient:
    """`registrars` is how many there are to be tried; `rng(n)` gives n random bytes. Times are monotonic seconds."""

    def __init__(self, expires_seconds: int, registrars: int, rng: Callable[[int], bytes]) -> None:
        self.state = RegistrationState.IDLE
        self.expires_seconds = expires_seconds
        """What to ask for; a 423 raises it."""
        self.registrar = 0
        """The index of the one in hand."""
        self.problem: str | None = None
        """Why the last REGISTER came to nothing: silent, unreachable, refused, password_wrong, ..., expired."""
        self.sip_status: int | None = None
        """Of the answer that `problem` is about."""
        self.registered_until: float | None = None
        self._registrars = registrars
        self._tried = 0
        self._rng = rng
        self._timer_at: float | None = None
        self._failures = 0
        self._is_refused = False

    @property
    def is_registered(self) -> bool:
        return self.state in _BOUND

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called."""
        until = self.registered_until if self.state in _BOUND else None
        again = self._timer_at if self.state in _PAUSING else None
        return min((at for at in (again, until) if at is not None), default=None)

    def handle_timer(self, now: float) -> tuple[RegistrationAction, ...]:
        """Let what is due happen: the end of the binding before the next try."""
        if self.state in _BOUND and self.registered_until is not None and now >= self.registered_until:
            self.registered_until, self.problem = None, self.problem or "expired"
            return self._step(RegistrationInput.EXPIRED)
        if self.state in _PAUSING and self._timer_at is not None and now >= self._timer_at:
            return self._try(RegistrationInput.TIMER)
        return ()

    def start(self) -> tuple[RegistrationAction, ...]:
        return self._try(RegistrationInput.START)

    def hasten(self) -> tuple[RegistrationAction, ...]:
        """The trunk shows signs of life: do not wait out a pause that silence began."""
        if self.problem not in {"silent", "unreachable"} or self.state not in {
            RegistrationState.WAITING,
            RegistrationState.LAPSING,
        }:
            return ()
        return self._try(RegistrationInput.TIMER)

    def accepted(self, expires_seconds: float, now: float) -> tuple[RegistrationAction, ...]:
        """A 2xx bound us for so long, from now on; refreshed early enough for Timer F to pass (§10.2.4)."""
        self._failures, self._is_refused, self.problem, self.sip_status = 0, False, None, None
        self.registered_until = now + expires_seconds
        early = expires_seconds / 2 if expires_seconds < 120 else 60.0
        chance = self._rng(1)[0] / 255
        self._timer_at = now + (expires_seconds - early) * (0.9 + 0.1 * chance)
        return self._step(RegistrationInput.ACCEPTED)

    def challenged(self) -> tuple[RegistrationAction, ...]:
        """A 401 or 407 that credentials are ready for."""
        return self._step(RegistrationInput.AGAIN)

    def too_brief(self, min_expires_seconds: int | None, now: float) -> tuple[RegistrationAction, ...]:
        """A 423 (§10.2.8): ask for as much as it wants, unless that is no more than we did, or beyond a day."""
        wanted = min_expires_seconds or 0
        if not self.expires_seconds < wanted <= MAX_EXPIRES_SECONDS:
            return self.refused("interval_too_brief", 423, None, now)
        self.expires_seconds = wanted
        return self._step(RegistrationInput.AGAIN)

    def refused(
        self, problem: str, sip_status: int | None, retry_after_seconds: float | None, now: float
    ) -> tuple[RegistrationAction, ...]:
        """The registrar does not want us, wherever we ask."""
        self._is_refused = True
        return self._fail(problem, sip_status, retry_after_seconds, now)

    def failed(
        self, problem: str, sip_status: int | None, retry_after_seconds: float | None, now: float
    ) -> tuple[RegistrationAction, ...]:
        """The registrar in hand cannot serve, or does not answer: the next one may."""
        self._tried += 1
        self.registrar = (self.registrar + 1) % self._registrars
        if self._tried < self._registrars and self.state is not RegistrationState.UNREGISTERING:
            self.problem, self.sip_status = problem, sip_status
            return self._step(RegistrationInput.AGAIN)
        return self._fail(problem, sip_status, retry_after_seconds, now)

    def close(self) -> tuple[RegistrationAction, ...]:
        """Take the binding back."""
        self._timer_at = None
        return self._step(RegistrationInput.CLOSE)

    def finished(self) -> tuple[RegistrationAction, ...]:
        return self._step(RegistrationInput.FINISHED)

    def _fail(
        self, problem: str, sip_status: int | None, retry_after_seconds: float | None, now: float
    ) -> tuple[RegistrationAction, ...]:
        self.problem, self.sip_status = problem, sip_status
        bound = min(BASE_PAUSE_SECONDS * (1 << min(self._failures, 10)), MAX_PAUSE_SECONDS)
        if self._is_refused:
            bound = max(bound, 2 * REFUSED_PAUSE_SECONDS)
        self._failures += 1
        pause = bound * (0.5 + 0.5 * self._rng(1)[0] / 255)
        self._timer_at = now + max(pause, min(retry_after_seconds or 0.0, MAX_PAUSE_SECONDS))
        return self._step(RegistrationInput.FAILED)

    def _try(self, event: RegistrationInput) -> tuple[RegistrationAction, ...]:
        self._timer_at, self._tried, self._is_refused = None, 0, False
        return self._step(event)

    def _step(self, event: RegistrationInput) -> tuple[RegistrationAction, ...]:
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            return ()
        self.state, actions = following
        if self.state not in _BOUND:
            self.registered_until = None
        return actions
