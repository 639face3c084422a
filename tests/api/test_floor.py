"""The floor through the API: one answer, and the stream that follows what happens."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec

from api.schemas.floor import FloorSnapshot
from api.settings import ApiSettings
from campaigns.database import Pool
from tests.api.conftest import NOW, Client, MakeKey
from tests.api.test_live import events, serving
from tests.browser.rows import Group, add_attempt
from tests.postgres.campaign_rows import add_campaign


async def test_the_floor_is_read_in_one_answer(client: Client, pool: Pool) -> None:
    campaign_id = await add_campaign(pool, leads=3, name="autumn")
    await add_attempt(pool, campaign_id, 0, Group(1, "answered", 4_000), NOW)
    response = await client.get("/v1/floor")
    assert response.status_code == 200
    floor = msgspec.json.decode(response.content, type=FloorSnapshot)
    (campaign,) = floor.campaigns
    assert (campaign.name, campaign.calls_per_minute, campaign.answered.numerator) == ("autumn", 1, 1)
    assert campaign.leads is not None
    assert (campaign.leads.total, campaign.leads.finished) == (3, 1)
    assert {source.name for source in floor.sources if source.read_time is None} == set()


async def test_the_floor_needs_the_right_to_read_reports(anonymous: Client, make_key: MakeKey) -> None:
    response = await anonymous.get("/v1/floor", headers=await make_key("campaigns:read"))
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


@contextlib.asynccontextmanager
async def watching_floor(url: str, headers: dict[str, str]) -> AsyncIterator[AsyncIterator[FloorSnapshot]]:
    async def snapshots(response: httpx.Response) -> AsyncIterator[FloorSnapshot]:
        async for one in events(response):
            if one.get("event") == "floor":
                yield msgspec.json.decode(one["data"], type=FloorSnapshot)

    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
        client.stream("GET", "/v1/floor/live") as response,
    ):
        assert response.status_code == 200
        yield snapshots(response)


async def test_the_stream_follows_what_happens(settings: ApiSettings, make_key: MakeKey, pool: Pool) -> None:
    async with serving(settings) as url, watching_floor(url, await make_key("reports:read")) as snapshots:
        seen = await anext(snapshots)
        campaign_id = await add_campaign(pool, leads=1)
        await pool.execute("SELECT pg_notify('campaign_control', $1)", str(campaign_id))
        while not seen.campaigns:
            seen, before = await anext(snapshots), seen
            assert seen.seq > before.seq
        assert [one.campaign_id for one in seen.campaigns] == [campaign_id]


async def test_the_stream_outlives_the_loss_of_every_connection(
    settings: ApiSettings, make_key: MakeKey, pool: Pool
) -> None:
    async with serving(settings) as url, watching_floor(url, await make_key("reports:read")) as snapshots:
        await anext(snapshots)
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        campaign_id = await add_campaign(pool)
        seen = await anext(snapshots)
        while not seen.campaigns:
            seen = await anext(snapshots)
        assert seen.campaigns[0].campaign_id == campaign_id
