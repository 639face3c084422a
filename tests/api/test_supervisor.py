"""Child processes, with real ones."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from api.supervisor import Child, ChildFailed, Supervisor
from campaigns.niceness import session_niceness

ROOT = Path(__file__).parents[2]


def child(kind: str, *, says_ready: bool = True, stop_seconds: float = 10.0) -> Child:
    return Child(
        name=kind,
        module="tests.api.child_process",
        arguments=[kind],
        environment={"PYTHONUNBUFFERED": "1"},
        says_ready=says_ready,
        stop_seconds=stop_seconds,
    )


async def test_a_child_that_says_ready_is_waited_for_and_stopped_at_the_end(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        assert await supervisor.start(child("ready")) == "ready as ready\n"
        watch = asyncio.create_task(supervisor.watch(), name="watch")
        await supervisor.stop_all()
        await asyncio.sleep(0)
        watch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watch


async def test_a_child_that_breaks_before_it_is_ready_is_reported_with_its_last_words(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        with pytest.raises(ChildFailed) as caught:
            await supervisor.start(child("crash"))
    assert (caught.value.name, caught.value.status) == ("crash", 1)
    assert "something broke" in caught.value.tail


async def test_a_child_steps_back_as_far_as_it_is_told(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        await supervisor.start(msgspec.structs.replace(child("ready"), niceness=7))
        (_, process), *_ = supervisor._running
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(before, 7)
        assert session_niceness(process.pid) in {7, None}
        if sys.platform == "linux":
            assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
        assert os.getpriority(os.PRIO_PROCESS, 0) == before


async def test_a_child_that_dies_unasked_ends_the_watch(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        await supervisor.start(child("ready"))
        await supervisor.start(child("crash", says_ready=False))
        with pytest.raises(ChildFailed, match="crash"):
            await supervisor.watch()


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        await supervisor.start(child("stubborn", stop_seconds=0.1))
        await supervisor.stop("stubborn")
        await supervisor.stop("stubborn")


async def test_ctrl_c_of_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    """A terminal signals the foreground process group; the child is not in ours."""
    async with Supervisor(tmp_path, os.environ) as supervisor:
        await supervisor.start(child("ready"))
        (_, process), *_ = supervisor._running
        assert os.getpgid(process.pid) != os.getpgrp()
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(ChildFailed):
            await supervisor.watch()


async def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from api.supervisor import Supervisor\n"
        "from tests.api.test_supervisor import child\n"
        "async def main():\n"
        "    async with Supervisor(Path(sys.argv[1]), os.environ) as supervisor:\n"
        "        await supervisor.start(child('ready'))\n"
        "        print(supervisor._running[0][1].pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    line = b""
    while not line.strip().isdigit():  # the log comes first
        line = await parent.stdout.readline()
    child_pid = int(line)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(10):
        while is_running(child_pid):
            await asyncio.sleep(0.05)


def is_running(pid: int) -> bool:
    """A zombie that init has not reaped yet runs no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert Supervisor(tmp_path, os.environ).tail("nobody") == ""


async def test_a_watched_body_is_broken_off_when_a_child_dies(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        await supervisor.start(child("crash", says_ready=False))
        with pytest.raises(ChildFailed, match="something broke"):
            async with supervisor.watched():
                await asyncio.Event().wait()


async def test_a_watched_body_that_ends_or_fails_by_itself_does_so(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, os.environ) as supervisor:
        await supervisor.start(child("ready"))
        async with supervisor.watched():
            pass
        with pytest.raises(TimeoutError):
            async with supervisor.watched(), asyncio.timeout(0.01):
                await asyncio.Event().wait()


async def test_out_of_patience_all_that_are_left_are_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, os.environ)
    await supervisor.start(child("stubborn", stop_seconds=60.0))
    await supervisor.start(child("ready"))
    processes = [process for _, process in supervisor._running]
    stopping = asyncio.create_task(supervisor.stop_all(), name="stop")
    while len(supervisor._running) == 2 or processes[1].returncode is None:
        await asyncio.sleep(0.01)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert [await process.wait() for process in processes] == [-signal.SIGKILL, -signal.SIGTERM]
