"""What the demo shows in a terminal: a progress bar where there is one, plain lines otherwise; a table at the end."""

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from analytics.live import LiveState
from analytics.metrics import Rate
from api.catalogue import text
from api.demo import DemoResult, Figures

PLAIN_LINE_SECONDS: Final = 5.0


class CampaignProgress:
    """Call it with each `LiveState`, between start and stop. Writes to stderr, so that stdout stays the result's."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._last_line_at = -PLAIN_LINE_SECONDS
        self._last_line = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        if self._console.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=None),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=self._console,
                expand=True,
                refresh_per_second=4,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=None)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, state: LiveState) -> None:
        leads = state.leads
        done = leads.finished + leads.blocked
        line = text(
            "demo.progress",
            self._language,
            done=done,
            total=leads.total,
            dialing=leads.dialing,
            answered=state.answered.numerator,
            callbacks=state.callback_requests,
        )
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=leads.total, description=line)
            return
        now = time.monotonic()
        is_due = now - self._last_line_at >= PLAIN_LINE_SECONDS or done == leads.total
        if is_due and line != self._last_line:
            self._last_line_at, self._last_line = now, line
            print(line, file=sys.stderr, flush=True)


def print_figures(console: Console, figures: Figures, language: str) -> None:
    """Print a table for people."""
    table = Table(title=text("demo.result.title", language), show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row(text("demo.result.attempts", language), str(figures.attempts))
    for result, attempts in figures.outcomes.items():
        table.add_row(f"  {text(f'pages.result.{result}', language)}", str(attempts))
    table.add_row(text("demo.result.answered", language), share_text(figures.answered, language))
    table.add_row(
        text("demo.result.answered_numbers", language), share_text(figures.answered_numbers, language)
    )
    table.add_row(text("demo.result.talk_seconds", language), f"{figures.talk_seconds:.1f}")
    table.add_row(text("demo.result.callback_requests", language), str(figures.callback_requests))
    table.add_row(text("demo.result.refusals", language), str(figures.refusals))
    console.print(table)


def share_text(rate: Rate, language: str) -> str:
    """Write a rate with what it was made of; without a denominator there is no percentage."""
    percent = "-" if rate.value is None else f"{100 * rate.value:.1f}"
    return text(
        "demo.result.rate",
        language,
        numerator=rate.numerator,
        denominator=rate.denominator,
        percent=percent,
    )


def verdict_lines(result: DemoResult, language: str) -> list[str]:
    """Say whether the demo proved what it should, and if not, everything that is wrong."""
    if result.is_proven:
        return [text("demo.proven", language)]
    lines = []
    if not result.is_finished:
        lines.append(text("demo.not_finished", language))
    if result.numbers != result.contacts or not result.contacts:
        lines.append(text("demo.not_everybody", language, numbers=result.numbers, contacts=result.contacts))
    if result.differences:
        lines.append(text("demo.differs", language, count=len(result.differences)))
        lines += [
            text(
                "demo.difference",
                language,
                number=difference.number,
                behaviour=difference.behaviour,
                call_id=difference.call_id,
                field=difference.field,
                truth=difference.truth,
                recorded=difference.recorded,
            )
            for difference in result.differences
        ]
    return lines
