"""
The user's own storage for copies of recordings: S3-compatible or WebDAV, through OpenDAL (docs/adr/0020).

What the storage says when it fails may hold addresses and answers of strangers, and our options hold secrets: so a failure is
told by a code of ours and the library's class of error, never by its text.
"""

import asyncio
import hashlib
import shlex
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
import opendal
from opendal import exceptions
from opendal.exceptions import ConfigInvalid, NotFound, PermissionDenied
from opendal.layers import TimeoutLayer

from campaigns.errors import Problem

Scheme = Literal["s3", "webdav"]
SCHEMES: Final[Mapping[Scheme, tuple[str, ...]]] = {"s3": ("bucket", "region"), "webdav": ("endpoint",)}
"""Each with the options that it cannot do without."""
ERRORS: Final[tuple[type[Exception], ...]] = (
    *(
        error
        for error in vars(exceptions).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
    OSError,
)
"""The library's errors have no base of their own."""
OPERATION_SECONDS: Final = 120.0
IO_SECONDS: Final = 30.0
Failure = Literal["unreachable", "refused", "misconfigured", "differs", "timed_out"]


class CopySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where copies go. Does not show its options, which hold secrets."""

    scheme: Scheme
    options: dict[str, str]
    expires: bool = False
    """Whether a copy goes when its recording has become too old. Whoever is asked to erase a person erases copies in any case."""

    def __repr__(self) -> str:
        return f"CopySettings({self.scheme}, {', '.join(sorted(self.options))})"


class StorageFailed(Exception):
    """The storage did not do what it was asked; `code` says why, `kind` is the library's class of error."""

    def __init__(self, code: Failure, kind: str) -> None:
        super().__init__(f"{code} ({kind})")
        self.code = code
        self.kind = kind


class CopyStorage:
    """One storage. Each call is bounded in time."""

    def __init__(
        self,
        settings: CopySettings,
        *,
        operation_seconds: float = OPERATION_SECONDS,
        io_seconds: float = IO_SECONDS,
    ) -> None:
        self._seconds = operation_seconds
        try:
            operator = opendal.AsyncOperator(settings.scheme, **settings.options)
        except ERRORS as error:
            raise failure_of(error) from None
        self._operator = operator.layer(TimeoutLayer(timeout=operation_seconds, io_timeout=io_seconds))

    async def put(self, path: str, data: bytes) -> None:
        """
        Write a file and read it back: what lies there afterwards is what was sent.

        Raises:
            StorageFailed
        """
        await self._do(self._operator.write(path, data))
        found = await self._do(self._operator.read(path))
        if hashlib.sha256(found).digest() != hashlib.sha256(data).digest():
            raise StorageFailed("differs", "sha256")

    async def get(self, path: str) -> bytes | None:
        """Return a file; None where there is none. Raises `StorageFailed`."""
        try:
            return bytes(await self._operator.read(path))
        except NotFound:
            return None
        except ERRORS as error:
            raise failure_of(error) from None

    async def delete(self, path: str) -> None:
        """Delete a file; one that is not there is deleted. Raises `StorageFailed`."""
        await self._do(self._operator.delete(path))

    async def check(self, name: str) -> None:
        """Write, read and delete a small file. Raises `StorageFailed`."""
        await self.put(name, b"obzvon looks whether it may write here\n")
        await self.delete(name)

    async def _do(self, call: "asyncio.Future[bytes] | object") -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                done = await call  # type: ignore[misc]
        except TimeoutError:
            raise StorageFailed("timed_out", "TimeoutError") from None
        except ERRORS as error:
            raise failure_of(error) from None
        return done if isinstance(done, bytes) else b""


def failure_of(error: Exception) -> StorageFailed:
    kind = type(error).__name__
    if isinstance(error, PermissionDenied):
        return StorageFailed("refused", kind)
    if isinstance(error, ConfigInvalid | NotFound):
        return StorageFailed("misconfigured", kind)
    text = str(error)
    if "status: 401" in text or "status: 403" in text:
        return StorageFailed("refused", kind)
    return StorageFailed("unreachable", kind)


def read_copy_settings(environ: Mapping[str, str], problems: list[Problem]) -> CopySettings | None:
    """
    Read OBZVON_COPY_SCHEME, OBZVON_COPY_OPTIONS (`name=value` words, quoted as in a shell) and OBZVON_COPY_EXPIRES; None where
    nothing is copied. What is wrong is added to `problems`, without the values.
    """
    scheme = environ.get("OBZVON_COPY_SCHEME", "")
    if not scheme:
        return None
    known = next((name for name in SCHEMES if name == scheme), None)
    if known is None:
        problems.append(Problem("OBZVON_COPY_SCHEME", "not_a_storage", {"value": scheme[:20]}))
        return None
    try:
        words = shlex.split(environ.get("OBZVON_COPY_OPTIONS", ""))
    except ValueError:
        words = ["?"]
    options = dict(word.split("=", 1) for word in words if "=" in word)
    missing = [name for name in SCHEMES[known] if not options.get(name)]
    if any("=" not in word for word in words):
        problems.append(Problem("OBZVON_COPY_OPTIONS", "not_options"))
        return None
    if missing:
        problems.append(Problem("OBZVON_COPY_OPTIONS", "options_missing", {"names": missing}))
        return None
    return CopySettings(scheme=known, options=options, expires=environ.get("OBZVON_COPY_EXPIRES", "") == "1")
