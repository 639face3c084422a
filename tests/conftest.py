"""Fixtures of all layers: a PostgreSQL server for the whole session, and a migrated database for each test that asks."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import structlog

from campaigns.database import Pool, open_pool
from campaigns.embedded_postgres import UNSAFE_TEST_SETTINGS, start_postgres
from campaigns.migrate import migrate

pytest_plugins = ["tests.layers"]

T = TypeVar("T")

DATABASE_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def as_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that runs inside a test may choose a language and configure the log; the next test finds neither."""
    monkeypatch.setenv("OBZVON_LANG", "")  # empty is as good as unset, and undone
    yield
    structlog.reset_defaults()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_dsn" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own, so that fixtures serve tests with and without a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def with_database(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    # urlunsplit drops the empty host of postgresql://user@/name, which asyncpg needs not
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """The address of a server where databases may be made: TEST_DATABASE_URL, else an embedded one for this session."""
    if (given := os.environ.get("TEST_DATABASE_URL")) is not None:
        yield given
        return
    data_dir = Path(tempfile.mkdtemp(prefix="obzvon-tests-"))
    with start_postgres(data_dir, UNSAFE_TEST_SETTINGS) as server:
        yield server.dsn
    shutil.rmtree(data_dir)


async def admin_execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(with_database(dsn, "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template_database(postgres_dsn: str) -> Iterator[str]:
    """The name of a database that has been migrated once and is copied for each test."""
    name = f"template_{os.getpid()}"
    run_apart(migrate(with_database(postgres_dsn, name), datetime.now(UTC)))
    yield name
    run_apart(admin_execute(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def database(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """The address of a migrated, empty database that only this test uses."""
    name = f"test_{os.getpid()}_{next(DATABASE_NUMBERS)}"
    run_apart(admin_execute(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template_database}"))
    yield with_database(postgres_dsn, name)
    run_apart(admin_execute(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database, application_name="test")
    yield opened
    await opened.close()
