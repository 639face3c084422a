"""
Pages of docs/ that are made from the code, so that they cannot lie: `python -m tests.generated_docs` writes them,
tests/test_docs.py compares.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from analytics.dimensions import DIMENSIONS
from analytics.metrics import METRICS
from api.catalogue import text
from dialer.call_table import TRANSITIONS
from dialer.outcome import STATUS_OUTCOMES

ROOT = Path(__file__).parents[1]
NOTE = "<!-- made by `python -m tests.generated_docs`; edit the code instead -->\n"


def call_states() -> str:
    """Draw the state table of a call."""
    edges: dict[tuple[str, str], list[str]] = {}
    for (state, event), (following, actions) in TRANSITIONS.items():
        label = event.value + (f" [{', '.join(action.value for action in actions)}]" if actions else "")
        edges.setdefault((state.value, following.value), []).append(label)
    arrows = "\n".join(
        f"    {source} --> {target}: {'<br>'.join(labels)}" for (source, target), labels in edges.items()
    )
    return (
        f"{NOTE}# The states of a call\n\nThe table stands in `dialer/call_table.py`; input, then in brackets what is sent.\n\n"
        f"```mermaid\nstateDiagram-v2\n    [*] --> new\n{arrows}\n    ended --> [*]\n```\n"
    )


def outcomes() -> str:
    """List what each final status becomes."""
    rows = "\n".join(
        f"| {status} | {result} | {fault} |" for status, (result, fault) in sorted(STATUS_OUTCOMES.items())
    )
    return (
        f"{NOTE}# Outcome by SIP status\n\nThe table stands in `dialer/outcome.py`. A Reason header with a Q.850 cause "
        "(RFC 3326) is more exact and goes first; a status\nthat is not listed counts as the x00 of its class "
        f"(RFC 3261 §8.1.3.2).\n\n| status | result | fault |\n|---|---|---|\n{rows}\n"
    )


def metrics() -> str:
    """List the metric registry, with its definitions in English."""
    rows = "\n".join(
        f"| `{metric.name}` | {text(f'metrics.{metric.name}.definition')} | {metric.unit} | `{metric.formula}` "
        f"| {metric.is_null_when or 'never'} |"
        for metric in METRICS.values()
    )
    dimensions = "\n".join(
        f"| `{dimension.name}` | {text(f'dimensions.{dimension.name}.definition')} | {dimension.type} | `{dimension.formula}` |"
        for dimension in DIMENSIONS.values()
    )
    return (
        f"{NOTE}# Metrics\n\nThe registries stand in `analytics/metrics.py` and `analytics/dimensions.py`; the pages, the API, the "
        "files and this page read them.\nHow to ask: [reports.md](reports.md). A worked example: "
        "[twelve_calls.md](twelve_calls.md).\n\n"
        f"| name | definition | unit | formula | null when |\n|---|---|---|---|---|\n{rows}\n\n"
        "## Dimensions\n\n`:local` is the clock of the query: of its time zone, or each campaign's own; `:start` is "
        f"`started_time`.\n\n| name | definition | type | formula |\n|---|---|---|---|\n{dimensions}\n"
    )


def logged_events() -> Iterator[tuple[str, str]]:
    """Every constant event name that is logged, with the file that logs it."""
    pattern = re.compile(r"log\.(?:debug|info|warning|error|exception|critical)\(\s*\"([a-z_]+\.[a-z_]+)\"")
    for package in ("dialer", "campaigns", "analytics", "api"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in pattern.findall(path.read_text()):
                yield name, str(path.relative_to(ROOT))


def events() -> str:
    """List the log events."""
    files: dict[str, set[str]] = {}
    for name, file in logged_events():
        files.setdefault(name, set()).add(f"`{file}`")
    rows = "\n".join(f"| `{name}` | {', '.join(sorted(found))} |" for name, found in sorted(files.items()))
    return (
        f"{NOTE}# Log events\n\nConstant names, `noun.past_verb`; everything else is in the keys. One full line per "
        f"attempt: `attempt.settled`.\n\n| event | logged by |\n|---|---|\n{rows}\n"
    )


PAGES = {
    "call_states.md": call_states,
    "outcomes.md": outcomes,
    "metrics.md": metrics,
    "events.md": events,
}

if __name__ == "__main__":
    for name, render in PAGES.items():
        (ROOT / "docs" / name).write_text(render())
        print(f"docs/{name}")
