"""`obzvon keys`: API keys and sign-in links, made by whoever can reach the database."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import click
import msgspec

from api.auth import SCOPES
from api.catalogue import language_of_environment, text
from api.cli.database import say, with_pool
from campaigns.store import CampaignStore

T = TypeVar("T")

LANGUAGE: Final = language_of_environment(os.environ)
LINK_LIFETIME: Final = timedelta(minutes=15)


def with_store(work: Callable[[CampaignStore], Awaitable[T]]) -> T:
    """Do something with the store of DATABASE_URL, or say why not and leave."""
    return with_pool(lambda pool: work(CampaignStore(pool)), application_name="obzvon-keys")


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
