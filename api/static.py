"""
The pages' files: scripts, styles, fonts, icons. Read once, answered from memory, compressed as the browser likes.

The build leaves `NAME.br` and `NAME.gz` beside each text file. An address that carries its content's hash (`?v=`, a
chunk) may be kept for ever; any other is asked for again with its ETag.
"""

import functools
import hashlib
import mimetypes
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

STATIC_DIRECTORY: Final = Path(__file__).parent / "web" / "static"
ENCODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Content-Encoding to the ending of its file, the better one first."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
EACH_TIME: Final = "no-cache"
TYPES: Final = {".js": "text/javascript; charset=utf-8", ".woff2": "font/woff2"}
"""What a machine's own list may not know or may call otherwise."""


class StaticFile(msgspec.Struct, frozen=True):
    """One file in all its encodings."""

    bodies: dict[str, bytes]
    """By Content-Encoding; "" is the file itself."""
    media_type: str
    version: str
    """Of the content: its SHA-256, shortened."""


@functools.cache
def static_file(name: str) -> StaticFile | None:
    """Return a file below the static directory, None if there is none: the name is looked up, never joined to a path."""
    path = known_files().get(name)
    if path is None:
        return None
    content = path.read_bytes()
    packed = {
        encoding: path.with_name(path.name + ending).read_bytes()
        for encoding, ending in ENCODINGS.items()
        if f"{name}{ending}" in known_files()
    }
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(
        bodies={**packed, "": content},
        media_type=TYPES.get(path.suffix, guessed),
        version=hashlib.sha256(content).hexdigest()[:12],
    )


@functools.cache
def known_files() -> dict[str, Path]:
    return {
        path.relative_to(STATIC_DIRECTORY).as_posix(): path
        for path in STATIC_DIRECTORY.rglob("*")
        if path.is_file()
    }


def address_of(name: str) -> str:
    """Return the address of a file; its version changes with its content, so browsers may keep it."""
    file = static_file(name)
    # not built: the page says its words, unstyled
    return f"/static/{name}" if file is None else f"/static/{name}?v={file.version}"


@get("/static/{file_path:path}", include_in_schema=False)
async def serve_static(request: Request[Any, Any, Any], file_path: FromPath[str]) -> Response[bytes]:
    name = file_path.lstrip("/")
    file = static_file(name)
    if file is None:
        raise NotFoundException
    encoding = choose_encoding(request.headers.get("accept-encoding", ""), set(file.bodies))
    is_versioned = request.query_params.get("v") == file.version or "/chunk-" in name
    headers = {
        "Cache-Control": FOR_EVER if is_versioned else EACH_TIME,
        "ETag": f'"{file.version}{encoding}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(file.bodies[encoding], media_type=file.media_type, headers=headers)


def choose_encoding(accept_encoding: str, available: AbstractSet[str]) -> str:
    """Return the best that both sides know, "" for none (RFC 9110 §12.5.3; a weight of 0 forbids, others are equal here)."""
    accepted = set()
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            accepted.add(name.strip())
    return next((one for one in ENCODINGS if one in available and one in accepted), "")
