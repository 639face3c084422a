"""
What `obzvon demo` and `obzvon serve` are made of: a database, and the processes around it.

    PostgreSQL (embedded, or the server of DATABASE_URL)
    carrier    python -m dialer.testing.carrier      only in the demo
    dial       obzvon dial --node NAME
    api        HTTP and pages
"""

import asyncio
import contextlib
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from api.supervisor import Child, Supervisor
from campaigns.access import AccessStore
from campaigns.database import Pool
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, default_data_dir, start_postgres
from campaigns.niceness import NICENESS

CARRIER_PLACES: Final = (("127.0.0.9", 5060), ("127.0.0.9", 0), ("127.0.0.1", 0))
"""The usual port on an address of its own; any port if it is taken; any address where 127.0.0.9 is not local (macOS)."""
WEB_PORT: Final = 8000
SIGN_IN_LIFETIME: Final = timedelta(hours=1)


class Address(msgspec.Struct, frozen=True):
    host: str
    port: int


@contextlib.asynccontextmanager
async def lasting_database(environ: Mapping[str, str], database: str) -> AsyncIterator[str]:
    """
    Give the address of a database that stays: DATABASE_URL as it is, or `database` on the embedded server.

    Raises:
        PostgresUnavailable: the embedded server cannot run here.
    """
    if url := environ.get("DATABASE_URL"):
        yield url
        return
    server = await asyncio.to_thread(start_postgres, default_data_dir(environ))
    try:
        yield with_database(server.dsn, database)
    finally:
        await asyncio.shield(asyncio.to_thread(server.stop))


@contextlib.asynccontextmanager
async def throw_away_database(environ: Mapping[str, str]) -> AsyncIterator[str]:
    """
    Give the address of a database that is gone afterwards: on the server of DATABASE_URL, or on an embedded one of its own.

    Raises:
        PostgresUnavailable: the embedded server cannot run here.
    """
    if url := environ.get("DATABASE_URL"):
        name = f"obzvon_demo_{secrets.token_hex(6)}"
        try:
            yield with_database(url, name)
        finally:
            admin = await asyncpg.connect(url, database="postgres")
            try:
                await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            finally:
                await admin.close()
        return
    # As root the server runs as another account, which must reach its data: so not below a private directory.
    data_dir = Path(tempfile.mkdtemp(prefix="obzvon-"))
    try:
        server = await asyncio.to_thread(start_postgres, data_dir, UNSAFE_TEST_SETTINGS)
        try:
            yield server.dsn
        finally:
            await asyncio.shield(asyncio.to_thread(server.stop))
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def with_database(url: str, database: str) -> str:
    """Name another database in a PostgreSQL address."""
    # not _replace: the empty authority of `postgresql:///db?host=/socket` must keep its slashes
    parts = urlsplit(url)
    rest = urlunsplit(("", "", f"/{database}", parts.query, parts.fragment))
    return f"{parts.scheme}://{parts.netloc}{rest}"


async def start_carrier(
    supervisor: Supervisor, *, seed: int, truth: Path, loss: float = 0.0, place: tuple[str, int] | None = None
) -> Address:
    """
    Start the simulated carrier and say where it listens.

    Raises:
        ChildFailed: it did not start.
    """
    host, port = place or next(place for place in CARRIER_PLACES if is_free(socket.SOCK_DGRAM, *place))
    options = {"host": host, "port": port, "seed": seed, "truth": truth, "loss": loss}
    ready = await supervisor.start(
        Child(
            name="carrier",
            module="dialer.testing.carrier",
            arguments=[f"--{name}={value}" for name, value in options.items()],
            says_ready=True,
        )
    )
    return msgspec.json.decode(ready, type=Address)


def dial_child(
    dsn: str, *, node: str, spool_dir: Path, loss: float = 0.0, seed: int = 0, drain_seconds: float = 20.0
) -> Child:
    """Describe a dialing node; it drains when told to stop."""
    return Child(
        name=f"dial-{node}",
        module="api.cli.main",
        arguments=["dial", "--node", node],
        environment={
            "DATABASE_URL": dsn,
            "OBZVON_SPOOL_DIR": str(spool_dir),
            "OBZVON_DRAIN_SECONDS": f"{drain_seconds:g}",
            **({"OBZVON_LOSS": f"{loss:g}", "OBZVON_LOSS_SEED": str(seed)} if loss else {}),
        },
        stop_seconds=drain_seconds + 20.0,
    )


def is_free(kind: socket.SocketKind, host: str, port: int) -> bool:
    """Tell whether an address can be bound now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_web_port(host: str) -> int:
    """Give the usual port, or one that the system chooses."""
    if is_free(socket.SOCK_STREAM, host, WEB_PORT):
        return WEB_PORT
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def api_child(dsn: str, *, host: str, port: int) -> Child:
    """Describe the process of API and pages; its first line says that it listens. Dialing goes first (docs/adr/0023)."""
    return Child(
        name="api",
        module="api.cli.main",
        arguments=["api"],
        environment={"DATABASE_URL": dsn, "OBZVON_HOST": host, "OBZVON_PORT": str(port)},
        says_ready=True,
        niceness=NICENESS,
    )


async def sign_in_link(pool: Pool, base_url: str, now: datetime) -> str:
    """Make a link that opens one browser session with every right."""
    token = await AccessStore(pool).create_sign_in_link(["admin"], now, SIGN_IN_LIFETIME)
    return f"{base_url}/sign-in/{token}"
