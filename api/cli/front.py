"""What the long-running commands share at the front door: signals, and sentences for what keeps them from running."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import asyncpg
import click
import structlog

from api.catalogue import text
from api.supervisor import ChildFailed
from campaigns.errors import MigrationFailed, PostgresUnavailable

T = TypeVar("T")

EXIT_BROKEN: Final = 3
EXIT_INTERRUPTED: Final = 130
WARNING: Final = 30
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A closed terminal (SIGHUP) stops the calls too: nobody would be left to see them."""


def log_warnings_only() -> None:
    """Leave the terminal to sentences and progress; the children log to files."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


async def until_terminated(main: Coroutine[Any, Any, T]) -> T:
    """Run `main`; SIGTERM, SIGINT and SIGHUP cancel it, so that it cleans up."""
    task = asyncio.current_task()
    assert task is not None
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await main


async def until_stopped(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stop)`; the first SIGTERM, SIGINT or SIGHUP sets `stop`, the second cancels."""
    stop = asyncio.Event()
    task = asyncio.current_task()
    assert task is not None

    def on_signal() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    await main(stop)


def run_or_explain(main: Coroutine[Any, Any, T], language: str) -> T:
    """Run a coroutine; what keeps it from running is said in a sentence, and ends the process."""
    try:
        return asyncio.run(main)
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo(text("demo.interrupted", language), err=True)
        sys.exit(EXIT_INTERRUPTED)
    except ChildFailed as error:
        click.echo(text("demo.child_failed", language, name=error.name, status=error.status), err=True)
        click.echo(error.tail, err=True)
    except PostgresUnavailable as error:
        click.echo(text("demo.postgres_unavailable", language, error=error), err=True)
    except MigrationFailed as error:
        click.echo(text("demo.migration_failed", language, error=error), err=True)
    except (OSError, asyncpg.PostgresError, asyncpg.ClientConfigurationError) as error:
        click.echo(text("demo.database_unreachable", language, error=error), err=True)
    sys.exit(EXIT_BROKEN)
