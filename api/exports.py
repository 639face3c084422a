"""Answers as files: what is written takes a thread and a temporary file, CSV of calls leaves as it is made."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.response import Stream

from analytics.attempts import Attempt, AttemptFacts
from analytics.export import (
    CALL_COLUMNS,
    MEDIA_TYPES,
    WRITERS,
    FileFormat,
    columns_of,
    csv_chunk,
    csv_header,
    rows_of,
)
from analytics.result import QueryResult
from campaigns.numbers import mask

CHUNK_BYTES: Final = 65_536
EXPORT_ROWS: Final = 100_000
"""Groups of one file; calls have no limit."""
CALL_PAGE: Final = 1000


@dataclass
class ExportOperation(Operation):
    """Says in the OpenAPI document that the answer is a file."""

    def __post_init__(self) -> None:
        whole = Schema(type=OpenAPIType.STRING, content_media_type="application/octet-stream")
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(
                description="The file",
                content={
                    media_type.partition(";")[0]: OpenAPIMediaType(schema=whole)
                    for media_type in MEDIA_TYPES.values()
                },
            ),
        }


def result_file(result: QueryResult, file_format: FileFormat, *, has_bom: bool) -> Stream:
    columns = columns_of(result)
    if file_format == "csv":

        async def lines() -> AsyncIterator[bytes]:
            yield csv_header(columns, has_bom=has_bom)
            yield await asyncio.to_thread(csv_chunk, rows_of(result))

        return attachment(lines(), "csv")

    async def chunks() -> AsyncIterator[bytes]:
        async with temporary_file() as path:
            writer = WRITERS[file_format](path, columns)
            await asyncio.to_thread(writer.add, rows_of(result))
            await asyncio.to_thread(writer.close)
            async for chunk in read_chunks(path):
                yield chunk

    return attachment(chunks(), file_format)


def calls_file(
    pages: AsyncIterator[list[Attempt]], file_format: FileFormat, *, shows_numbers: bool, has_bom: bool
) -> Stream:
    if file_format == "csv":

        async def lines() -> AsyncIterator[bytes]:
            yield csv_header(CALL_COLUMNS, has_bom=has_bom)
            async for page in pages:
                yield csv_chunk(call_rows(page, shows_numbers=shows_numbers))

        return attachment(lines(), "csv")

    async def chunks() -> AsyncIterator[bytes]:
        async with temporary_file() as path:
            writer = WRITERS[file_format](path, CALL_COLUMNS)
            async for page in pages:
                await asyncio.to_thread(writer.add, call_rows(page, shows_numbers=shows_numbers))
            await asyncio.to_thread(writer.close)
            async for chunk in read_chunks(path):
                yield chunk

    return attachment(chunks(), file_format)


def call_rows(page: list[Attempt], *, shows_numbers: bool) -> Iterator[list[Any]]:
    for attempt in page:
        facts = {name: getattr(attempt, name) for name in AttemptFacts.__struct_fields__}
        if not shows_numbers:
            facts["number"] = mask(attempt.number)
        yield [str(attempt.attempt_id), *facts.values()]


def attachment(chunks: AsyncIterator[bytes], file_format: FileFormat) -> Stream:
    return Stream(
        chunks,
        media_type=MEDIA_TYPES[file_format],
        headers={"Content-Disposition": f'attachment; filename="obzvon.{file_format}"'},
    )


@asynccontextmanager
async def temporary_file() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="obzvon-export-") as folder:
        yield Path(folder) / "export"


async def read_chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        read: Callable[[int], bytes] = file.read
        while chunk := await asyncio.to_thread(read, CHUNK_BYTES):
            yield chunk
