"""Everything that carries SIP for one node: a UDP socket per IP family, TCP and TLS connections, keep-alives."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from dialer.config import DialerConfig, TrunkConfig
from dialer.errors import ConfigError, TransportError
from dialer.net.connect_failure import ConnectFailure
from dialer.net.faults import Faults
from dialer.net.sip_socket import SipSocket
from dialer.net.stream_connection import PING, SipReceiver
from dialer.net.streams import Streams
from dialer.net.tls import server_context
from dialer.sip.hop import Address, Hop, bracketed, hop_of
from dialer.transport_config import TlsListener

_LISTEN_ATTEMPTS: Final = 10
"""Ports that the system chooses for UDP may be taken on TCP."""
_DATAGRAM_KEEP_ALIVE: Final = PING
_KEPT_ALIVE_SECONDS: Final = 600.0
"""After the last call a UDP trunk is kept alive for so long."""


class SipTransport:
    """Use between `open` and `close`. `send` never raises and never calls back from within."""

    def __init__(
        self,
        config: DialerConfig,
        receiver: SipReceiver,
        rng: Callable[[int], bytes],
        faults: Faults | None = None,
    ) -> None:
        self._config = config
        self._receiver = receiver
        self._faults = faults
        self._loop = asyncio.get_running_loop()
        self._udp: dict[bool, SipSocket] = {}
        """By whether it is IPv6."""
        self._tls_ports: dict[bool, int] = {}
        """Of the TLS listeners, by the same."""
        self._streams = Streams(config, receiver, rng, self._local_host)
        self._kept_alive: dict[Hop, _KeptAlive] = {}
        self._clock: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Bind. Raises `TransportError` when an address cannot be bound, or a certificate of ours cannot be used."""
        await self._streams.open()
        for host in filter(None, (self._config.bind_host, self._config.bind_host_ipv6)):
            try:
                self._udp[":" in host] = await self._bind(host)
            except OSError as error:
                await self.close()
                place = f"{bracketed(host)}:{self._config.bind_port}"
                raise TransportError(error.errno, f"cannot bind {place}: {error.strerror}") from error
        if self._config.tls_listener is not None:
            await self._listen_for_tls(self._config.tls_listener)

    async def close(self) -> None:
        """Leave nothing behind."""
        if self._clock is not None:
            self._clock.cancel()
        for udp in self._udp.values():
            udp.close()
        await self._streams.close()

    @property
    def local_address(self) -> Address:
        """Of the first UDP socket, and of the listener."""
        return self._udp[":" in self._config.bind_host].local_address

    @property
    def counters(self) -> Counter[str]:
        """Connections of others that were refused or had gone."""
        return self._streams.counters

    def failure(self, hop: Hop) -> ConnectFailure | None:
        """Why the last attempt to connect failed; None when it did not, and for UDP."""
        return self._streams.failure(hop)

    def towards(self, trunk: TrunkConfig) -> Address:
        """Make ready for a call over that trunk: connect, keep it alive. Returns what Via and Contact say to it."""
        hop = hop_of(trunk)
        udp = self._udp.get(":" in hop.host)
        bound = self.local_address if udp is None else udp.local_address
        if not hop.is_reliable:
            if trunk.keep_alive.method == "crlf":
                self._keep_alive(hop, trunk.keep_alive.interval_seconds)
            return bound
        ours = self._streams.use(hop, trunk.keep_alive)
        if hop.transport == "tls" and (port := self._tls_ports.get(":" in bound[0])) is not None:
            return bound[0], port
        is_listening = self._config.listens_on_tcp and hop.transport == "tcp"
        return bound if ours is None or is_listening else (ours[0], ours[1])

    def media_host(self, trunk: TrunkConfig) -> str:
        """The address that RTP of a call over that trunk is bound to."""
        return self._local_host(":" in trunk.host) or self._config.bind_host

    def send(self, data: bytes, hop: Hop) -> None:
        """Send, or have `transport_failed` told later."""
        if hop.is_reliable:
            self._streams.send(data, hop)
            return
        udp = self._udp.get(":" in hop.host)
        if udp is None:
            self._loop.call_soon(self._receiver.transport_failed, hop)
        else:
            udp.send(data, hop)

    async def _bind(self, host: str) -> SipSocket:
        for attempt in range(_LISTEN_ATTEMPTS):
            udp = await SipSocket.open(
                (host, self._config.bind_port),
                self._receiver.receive,
                self._receiver.transport_failed,
                faults=self._faults,
            )
            if not self._config.listens_on_tcp:
                return udp
            try:
                await self._streams.listen(udp.local_address)
            except OSError:
                udp.close()
                if self._config.bind_port or attempt == _LISTEN_ATTEMPTS - 1:
                    raise
            else:
                return udp
        raise AssertionError("the last attempt has returned or raised")

    async def _listen_for_tls(self, listener: TlsListener) -> None:
        try:
            context = await asyncio.to_thread(server_context, listener)
            for is_ipv6, udp in self._udp.items():
                place = (udp.local_address[0], listener.port)
                _, self._tls_ports[is_ipv6] = await self._streams.listen(place, context)
        except ConfigError as error:
            await self.close()
            raise TransportError(str(error)) from error
        except OSError as error:
            await self.close()
            raise TransportError(
                error.errno, f"cannot bind port {listener.port} for TLS: {error.strerror}"
            ) from error

    def _local_host(self, is_ipv6: bool) -> str | None:  # noqa: FBT001 (a key of `_udp`)
        udp = self._udp.get(is_ipv6)
        return None if udp is None else udp.local_address[0]

    def _keep_alive(self, hop: Hop, interval_seconds: float) -> None:
        kept = self._kept_alive.get(hop)
        now = self._loop.time()
        if kept is None:
            kept = self._kept_alive[hop] = _KeptAlive(now + interval_seconds)
            if self._clock is None:
                self._clock = self._loop.call_later(1.0, self._tick)
        kept.interval_seconds = interval_seconds
        kept.until = now + _KEPT_ALIVE_SECONDS

    def _tick(self) -> None:
        now = self._loop.time()
        for hop, kept in list(self._kept_alive.items()):
            if now > kept.until:
                del self._kept_alive[hop]
            elif now >= kept.due_at:
                kept.due_at = now + kept.interval_seconds
                self.send(_DATAGRAM_KEEP_ALIVE, hop)
        self._clock = self._loop.call_later(1.0, self._tick) if self._kept_alive else None


class _KeptAlive:
    """One UDP trunk whose NAT binding is held open."""

    def __init__(self, due_at: float) -> None:
        self.due_at = due_at
        self.interval_seconds = 0.0
        self.until = 0.0
