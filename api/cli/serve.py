"""`obzvon serve`: everything on one machine, as a supervisor of separate processes."""

import asyncio
import os
import secrets
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import click

from api.catalogue import language_of_environment, text
from api.cli.front import log_warnings_only, run_or_explain, until_stopped
from api.settings import DEFAULT_PORT
from api.stack import api_child, dial_child, lasting_database
from api.supervisor import Child, ChildFailed, Supervisor
from campaigns.migrate import migrate
from campaigns.recording_settings import make_key_file
from campaigns.settings import default_spool_dir

LANGUAGE: Final = language_of_environment(os.environ)
DATABASE: Final = "obzvon"
MAX_RESTARTS: Final = 10
"""Of one process in one life of the supervisor. What breaks that often wants a person."""
RESTART_SECONDS: Final = 1.0


@click.command(help=text("serve.help", LANGUAGE))
@click.option("--nodes", type=click.IntRange(0, 64), default=1, help=text("serve.nodes.help", LANGUAGE))
@click.option("--host", default="127.0.0.1", show_default=True, help=text("serve.host.help", LANGUAGE))
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=DEFAULT_PORT, help=text("serve.port.help", LANGUAGE)
)
def serve(nodes: int, host: str, port: int) -> None:
    log_warnings_only()

    async def main(stop: asyncio.Event) -> None:
        await serve_until(stop, nodes=nodes, host=host, port=port)

    run_or_explain(until_stopped(main), LANGUAGE)
    say("serve.stopped")


async def serve_until(stop: asyncio.Event, *, nodes: int, host: str, port: int) -> None:
    """
    Run everything until `stop` is set; a process that ends unasked is started again.

    Raises:
        PostgresUnavailable, MigrationFailed: no database.
        ChildFailed: a process does not start, or ended more than MAX_RESTARTS times.
    """
    log_directory = default_spool_dir(os.environ).parent / "logs"
    async with (
        lasting_database(os.environ, DATABASE) as dsn,
        Supervisor(log_directory, os.environ) as supervisor,
    ):
        await migrate(dsn, datetime.now(UTC))
        if (key_file := make_key_file(os.environ, rng=secrets.token_bytes)) is not None:
            say("recordings.key_made", path=key_file)
        spool_dir = default_spool_dir(os.environ)
        children = [
            api_child(dsn, host=host, port=port),
            *(dial_child(dsn, node=f"local-{number}", spool_dir=spool_dir) for number in range(1, nodes + 1)),
        ]
        for child in children:
            await supervisor.start(child)
        say("serve.serving", url=f"http://{host}:{port}/campaigns", path=log_directory)
        await keep_alive(stop, supervisor, {child.name: child for child in children})
        say("serve.stopping")
        await supervisor.stop_all()


async def keep_alive(stop: asyncio.Event, supervisor: Supervisor, children: dict[str, Child]) -> None:
    """Start again what ends, until `stop`."""
    restarts: Counter[str] = Counter()
    while not stop.is_set():
        try:
            async with supervisor.watched():
                await stop.wait()
        except ChildFailed as failure:
            restarts[failure.name] += 1
            if restarts[failure.name] > MAX_RESTARTS:
                raise
            say("serve.restarting", name=failure.name, status=failure.status, tail=failure.tail)
            await asyncio.sleep(RESTART_SECONDS)
            await supervisor.start(children[failure.name])


def say(key: str, **params: object) -> None:
    click.echo(text(key, LANGUAGE, **params), err=True)
