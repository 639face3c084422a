"""
One answered call of a voice message campaign: hear who it is, play, listen for a key, hang up. Sans-IO: time is an argument.

Rule 1: 9 always counts, also in the moment between our decision to hang up and the end of the call, and also
        after a 1: who refuses is not called again, whatever else was pressed.
Rule 2: a key decides at once; the rest of the message is not played to somebody who has answered it.
Rule 3: who is not known to be a machine is a person: without a verdict the message begins. It begins on trial where a beep
        is suspected, and nobody is hung up on by that (docs/adr/0043).
Rule 4: a call follows the mildest policy that its campaign has had since it began: what stops a hang-up reaches it, what
        begins one does not.
"""

import enum
from collections.abc import Mapping
from typing import Final

from campaigns.dispositions import AnsweredBy, Disposition
from campaigns.models import AnsweringMachine

CALLBACK_DIGIT: Final = "1"
REFUSE_DIGIT: Final = "9"
VERDICT_WAIT_SECONDS: Final = 8.0
"""After the answer; the classifier says `silence` after four."""
BEEP_WAIT_SECONDS: Final = 40.0
"""After the verdict: greetings are long."""
QUIET_WAIT_SECONDS: Final = 4.0
"""After the greeting's end: some machines record without a beep."""


class State(enum.Enum):
    LISTENING = enum.auto()
    """Nobody knows yet who answered."""
    TRYING = enum.auto()
    """Nobody knows; the message runs on trial, after what may have been a beep."""
    TRYING_AGAIN = enum.auto()
    """The same with who has been taken for a person so far: it runs anew."""
    PLAYING = enum.auto()
    WAITING_FOR_KEY = enum.auto()
    WAITING_FOR_BEEP = enum.auto()
    PLAYING_TO_MACHINE = enum.auto()
    LEAVING = enum.auto()


class Input(enum.Enum):
    PERSON = enum.auto()
    MACHINE = enum.auto()
    """One that we hang up on."""
    VOICEMAIL = enum.auto()
    """One that gets the message."""
    NOBODY = enum.auto()
    """A fax, a tone, music."""
    GREETING_ENDED = enum.auto()
    BEEP_SUSPECTED = enum.auto()
    BEEP_DISMISSED = enum.auto()
    BEEP_ENDED = enum.auto()
    """Before the verdict that it leads to."""
    CALLBACK_KEY = enum.auto()
    REFUSE_KEY = enum.auto()
    PLAYBACK_FINISHED = enum.auto()
    TIME_OVER = enum.auto()


class Action(enum.Enum):
    PLAY = enum.auto()
    STOP_PLAYING = enum.auto()
    REQUEST_CALLBACK = enum.auto()
    REFUSE = enum.auto()
    NOTE_VOICEMAIL = enum.auto()
    ARM_VERDICT_WAIT = enum.auto()
    ARM_KEY_WAIT = enum.auto()
    ARM_BEEP_WAIT = enum.auto()
    ARM_QUIET_WAIT = enum.auto()
    HANG_UP = enum.auto()


S, I, A = State, Input, Action  # noqa: E741 (the table reads better)

TRANSITIONS: Final[Mapping[tuple[State, Input], tuple[State, tuple[Action, ...]]]] = {
    (S.LISTENING, I.PERSON): (S.PLAYING, (A.PLAY,)),
    (S.LISTENING, I.TIME_OVER): (S.PLAYING, (A.PLAY,)),  # Rule 3
    (S.LISTENING, I.MACHINE): (S.LEAVING, (A.HANG_UP,)),
    (S.LISTENING, I.NOBODY): (S.LEAVING, (A.HANG_UP,)),
    (S.LISTENING, I.VOICEMAIL): (S.WAITING_FOR_BEEP, (A.ARM_BEEP_WAIT,)),
    (S.LISTENING, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, (A.PLAY,)),
    (S.LISTENING, I.BEEP_SUSPECTED): (S.TRYING, (A.PLAY,)),
    (S.LISTENING, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.LISTENING, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.TRYING, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, ()),
    (S.TRYING, I.BEEP_DISMISSED): (S.LISTENING, (A.STOP_PLAYING, A.ARM_VERDICT_WAIT)),
    (S.TRYING, I.PERSON): (S.TRYING_AGAIN, ()),  # silence, as yet
    (S.TRYING, I.NOBODY): (S.LEAVING, (A.HANG_UP,)),
    (S.TRYING, I.VOICEMAIL): (S.WAITING_FOR_BEEP, (A.STOP_PLAYING, A.ARM_BEEP_WAIT)),
    (S.TRYING, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.TRYING, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.TRYING, I.PLAYBACK_FINISHED): (S.WAITING_FOR_KEY, (A.ARM_KEY_WAIT,)),
    (S.TRYING_AGAIN, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, ()),
    (S.TRYING_AGAIN, I.BEEP_DISMISSED): (S.PLAYING, ()),
    (S.TRYING_AGAIN, I.NOBODY): (S.LEAVING, (A.HANG_UP,)),
    (S.TRYING_AGAIN, I.VOICEMAIL): (S.WAITING_FOR_BEEP, (A.STOP_PLAYING, A.ARM_BEEP_WAIT)),
    (S.TRYING_AGAIN, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.TRYING_AGAIN, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.TRYING_AGAIN, I.PLAYBACK_FINISHED): (S.WAITING_FOR_KEY, (A.ARM_KEY_WAIT,)),
    (S.PLAYING, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.PLAYING, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.PLAYING, I.PLAYBACK_FINISHED): (S.WAITING_FOR_KEY, (A.ARM_KEY_WAIT,)),
    # silence, or no verdict in time, that turned out to be a machine
    (S.PLAYING, I.MACHINE): (S.LEAVING, (A.HANG_UP,)),
    (S.PLAYING, I.NOBODY): (S.LEAVING, (A.HANG_UP,)),
    (S.PLAYING, I.VOICEMAIL): (S.WAITING_FOR_BEEP, (A.STOP_PLAYING, A.ARM_BEEP_WAIT)),
    (S.PLAYING, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, (A.PLAY,)),
    (S.PLAYING, I.BEEP_SUSPECTED): (S.TRYING_AGAIN, (A.PLAY,)),
    (S.WAITING_FOR_KEY, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.WAITING_FOR_KEY, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.WAITING_FOR_KEY, I.TIME_OVER): (S.LEAVING, (A.HANG_UP,)),
    (S.WAITING_FOR_KEY, I.MACHINE): (S.LEAVING, (A.HANG_UP,)),
    (S.WAITING_FOR_KEY, I.NOBODY): (S.LEAVING, (A.HANG_UP,)),
    (S.WAITING_FOR_KEY, I.VOICEMAIL): (S.WAITING_FOR_BEEP, (A.ARM_BEEP_WAIT,)),
    (S.WAITING_FOR_KEY, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, (A.PLAY,)),
    (S.WAITING_FOR_KEY, I.BEEP_SUSPECTED): (S.TRYING_AGAIN, (A.PLAY,)),
    (S.WAITING_FOR_BEEP, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, (A.PLAY,)),
    (S.WAITING_FOR_BEEP, I.GREETING_ENDED): (S.WAITING_FOR_BEEP, (A.ARM_QUIET_WAIT,)),
    (S.WAITING_FOR_BEEP, I.TIME_OVER): (S.PLAYING_TO_MACHINE, (A.PLAY,)),
    (S.WAITING_FOR_BEEP, I.NOBODY): (S.LEAVING, (A.HANG_UP,)),
    (S.WAITING_FOR_BEEP, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.WAITING_FOR_BEEP, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    # the beep came late: what was said before it is not recorded
    (S.PLAYING_TO_MACHINE, I.BEEP_ENDED): (S.PLAYING_TO_MACHINE, (A.PLAY,)),
    (S.PLAYING_TO_MACHINE, I.PLAYBACK_FINISHED): (S.LEAVING, (A.NOTE_VOICEMAIL, A.HANG_UP)),
    (S.PLAYING_TO_MACHINE, I.CALLBACK_KEY): (S.LEAVING, (A.REQUEST_CALLBACK, A.HANG_UP)),
    (S.PLAYING_TO_MACHINE, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE, A.HANG_UP)),
    (S.LEAVING, I.REFUSE_KEY): (S.LEAVING, (A.REFUSE,)),  # Rule 1
}

_KEY_INPUTS: Final = {CALLBACK_DIGIT: Input.CALLBACK_KEY, REFUSE_DIGIT: Input.REFUSE_KEY}
_BY_MILDNESS: Final[tuple[AnsweringMachine, ...]] = ("hang_up", "pass_to_agent", "leave_message", "ignore")
_PERSONS: Final = frozenset({"human", "unsure", "silence"})
MACHINES: Final = frozenset({"machine", "screening"})
_WAITS: Final = {
    Action.ARM_VERDICT_WAIT: VERDICT_WAIT_SECONDS,
    Action.ARM_BEEP_WAIT: BEEP_WAIT_SECONDS,
    Action.ARM_QUIET_WAIT: QUIET_WAIT_SECONDS,
}
_OF_KNOWN_MACHINES: Final = frozenset({State.WAITING_FOR_BEEP, State.PLAYING_TO_MACHINE})


def milder(one: AnsweringMachine, other: AnsweringMachine) -> AnsweringMachine:
    """Return the one of two policies that hangs up on fewer."""
    return max(one, other, key=_BY_MILDNESS.index)


class VoiceMessage:
    """Begins when the call is answered. Anything the table does not name is ignored: callees press what they like."""

    __slots__ = (
        "_deadline",
        "_key_wait_seconds",
        "_policy",
        "_wants",
        "digits",
        "disposition",
        "state",
    )

    def __init__(
        self, now: float, *, key_wait_seconds: float, answering_machine: AnsweringMachine = "ignore"
    ) -> None:
        self.state = State.PLAYING if answering_machine == "ignore" else State.LISTENING
        self.digits = ""
        self.disposition: Disposition | None = None
        self._key_wait_seconds = key_wait_seconds
        self._policy = answering_machine
        self._deadline = None if answering_machine == "ignore" else now + VERDICT_WAIT_SECONDS
        self._wants = [Action.PLAY] if answering_machine == "ignore" else []

    def receive_digit(self, digit: str, now: float) -> None:
        """Take one key; all are kept in `digits`, in order."""
        self.digits += digit
        key = _KEY_INPUTS.get(digit)
        if key is not None:
            self._step(key, now)

    def classified(self, answered_by: AnsweredBy, now: float) -> None:
        """Take a verdict of the classifier, also one that replaces `silence` or `unsure`."""
        if answered_by in _PERSONS:
            self._step(Input.PERSON, now)
        elif answered_by in MACHINES:
            self._step(Input.VOICEMAIL if self._policy == "leave_message" else Input.MACHINE, now)
        else:
            self._step(Input.NOBODY, now)

    def follow(self, policy: AnsweringMachine, now: float) -> None:
        """Take a milder policy. `ignore`: who is not yet known to be a machine gets the message, as nobody listens any more."""
        self._policy = policy
        if policy == "ignore":
            self._step(Input.PERSON, now)

    def greeting_ended(self, now: float) -> None:
        self._step(Input.GREETING_ENDED, now)

    def beep_suspected(self, now: float) -> None:
        if self._policy == "leave_message":
            self._step(Input.BEEP_SUSPECTED, now)

    def beep_dismissed(self, now: float) -> None:
        self._step(Input.BEEP_DISMISSED, now)

    def beep_ended(self, now: float) -> None:
        """Take the end of a beep, which starts the message of those whom their policy lets have it."""
        if self._policy == "leave_message" or self.state in _OF_KNOWN_MACHINES:
            self._step(Input.BEEP_ENDED, now)

    def playback_finished(self, now: float) -> None:
        self._step(Input.PLAYBACK_FINISHED, now)

    def get_timer(self) -> float | None:
        """Give the monotonic instant at which `handle_timer` is due."""
        return self._deadline

    def handle_timer(self, now: float) -> None:
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._step(Input.TIME_OVER, now)

    def take_actions(self) -> list[Action]:
        """What the call is to do now, each once: PLAY, STOP_PLAYING, HANG_UP."""
        wanted, self._wants = self._wants, []
        return wanted

    def _step(self, what: Input, now: float) -> None:
        transition = TRANSITIONS.get((self.state, what))
        if transition is None:
            return
        before, (self.state, actions) = self.state, transition
        if self.state is not before:
            self._deadline = None
        for action in actions:
            match action:
                case Action.REQUEST_CALLBACK:
                    self.disposition = "callback_requested"
                case Action.REFUSE:
                    self.disposition = "refused"
                case Action.NOTE_VOICEMAIL:
                    self.disposition = "voicemail_left"
                case Action.ARM_KEY_WAIT:
                    self._deadline = now + self._key_wait_seconds
                case Action.ARM_VERDICT_WAIT | Action.ARM_BEEP_WAIT | Action.ARM_QUIET_WAIT:
                    self._deadline = now + _WAITS[action]
                case _:
                    self._wants.append(action)
