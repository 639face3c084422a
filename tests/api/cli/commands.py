"""Running `obzvon` as a person does: as a process, with an environment of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

WAIT_SECONDS = 50.0


def environment(dsn: str, home: Path) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": dsn, "XDG_DATA_HOME": str(home), "LC_ALL": "C.UTF-8"}


@asynccontextmanager
async def running(*arguments: str, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the command; if the test leaves it running, stop it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.cli.main",
        *arguments,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.communicate()


async def lines_until(stream: asyncio.StreamReader | None, wanted: str) -> str:
    """Read lines until one holds `wanted`; give all of them."""
    assert stream is not None
    read = ""
    async with asyncio.timeout(WAIT_SECONDS):
        while wanted not in read:
            line = await stream.readline()
            assert line, f"{wanted!r} was never said: {read}"
            read += line.decode()
    return read
