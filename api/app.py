"""The web application: everything that a request needs is made here, once, and handed to it. No globals."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from analytics.database import Pool
from api.alert_sender import AlertQueue
from api.alert_watch import watching_alerts
from api.auth import SECURITY_SCHEME
from api.delivery import Sender, Ways
from api.errors import problem_response
from api.live import LiveHub
from api.readers import Readers, reading_connections
from api.report_sender import ReportQueue
from api.request_log import log_requests
from api.routes import CONTROLLERS
from api.settings import ApiSettings
from campaigns.database import open_pool
from campaigns.errors import Conflict
from campaigns.recording_keeper import RecordingKeeper
from campaigns.recording_storage import CopyStorage
from campaigns.recording_tasks import keeping_recordings
from campaigns.rollup_tasks import RollupTasks
from campaigns.store import CampaignStore
from campaigns.verdict_audits import VerdictAudits

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: ApiSettings,
    pool: Pool | None = None,
    *,
    clock: Clock = utc_now,
    pages: Sequence[ControllerRouterHandler] = (),
    keeps_rollups: bool = False,
) -> Litestar:
    """
    Return the application.

    `pool` is an open pool that its owner closes; None opens one for the life of the application. `clock` is the wall clock
    in UTC. `pages` are more route handlers, which get the same dependencies.
    With `keeps_rollups` its process adds up the figures and proves them (`campaigns.rollup_tasks`), and deletes and copies
    recordings (`campaigns.recording_tasks`).
    """

    @contextlib.asynccontextmanager
    async def life(app: Litestar) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            if pool is None:
                own_pool = await open_pool(settings.database_url, application_name="obzvon-api")
                stack.push_async_callback(own_pool.close)
                readers = await stack.enter_async_context(reading_connections(settings.database_url))
            else:
                own_pool = pool
                readers = Readers(sums=pool, facts=pool)
            hub = LiveHub(settings, own_pool, clock)
            app.state.update(
                {"pool": own_pool, "readers": readers, "hub": hub, "clock": clock, "settings": settings}
            )
            await stack.enter_async_context(hub.running())
            await stack.enter_async_context(
                watching_alerts(own_pool, clock, makes_copies=settings.copies is not None)
            )
            ways = Ways(
                mail_server=settings.mail_server, allows_private_webhooks=settings.allows_private_webhooks
            )
            # alerts first: they cannot wait for a heavy report
            queues = (
                AlertQueue(own_pool, clock, ways, settings.base_url),
                ReportQueue(own_pool, readers, clock, ways),
            )
            sender = Sender(queues, clock, interval_seconds=settings.delivery_interval_seconds)
            await stack.enter_async_context(sender.running())
            if settings.recordings is not None:
                keeper = recording_keeper(settings, own_pool, clock)
                app.state.update({"keeper": keeper})
                if keeps_rollups:
                    await stack.enter_async_context(
                        keeping_recordings(keeper, functools.partial(leave_unheard, own_pool, clock))
                    )
            if keeps_rollups:
                tasks = RollupTasks(settings.database_url, holder=secrets.randbits(62), wall_clock=clock)
                await stack.enter_async_context(tasks.running())
            yield

    app = Litestar(
        route_handlers=[*CONTROLLERS, *pages],
        lifespan=[life],
        logging_config=None,  # the front door configures logging; Litestar's would write whole paths, numbers and all
        dependencies={
            "pool": Provide(provide_pool, sync_to_thread=False),
            "readers": Provide(provide_readers, sync_to_thread=False),
            "store": Provide(provide_store, sync_to_thread=False),
            "hub": Provide(provide_hub, sync_to_thread=False),
            "clock": Provide(provide_clock, sync_to_thread=False),
            "settings": Provide(provide_settings, sync_to_thread=False),
            "keeper": Provide(provide_keeper, sync_to_thread=False),
        },
        exception_handlers={Exception: problem_response},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=OpenAPIConfig(
            title="obzvon",
            version="1",
            path="/v1/schema",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(
                security_schemes={SECURITY_SCHEME: SecurityScheme(type="http", scheme="bearer")},
            ),
        ),
    )
    # not as `middleware`: that would miss whatever matches no route
    app.asgi_handler = log_requests(app.asgi_handler)
    return app


def provide_pool(state: State) -> Any:
    return state.pool


def provide_readers(state: State) -> Any:
    return state.readers


def provide_store(state: State) -> CampaignStore:
    recordings = state.settings.recordings
    return CampaignStore(state.pool, can_record=recordings is not None and recordings.keyring is not None)


def provide_hub(state: State) -> LiveHub:
    hub: LiveHub = state.hub
    return hub


def provide_clock(state: State) -> Any:
    return state.clock


def recording_keeper(settings: ApiSettings, pool: Pool, clock: Clock) -> RecordingKeeper:
    assert settings.recordings is not None
    copies = settings.copies
    return RecordingKeeper(
        pool,
        settings.recordings.directory,
        clock,
        None if copies is None else CopyStorage(copies),
        copies_expire=copies is not None and copies.expires,
    )


async def leave_unheard(pool: Pool, clock: Clock, stop: asyncio.Event) -> int:
    return await VerdictAudits(pool).leave_unheard(clock(), stop)


def provide_keeper(state: State) -> RecordingKeeper:
    keeper: RecordingKeeper | None = state.get("keeper")
    if keeper is None:
        raise Conflict("recordings_not_set_up")
    return keeper


def provide_settings(state: State) -> ApiSettings:
    settings: ApiSettings = state.settings
    return settings
