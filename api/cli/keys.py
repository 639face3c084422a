"""`obzvon keys`: API keys and sign-in links, made by whoever can reach the database."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import asyncpg
import click
import msgspec

from api.auth import SCOPES
from api.catalogue import language_of_environment, text
from campaigns.database import open_pool
from campaigns.errors import NotFound
from campaigns.store import CampaignStore

T = TypeVar("T")

LANGUAGE: Final = language_of_environment(os.environ)
LINK_LIFETIME: Final = timedelta(minutes=15)
EXIT_USAGE: Final = 2


def say(key: str, **params: object) -> None:
    click.echo(text(key, LANGUAGE, **params), err=True)


def with_store(work: Callable[[CampaignStore], Awaitable[T]]) -> T:
    """Do something with the store of DATABASE_URL, or say why not and leave."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        say("cli.database_url_missing")
        sys.exit(EXIT_USAGE)

    async def run() -> T:
        pool = await open_pool(url, application_name="obzvon-keys", max_size=1)
        try:
            return await work(CampaignStore(pool))
        finally:
            await pool.close()

    try:
        return asyncio.run(run())
    except NotFound as error:
        say(f"problems.{error.kind}_not_found.detail", id=error.id)
    except (OSError, asyncpg.PostgresError) as error:
        say("cli.keys.database_unavailable", error=type(error).__name__)
    sys.exit(1)


@click.group(help=text("cli.keys.help", LANGUAGE))
def keys() -> None:
    pass


@keys.command(help=text("cli.keys.create.help", LANGUAGE))
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help=text("cli.keys.scope.help", LANGUAGE),
)
def create(name: str, scopes: tuple[str, ...]) -> None:
    key, secret = with_store(lambda store: store.create_api_key(name, scopes, datetime.now(UTC)))
    say("cli.keys.created", key_id=key.key_id, name=key.name)
    click.echo(secret)


@keys.command("list", help=text("cli.keys.list.help", LANGUAGE))
@click.option("--json", "as_json", is_flag=True, help=text("cli.keys.json.help", LANGUAGE))
def list_keys(as_json: bool) -> None:
    found = with_store(lambda store: store.list_api_keys())
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    if not found:
        say("cli.keys.none")
    for key in found:
        revoked = "" if key.revoked_time is None else text("cli.keys.is_revoked", LANGUAGE)
        click.echo(
            f"{key.key_id}\t{key.name}\t{','.join(key.scopes)}\t{key.created_time:%Y-%m-%d}\t{revoked}"
        )


@keys.command(help=text("cli.keys.revoke.help", LANGUAGE))
@click.argument("key_id", type=click.IntRange(1, 2**31 - 1))
def revoke(key_id: int) -> None:
    with_store(lambda store: store.revoke_api_key(key_id, datetime.now(UTC)))
    say("cli.keys.revoked", key_id=key_id)


@keys.command(help=text("cli.keys.link.help", LANGUAGE))
@click.option(
    "--base-url",
    default="http://127.0.0.1:8000",
    show_default=True,
    help=text("cli.keys.base_url.help", LANGUAGE),
)
def link(base_url: str) -> None:
    token = with_store(lambda store: store.create_sign_in_link(["admin"], datetime.now(UTC), LINK_LIFETIME))
    click.echo(f"{base_url.rstrip('/')}/sign-in/{token}")
