"""`obzvon rollups check|rebuild`: recount the facts and compare, or add to the sums what is missing. Dialing goes on meanwhile."""

import os
import sys
from datetime import UTC, date, datetime
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.catalogue import language_of_environment, text
from api.cli.front import run_or_explain
from campaigns.database import SESSION_SETTINGS, connect, prepare_connection
from campaigns.rollups import Slice, Verdict, check_slice, fold_outbox, slices_of
from campaigns.snowflake import SLOTS_PER_CAMPAIGN

LANGUAGE: Final = language_of_environment(os.environ)
EXIT_DIFFERS: Final = 1
EXIT_USAGE: Final = 2
STATEMENT_TIMEOUT: Final = "600s"
"""Of one day of a giant shard, on a busy machine."""


@click.group(help=text("rollups.help", LANGUAGE))
def rollups() -> None:
    pass


def of_slices(command: click.Command) -> click.Command:
    for option in (
        click.option(
            "--campaign", type=click.IntRange(1, 2**23 - 1), help=text("rollups.campaign.help", LANGUAGE)
        ),
        click.option(
            "--from", "from_day", type=click.DateTime(["%Y-%m-%d"]), help=text("rollups.from.help", LANGUAGE)
        ),
        click.option(
            "--to", "to_day", type=click.DateTime(["%Y-%m-%d"]), help=text("rollups.to.help", LANGUAGE)
        ),
    ):
        command = option(command)
    return command


@rollups.command(help=text("rollups.check.help", LANGUAGE))
@of_slices  # type: ignore[arg-type]
def check(campaign: int | None, from_day: datetime | None, to_day: datetime | None) -> None:
    wrong = run_or_explain(go_through(campaign, from_day, to_day, repair=False), LANGUAGE)
    click.echo(text("rollups.wrong" if wrong else "rollups.proven", LANGUAGE, count=wrong), err=True)
    sys.exit(EXIT_DIFFERS if wrong else 0)


@rollups.command(help=text("rollups.rebuild.help", LANGUAGE))
@of_slices  # type: ignore[arg-type]
def rebuild(campaign: int | None, from_day: datetime | None, to_day: datetime | None) -> None:
    repaired = run_or_explain(go_through(campaign, from_day, to_day, repair=True), LANGUAGE)
    click.echo(text("rollups.repaired" if repaired else "rollups.proven", LANGUAGE, count=repaired), err=True)


async def go_through(
    campaign_id: int | None, from_day: datetime | None, to_day: datetime | None, *, repair: bool
) -> int:
    """Check or repair the months that touch the days, with a progress bar; return how many rows differed."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        click.echo(text("cli.database_url_missing", LANGUAGE), err=True)
        sys.exit(EXIT_USAGE)
    connection = await connect(
        url,
        server_settings={
            **SESSION_SETTINGS,
            "statement_timeout": STATEMENT_TIMEOUT,
            "application_name": "obzvon-rollups",
        },
    )
    await prepare_connection(connection)
    try:
        await fold_outbox(connection)
        slices = [
            each for each in await slices_of(connection, campaign_id) if is_asked_for(each, from_day, to_day)
        ]
        differences = 0
        with progress() as bar:
            task = bar.add_task("", total=len(slices))
            for part in slices:
                bar.update(task, description=name_of(part))
                verdict = await check_slice(connection, part, datetime.now(UTC), repair=repair)
                differences += verdict.differences
                if verdict.differences:
                    say_wrong(part, verdict)
                bar.advance(task)
        return differences
    finally:
        await connection.close()


def is_asked_for(part: Slice, from_day: datetime | None, to_day: datetime | None) -> bool:
    first, *_, following = part.days()
    return (to_day is None or first <= to_day.date()) and (from_day is None or following > from_day.date())


def name_of(part: Slice) -> str:
    month = f"{part.month:%Y-%m}"
    campaign_id = part.shard_key // SLOTS_PER_CAMPAIGN
    if campaign_id == 0:
        return text("rollups.totals", LANGUAGE, month=month)
    return text("rollups.slice", LANGUAGE, id=campaign_id, month=month)


def say_wrong(part: Slice, verdict: Verdict) -> None:
    days = ", ".join(map(date.isoformat, verdict.wrong_days[:5]))
    click.echo(
        text("rollups.slice_wrong", LANGUAGE, name=name_of(part), count=verdict.differences, days=days),
        err=True,
    )


def progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
