"""Who may use the API and the pages: keys, one-time sign-in links, browser sessions. No secret is stored, only its SHA-256."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from campaigns.database import Pool
from campaigns.errors import NotFound
from campaigns.models import ApiKey, Session
from campaigns.statements import load_statements

SQL: Final = load_statements(Path(__file__).with_suffix(".sql"))
SECRET_BYTES: Final = 32
KEY_PREFIX: Final = "obzvon_"
"""Lets secret scanners recognise a key that was committed somewhere."""


def fingerprint(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


class AccessStore:
    """Keys, links and sessions. `rng` gives that many random bytes."""

    def __init__(self, pool: Pool, rng: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._pool = pool
        self._rng = rng

    async def create_api_key(self, name: str, scopes: Sequence[str], now: datetime) -> tuple[ApiKey, str]:
        """Return the key and its secret, which is shown this once and cannot be found again."""
        secret = KEY_PREFIX + self._secret()
        row = await self._pool.fetchrow(SQL["create_api_key"], name, fingerprint(secret), list(scopes), now)
        return msgspec.convert(dict(row or {}), ApiKey), secret

    async def find_api_key(self, secret: str) -> ApiKey | None:
        """Return the key with this secret unless it is revoked."""
        row = await self._pool.fetchrow(SQL["find_api_key"], fingerprint(secret))
        return None if row is None else msgspec.convert(dict(row), ApiKey)

    async def list_api_keys(self) -> list[ApiKey]:
        return [msgspec.convert(dict(row), ApiKey) for row in await self._pool.fetch(SQL["list_api_keys"])]

    async def revoke_api_key(self, key_id: int, now: datetime) -> ApiKey:
        """
        Revoke; a second time changes nothing.

        Raises:
            NotFound: no such key.
        """
        row = await self._pool.fetchrow(SQL["revoke_api_key"], key_id, now)
        if row is None:
            raise NotFound("api_key", key_id)
        return msgspec.convert(dict(row), ApiKey)

    async def create_sign_in_link(self, scopes: Sequence[str], now: datetime, lifetime: timedelta) -> str:
        """Return the token of a link that opens one session."""
        token = self._secret()
        await self._pool.execute(SQL["forget_expired"], now)
        await self._pool.execute(SQL["create_sign_in_link"], fingerprint(token), list(scopes), now + lifetime)
        return token

    async def open_session(self, link_token: str, now: datetime, lifetime: timedelta) -> str | None:
        """Use the link up and return the token of a new session; None if the link is unknown, used or too old."""
        token = self._secret()
        row = await self._pool.fetchrow(
            SQL["open_session"], fingerprint(link_token), fingerprint(token), now, now + lifetime
        )
        return None if row is None else token

    async def find_session(self, token: str, now: datetime) -> Session | None:
        row = await self._pool.fetchrow(SQL["find_session"], fingerprint(token), now)
        return None if row is None else msgspec.convert(dict(row), Session)

    async def close_session(self, token: str) -> None:
        await self._pool.execute(SQL["close_session"], fingerprint(token))

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._rng(SECRET_BYTES)).rstrip(b"=").decode()
