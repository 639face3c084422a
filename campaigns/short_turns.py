"""
Short turns: who needs a core for a moment gets it at once, before others of its rank.

The kernel gives a core to the one whose turn is due first, and since Linux 6.12 a process may say how long a turn it wants: a
shorter one is due earlier and stops a longer one in the middle (EEVDF; sched_setattr(2), `sched_runtime` of SCHED_OTHER). That needs no rights, and
gives nobody more of the cores. An older kernel takes the word and does nothing (docs/adr/0044).
"""

import ctypes
import os
import platform
import struct
import sys
from typing import Final

from campaigns.database import Connection
from campaigns.server_process import server_process

TURN_NANOSECONDS: Final = 100_000
"""The shortest that the kernel takes; an ordinary turn is some 3 ms."""
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
"""`struct sched_attr`: size, policy, flags, niceness, priority, runtime, deadline, period."""
_RESET_ON_FORK: Final = 1


def take_short_turns(pid: int = 0) -> bool:
    """
    Have the main thread of a process (0: ours) take short turns; return whether the kernel took the word.

    One that somebody has given another policy than the ordinary one (chrt(1)) keeps it.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None or sys.platform != "linux":
        return False
    try:
        policy = os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
        niceness = os.getpriority(os.PRIO_PROCESS, pid)
    except OSError:
        return False
    if policy != os.SCHED_OTHER:
        return False
    attributes = _ATTRIBUTES.pack(
        _ATTRIBUTES.size, os.SCHED_OTHER, _RESET_ON_FORK, niceness, 0, TURN_NANOSECONDS, 0, 0
    )
    refused: int = ctypes.CDLL(None).syscall(number, pid, attributes, 0)
    return not refused


async def answer_in_short_turns(connection: Connection) -> None:
    """Have the server's process behind a connection take short turns, if it runs on this machine and obeys us."""
    pid = await server_process(connection)
    if pid is not None:
        take_short_turns(pid)
