"""
The states of a call at the simulated far end, as one table (RFC 3261 §13.3, §15, §17.2).

    RINGING -- picks up --> ANSWERED -- ACK --> TALKING -- hangs up --> HANGING_UP -- BYE answered --> OVER
       |                       |                  |                         |
       |                       +---- BYE ---------+------> OVER             +-- BYE (glare): its 200 is held back
       +-- refuses, CANCEL --> REFUSED -- ACK --> OVER                          until ours is answered (truth.py)

SILENT hears everything and answers nothing.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class State(Enum):
    SILENT = "silent"
    RINGING = "ringing"
    REFUSED = "refused"
    ANSWERED = "answered"
    TALKING = "talking"
    HANGING_UP = "hanging_up"
    OVER = "over"


class Input(Enum):
    INVITE_AGAIN = "INVITE again"
    ACK = "ACK"
    CANCEL = "CANCEL"
    CROSSING_CANCEL = "CANCEL as the callee picks up"
    BYE = "BYE"
    BYE_ANSWERED = "final response to our BYE"
    PICK_UP = "picks up"
    REFUSE = "refuses"
    PRESS = "presses a key"
    HANG_UP = "hangs up"
    REPEAT = "time to repeat"
    GIVE_UP = "64*T1"


class Action(Enum):
    ACCEPT_REQUEST = "200 to the CANCEL or BYE"
    REPEAT = "send the last message again"
    SEND_OK = "200 to the INVITE"
    SEND_REFUSAL = "the plan's refusal"
    SEND_TERMINATED = "487 to the INVITE"
    NOTE_CROSSING = "if the callee picked up: the caller had given up"
    START_TALK = "the call is up"
    NOTE_CALLER_HUNG_UP = "BYE came first"
    PRESS = "send the key"
    SEND_BYE = "hang up"
    HOLD_ANSWER = "answer the BYE later"
    ANSWER_HELD = "answer the BYE now"
    QUIET = "stop repeating"


TRANSITIONS: Final[Mapping[tuple[State, Input], tuple[State, tuple[Action, ...]]]] = {
    (State.RINGING, Input.INVITE_AGAIN): (State.RINGING, (Action.REPEAT,)),
    (State.RINGING, Input.PICK_UP): (State.ANSWERED, (Action.SEND_OK,)),
    (State.RINGING, Input.REFUSE): (State.REFUSED, (Action.SEND_REFUSAL,)),
    (State.RINGING, Input.CANCEL): (State.REFUSED, (Action.ACCEPT_REQUEST, Action.SEND_TERMINATED)),
    (State.RINGING, Input.CROSSING_CANCEL): (
        State.ANSWERED,
        (Action.ACCEPT_REQUEST, Action.SEND_OK, Action.NOTE_CROSSING),
    ),
    (State.REFUSED, Input.INVITE_AGAIN): (State.REFUSED, (Action.REPEAT,)),
    (State.REFUSED, Input.REPEAT): (State.REFUSED, (Action.REPEAT,)),
    (State.REFUSED, Input.CANCEL): (State.REFUSED, (Action.ACCEPT_REQUEST,)),
    (State.REFUSED, Input.ACK): (State.OVER, (Action.QUIET,)),
    (State.REFUSED, Input.GIVE_UP): (State.OVER, (Action.QUIET,)),
    (State.ANSWERED, Input.INVITE_AGAIN): (State.ANSWERED, (Action.REPEAT,)),
    (State.ANSWERED, Input.REPEAT): (State.ANSWERED, (Action.REPEAT,)),
    (State.ANSWERED, Input.CANCEL): (State.ANSWERED, (Action.ACCEPT_REQUEST, Action.NOTE_CROSSING)),
    (State.ANSWERED, Input.ACK): (State.TALKING, (Action.QUIET, Action.START_TALK)),
    (State.ANSWERED, Input.BYE): (
        State.OVER,
        (Action.QUIET, Action.ACCEPT_REQUEST, Action.NOTE_CALLER_HUNG_UP),
    ),
    (State.ANSWERED, Input.GIVE_UP): (State.HANGING_UP, (Action.SEND_BYE,)),  # §13.3.1.4
    (State.TALKING, Input.CANCEL): (State.TALKING, (Action.ACCEPT_REQUEST, Action.NOTE_CROSSING)),
    (State.TALKING, Input.PRESS): (State.TALKING, (Action.PRESS,)),
    (State.TALKING, Input.BYE): (
        State.OVER,
        (Action.QUIET, Action.ACCEPT_REQUEST, Action.NOTE_CALLER_HUNG_UP),
    ),
    (State.TALKING, Input.HANG_UP): (State.HANGING_UP, (Action.SEND_BYE,)),
    (State.HANGING_UP, Input.REPEAT): (State.HANGING_UP, (Action.REPEAT,)),
    (State.HANGING_UP, Input.CANCEL): (State.HANGING_UP, (Action.ACCEPT_REQUEST, Action.NOTE_CROSSING)),
    (State.HANGING_UP, Input.BYE): (State.HANGING_UP, (Action.HOLD_ANSWER,)),
    (State.HANGING_UP, Input.BYE_ANSWERED): (State.OVER, (Action.QUIET, Action.ANSWER_HELD)),
    (State.HANGING_UP, Input.GIVE_UP): (State.OVER, (Action.QUIET, Action.ANSWER_HELD)),
    (State.OVER, Input.CANCEL): (State.OVER, (Action.ACCEPT_REQUEST, Action.NOTE_CROSSING)),
    (State.OVER, Input.BYE): (State.OVER, (Action.ACCEPT_REQUEST,)),
}
"""A pair that is not here changes nothing and sends nothing."""
