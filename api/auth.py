"""
Who asks, and what they may do: API keys in `Authorization: Bearer`, browser sessions in a cookie. Never in a URL.

Secrets are random, so a plain SHA-256 is what is stored: there is nothing to guess that a slow hash would protect.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from api.errors import PROBLEM_RESPONSES, ApiError
from campaigns.store import CampaignStore

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

SCOPES: Final = (
    "campaigns:read",
    "campaigns:write",
    "contacts:write",
    "reports:read",
    "reports:write",
    "numbers:read",
    "recordings:listen",
    "recordings:write",
    "admin",
)
"""`numbers:read` shows telephone numbers whole; `recordings:listen` knows of recordings and hears them; `admin` may do
everything."""

SECURITY_SCHEME: Final = "key"
"""Name in the OpenAPI document."""
SESSION_COOKIE: Final = "obzvon_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="obzvon"'}


class Principal(msgspec.Struct, frozen=True):
    """Who sent a request."""

    owner: str
    """Stable name of the key or the session, for idempotency keys and the log; holds no secret."""
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


def requires(scope: str) -> Guard:
    """Return a guard that lets through whoever holds `scope`, and leaves the `Principal` in the connection's `auth`."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        principal = await authenticate(connection)
        if not principal.may(scope):
            raise ApiError(HTTPStatus.FORBIDDEN, "scope_missing", scope=scope)
        connection.scope["auth"] = principal

    return guard


def needs(scope: str, responses: Mapping[int, ResponseSpec] | None = None) -> dict[str, Any]:
    """Return what a route handler is told so that it asks for `scope` and its OpenAPI operation says so."""
    return {
        "guards": [requires(scope)],
        "security": [{SECURITY_SCHEME: [scope]}],
        "responses": {**PROBLEM_RESPONSES, **(responses or {})},
    }


async def authenticate(connection: Connection) -> Principal:
    """
    Return who sends the request.

    Raises:
        ApiError: 401 without valid credentials; 403 for a write that another site made a browser send.
    """
    store = CampaignStore(connection.app.state.pool)
    if (header := connection.headers.get("authorization")) is not None:
        scheme, _, secret = header.partition(" ")
        key = await store.find_api_key(secret.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "api_key_invalid", headers=CHALLENGE)
        return Principal(f"key:{key.key_id}", frozenset(key.scopes))
    token = connection.cookies.get(SESSION_COOKIE)
    if token is None:
        raise ApiError(HTTPStatus.UNAUTHORIZED, "credentials_missing", headers=CHALLENGE)
    now: datetime = connection.app.state.clock()
    session = await store.find_session(token, now)
    if session is None:
        raise ApiError(HTTPStatus.UNAUTHORIZED, "session_expired", headers=CHALLENGE)
    if connection.scope.get("method") not in SAFE_METHODS and not is_same_origin(connection):
        raise ApiError(HTTPStatus.FORBIDDEN, "cross_site_write")
    owner = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Principal(f"session:{owner}", frozenset(session.scopes))


def is_same_origin(connection: Connection) -> bool:
    """
    Tell whether one of our own pages made the browser send this.

    Origin (Fetch standard) is compared with Host, not with a setting, so that any address that leads here works; a
    proxy has to pass Host on. Without Origin, Sec-Fetch-Site decides; a browser sends one of them with every write.
    """
    origin = connection.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == connection.headers.get("host", "")
    return connection.headers.get("sec-fetch-site") == "same-origin"
