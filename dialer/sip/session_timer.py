"""
Session timers (RFC 4028): who refreshes a confirmed dialog, when, and what if nobody does.

The machine is one table like those of `transaction`; it neither sends nor tells. §10 gives the times: a refresh
after half the interval, the end min(32 s, a third) before the interval is over.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from dialer.config import MIN_SESSION_EXPIRES_SECONDS
from dialer.errors import InvalidHeader
from dialer.sip.headers import SessionExpires, parse_session_expires
from dialer.sip.message import Message, Request, Response
from dialer.sip.timer_heap import TimerEntry

TIMER_OPTION: Final = "timer"


class TimerState(Enum):
    OFF = "off"
    PEER_REFRESHES = "peer_refreshes"
    WE_REFRESH = "we_refresh"
    REFRESHING = "refreshing"
    """Our refresh is under way, or was refused in a way that leaves the session as it was."""
    OVER = "over"

    __hash__ = object.__hash__


class TimerInput(Enum):
    # the newest agreement, by a 2xx of either side
    AGREED_PEER = "agreed_peer"
    AGREED_US = "agreed_us"
    AGREED_NONE = "agreed_none"
    # time
    REFRESH_DUE = "refresh_due"
    EXPIRY = "expiry"
    # what became of our refresh
    POSTPONED = "postponed"
    LOST = "lost"
    # the talk is over
    STOP = "stop"

    __hash__ = object.__hash__


class TimerAction(Enum):
    SEND_REFRESH = "send_refresh"
    REPORT_EXPIRED = "report_expired"
    REPORT_LOST = "report_lost"

    __hash__ = object.__hash__


_S, _I, _A = TimerState, TimerInput, TimerAction

TRANSITIONS: Final[Mapping[tuple[TimerState, TimerInput], tuple[TimerState, tuple[TimerAction, ...]]]] = {
    (_S.OFF, _I.AGREED_PEER): (_S.PEER_REFRESHES, ()),
    (_S.OFF, _I.AGREED_US): (_S.WE_REFRESH, ()),
    (_S.OFF, _I.AGREED_NONE): (_S.OFF, ()),
    (_S.OFF, _I.STOP): (_S.OVER, ()),
    (_S.PEER_REFRESHES, _I.AGREED_PEER): (_S.PEER_REFRESHES, ()),
    (_S.PEER_REFRESHES, _I.AGREED_US): (_S.WE_REFRESH, ()),
    (_S.PEER_REFRESHES, _I.AGREED_NONE): (_S.OFF, ()),
    (_S.PEER_REFRESHES, _I.EXPIRY): (_S.OVER, (_A.REPORT_EXPIRED,)),
    (_S.PEER_REFRESHES, _I.STOP): (_S.OVER, ()),
    (_S.WE_REFRESH, _I.AGREED_PEER): (_S.PEER_REFRESHES, ()),
    (_S.WE_REFRESH, _I.AGREED_US): (_S.WE_REFRESH, ()),
    (_S.WE_REFRESH, _I.AGREED_NONE): (_S.OFF, ()),
    (_S.WE_REFRESH, _I.REFRESH_DUE): (_S.REFRESHING, (_A.SEND_REFRESH,)),
    (_S.WE_REFRESH, _I.EXPIRY): (_S.OVER, (_A.REPORT_EXPIRED,)),
    (_S.WE_REFRESH, _I.STOP): (_S.OVER, ()),
    (_S.REFRESHING, _I.AGREED_PEER): (_S.PEER_REFRESHES, ()),
    (_S.REFRESHING, _I.AGREED_US): (_S.WE_REFRESH, ()),
    (_S.REFRESHING, _I.AGREED_NONE): (_S.OFF, ()),
    (_S.REFRESHING, _I.POSTPONED): (_S.WE_REFRESH, ()),
    (_S.REFRESHING, _I.LOST): (_S.OVER, (_A.REPORT_LOST,)),
    (_S.REFRESHING, _I.EXPIRY): (_S.OVER, (_A.REPORT_EXPIRED,)),
    (_S.REFRESHING, _I.STOP): (_S.OVER, ()),
}
"""A pair that is absent changes nothing: whatever comes after the end, and answers to a refresh that is over."""

_AGREEMENTS: Final = frozenset({_I.AGREED_PEER, _I.AGREED_US, _I.AGREED_NONE})


class SessionTimer:
    """The timer of one dialog. `session` is whose, opaque here."""

    __slots__ = ("_expires_at", "_min_seconds", "_refresh_at", "seconds", "session", "state", "timer_entry")

    def __init__(self, session: object, min_seconds: int) -> None:
        self.session = session
        self._min_seconds = min_seconds
        self.state = TimerState.OFF
        self.seconds = 0
        """The interval agreed on."""
        self.timer_entry: TimerEntry[Any] | None = None
        self._refresh_at: float | None = None
        self._expires_at: float | None = None

    def get_timer(self) -> float | None:
        """When `handle_timer` must be called, monotonic seconds."""
        if self._refresh_at is None or self._expires_at is None:
            return self._expires_at
        return min(self._refresh_at, self._expires_at)

    def handle_timer(self, now: float) -> tuple[TimerAction, ...]:
        """Fire what is due: the expiry alone when both are."""
        if self._expires_at is not None and self._expires_at <= now:
            return self.step(TimerInput.EXPIRY, now)
        if self._refresh_at is not None and self._refresh_at <= now:
            return self.step(TimerInput.REFRESH_DUE, now)
        return ()

    def agree(self, agreed: SessionExpires | None, now: float, *, is_ours: bool) -> None:
        """Take what a 2xx settled: None switches the timer off, `is_ours` says that we refresh."""
        if agreed is None:
            self.step(TimerInput.AGREED_NONE, now)
            return
        # Less is forbidden (§4), and would make us send a refresh per second.
        self.seconds = max(agreed.seconds, self._min_seconds)
        self.step(TimerInput.AGREED_US if is_ours else TimerInput.AGREED_PEER, now)

    def step(self, event: TimerInput, now: float, *, delay_seconds: float = 0.0) -> tuple[TimerAction, ...]:
        """Apply one input; `delay_seconds` is how long a refresh is POSTPONED."""
        transition = TRANSITIONS.get((self.state, event))
        if transition is None:
            return ()
        self.state, actions = transition
        if self.state is TimerState.OFF or self.state is TimerState.OVER:
            self._refresh_at = self._expires_at = None
        elif event in _AGREEMENTS:
            self._expires_at = now + self.seconds - min(32.0, self.seconds / 3)
            self._refresh_at = now + self.seconds / 2 if self.state is TimerState.WE_REFRESH else None
        elif event is TimerInput.POSTPONED:
            self._refresh_at = now + delay_seconds
        else:
            self._refresh_at = None
        return actions


def session_expires_of(message: Message) -> SessionExpires | None:
    """The Session-Expires of a message; a malformed one asks for nothing."""
    value = message.headers.get("Session-Expires")
    if value is None:
        return None
    try:
        return parse_session_expires(value)
    except InvalidHeader:
        return None


def min_se_of(response: Response) -> int | None:
    """What a 422 wants at least (§5); None where it does not say."""
    value = response.headers.get("Min-SE")
    if value is None:
        return None
    try:
        return max(parse_session_expires(value).seconds, MIN_SESSION_EXPIRES_SECONDS)
    except InvalidHeader:
        return None


def accepted_expires(request: Request) -> SessionExpires | None:
    """
    What the 2xx to a refresh of the peer says (§9, table 2).

    The peer refreshes if it can; where only a proxy on the way asked for the timer, we do.
    """
    asked = session_expires_of(request)
    if asked is None:
        return None
    if TIMER_OPTION not in request.headers.get_all("Supported"):
        return SessionExpires(asked.seconds, "uas")
    return SessionExpires(asked.seconds, asked.refresher or "uac")


def is_too_small(request: Request, min_seconds: int) -> bool:
    """Whether the request is to be refused with 422 (§9: only if its sender knows what that means)."""
    asked = session_expires_of(request)
    return (
        asked is not None
        and asked.seconds < min_seconds
        and TIMER_OPTION in request.headers.get_all("Supported")
    )
