"""Uploaded files, read as they arrive: a raw body, or the field `file` of a form. Nothing is kept whole in memory or on disk."""

from collections.abc import AsyncGenerator, AsyncIterator
from email.message import Message
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser  # type: ignore[import-untyped]

from api.errors import ApiError

FORM: Final = "multipart/form-data"
FIELD: Final = "file"
MAX_NAME_LENGTH: Final = 200


class Upload(msgspec.Struct, frozen=True):
    """A file on its way in."""

    file_name: str
    """As the client called it, without folders; empty when it did not say."""
    chunks: AsyncIterator[bytes]


async def open_upload(request: Request[Any, Any, Any], accepted: tuple[str, ...]) -> Upload:
    """
    Return the file of the request; `accepted` are the media types of a raw body, a form is always possible.

    Raises:
        ApiError: 415 for another content type, 422 for a form without the file, 400 for a broken form; the last
            also while the chunks are read.
    """
    content_type = Message()
    content_type["content-type"] = request.headers.get("content-type", "application/octet-stream")
    media_type = content_type.get_content_type()
    if media_type in accepted:
        return Upload(clean_name(request.query_params.get("file_name", "")), request.stream())
    boundary = content_type.get_param("boundary")
    if media_type != FORM or not isinstance(boundary, str):
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported", accepted=[*accepted, FORM]
        )
    events = form_events(request.stream(), boundary)
    async for segment in events:
        if isinstance(segment, MultipartSegment) and segment.name == FIELD:
            return Upload(clean_name(segment.filename or ""), segment_body(events))
    raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "upload_file_missing")


async def form_events(
    stream: AsyncIterator[bytes], boundary: str
) -> AsyncGenerator[MultipartSegment | bytes | bytearray | None, None]:
    """Yield each part's head, then its bytes, then None (RFC 7578)."""
    try:
        with PushMultipartParser(boundary) as parser:
            async for chunk in stream:
                if chunk:
                    for parsed in parser.parse(chunk):
                        yield parsed
                if parser.closed:
                    break
    except (MultipartError, UnicodeError) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "form_broken") from error


async def segment_body(
    events: AsyncGenerator[MultipartSegment | bytes | bytearray | None, None],
) -> AsyncIterator[bytes]:
    async for parsed in events:
        if parsed is None:
            break
        if isinstance(parsed, (bytes, bytearray)):
            yield bytes(parsed)
    async for _ in events:
        pass  # the rest of the form is read, so that the connection can be used again


async def read_whole(upload: Upload, max_bytes: int) -> bytes:
    """Return a file that has to be whole. Raises `ApiError` 413 as soon as it is too large."""
    data = bytearray()
    async for chunk in upload.chunks:
        data += chunk
        if len(data) > max_bytes:
            raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", limit=max_bytes)
    return bytes(data)


def clean_name(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:MAX_NAME_LENGTH]
