"""`obzvon dial`: one dialing node. The environment is read here, once."""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import asyncpg
import click

from api.catalogue import language_of_environment, text
from api.cli.front import EXIT_BROKEN, EXIT_INTERRUPTED, until_stopped
from campaigns.database_link import DatabaseAway
from campaigns.errors import InvalidSettings
from campaigns.logging import configure_logging
from campaigns.node import Node, NodeDeclaredDead
from campaigns.settings import NodeSettings, load_node_settings
from campaigns.short_turns import take_short_turns
from campaigns.spool import SpoolBusy
from dialer.errors import TransportError
from dialer.garbage import collect_seldom

LANGUAGE: Final = language_of_environment(os.environ)
EXIT_USAGE: Final = 2
EXIT_START_ME_AGAIN: Final = 75
"""EX_TEMPFAIL of sysexits.h."""


@click.command(help=text("cli.dial.help", LANGUAGE))
@click.option("--node", "node_name", required=True, help=text("cli.dial.node.help", LANGUAGE))
def dial(node_name: str) -> None:
    configure_logging()
    try:
        settings = load_node_settings(node_name, os.environ)
    except InvalidSettings as error:
        for problem in error.problems:
            say(f"cli.setting.{problem.code}", name=problem.field, **problem.params)
        sys.exit(EXIT_USAGE)
    try:
        collect_seldom()
        take_short_turns()
        with asyncio.Runner(loop_factory=event_loop_factory()) as runner:
            runner.run(until_stopped(lambda stop: run_node(settings, stop)))
    except asyncio.CancelledError:
        sys.exit(EXIT_INTERRUPTED)
    except NodeDeclaredDead:
        sys.exit(EXIT_START_ME_AGAIN)
    except SpoolBusy as error:
        say("cli.dial.node_runs_already", name=error.node_name)
    except TransportError as error:
        say("cli.dial.address_unusable", error=error.strerror or str(error))
    except (DatabaseAway, asyncpg.PostgresError) as error:
        say("cli.dial.database_unavailable", error=str(error))
    else:
        return
    sys.exit(EXIT_BROKEN)


async def run_node(settings: NodeSettings, stop: asyncio.Event) -> None:
    node = Node(settings, stop=stop, rng=secrets.token_bytes, wall_clock=lambda: datetime.now(UTC))
    await node.run()


def event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


def say(key: str, **params: object) -> None:
    click.echo(text(key, LANGUAGE, **params), err=True)
