"""A receiver that keeps what it is told, and a TCP or TLS server that does as the test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from dialer.config import DialerConfig
from dialer.errors import RemoteProtocolError
from dialer.sip.hop import Address, Hop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
HOST = "127.0.0.41"
"""Of these tests alone."""
CONFIG = DialerConfig(bind_host=HOST)


class Told:
    """What a transport has told, in order."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[tuple[bytes, Hop]] = asyncio.Queue()
        self.unframeable: list[tuple[RemoteProtocolError, Hop]] = []
        self.failed: asyncio.Queue[Hop] = asyncio.Queue()
        self.lost: asyncio.Queue[Hop] = asyncio.Queue()

    def receive(self, data: bytes, source: Hop) -> None:
        self.messages.put_nowait((data, source))

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop) -> None:
        self.unframeable.append((error, source))

    def transport_failed(self, hop: Hop, refused: bytes = b"") -> None:
        self.failed.put_nowait(hop)

    def stream_lost(self, hop: Hop) -> None:
        self.lost.put_nowait(hop)


class FarEnd:
    """A server; the test reads and writes the newest connection."""

    def __init__(self) -> None:
        self.address: Address = ("", 0)
        self.connections: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.accepted = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def take(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self.connections.get()

    def hop(self, transport: str = "tcp") -> Hop:
        assert transport in {"tcp", "tls"}
        return Hop(*self.address, transport)  # type: ignore[arg-type] # just asserted

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.writers.append(writer)
        self.connections.put_nowait((reader, writer))


@asynccontextmanager
async def far_end(
    tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.42", port: int = 0
) -> AsyncIterator[FarEnd]:
    end = FarEnd()
    server = await asyncio.start_server(end._accept, host, port, ssl=tls)
    end.address = server.sockets[0].getsockname()[:2]
    try:
        yield end
    finally:
        server.close()
        for writer in end.writers:
            writer.close()
        await asyncio.sleep(0.01)  # let the transports close


def run(loop_factory: LoopFactory, test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(test(), 20))
