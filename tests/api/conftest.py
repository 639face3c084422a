"""The application on a database of its own, and clients with keys of chosen scopes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.auth import SCOPES
from api.settings import ApiSettings
from campaigns.database import Pool
from campaigns.models import NewCampaign
from campaigns.store import CampaignStore
from campaigns.trunk_models import NewTrunk

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVERYTHING_BUT_ADMIN = tuple(scope for scope in SCOPES if scope != "admin")
PCM = b"\0\0" * 800

MakeKey = Callable[..., Awaitable[dict[str, str]]]
Client = AsyncTestClient[Litestar]


@pytest.fixture
def settings(database: str) -> ApiSettings:
    return ApiSettings(database_url=database, live_interval_seconds=0.05, heartbeat_seconds=0.2)


@pytest.fixture
async def anonymous(settings: ApiSettings) -> AsyncIterator[Client]:
    # the pool belongs to the loop that the client's application lives on, so the application opens it
    async with AsyncTestClient(create_app(settings, clock=lambda: NOW)) as client:
        yield client


@pytest.fixture
def make_key(pool: Pool) -> MakeKey:
    async def make(*scopes: str) -> dict[str, str]:
        _, secret = await CampaignStore(pool).create_api_key("test", scopes, NOW)
        return {"Authorization": f"Bearer {secret}"}

    return make


@pytest.fixture
async def client(anonymous: Client, make_key: MakeKey) -> Client:
    """Holds every scope but `admin`."""
    anonymous.headers.update(await make_key(*EVERYTHING_BUT_ADMIN))
    return anonymous


@pytest.fixture
async def campaign_id(pool: Pool) -> int:
    """A draft with a trunk and a message, without contacts."""
    store = CampaignStore(pool)
    trunk = await store.create_trunk(
        NewTrunk(name="carrier", host="127.0.0.9", username="us", password="secret"), NOW
    )
    prompt = await store.add_prompt("hello", PCM, NOW)
    campaign = await store.create_campaign(
        NewCampaign(name="autumn", trunk_id=trunk.trunk_id, prompt_id=prompt.prompt_id), NOW
    )
    return campaign.campaign_id


def code_of(response: httpx.Response) -> str:
    """Return the code of a problem, which every error must be."""
    assert response.headers["content-type"].startswith("application/problem+json"), response.text
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:obzvon:problem:{body['code']}"
    assert body["request_id"] == response.headers["x-request-id"]
    assert not body["title"].startswith("problems."), body["title"]
    assert not body["detail"].startswith("problems."), body["detail"]
    code: str = body["code"]
    return code
