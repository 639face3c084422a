"""`obzvon demo`: a sample campaign over a simulated carrier, with pages or as a proof."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console

from analytics.live import LiveState
from analytics.report import CampaignReport
from api.catalogue import language_of_environment, text
from api.cli.front import log_warnings_only, run_or_explain, until_stopped, until_terminated
from api.cli.terminal import CampaignProgress, print_figures, verdict_lines
from api.demo import DemoOptions, figures_of, run_headless
from api.demo_pages import run_with_pages
from campaigns.import_report import ImportReport

LANGUAGE: Final = language_of_environment(os.environ)
EXIT_NOT_PROVEN: Final = 1
HEADLESS_CALLS_PER_SECOND: Final = 40.0
HEADLESS_CONCURRENT_CALLS: Final = 400


class TerminalView:
    """Tells a person in a terminal what the demo with pages does. stderr, as nothing here is for a program."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._progress: CampaignProgress | None = None

    def say(self, key: str, **params: object) -> None:
        click.echo(text(key, self._language, **params), err=True)

    def key_made(self, path: Path) -> None:
        self.say("recordings.key_made", path=path)

    def imported(self, report: ImportReport) -> None:
        self.say("demo.imported", accepted=report.rows_accepted, total=report.rows_total)
        for row in report.rejected:
            reason = text(f"problems.import.{row.code}", self._language, **row.params)
            self.say("demo.refused_row", line=row.line, value=row.value or "''", reason=reason)

    def found_again(self, status: str) -> None:
        if status == "finished":
            self.say("demo.found_finished")
        else:
            self.say("demo.found_again", status=text(f"demo.status.{status}", self._language))

    def serving(self, page_url: str, sign_in_url: str, log_directory: Path) -> None:
        self.say("demo.page", url=page_url)
        self.say("demo.sign_in", url=sign_in_url)
        self.say("demo.log_directory", path=log_directory)

    def progress(self, state: LiveState) -> None:
        if self._progress is None:
            self._progress = CampaignProgress(self._language)
            self._progress.start()
        self._progress(state)

    def finished(self, report: CampaignReport) -> None:
        self.close()
        self.say("demo.finished")
        print_figures(Console(stderr=True), figures_of(report), self._language)
        self.say("demo.keeps_serving")

    def draining(self) -> None:
        self.close()
        self.say("demo.draining")

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


@click.command(help=text("demo.help", LANGUAGE))
@click.option("--headless", is_flag=True, help=text("demo.headless.help", LANGUAGE))
@click.option(
    "--contacts", type=click.IntRange(1, 1_000_000), default=300, help=text("demo.contacts.help", LANGUAGE)
)
@click.option("--seed", type=int, default=7, help=text("demo.seed.help", LANGUAGE))
@click.option("--loss", type=click.FloatRange(0.0, 0.5), default=0.0, help=text("demo.loss.help", LANGUAGE))
@click.option("--json", "as_json", is_flag=True, help=text("demo.json.help", LANGUAGE))
@click.option("--fresh", is_flag=True, help=text("demo.fresh.help", LANGUAGE))
@click.option("--port", type=click.IntRange(1, 65_535), help=text("demo.port.help", LANGUAGE))
def demo(
    headless: bool, contacts: int, seed: int, loss: float, as_json: bool, fresh: bool, port: int | None
) -> None:
    if as_json and not headless:
        raise click.UsageError(text("demo.json_needs_headless", LANGUAGE))
    log_warnings_only()
    click.echo(text("demo.starting", LANGUAGE), err=True)
    if headless:
        sys.exit(prove(contacts=contacts, seed=seed, loss=loss, as_json=as_json))
    options = DemoOptions(contacts=contacts, seed=seed, loss=loss)
    view = TerminalView(LANGUAGE)

    async def show(stop: asyncio.Event) -> None:
        await run_with_pages(options, os.environ, view, stop, fresh=fresh, port=port)

    try:
        run_or_explain(until_stopped(show), LANGUAGE)
    finally:
        view.close()
    view.say("demo.stopped")


def prove(*, contacts: int, seed: int, loss: float, as_json: bool) -> int:
    """Run the demo without pages, print its result, give the exit code."""
    options = DemoOptions(
        contacts=contacts,
        seed=seed,
        loss=loss,
        max_calls_per_second=HEADLESS_CALLS_PER_SECOND,
        max_concurrent_calls=HEADLESS_CONCURRENT_CALLS,
        base_has_faults=False,
    )
    with CampaignProgress(LANGUAGE) as progress:
        result = run_or_explain(until_terminated(run_headless(options, os.environ, progress)), LANGUAGE)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        print_figures(Console(), result, LANGUAGE)
    for line in verdict_lines(result, LANGUAGE):
        click.echo(line, err=True)
    return 0 if result.is_proven else EXIT_NOT_PROVEN
