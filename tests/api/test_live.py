"""Live streams over a real socket: uvicorn serves, a client reads events as they come."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from api.schemas.live import LiveSnapshot
from api.server import server_config
from api.settings import ApiSettings
from campaigns.database import Pool
from tests.api.conftest import MakeKey
from tests.postgres.analytics.facts import add_attempt, add_lead


@contextlib.asynccontextmanager
async def serving(settings: ApiSettings) -> AsyncIterator[str]:
    server = uvicorn.Server(server_config(msgspec.structs.replace(settings, port=0)))
    task = asyncio.create_task(server.serve(), name="uvicorn")
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def base_url(settings: ApiSettings) -> AsyncIterator[str]:
    async with serving(settings) as url:
        yield url


async def events(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """Parse server-sent events (WHATWG HTML §9.2.6)."""
    event: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif event:
            yield event
            event = {}


@contextlib.asynccontextmanager
async def watching(
    base_url: str, campaign_id: int, headers: dict[str, str]
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    async with (
        httpx.AsyncClient(base_url=base_url, headers=headers, timeout=20) as client,
        client.stream("GET", f"/v1/campaigns/{campaign_id}/live") as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield events(response)


async def next_snapshot(stream: AsyncIterator[dict[str, str]]) -> LiveSnapshot:
    async for event in stream:
        if event.get("event") == "snapshot":
            snapshot = msgspec.json.decode(event["data"], type=LiveSnapshot)
            assert event["id"] == str(snapshot.seq)
            return snapshot
    raise AssertionError("the stream ended")


async def test_a_snapshot_comes_at_once_and_again_when_a_node_notifies(
    base_url: str, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    await add_lead(pool, campaign_id, 1, "pending")
    async with watching(base_url, campaign_id, await make_key("reports:read")) as stream:
        first = await next_snapshot(stream)
        assert (first.name, first.status, first.leads.total, first.leads.pending) == ("autumn", "draft", 1, 1)
        assert (first.attempts, first.answered.value, first.last_calls) == (0, None, [])

        await add_attempt(pool, campaign_id, "2026-11-24T10:00:00Z", "+79161234567", "answered", talk_ms=5000)
        await pool.execute("SELECT pg_notify('live', $1)", f"[{campaign_id}]")
        second = await next_snapshot(stream)
        while second.attempts == 0:  # one may have been read just before the attempt
            second = await next_snapshot(stream)
    assert second.seq > first.seq
    assert (second.outcomes["answered"], second.answered.numerator) == (1, 1)
    assert [(call.number, call.talk_ms) for call in second.last_calls] == [("+79161…567", 5000)]


async def test_numbers_are_masked_for_everybody(
    base_url: str, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    """One encoding serves all watchers, so it shows what the least of them may see."""
    await add_attempt(pool, campaign_id, "2026-11-24T10:00:00Z", "+79161234567")
    async with watching(base_url, campaign_id, await make_key("admin")) as stream:
        assert (await next_snapshot(stream)).last_calls[0].number == "+79161…567"


async def test_a_stream_where_nothing_happens_beats(
    base_url: str, make_key: MakeKey, campaign_id: int
) -> None:
    async with watching(base_url, campaign_id, await make_key("reports:read")) as stream:
        beats = [event async for event in until_heartbeats(stream, 2)]
    assert all("time" in msgspec.json.decode(beat["data"]) for beat in beats)


async def until_heartbeats(
    stream: AsyncIterator[dict[str, str]], count: int
) -> AsyncIterator[dict[str, Any]]:
    async for event in stream:
        if event.get("event") == "heartbeat":
            yield event
            count -= 1
            if count == 0:
                return


async def test_many_watchers_of_one_campaign_get_the_same_bytes(
    base_url: str, make_key: MakeKey, campaign_id: int
) -> None:
    headers = await make_key("reports:read")
    async with (
        watching(base_url, campaign_id, headers) as one,
        watching(base_url, campaign_id, headers) as two,
    ):
        seen_by_one = [await next_snapshot(one) for _ in range(3)]
        seen_by_two = [await next_snapshot(two) for _ in range(3)]
    by_seq = {snapshot.seq: snapshot for snapshot in seen_by_one}
    common = [snapshot for snapshot in seen_by_two if snapshot.seq in by_seq]
    assert common
    assert all(by_seq[snapshot.seq] == snapshot for snapshot in common)


async def test_a_stream_outlives_the_loss_of_its_listening_connection(
    base_url: str, make_key: MakeKey, pool: Pool, campaign_id: int
) -> None:
    async with watching(base_url, campaign_id, await make_key("reports:read")) as stream:
        await next_snapshot(stream)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await add_attempt(pool, campaign_id, "2026-11-24T10:00:00Z")
        snapshot = await next_snapshot(stream)
        while snapshot.attempts == 0:
            snapshot = await next_snapshot(stream)
    assert snapshot.attempts == 1


async def test_a_stream_without_a_key_is_refused(base_url: str, campaign_id: int) -> None:
    async with httpx.AsyncClient(base_url=base_url) as client:
        response = await client.get(f"/v1/campaigns/{campaign_id}/live")
    assert (response.status_code, response.json()["code"]) == (401, "credentials_missing")


async def test_the_server_stops_while_streams_are_open(
    settings: ApiSettings, make_key: MakeKey, campaign_id: int
) -> None:
    headers = await make_key("reports:read")
    async with serving(settings) as url, contextlib.AsyncExitStack() as stack:
        stream = await stack.enter_async_context(watching(url, campaign_id, headers))
        await next_snapshot(stream)
        stack.pop_all()  # the client stays; leaving `serving` has to end all the same
