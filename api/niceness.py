"""
Stepping back: a process that lets all others go first where there are too few cores, and leaves half of them free of it.

nice(2) alone may say nothing. Where the kernel shares the cores among sessions (sched(7), "The autogroup feature"), it ranks the
processes of one session only, and each process of a PostgreSQL server is a session of its own, like each child of
`obzvon serve`. There the session's own niceness counts: `/proc/PID/autogroup`.

Niceness shares a core; it gives none away at once. A process that wakes while lowered ones run on every core waits up to a tick
for each answer that it gets (4 ms at 250 Hz); with a core that they never use it does not (docs/adr/0038).
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

TRIES: Final = 20
PAUSE_SECONDS: Final = 0.1
"""The kernel lets ordinary accounts say it ten times a second, all of them together."""


async def step_back(pid: int, niceness: int) -> None:
    """
    Lower a process to `niceness`, and its session if it leads one, and keep it on half of its parent's cores.

    What is gone, not ours or no Linux stays as it is.
    """
    with contextlib.suppress(OSError):
        cores = half_of(os.sched_getaffinity(parent_of(pid)))
        for thread in threads_of(pid):  # to Linux each is a process of its own in both respects
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.sched_setaffinity(thread, cores)
                os.setpriority(
                    os.PRIO_PROCESS, thread, max(niceness, os.getpriority(os.PRIO_PROCESS, thread))
                )
    with contextlib.suppress(OSError):
        is_leader = os.getsid(pid) == pid  # else others share it
        if is_leader and (session_niceness(pid) or 0) < niceness:
            await lower_session(Path(f"/proc/{pid}/autogroup"), niceness)


def half_of(cores: set[int]) -> set[int]:
    """Return the later half of some cores, rounded down; the only one if there is no other."""
    return set(sorted(cores)[-max(1, len(cores) // 2) :])


def parent_of(pid: int) -> int:
    """
    Return the process that started this one: a server, which keeps its cores, so that stepping back twice halves once.

    Raises:
        OSError: it is gone, or this is no Linux.
    """
    # proc_pid_stat(5): the name in parentheses may hold anything, the fourth field is what follows the state behind it
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def threads_of(pid: int) -> list[int]:
    """
    Return the ids of its threads.

    Raises:
        OSError: it is gone, or this is no Linux.
    """
    return [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]


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
