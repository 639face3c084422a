"""
Stepping back: a process that lets all others go first where there are too few cores.

nice(2) alone may say nothing. Where the kernel shares the cores among sessions (sched(7), "The autogroup feature"), it ranks the
processes of one session only, and each process of a PostgreSQL server is a session of its own, like each child of
`obzvon serve`. There the session's own niceness counts: `/proc/PID/autogroup`.
"""

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Final

from campaigns.database import Connection
from campaigns.server_process import server_process

NICENESS: Final = 15
"""Of what goes last: a thirtieth of the part that an ordinary process gets when there are too few cores."""
LAST_SETTINGS: Final = {"max_parallel_workers_per_gather": "0"}
"""The server's, for connections that go last: its parallel workers are processes of their own that step back for nobody."""
TRIES: Final = 20
PAUSE_SECONDS: Final = 0.1
"""The kernel lets ordinary accounts say it ten times a second, all of them together."""


async def step_back(pid: int, niceness: int) -> None:
    """Lower a process to `niceness`, and its session if it leads one; what is gone, not ours or no Linux stays as it is."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, max(niceness, os.getpriority(os.PRIO_PROCESS, pid)))
    with contextlib.suppress(OSError):
        is_leader = os.getsid(pid) == pid  # else others share it
        if is_leader and (session_niceness(pid) or 0) < niceness:
            await lower_session(Path(f"/proc/{pid}/autogroup"), niceness)


def take_idle_cores(pid: int) -> None:
    """
    Have a process run by the policy of whoever takes what is left over (SCHED_IDLE, sched(7)), besides its niceness.

    The kernel counts a core that runs nothing else as idle, and puts there who wakes; beside a process that is merely nice, a claim
    waits for another claim on the one other core (docs/adr/0044). What is gone, not ours or no Linux stays as it is. Not for the
    server's processes: what they hold, others wait for.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def session_niceness(pid: int) -> int | None:
    """Return the niceness of a process's session; None where the kernel keeps none."""
    try:
        return int(Path(f"/proc/{pid}/autogroup").read_text(encoding="ascii").split()[-1])
    except (OSError, IndexError):
        return None


async def lower_session(autogroup: Path, niceness: int) -> None:
    """
    Write the niceness of a session.

    Raises:
        OSError: the kernel keeps none, or refused.
    """
    for attempt in range(TRIES):
        try:
            # no "w": that would make a file where there is none
            with autogroup.open("r+") as file:
                file.write(str(niceness))
        except BlockingIOError:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def answer_last(connection: Connection) -> None:
    """
    Have the server's process behind a connection go last, if it runs on this machine and obeys us.

    It does when we are root or the server is our own account's: the embedded one always is. Elsewhere the bound on
    connections is all that we have (docs/adr/0023).
    """
    pid = await server_process(connection)
    if pid is not None:
        await step_back(pid, NICENESS)
