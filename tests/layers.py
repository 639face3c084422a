"""
Which layers of the suite ran: each test that needs a server, the lab or a browser says so by a marker.

A test that cannot run here is reported as not run and counted in the closing lines; with `--require-all`
(`make test`, CI) it fails instead. Fixtures call `not_available`.
"""

from typing import NoReturn

import pytest

LAYERS = ("postgres", "lab", "browser")


def not_available(config: pytest.Config, layer: str, reason: str) -> NoReturn:
    """End a test that cannot run on this machine: skip loudly, or fail under --require-all."""
    sentence = f"{layer} tests cannot run here: {reason}"
    if config.getoption("--require-all"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-all", action="store_true", help="a layer that cannot run here is a failure")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count per layer what ran and what did not, from the reports themselves."""
    for layer in LAYERS:
        outcomes: dict[str, set[str]] = {}
        for category in ("passed", "failed", "error", "skipped", "xfailed"):
            for report in terminalreporter.stats.get(category, []):
                if layer in getattr(report, "keywords", {}):
                    outcomes.setdefault(category, set()).add(report.nodeid)
        not_run = len(outcomes.pop("skipped", set()))
        run = len(set().union(*outcomes.values())) if outcomes else 0
        if run or not_run:
            terminalreporter.write_line(f"layer {layer}: {run} run, {not_run} not run", bold=True)
