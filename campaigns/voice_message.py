"""
One answered call of a voice message campaign: play, listen for a key, hang up. Sans-IO: time is an argument.

Rule 1: 9 always counts, also in the moment between our decision to hang up and the end of the call, and also
        after a 1: who refuses is not called again, whatever else was pressed.
Rule 2: a key decides at once; the rest of the message is not played to somebody who has answered it.
"""

import enum
from collections.abc import Mapping
from typing import Final, Literal

Disposition = Literal["callback_requested", "refused"]

CALLBACK_DIGIT: Final = "1"
REFUSE_DIGIT: Final = "9"


class State(enum.Enum):
    PLAYING = enum.auto()
    WAITING_FOR_KEY = enum.auto()
    LEAVING = enum.auto()


class Input(enum.Enum):
    CALLBACK_KEY = enum.auto()
    REFUSE_KEY = enum.auto()
    PLAYBACK_FINISHED = enum.auto()
    KEY_WAIT_OVER = enum.auto()


class Action(enum.Enum):
    REQUEST_CALLBACK = enum.auto()
    REFUSE = enum.auto()
    ARM_KEY_WAIT = enum.auto()
    HANG_UP = enum.auto()


S, I, A = State, Input, Action  # noqa: E741 (the table reads better)

TRANSITIONS: Final[Mapping[tuple[State, Input], tuple[State, tuple[Action, ...]]]] = {
    (S.PLAYING, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.PLAYING, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.PLAYING, I.PLAYBACK_FINISHED): (S.WAITING_FOR_KEY, (A.ARM_KEY_WAIT,)),
    (S.WAITING_FOR_KEY, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.WAITING_FOR_KEY, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.WAITING_FOR_KEY, I.KEY_WAIT_OVER): (S.LEAVING, (A.HANG_UP,)),
    (S.LEAVING, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE,)),  # Rule 1
}

_KEY_INPUTS: Final = {CALLBACK_DIGIT: Input.CALLBACK_KEY, REFUSE_DIGIT: Input.REFUSE_KEY}


class VoiceMessage:
    """Begins when the call is answered. Anything the table does not name is ignored: callees press what they like."""

    __slots__ = ("_deadline", "_key_wait_seconds", "_wants_hang_up", "digits", "disposition", "state")

    def __init__(self, *, key_wait_seconds: float) -> None:
        self.state = State.PLAYING
        self.digits = ""
        self.disposition: Disposition | None = None
        self._key_wait_seconds = key_wait_seconds
        self._deadline: float | None = None
        self._wants_hang_up = False

    def receive_digit(self, digit: str, now: float) -> None:
        """Take one key; all are kept in `digits`, in order."""
        self.digits += digit
        key = _KEY_INPUTS.get(digit)
        if key is not None:
            self._step(key, now)

    def playback_finished(self, now: float) -> None:
        self._step(Input.PLAYBACK_FINISHED, now)

    def get_timer(self) -> float | None:
        """Give the monotonic instant at which `handle_timer` is due."""
        return self._deadline

    def handle_timer(self, now: float) -> None:
        if self._deadline is not None and now >= self._deadline:
            self._step(Input.KEY_WAIT_OVER, now)

    def take_hang_up(self) -> bool:
        """Whether the call is to be hung up now; true once."""
        wanted, self._wants_hang_up = self._wants_hang_up, False
        return wanted

    def _step(self, what: Input, now: float) -> None:
        transition = TRANSITIONS.get((self.state, what))
        if transition is None:
            return
        self.state, actions = transition
        if self.state is State.LEAVING:
            self._deadline = None
        for action in actions:
            match action:
                case Action.REQUEST_CALLBACK:
                    self.disposition = "callback_requested"
                case Action.REFUSE:
                    self.disposition = "refused"
                case Action.ARM_KEY_WAIT:
                    self._deadline = now + self._key_wait_seconds
                case Action.HANG_UP:
                    self._wants_hang_up = True
