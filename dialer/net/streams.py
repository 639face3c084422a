"""
All TCP and TLS connections of a node: opened when something is to be sent, kept, pinged, opened again, bounded.

Rule 1: one connection per hop (RFC 5923); what is sent while it opens waits for it, in order.
Rule 2: after a failure the hop rests, twice as long each time, with jitter; what is sent meanwhile fails at once.
Rule 3: strangers' connections are limited in number, overall and per host, and closed when idle.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from dialer.config import DialerConfig
from dialer.errors import DialerError
from dialer.net.connect_failure import ConnectFailure, failure_of
from dialer.net.stream_connection import SipReceiver, StreamConnection
from dialer.net.tls import client_context
from dialer.sip.hop import Address, Hop
from dialer.sip.keep_alive import KeepAliveClock
from dialer.transport_config import KeepAlive, TlsConfig

log = structlog.get_logger()

_TICK_SECONDS: Final = 1.0
_UNUSED_SECONDS: Final = 4 * 3_600.0
"""A connection of ours over which no message goes for so long is closed, and not opened again until it is wanted: longer
than a talk, whose BYE comes this way."""
_MAX_FLOWS: Final = 1_000
"""Hops that we connect to; Contacts of peers may name any."""
_CLOSE_SECONDS: Final = 1.0
_TCP_USER_TIMEOUT: Final = getattr(socket, "TCP_USER_TIMEOUT", None)
"""Linux: how long unacknowledged data keep a connection alive."""

Rng = Callable[[int], bytes]


class _Flow:
    """Our way to one hop, connected or not."""

    def __init__(self, hop: Hop, now: float) -> None:
        self.hop = hop
        self.local: Address | None = None
        self.connection: StreamConnection | None = None
        self.is_connecting = False
        self.waiting: list[bytes] = []
        self.failures = 0
        self.rests_until = now
        self.used_at = now
        self.keep_alive = KeepAlive()
        self.last_failure: ConnectFailure | None = None


class Streams:
    """Use between `open` and `close`. `local_host(is_ipv6)` is the address that connections are bound to, None if none."""

    def __init__(
        self,
        config: DialerConfig,
        receiver: SipReceiver,
        rng: Rng,
        local_host: Callable[[bool], str | None],
    ) -> None:
        self._limits = config.limits
        self._bounds = config.streams
        self._receiver = receiver
        self._rng = rng
        self._local_host = local_host
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._connects: set[asyncio.Task[None]] = set()
        self._flows: dict[Hop, _Flow] = {}
        self._inbound: dict[Hop, StreamConnection] = {}
        self._live: set[StreamConnection] = set()
        self._nothing_lives = asyncio.Event()
        self._nothing_lives.set()
        self._servers: list[asyncio.Server] = []
        self._clock: asyncio.TimerHandle | None = None
        self._is_open = False
        self.counters: Counter[str] = Counter()

    async def open(self) -> None:
        await self._tasks.__aenter__()
        self._is_open = True

    async def listen(self, local: Address, tls: ssl.SSLContext | None = None) -> Address:
        """Take connections of others; return where. Raises OSError when the address cannot be bound."""
        server = await self._loop.create_server(
            lambda: self._connection(None), *local, backlog=self._bounds.max_inbound, ssl=tls
        )
        self._servers.append(server)
        self._wake_clock()
        host, port = server.sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> None:
        """Send what waits, close everything, and wait for that, but not for ever."""
        self._is_open = False
        if self._clock is not None:
            self._clock.cancel()
        for server in self._servers:
            server.close()
        for task in self._connects:
            task.cancel()
        for connection in list(self._live):
            connection.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._nothing_lives.wait()
        except TimeoutError:
            for connection in list(self._live):
                connection.abort()
            await asyncio.sleep(0)  # the loop tells them
        await self._tasks.__aexit__(None, None, None)

    def use(self, hop: Hop, keep_alive: KeepAlive) -> Address | None:
        """Say that calls go to `hop`, and open the connection. Returns our end of it; None while there can be none."""
        flow = self._flow(hop)
        if flow is None:
            return None
        flow.keep_alive = keep_alive
        flow.used_at = self._loop.time()
        if flow.connection is None and not flow.is_connecting and not self._rests(flow):
            self._connect(flow)
        return flow.local

    def send(self, data: bytes, hop: Hop) -> None:
        """Send now or when connected; `transport_failed` comes later where that cannot be."""
        if hop.is_inbound:
            connection = self._inbound.get(hop)
            if connection is None:
                self.counters["inbound_gone"] += 1
            else:
                connection.send(data)
            return
        flow = self._flow(hop)
        if flow is None or (flow.connection is None and not flow.is_connecting and self._rests(flow)):
            self._loop.call_soon(self._receiver.transport_failed, hop)
            return
        flow.used_at = self._loop.time()
        if flow.connection is not None:
            flow.connection.send(data)
            return
        flow.waiting.append(data)
        if sum(map(len, flow.waiting)) > self._bounds.max_unsent_bytes:
            flow.waiting.clear()
            self._loop.call_soon(self._receiver.transport_failed, hop)
        if not flow.is_connecting:
            self._connect(flow)

    def failure(self, hop: Hop) -> ConnectFailure | None:
        """Why the last attempt to connect failed; None when it did not."""
        flow = self._flows.get(hop)
        return None if flow is None else flow.last_failure

    def _flow(self, hop: Hop) -> _Flow | None:
        flow = self._flows.get(hop)
        if flow is None and self._is_open and len(self._flows) < _MAX_FLOWS:
            flow = self._flows[hop] = _Flow(hop, self._loop.time())
            self._wake_clock()
        return flow

    def _rests(self, flow: _Flow) -> bool:
        return self._loop.time() < flow.rests_until

    def _connect(self, flow: _Flow) -> None:
        """Bind at once, so that our end is known before the INVITE is written, and connect in a task."""
        flow.is_connecting = True
        is_ipv6 = ":" in flow.hop.host
        tcp = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.setblocking(False)
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if _TCP_USER_TIMEOUT is not None:
                milliseconds = round(self._bounds.dead_after_seconds * 1_000)
                tcp.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, milliseconds)
            # "": without an address of that family the system's choice, which fails if there is no way at all
            tcp.bind((self._local_host(is_ipv6) or "", 0))
            flow.local = tcp.getsockname()[:2]
        except OSError as error:
            tcp.close()
            self._loop.call_soon(self._fail, flow, failure_of(error))
            return
        name = f"connect {flow.hop.host}:{flow.hop.port}"
        task = self._tasks.create_task(self._open_connection(flow, tcp), name=name)
        self._connects.add(task)
        task.add_done_callback(self._connects.discard)

    async def _open_connection(self, flow: _Flow, tcp: socket.socket) -> None:
        hop = flow.hop
        try:
            async with asyncio.timeout(self._bounds.connect_seconds):
                await self._loop.sock_connect(tcp, hop.address)
                tls = None if hop.transport != "tls" else hop.tls or TlsConfig()
                await self._loop.create_connection(
                    lambda: self._connection(flow),
                    sock=tcp,
                    ssl=None if tls is None else await asyncio.to_thread(client_context, tls),
                    server_hostname=None if tls is None else tls.server_name or hop.host,
                )
        except (OSError, DialerError) as error:
            tcp.close()
            self._fail(flow, failure_of(error))
        except BaseException:
            tcp.close()
            raise

    def _connection(self, flow: _Flow | None) -> StreamConnection:
        return StreamConnection(
            self._receiver,
            self._limits,
            self._bounds.max_unsent_bytes,
            hop=None if flow is None else flow.hop,
            on_open=self._admit if flow is None else lambda connection: self._opened(flow, connection),
            on_end=self._inbound_ended
            if flow is None
            else lambda connection, error: self._ended(flow, connection, error),
        )

    def _opened(self, flow: _Flow, connection: StreamConnection) -> bool:
        self._note_life(connection)
        flow.is_connecting = False
        flow.connection = connection
        flow.last_failure = None
        if flow.keep_alive.method in {"auto", "crlf"}:
            connection.keep_alive = KeepAliveClock(
                flow.keep_alive.interval_seconds, self._bounds.dead_after_seconds, self._loop.time()
            )
        waiting, flow.waiting = flow.waiting, []
        for data in waiting:
            connection.send(data)
        return True

    def _fail(self, flow: _Flow, failure: ConnectFailure) -> None:
        """Rest, twice as long as before; the calls that wait for this connection end."""
        flow.is_connecting = False
        flow.connection = None
        flow.waiting.clear()
        flow.last_failure = failure
        self._rest(flow)
        log.warning(
            "transport.not_connected",
            host=flow.hop.host,
            port=flow.hop.port,
            transport=flow.hop.transport,
            code=failure.code,
            detail=failure.detail,
            failures=flow.failures,
        )
        self._receiver.transport_failed(flow.hop)

    def _ended(self, flow: _Flow, connection: StreamConnection, error: Exception | None) -> None:
        self._note_death(connection)
        if flow.connection is not connection:
            return
        flow.connection = None
        if not self._is_open:
            return
        flow.last_failure = failure_of(error)
        if connection.has_received:
            flow.failures = 0  # it was a connection of use: the first attempt at another one comes at once
        else:
            self._rest(flow)  # who takes connections only to close them is not asked again and again
        log.warning(
            "transport.lost",
            host=flow.hop.host,
            port=flow.hop.port,
            transport=flow.hop.transport,
            code=flow.last_failure.code,
            detail=flow.last_failure.detail,
        )
        self._receiver.stream_lost(flow.hop)

    def _rest(self, flow: _Flow) -> None:
        bounds = self._bounds
        longest = min(bounds.retry_max_seconds, bounds.retry_min_seconds * 2.0 ** min(flow.failures, 30))
        chance = self._rng(1)[0] / 255
        flow.rests_until = self._loop.time() + longest * (0.5 + 0.5 * chance)
        flow.failures += 1

    def _admit(self, connection: StreamConnection) -> bool:
        hosts = Counter(hop.host for hop in self._inbound)
        host = connection.hop.host
        if len(self._inbound) >= self._bounds.max_inbound or hosts[host] >= self._bounds.max_inbound_per_host:
            self.counters["inbound_refused"] += 1
            return False
        self._note_life(connection)
        self._inbound[connection.hop] = connection
        return True

    def _inbound_ended(self, connection: StreamConnection, _error: Exception | None) -> None:
        self._note_death(connection)
        if self._inbound.get(connection.hop) is connection:
            del self._inbound[connection.hop]
            if self._is_open:
                self._receiver.stream_lost(connection.hop)

    def _note_life(self, connection: StreamConnection) -> None:
        self._live.add(connection)
        self._nothing_lives.clear()

    def _note_death(self, connection: StreamConnection) -> None:
        self._live.discard(connection)
        if not self._live:
            self._nothing_lives.set()

    def _wake_clock(self) -> None:
        if self._clock is None:
            self._clock = self._loop.call_later(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Ping, open again what is in use and has rested, and close what nobody uses."""
        now = self._loop.time()
        for connection in list(self._live):
            connection.tick(now)
        for connection in list(self._inbound.values()):
            if now - connection.last_message_at > self._bounds.inbound_idle_seconds:
                connection.close()
        for flow in list(self._flows.values()):
            if self._is_unused(flow, now):
                del self._flows[flow.hop]
                unused, flow.connection = flow.connection, None
                if unused is not None:
                    unused.close()
            elif self._wants_connection(flow):
                self._connect(flow)
        self._clock = None
        if self._flows or self._servers:
            self._wake_clock()

    def _is_unused(self, flow: _Flow, now: float) -> bool:
        heard_at = flow.used_at if flow.connection is None else flow.connection.last_message_at
        return not flow.is_connecting and now - max(flow.used_at, heard_at) > _UNUSED_SECONDS

    def _wants_connection(self, flow: _Flow) -> bool:
        return (
            flow.connection is None
            and not flow.is_connecting
            and flow.keep_alive.method != "off"
            and not self._rests(flow)
        )
