"""Where a program of ours keeps what must outlive it, unless it is told otherwise."""

import os
from collections.abc import Mapping
from pathlib import Path


def data_directory(environ: Mapping[str, str]) -> Path:
    """Return our place under the user's data directory (XDG)."""
    data_home = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME", "."), ".local", "share")  # noqa: PTH118 - a text, not yet a path
    return Path(data_home) / "obzvon"
