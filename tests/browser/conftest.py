"""The application on a port of its own, and a Chromium that is signed in to it."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from api.app import create_app, utc_now
from api.pages import page_router
from api.settings import ApiSettings
from campaigns.database import Pool
from campaigns.store import CampaignStore

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class WebServer:
    """
    The application under uvicorn in the test's own loop; it can be stopped and come back on the same port.

    Without a pool it opens its own, as in real life.
    """

    def __init__(
        self, settings: ApiSettings, pool: Pool | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.url = settings.base_url
        self._settings, self._pool, self._clock = settings, pool, clock
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        app = create_app(self._settings, self._pool, clock=self._clock, pages=[page_router])
        config = uvicorn.Config(
            app,
            port=self._settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        # the tests' runner owns the signals
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
        self._task = asyncio.create_task(self._server.serve(), name="web server")
        while not self._server.started:
            assert not self._task.done()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        assert self._server is not None
        assert self._task is not None
        self._server.should_exit = True
        await self._task


@contextlib.asynccontextmanager
async def web_server(
    database: str, pool: Pool, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[WebServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ApiSettings(
        database_url=database,
        port=port,
        base_url=f"http://127.0.0.1:{port}",
        heartbeat_seconds=1,
        delivery_interval_seconds=0.2,
    )
    server = WebServer(settings, pool, clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def web(database: str, pool: Pool) -> AsyncIterator[WebServer]:
    async with web_server(database, pool) as server:
        yield server


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    system = next((path for name in NAMES if (path := shutil.which(name))), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=system, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def sign_in_link(web: WebServer, pool: Pool) -> str:
    token = await CampaignStore(pool).create_sign_in_link(["admin"], datetime.now(UTC), timedelta(minutes=5))
    return f"{web.url}/sign-in/{token}"


@pytest.fixture
async def browser(chromium: Browser, sign_in_link: str) -> BrowserContext:
    """A signed-in browser in English."""
    context = await chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(sign_in_link)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/campaigns")
    await page.close()
    return context


@pytest.fixture
async def page(browser: BrowserContext) -> AsyncIterator[Page]:
    """A page of it; an error of its scripts or its content policy fails the test."""
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield page
    if (folder := os.environ.get("OBZVON_SCREENSHOTS")) is not None:
        name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    await page.close()
    assert complaints == []
