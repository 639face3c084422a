"""One TCP or TLS connection that carries SIP, either way."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

from dialer.config import Limits
from dialer.errors import RemoteProtocolError
from dialer.sip.framing import Broken, Ping, Pong, StreamFramer, Whole
from dialer.sip.hop import Hop
from dialer.sip.keep_alive import KeepAliveClock

PING: Final = b"\r\n\r\n"
PONG: Final = b"\r\n"


class SipReceiver(Protocol):
    """Who takes what a transport carries. Every method is called from the loop, never from within `send`."""

    def receive(self, data: bytes, source: Hop) -> None:
        """One message."""

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop) -> None:
        """The message after which a connection cannot be read; it is closed when this returns."""

    def transport_failed(self, hop: Hop, refused: bytes = b"") -> None:
        """Nothing reaches that hop."""

    def stream_lost(self, hop: Hop) -> None:
        """A connection that was open has broken."""


class StreamConnection(asyncio.Protocol):
    """Frames, keep-alives, and the bound on what waits to be sent. `on_end` is called once, after the last message."""

    def __init__(
        self,
        receiver: SipReceiver,
        limits: Limits,
        max_unsent_bytes: int,
        *,
        hop: Hop | None,
        on_open: "Callable[[StreamConnection], bool]" = lambda _connection: True,
        on_end: "Callable[[StreamConnection, Exception | None], None]",
    ) -> None:
        self._receiver = receiver
        self._max_unsent_bytes = max_unsent_bytes
        self._framer = StreamFramer(limits)
        self._on_open = on_open
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._hop = hop
        self.keep_alive: KeepAliveClock | None = None
        self.last_message_at = self._loop.time()
        self.has_received = False
        """The peer has sent a message: it takes us."""

    @property
    def hop(self) -> Hop:
        """The peer; of an inbound connection known once it is made."""
        assert self._hop is not None
        return self._hop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own derives from nothing of asyncio
        if self._hop is None:
            host, port = transport.get_extra_info("peername")[:2]
            is_tls = transport.get_extra_info("ssl_object") is not None
            self._hop = Hop(host, port, "tls" if is_tls else "tcp", is_inbound=True)
        if not self._on_open(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        for frame in self._framer.receive(data):
            match frame:
                case Whole():
                    if self.keep_alive is not None:
                        self.keep_alive.hear()
                    self.last_message_at = self._loop.time()
                    self.has_received = True
                    self._receiver.receive(frame.data, self.hop)
                case Ping():
                    self.send(PONG)
                case Pong():
                    if self.keep_alive is not None:
                        self.keep_alive.hear(is_pong=True)
                case Broken():
                    self._receiver.receive_unframeable(frame.data, frame.error, self.hop)
                    self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._on_end(self, exc)

    def send(self, data: bytes) -> None:
        """Send now, or when the peer reads again; one that does not is given up."""
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._max_unsent_bytes:
            self._transport.abort()

    def tick(self, now: float) -> None:
        """Ping, or give up a peer that does not pong."""
        match None if self.keep_alive is None else self.keep_alive.due(now):
            case "ping":
                self._framer.expect_pong()
                self.send(PING)
            case "dead":
                self._transport.abort()
            case _:
                pass

    def close(self) -> None:
        """Send what waits, then close."""
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
