"""
How a process logs: configured once, by the front door. JSON lines to stderr, or colours on a terminal.

Telephone numbers are masked by whoever logs them (`campaigns.numbers.mask`); nothing here sees one.
"""

import sys
from typing import Any

import msgspec
import structlog

INFO = 20


def configure_logging() -> None:
    """Send the log to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        structlog.configure(
            processors=[
                *shared,
                structlog.dev.ConsoleRenderer(
                    exception_formatter=structlog.dev.RichTracebackFormatter(show_locals=False)
                ),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(INFO),
            logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
            cache_logger_on_first_use=True,
        )
        return
    structlog.configure(
        processors=[
            *shared,
            # without locals: they hold numbers and passwords
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(serializer=_to_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(INFO),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _to_json(event: Any, **_: object) -> bytes:
    # A value that JSON does not know must not turn a log line into a crash.
    return msgspec.json.encode(event, enc_hook=repr)
