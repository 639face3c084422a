"""An HTTP server for tests: keeps the requests that webhooks make, and answers as told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Receiver:
    """`answers` are taken one per request, then `answer`."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answer = "204 No Content"
        self.answers: list[str] = []
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Receiver"]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        sent = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((sent, body))
        answer = self.answers.pop(0) if self.answers else self.answer
        writer.write(
            f"HTTP/1.1 {answer}\r\nLocation: http://127.0.0.1:{self.port}/elsewhere\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()
