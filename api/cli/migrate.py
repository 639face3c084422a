"""`obzvon migrate`: bring the database of DATABASE_URL up to date; for installations that start the processes themselves."""

import os
import sys
from datetime import UTC, datetime
from typing import Final

import click

from api.catalogue import language_of_environment, text
from api.cli.front import run_or_explain
from campaigns import migrate as schema
from campaigns.logging import configure_logging

LANGUAGE: Final = language_of_environment(os.environ)
EXIT_USAGE: Final = 2


@click.command(help=text("cli.migrate.help", LANGUAGE))
def migrate() -> None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        click.echo(text("cli.database_url_missing", LANGUAGE), err=True)
        sys.exit(EXIT_USAGE)
    configure_logging()
    run_or_explain(schema.migrate(url, datetime.now(UTC)), LANGUAGE)
    click.echo(text("cli.migrate.done", LANGUAGE), err=True)
