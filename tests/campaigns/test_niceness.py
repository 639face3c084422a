"""What is not ours to lower stays as it is."""

import asyncio
import errno
import os
import sys
from pathlib import Path

import pytest

from campaigns import niceness
from campaigns.niceness import lower_session, session_niceness, step_back, take_idle_cores


async def sleeper(*, leads_a_session: bool) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, start_new_session=leads_a_session
    )


@pytest.mark.parametrize("leads_a_session", [True, False])
async def test_a_session_steps_back_with_its_leader_only(*, leads_a_session: bool) -> None:
    process = await sleeper(leads_a_session=leads_a_session)
    before = session_niceness(os.getpid())
    await step_back(process.pid, 5)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 5
    if before is not None:
        assert session_niceness(process.pid) == (5 if leads_a_session else before)
        assert session_niceness(os.getpid()) == before
    await process.communicate(b"\n")


async def test_nobody_is_put_further_in_front() -> None:
    process = await sleeper(leads_a_session=True)
    await step_back(process.pid, 9)
    await step_back(process.pid, 5)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 9
    assert session_niceness(process.pid) in {9, None}
    await process.communicate(b"\n")


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_IDLE is Linux's")
async def test_who_takes_idle_cores_stays_as_nice_as_it_was() -> None:
    process = await sleeper(leads_a_session=True)
    before = os.sched_getscheduler(0)
    await step_back(process.pid, 7)
    take_idle_cores(process.pid)
    assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= 7
    assert os.sched_getscheduler(0) == before
    await process.communicate(b"\n")


async def test_a_process_that_is_gone_is_let_go() -> None:
    process = await sleeper(leads_a_session=True)
    await process.communicate(b"\n")
    await step_back(process.pid, 5)
    take_idle_cores(process.pid)
    assert session_niceness(process.pid) is None


async def test_a_kernel_that_wants_it_slower_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary account gets EAGAIN when anybody wrote a session's niceness within the last tenth of a second."""
    autogroup = tmp_path / "autogroup"
    autogroup.write_text("", encoding="ascii")
    refusals = [errno.EAGAIN, errno.EAGAIN]
    really_open = Path.open

    def busy(self: Path, mode: str) -> object:
        if refusals:
            raise OSError(refusals.pop(), "busy")
        return really_open(self, mode, encoding="ascii")

    monkeypatch.setattr(niceness, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(Path, "open", busy)
    await lower_session(autogroup, 5)
    monkeypatch.undo()
    assert autogroup.read_text(encoding="ascii") == "5"
