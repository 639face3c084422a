"""`obzvon api`: HTTP and pages on the database of DATABASE_URL. Prints one line of JSON when it listens."""

import os
import sys
from typing import Final

import click
import msgspec

from api.catalogue import language_of_environment, text
from api.cli.front import run_or_explain
from api.server import run_api
from api.settings import ApiSettings
from campaigns.database import connect
from campaigns.errors import InvalidSettings
from campaigns.logging import configure_logging

LANGUAGE: Final = language_of_environment(os.environ)
CONNECT_TIMEOUT_SECONDS: Final = 10.0


@click.command("api", help=text("cli.api.help", LANGUAGE))
def api() -> None:
    try:
        settings = ApiSettings.from_env(os.environ)
    except InvalidSettings as error:
        for problem in error.problems:
            click.echo(
                text(f"cli.setting.{problem.code}", LANGUAGE, name=problem.field, **problem.params), err=True
            )
        sys.exit(2)
    # uvicorn would end with its log of a traceback
    run_or_explain(reach(settings.database_url), LANGUAGE)
    configure_logging()

    def say_ready(port: int) -> None:
        click.echo(msgspec.json.encode({"host": settings.host, "port": port}))

    sys.exit(0 if run_api(settings, say_ready) else 1)


async def reach(database_url: str) -> None:
    """Open a connection and close it; raises as `campaigns.database.connect` does."""
    connection = await connect(database_url, timeout=CONNECT_TIMEOUT_SECONDS)
    await connection.close()
