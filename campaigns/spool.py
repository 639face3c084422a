"""
Outcomes kept on this machine's disk while the database is away: one JSON line each, fsynced, replayed later.

Rule 1: a line is forgotten only after the database has committed it; replaying a line twice is harmless (settling is
        idempotent), so a crash in the middle of a replay loses nothing.
Rule 2: a torn last line (power loss in the middle of a write) is dropped: it was never reported as written.
Rule 3: one process per spool; the lock file is held as long as the process lives.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import structlog

from campaigns.settlement import Settlement

log = structlog.get_logger()

CHUNK: Final = 500


class SpoolBusy(Exception):
    """Another process on this machine uses the spool of this node: `node_name` runs twice."""

    def __init__(self, node_name: str) -> None:
        super().__init__(f"node {node_name} runs already on this machine")
        self.node_name = node_name


class Spool:
    """Blocking file work; the caller keeps it off the event loop. One user at a time."""

    def __init__(self, directory: Path, node_name: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / f"{node_name}.jsonl"
        self._rejected_path = directory / f"{node_name}.rejected.jsonl"
        self._encoder = msgspec.json.Encoder()
        self._lock = os.open(directory / f"{node_name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise SpoolBusy(node_name) from None
        self._drop_torn_line()

    def is_empty(self) -> bool:
        return not self._path.exists() or self._path.stat().st_size == 0

    def append(self, settlements: Iterable[Settlement]) -> None:
        """
        Write and fsync.

        Raises:
            OSError: the disk is full or gone; nothing of the batch may be taken as written.
        """
        self._write(self._path, settlements)

    def set_aside(self, settlements: Iterable[Settlement]) -> None:
        """Keep, for a person to look at, what the database refuses for good. Nothing reads this file back."""
        self._write(self._rejected_path, settlements)

    def chunks(self) -> Iterator[list[Settlement]]:
        """Read everything back, oldest first."""
        chunk: list[Settlement] = []
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    chunk.append(msgspec.json.decode(line, type=Settlement))
                except msgspec.DecodeError:
                    log.error("spool.line_rejected", line_number=number)  # noqa: TRY400 - the trace says nothing more
                if len(chunk) == CHUNK:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    def clear(self) -> None:
        """Forget what has been committed."""
        with self._path.open("r+b") as file:
            file.truncate(0)
            os.fsync(file.fileno())

    def close(self) -> None:
        os.close(self._lock)

    def _write(self, path: Path, settlements: Iterable[Settlement]) -> None:
        data = b"".join(self._encoder.encode(settlement) + b"\n" for settlement in settlements)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            try:
                written = 0
                while written < len(data):
                    written += os.write(descriptor, data[written:])
                os.fsync(descriptor)
            except OSError:
                # Half a batch must not run into the next one.
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)

    def _drop_torn_line(self) -> None:
        if self.is_empty():
            return
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            log.warning("spool.torn_line_dropped", bytes=len(data) - whole)
            os.truncate(self._path, whole)
