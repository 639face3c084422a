"""A proxy to PostgreSQL that cuts the line at the first COMMIT: before it is heard, or before its answer is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

COMMIT = b"COMMIT;\x00"
COMMIT_SECONDS = 0.2
"""Long enough for the server to commit; nothing depends on it but what the test is about."""


@asynccontextmanager
async def cut_at_first_commit(dsn: str, directory: Path, *, commit_arrives: bool) -> AsyncIterator[str]:
    """Give the address of the proxy; from the second COMMIT on it lets everything through."""
    parts = urlsplit(dsn)
    socket_dir = parse_qs(parts.query).get("host", [""])[0]
    is_cut = False

    async def to_server(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Task[None]
    ) -> None:
        nonlocal is_cut
        while data := await reader.read(65_536):
            if COMMIT in data and not is_cut:
                is_cut = True
                answers.cancel()
                if commit_arrives:
                    writer.write(data)
                    await asyncio.sleep(COMMIT_SECONDS)
                return
            writer.write(data)

    async def to_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def serve(client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        if socket_dir:
            server_reader, server_writer = await asyncio.open_unix_connection(f"{socket_dir}/.s.PGSQL.5432")
        else:
            server_reader, server_writer = await asyncio.open_connection(parts.hostname, parts.port or 5432)
        answers = asyncio.create_task(to_client(server_reader, client_writer), name="answers")
        try:
            await to_server(client_reader, server_writer, answers)
        except (OSError, asyncio.CancelledError):
            pass  # the node cut its end, or the test is over
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            client_writer.transport.abort()
            server_writer.transport.abort()

    server = await asyncio.start_unix_server(serve, str(directory / ".s.PGSQL.5432"))
    async with server:
        yield urlunsplit(
            (parts.scheme, parts.netloc.rpartition("@")[0] + "@", parts.path, f"host={directory}", "")
        )
