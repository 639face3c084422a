"""
People who look at figures while others dial: the API in a process of its own, as `obzvon serve` starts it, and one process that
asks it over HTTP for all of them.

Theirs is started by `people_of`: `python -m tests.bench.report_people URL FIRST_DAY`, the key on the first line of standard input.
Both go last, the second one since browsers are elsewhere.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from api.stack import api_child, free_web_port
from api.supervisor import Supervisor
from campaigns.database import open_pool
from campaigns.niceness import NICENESS, step_back, take_idle_cores
from campaigns.store import CampaignStore
from tests.bench.report_questions import QUESTIONS, body_of

HOST = "127.0.0.1"
DASHBOARDS = 50
DASHBOARD = 2
"""Which question a dashboard asks: the funnel of the largest campaign by day."""
HEAVY_REPORTS = 5
ANSWER_SECONDS = 60.0
PAUSE_SECONDS = 1.0


class People(msgspec.Struct, frozen=True):
    """The process that asks."""

    process: asyncio.subprocess.Process

    async def say(self, word: str) -> int:
        """Say `look` or `rest`; return, when they do, how many answers they have had so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word}\n".encode())
        answer = (await self.process.stdout.readline()).split()
        if answer[:1] != [word.encode()]:
            raise SystemExit("the process that looks has gone")
        return int(answer[1])


@contextlib.asynccontextmanager
async def people_of(dsn: str, first_day: date) -> AsyncIterator[People]:
    """Start the API on this database, and people who rest."""
    key = await reading_key(dsn)
    with tempfile.TemporaryDirectory() as logs:
        async with Supervisor(Path(logs), os.environ) as supervisor:
            ready = msgspec.json.decode(
                await supervisor.start(api_child(dsn, host=HOST, port=free_web_port(HOST)))
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.bench.report_people", f"http://{HOST}:{ready['port']}", str(first_day)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            try:
                await step_back(process.pid, NICENESS)
                take_idle_cores(process.pid)
                assert process.stdin is not None
                process.stdin.write(f"{key}\n".encode())
                people = People(process)
                await people.say("rest")
                yield people
            finally:
                process.terminate()
                await process.wait()


async def reading_key(dsn: str) -> str:
    """Make a key that may read reports and campaigns."""
    pool = await open_pool(dsn)
    _, secret = await CampaignStore(pool).create_api_key(
        "bench", ["reports:read", "campaigns:read"], datetime.now(UTC)
    )
    await pool.close()
    return secret


class Browser:
    """
    One connection that asks a question again and again.

    By hand, because a client library took as much of a core as all that the reports had the database do, and browsers are elsewhere.
    """

    def __init__(self, url: str, key: str, body: dict[str, Any]) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self._address = (address.hostname, address.port)
        content = msgspec.json.encode(body)
        self._request = (
            f"POST /v1/query HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode() + content
        self.answers = 0

    async def ask_until(self, rest: asyncio.Event, offset_seconds: float) -> None:
        """Ask after the offset and a second after each answer, until it may rest."""
        pause_seconds = offset_seconds
        async with self._connection() as ask:
            while not rest.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rest.wait(), pause_seconds)
                    return
                await ask()
                pause_seconds = PAUSE_SECONDS

    async def ask_once(self) -> None:
        async with self._connection() as ask:
            await ask()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        reader, writer = await asyncio.open_connection(*self._address)

        async def ask() -> None:
            writer.write(self._request)
            async with asyncio.timeout(ANSWER_SECONDS):
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, _, rest = head.partition(b"\r\ncontent-length:")
                answer = await reader.readexactly(int(rest.partition(b"\r\n")[0]))
            if head.split(None, 2)[1] != b"200":
                raise SystemExit(f"{head!r} {answer[:500]!r}")
            self.answers += 1

        try:
            yield ask
        finally:
            writer.close()


async def look_or_rest(url: str, first_day: date) -> None:
    """
    Look or rest, whichever the last line of standard input says; repeat the word when it is so, with the answers so far.

    Looking: 50 dashboards, each anew a second after it is answered, and 5 heavy reports likewise. More than pages ask: a report
    page asks when it is opened, the page of a campaign once a second at most and seldom when answers are slow. The heavy ones are
    the last five questions: caller IDs, keywords and medians over all campaigns and 90 days.
    """
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    key = (await lines.readline()).decode().strip()
    bodies = [body_of(question, first_day, 1) for question in QUESTIONS if not question.of_largest]
    dashboards = [Browser(url, key, bodies[DASHBOARD]) for _ in range(DASHBOARDS)]
    heavy = [Browser(url, key, body) for body in bodies[-HEAVY_REPORTS:]]
    await asyncio.gather(*(browser.ask_once() for browser in heavy))  # the server's statements are prepared

    async def look(rest: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for index, browser in enumerate(dashboards):
                tasks.create_task(browser.ask_until(rest, index / DASHBOARDS), name=f"dashboard {index}")
            for index, browser in enumerate(heavy):
                tasks.create_task(browser.ask_until(rest, 0.0), name=f"heavy report {index}")

    rest = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        looking: asyncio.Task[None] | None = None
        while word := (await lines.readline()).decode().strip():
            if word == "look" and looking is None:
                rest.clear()
                looking = tasks.create_task(look(rest), name="people")
            elif word == "rest" and looking is not None:
                rest.set()
                await looking
                looking = None
            print(word, sum(browser.answers for browser in [*dashboards, *heavy]), flush=True)
        rest.set()


if __name__ == "__main__":
    asyncio.run(look_or_rest(sys.argv[1], date.fromisoformat(sys.argv[2])))
