"""Opening the database: one pool per process, JSON by msgspec, limits that keep a stuck statement from holding others."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import msgspec

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

JSONB_VERSION: Final = b"\x01"
"""The first byte of jsonb on the wire."""

SESSION_SETTINGS: Final = {
    "timezone": "UTC",
    "statement_timeout": "60s",
    "lock_timeout": "15s",
    # a client that stopped in the middle of a transaction must not hold its rows for ever
    "idle_in_transaction_session_timeout": "60s",
}


async def open_pool(
    dsn: str,
    *,
    application_name: str = "obzvon",
    min_size: int = 1,
    max_size: int = 10,
    connect_timeout_seconds: float = 10.0,
    settings: Mapping[str, str] = {},
    on_connect: Callable[[Connection], Awaitable[None]] | None = None,
) -> Pool:
    """
    Return an open pool whose connections speak jsonb as Python values.

    `settings` are the server's, for these connections alone; each new connection is shown to `on_connect`. One that is given back
    is not reset by the server: that costs half as much as looking a key up, and no statement of ours outlives its transaction
    (`tests/test_architecture.py` looks for LISTEN, SET, session locks and the like).

    Raises:
        asyncpg.ClientConfigurationError: the address is none.
        OSError, asyncpg.PostgresError: the server cannot be reached, or refuses.
    """

    async def prepare(connection: Connection) -> None:
        await prepare_connection(connection)
        if on_connect is not None:
            await on_connect(connection)

    with _reading_address():
        pool = await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=connect_timeout_seconds,
            init=prepare,
            reset=_leave_as_it_is,
            server_settings={**SESSION_SETTINGS, "application_name": application_name, **settings},
        )
    assert pool is not None
    return pool


async def _leave_as_it_is(_connection: Connection) -> None:
    """Reset nothing; asyncpg has rolled back what was left open."""


async def connect(dsn: str, **options: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection, as `asyncpg.connect` does. Raises as `open_pool` does."""
    with _reading_address():
        return await asyncpg.connect(dsn, **options)


@contextlib.contextmanager
def _reading_address() -> Iterator[None]:
    """An address whose port is no number or whose host is none fails as any other that is none; its parts may be a password's."""
    try:
        yield
    except asyncpg.ClientConfigurationError:
        raise
    except (ValueError, OverflowError):
        raise asyncpg.ClientConfigurationError(
            "invalid DSN, postgresql://USER@HOST:PORT/NAME is one"
        ) from None


async def prepare_connection(connection: Connection) -> None:
    """Teach a connection our JSON. Binary, so that COPY can carry jsonb too."""
    await connection.set_type_codec(
        "jsonb", encoder=encode_jsonb, decoder=decode_jsonb, schema="pg_catalog", format="binary"
    )


def encode_jsonb(value: Any) -> bytes:
    return JSONB_VERSION + msgspec.json.encode(value)


def decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(data[1:])
