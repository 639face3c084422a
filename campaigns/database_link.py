"""
One database connection kept for one loop of a node: no pool, no reset between statements, gone on any error.

The statements that run over it are idempotent or fenced, so after an error the connection is dropped, whatever state
it was in, and the caller asks again later.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import asyncpg

from campaigns.database import SESSION_SETTINGS, Connection, connect, prepare_connection

T = TypeVar("T")

_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a dying server's last words
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, statement cancelled
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.TransactionRollbackError,  # deadlock: somebody else goes first
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a failover is under way
    asyncpg.InvalidAuthorizationSpecificationError,  # a restored server may not know us yet
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # the database is closed to connections for maintenance
)


class DatabaseAway(Exception):
    """The database cannot be reached, or cannot serve just now; the same statement is worth repeating."""


class DatabaseLink:
    """Opens its connection when it is first needed. One user at a time."""

    def __init__(
        self,
        dsn: str,
        *,
        application_name: str,
        timeout_seconds: float,
        on_connect: Callable[[Connection], Awaitable[None]] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._dsn = dsn
        self._application_name = application_name
        self._timeout_seconds = timeout_seconds
        self._on_connect = on_connect
        self._settings = settings or {}
        self._connection: Connection | None = None

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """
        Run `work` on the connection.

        Raises:
            DatabaseAway: worth repeating. Whether the work was committed is not known.
            asyncpg.PostgresError: the statement itself is wrong; repeating it will not help.
        """
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            return await work(self._connection)
        except BaseException as error:
            # Cancelled halfway or failed: nobody knows what the connection is in the middle of.
            self.drop()
            if isinstance(error, _AWAY):
                raise DatabaseAway(f"{type(error).__name__}: {error}") from error
            raise

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Say good-bye properly; a server that is away is not waited for."""
        if self._connection is not None:
            try:
                await self._connection.close(timeout=self._timeout_seconds)
            except _AWAY:
                self._connection.terminate()
            self._connection = None

    async def _connect(self) -> Connection:
        connection = await connect(
            self._dsn,
            timeout=self._timeout_seconds,
            command_timeout=self._timeout_seconds,
            server_settings={
                **SESSION_SETTINGS,
                "application_name": self._application_name,
                **self._settings,
            },
        )
        await prepare_connection(connection)
        if self._on_connect is not None:
            await self._on_connect(connection)
        return connection
