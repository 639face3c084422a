"""
Child processes of `obzvon demo` and `obzvon serve`: started with a name, watched, stopped in bounded time.

Rule 1: a child lives in a process group of its own, so that Ctrl-C in the terminal reaches us alone and we decide the order.
Rule 2: stopping is SIGTERM, newest first; who has not left after its `stop_seconds` is killed.
Rule 3: a child that ends unasked ends the whole: `watch` raises, and nothing goes on half-alive.
Rule 4: a child does not outlive us, whatever kills us: a dialer that nobody can stop is a harm.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import structlog

from campaigns.niceness import step_back, take_idle_cores

log = structlog.get_logger()

READY_SECONDS: Final = 30.0
"""For a child's first line; importing everything on a busy machine takes seconds."""
LOG_TAIL_BYTES: Final = 4_000


def dies_with_parent() -> tuple[str, ...]:
    """Give the prefix of a command that the kernel sends SIGTERM when we die (prctl(2) PR_SET_PDEATHSIG); Linux only."""
    setpriv = shutil.which("setpriv")
    return () if setpriv is None else (setpriv, "--pdeathsig", "TERM", "--")


class ChildFailed(Exception):
    """A child process ended unasked, or did not get ready. `tail` is the end of its log."""

    def __init__(self, name: str, status: int | None, tail: str) -> None:
        super().__init__(f"{name} ended with status {status}: {tail}")
        self.name = name
        self.status = status
        self.tail = tail


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """What to start: `python -m MODULE ARGUMENTS`."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    """Added to what every child gets."""
    says_ready: bool = False
    """Its first line of output means that it is ready."""
    stop_seconds: float = 10.0
    niceness: int = 0
    """How far it steps back for the others where there are too few cores (nice(2)); above 0 it takes idle cores only, too."""


class Supervisor:
    """Async context manager; leaving it stops every child. Each child gets `environ` and its own additions."""

    def __init__(self, log_directory: Path, environ: Mapping[str, str]) -> None:
        self._log_directory = log_directory
        self._environ = environ
        self._running: list[tuple[Child, asyncio.subprocess.Process]] = []
        self._stopping = False

    async def __aenter__(self) -> Self:
        self._log_directory.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop_all()

    async def start(self, child: Child) -> str:
        """
        Start a child; its errors and logs go to `LOG_DIRECTORY/NAME.log`.

        Returns its first line if it `says_ready`, else nothing.

        Raises:
            ChildFailed: it ended, or said nothing for READY_SECONDS.
        """
        with self._log_path(child.name).open("ab") as log_file:
            process = await asyncio.create_subprocess_exec(
                *dies_with_parent(),
                sys.executable,
                "-m",
                child.module,
                *child.arguments,
                env={**self._environ, **child.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if child.says_ready else log_file,
                stderr=log_file,
                start_new_session=True,
            )
        self._running.append((child, process))
        log.info("child.started", child=child.name, pid=process.pid)
        line = b""
        if process.stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READY_SECONDS):
                    line = await process.stdout.readline()
                    if not line:
                        await process.wait()  # it is leaving by itself; its own status says more than ours
            if not line:
                await self.stop(child.name)
                raise ChildFailed(child.name, process.returncode, self.tail(child.name))
        if child.niceness:  # not before it is ready: behind busy neighbours its start would take minutes
            await step_back(process.pid, child.niceness)
            take_idle_cores(process.pid)
        return line.decode()

    async def watch(self) -> None:
        """
        Wait until a child ends that nobody stopped.

        Raises:
            ChildFailed: always; cancel it to stop watching.
        """
        waits = {asyncio.ensure_future(process.wait()): (child, process) for child, process in self._running}
        try:
            while waits:
                done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in done:
                    child, process = waits.pop(wait)
                    if (child, process) in self._running:
                        self._running.remove((child, process))
                        raise ChildFailed(child.name, process.returncode, self.tail(child.name))
            await asyncio.Event().wait()
        finally:
            for wait in waits:
                wait.cancel()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """
        Break off the body when a child ends unasked; what the body raises comes out as it is.

        Raises:
            ChildFailed: a child ended.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self.watch(), name="watch children")
                yield
                watch.cancel()
        except BaseExceptionGroup as group:
            failures = [error for error in group.exceptions if isinstance(error, ChildFailed)]
            raise (failures or group.exceptions)[0] from None

    async def stop(self, name: str) -> None:
        """Stop one child and wait until it is gone; one that is not running is fine."""
        for child, process in [item for item in self._running if item[0].name == name]:
            self._running.remove((child, process))
            signal_process(process, signal.SIGTERM)
            try:
                async with asyncio.timeout(child.stop_seconds):
                    await process.wait()
            except (TimeoutError, asyncio.CancelledError) as error:
                log.warning("child.killed", child=name, pid=process.pid)
                signal_process(process, signal.SIGKILL)
                if isinstance(error, asyncio.CancelledError):
                    raise
                await process.wait()
            log.info("child.stopped", child=name, status=process.returncode)

    async def stop_all(self) -> None:
        """Stop all, newest first. Cancelled (somebody is out of patience), it kills all that are left."""
        try:
            for child, _ in reversed(self._running.copy()):
                await self.stop(child.name)
        except asyncio.CancelledError:
            for _, process in self._running:
                signal_process(process, signal.SIGKILL)
            raise

    def tail(self, name: str) -> str:
        """Give the end of a child's log."""
        try:
            with self._log_path(name).open("rb") as log_file:
                log_file.seek(0, os.SEEK_END)
                log_file.seek(max(0, log_file.tell() - LOG_TAIL_BYTES))
                return log_file.read().decode(errors="replace").strip()
        except FileNotFoundError:
            return ""

    def _log_path(self, name: str) -> Path:
        return self._log_directory / f"{name}.log"


def signal_process(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Signal a process that may be gone. `Process.send_signal` would reap it behind asyncio's back and lose its status."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
