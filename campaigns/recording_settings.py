"""Where recordings are kept, and by which keys; the same for the nodes that write them and the API that reads them."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from campaigns.data_directory import data_directory
from campaigns.errors import InvalidSettings, Problem
from dialer.recording.keyring import Keyring, KeyringInvalid, new_entry, parse_keyring

KEEP_FREE_MB: Final = 500
"""PostgreSQL and the spool of outcomes are often on the same disk, and go first."""
_MEGABYTE: Final = 1_000_000


class RecordingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What recording needs. Without keys nothing is recorded."""

    directory: Path
    keyring: Keyring | None = None
    keep_free_bytes: int = KEEP_FREE_MB * _MEGABYTE
    """With less than this on the disk recordings have gaps, so that others find room."""
    key_file: Path | None = None
    """Where the keys were read, if from a file."""


def load_recording_settings(environ: Mapping[str, str]) -> RecordingSettings:
    """
    Read OBZVON_RECORDINGS_DIR, OBZVON_RECORDING_KEY, OBZVON_RECORDING_KEY_FILE and OBZVON_RECORDINGS_KEEP_FREE_MB.

    Raises:
        InvalidSettings: naming everything that is wrong; never a key.
    """
    problems: list[Problem] = []
    keyring, key_file = None, None
    try:
        keyring, key_file = _read_keys(environ)
    except InvalidSettings as error:
        problems += error.problems
    keep_free_text = environ.get("OBZVON_RECORDINGS_KEEP_FREE_MB") or str(KEEP_FREE_MB)
    if not (keep_free_text.isascii() and keep_free_text.isdecimal()):
        problems.append(
            Problem("OBZVON_RECORDINGS_KEEP_FREE_MB", "not_a_number", {"value": keep_free_text[:60]})
        )
    if problems:
        raise InvalidSettings(*problems)
    return RecordingSettings(
        directory=Path(environ.get("OBZVON_RECORDINGS_DIR") or data_directory(environ) / "recordings"),
        keyring=keyring,
        keep_free_bytes=int(keep_free_text) * _MEGABYTE,
        key_file=key_file,
    )


def make_key_file(environ: Mapping[str, str], *, rng: Callable[[int], bytes]) -> Path | None:
    """
    Make a key of our own in the data directory where none was given or made yet; return its path if this made it.

    It is readable by this user alone. Whoever loses it loses every recording that it sealed.
    """
    path = default_key_file(environ)
    if environ.get("OBZVON_RECORDING_KEY") or environ.get("OBZVON_RECORDING_KEY_FILE") or path.exists():
        return None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None  # another process was faster
    with os.fdopen(fd, "w") as file:
        file.write(new_entry("k1", rng) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def default_key_file(environ: Mapping[str, str]) -> Path:
    """Return where `obzvon serve` and the demo keep the key that they made."""
    return data_directory(environ) / "recording.key"


def _read_keys(environ: Mapping[str, str]) -> tuple[Keyring | None, Path | None]:
    if text := environ.get("OBZVON_RECORDING_KEY"):
        return _parse("OBZVON_RECORDING_KEY", text), None
    name = "OBZVON_RECORDING_KEY_FILE"
    given = environ.get(name)
    path = Path(given) if given else default_key_file(environ)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not given:
            return None, None
        raise InvalidSettings(Problem(name, "file_missing", {"path": str(path)})) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            Problem(name, "file_unreadable", {"path": str(path), "error": type(error).__name__})
        ) from error
    return _parse(name, text), path


def _parse(name: str, text: str) -> Keyring:
    try:
        return parse_keyring(text)
    except KeyringInvalid as error:
        raise InvalidSettings(
            Problem(name, "not_a_keyring", {"code": error.code, "entry": error.entry})
        ) from error
