"""One log line per request, with an id that the answer carries too. Paths are logged as templates: a path may hold a number."""

import re
import secrets
import time
from typing import Final

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{1,64}")


def log_requests(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that each HTTP request ends in one `request.completed`."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope["state"]["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        started_at = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await app(scope, receive, send_with_id)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            log.info(
                "request.completed",
                method=scope["method"],
                route=str(scope.get("path_template", "")),
                status=int(status),
                duration_ms=round((time.perf_counter() - started_at) * 1000, 1),
                request_id=request_id,
            )

    return middleware
