"""Who asks for short turns gets them, keeps its niceness, and leaves its children as they would be."""

import asyncio
import ctypes
import os
import platform
import struct
import sys
import threading
from typing import Final

from campaigns.short_turns import TURN_NANOSECONDS, take_short_turns

SCHED_GETATTR: Final = {"x86_64": 315, "aarch64": 275}
KEEPS_TURNS: Final = tuple(int(part) for part in os.uname().release.split(".")[:2]) >= (6, 12)
"""An older kernel knows no turns of a process's own, and says 0."""


def turn_nanoseconds(task: int) -> int:
    """Give the length of a thread's turns; 0 = this thread."""
    buffer = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(SCHED_GETATTR[platform.machine()], task, buffer, 48, 0) == 0
    turn: int = struct.unpack_from("=Q", buffer, 24)[0]
    return turn


async def sleeper() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )


async def test_a_process_takes_short_turns_and_keeps_its_niceness() -> None:
    process = await sleeper()
    os.setpriority(os.PRIO_PROCESS, process.pid, 7)
    ordinary = turn_nanoseconds(0)
    assert take_short_turns(process.pid)
    assert turn_nanoseconds(process.pid) == (TURN_NANOSECONDS if KEEPS_TURNS else 0)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == 7
    assert turn_nanoseconds(0) == ordinary
    await process.communicate(b"\n")


def test_a_thread_that_is_started_later_takes_ordinary_ones() -> None:
    turns: list[int] = []

    def begin() -> None:
        ordinary = turn_nanoseconds(0)
        assert take_short_turns(threading.get_native_id())
        child = threading.Thread(target=lambda: turns.append(turn_nanoseconds(0)))
        child.start()
        child.join()
        turns.extend([ordinary, turn_nanoseconds(0)])

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    child, ordinary, own = turns
    assert child == ordinary
    assert own == (TURN_NANOSECONDS if KEEPS_TURNS else 0)


async def test_who_asks_twice_is_heard_twice() -> None:
    process = await sleeper()
    assert take_short_turns(process.pid)
    assert take_short_turns(process.pid)
    await process.communicate(b"\n")


async def test_a_policy_that_somebody_has_chosen_is_kept() -> None:
    process = await sleeper()
    os.sched_setscheduler(process.pid, os.SCHED_BATCH, os.sched_param(0))
    assert not take_short_turns(process.pid)
    assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH
    await process.communicate(b"\n")


async def test_a_process_that_is_gone_is_let_go() -> None:
    process = await sleeper()
    await process.communicate(b"\n")
    assert not take_short_turns(process.pid)
