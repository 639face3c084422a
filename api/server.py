"""Running the API in this process by uvicorn. SIGTERM and SIGINT end it: live streams first, then the rest."""

from collections.abc import Callable
from typing import Final

import uvicorn

from api.app import create_app
from api.pages import page_router
from api.settings import ApiSettings

GRACE_SECONDS: Final = 3
"""Live streams never end by themselves, so requests under way get this long and are then cut."""


class Server(uvicorn.Server):
    """uvicorn, telling when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # socket.socket there
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])


def run_api(settings: ApiSettings, on_ready: Callable[[int], None]) -> bool:
    """
    Serve until told to stop; return False if it could not start.

    `on_ready` is called once with the port that it listens on.
    """
    server = Server(server_config(settings), on_ready)
    server.run()
    return server.started


def server_config(settings: ApiSettings) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings, pages=[page_router], keeps_rollups=True),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,  # api.request_log writes its own, without numbers
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
