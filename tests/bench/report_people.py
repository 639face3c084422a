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
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import msgspec

from api.stack import api_child, free_web_port
from api.supervisor import Supervisor
from campaigns.database import open_pool
from campaigns.niceness import NICENESS, step_back
from campaigns.store import CampaignStore
from tests.bench.report_questions import QUESTIONS, body_of

HOST = "127.0.0.1"
DASHBOARDS = 50
DASHBOARD = 2
"""Which question a dashboard asks: the funnel of the largest campaign by day."""
HEAVY_REPORTS = 5
ANSWER_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 2.0
"""Less than the server's five, so that nobody asks on a connection that it is just closing."""


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


async def look_or_rest(url: str, first_day: date) -> None:
    """Look or rest, whichever the last line of standard input says; repeat the word when it is so, with the answers so far."""
    bodies = [body_of(question, first_day, 1) for question in QUESTIONS if not question.of_largest]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    key = (await lines.readline()).decode().strip()
    answers = 0
    async with (
        httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=ANSWER_SECONDS,
            limits=httpx.Limits(
                max_connections=DASHBOARDS + HEAVY_REPORTS, keepalive_expiry=KEEP_ALIVE_SECONDS
            ),
        ) as client,
        asyncio.TaskGroup() as tasks,
    ):

        async def ask(body: dict[str, Any]) -> None:
            nonlocal answers
            response = await client.post("/v1/query", json=body)
            if response.status_code != HTTPStatus.OK:
                raise SystemExit(f"{response.status_code} {response.text[:500]}")
            answers += 1

        heavy = [partial(ask, bodies[-1 - index]) for index in range(HEAVY_REPORTS)]
        await asyncio.gather(*(report() for report in heavy))  # connected and prepared
        rest = asyncio.Event()
        looking: asyncio.Task[None] | None = None
        while word := (await lines.readline()).decode().strip():
            if word == "look" and (looking is None or looking.done()):
                rest.clear()
                looking = tasks.create_task(look(partial(ask, bodies[DASHBOARD]), heavy, rest), name="people")
            elif word == "rest" and looking is not None:
                rest.set()
                await looking
            print(word, answers, flush=True)
        rest.set()


async def look(
    dashboard: Callable[[], Awaitable[None]], heavy: list[partial[Any]], rest: asyncio.Event
) -> None:
    """
    50 dashboards, each anew a second after it is answered, and 5 heavy reports likewise, until they may rest.

    More than pages ask: a report page asks when it is opened, the page of a campaign once a second at most and seldom when
    answers are slow. The heavy ones are the last five questions: caller IDs, keywords and medians over all campaigns and 90 days.
    """
    async with asyncio.TaskGroup() as tasks:
        for index in range(DASHBOARDS):
            tasks.create_task(again(dashboard, index / DASHBOARDS, rest), name=f"dashboard {index}")
        for index, report in enumerate(heavy):
            tasks.create_task(again(report, 0.0, rest), name=f"heavy report {index}")


async def again(work: Callable[[], Awaitable[None]], offset: float, rest: asyncio.Event) -> None:
    pause = offset
    while not rest.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(rest.wait(), pause)
            return
        await work()
        pause = 1.0


if __name__ == "__main__":
    asyncio.run(look_or_rest(sys.argv[1], date.fromisoformat(sys.argv[2])))
