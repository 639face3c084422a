"""
Fixed SQL: `.sql` files beside the modules that run them, each statement under a header with its name and arguments.

    -- claim_leads(shard_key, now, limit) --
    -- Why, and what a reader must know.
    SELECT ...

The arguments are $1, $2, ... in that order; a test prepares every statement and counts them.
"""

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

HEADER: Final = re.compile(r"^-- (?P<name>[a-z_0-9]+)\((?P<parameters>[a-z_0-9, ]*)\) --$", re.MULTILINE)


class Statement(msgspec.Struct, frozen=True):
    """One statement as it stands in its file."""

    text: str
    parameters: tuple[str, ...]
    """The names of $1, $2, ..."""


@functools.cache
def load_statements(path: Path) -> dict[str, str]:
    """Return the texts of a file's statements by name. Raises as `read_statements`."""
    return {name: statement.text for name, statement in read_statements(path).items()}


@functools.cache
def read_statements(path: Path) -> dict[str, Statement]:
    """
    Return the statements of a file by name, with their parameters; each file is read once.

    Raises:
        ValueError: two statements have one name, or the file has text before its first header that is not a comment.
    """
    text = path.read_text(encoding="utf-8")
    headers = list(HEADER.finditer(text))
    preface = text[: headers[0].start()] if headers else text
    if any(line.strip() and not line.startswith("--") for line in preface.splitlines()):
        raise ValueError(f"{path.name}: statement without a header")
    statements: dict[str, Statement] = {}
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        name = header["name"]
        if name in statements:
            raise ValueError(f"{path.name}: {name} stands twice")
        parameters = tuple(word.strip() for word in header["parameters"].split(",") if word.strip())
        body = text[header.end() : following.start() if following else None]
        statements[name] = Statement(body.strip(), parameters)
    return statements


def columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows, at least one, into the arrays that a statement unnests."""
    return [list(column) for column in zip(*rows, strict=True)]
