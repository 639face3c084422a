"""Commands that do one thing with the database of DATABASE_URL."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg
import click

from api.catalogue import language_of_environment, text
from campaigns.database import Pool, open_pool
from campaigns.errors import Conflict, NotFound

T = TypeVar("T")

LANGUAGE: Final = language_of_environment(os.environ)
EXIT_USAGE: Final = 2


def with_pool(work: Callable[[Pool], Awaitable[T]], *, application_name: str) -> T:
    """Do something with the database of DATABASE_URL, or say why not and leave."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        say("cli.database_url_missing")
        sys.exit(EXIT_USAGE)

    async def run() -> T:
        pool = await open_pool(url, application_name=application_name, max_size=1)
        try:
            return await work(pool)
        finally:
            await pool.close()

    try:
        return asyncio.run(run())
    except NotFound as error:
        say(f"problems.{error.kind}_not_found.detail", id=error.id)
    except Conflict as error:
        say(f"problems.{error.code}.detail", **error.params)
    except (OSError, asyncpg.PostgresError, asyncpg.ClientConfigurationError) as error:
        say("cli.keys.database_unavailable", error=type(error).__name__)
    sys.exit(1)


def say(key: str, **params: object) -> None:
    click.echo(text(key, LANGUAGE, **params), err=True)
