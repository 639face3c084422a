"""
`DialerCore` on real sockets: what arrives goes into it, what it wants sent leaves, its timer is armed, its events told.

One timer for all calls and no task per call: everything happens in callbacks of the loop.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.core import DialerCore
from dialer.errors import RemoteProtocolError
from dialer.events import CallEvent, CallId, TrunkEvent
from dialer.net.faults import Faults
from dialer.net.sip_transport import SipTransport
from dialer.sip.hop import Address, Hop
from dialer.sip.trace import TraceRecord

_TIMER_GRAIN_SECONDS: Final = 0.001  # uvloop rounds, down too: an early timer does nothing but be armed again


class Signalling:
    """
    Use between `open` and `close`. `tell` gets every event, in order, never from within `place_call`.

    It is what `SipTransport` calls a receiver.
    """

    def __init__(
        self,
        config: DialerConfig,
        tell: Callable[[CallEvent], None],
        rng: Callable[[int], bytes],
        faults: Faults | None,
    ) -> None:
        self._config = config
        self._tell = tell
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        self._transport = SipTransport(config, self, rng, faults)
        self.core: DialerCore
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._is_pumping = False
        self._tell_of_trunk: Callable[[TrunkEvent], None] = lambda _event: None
        self._nothing_watched: asyncio.Event | None = None
        self._is_open = False

    async def open(self) -> None:
        """Bind the sockets. Raises `TransportError` when an address cannot be bound."""
        await self._transport.open()
        self.core = DialerCore(self._config, self._rng, self._transport.local_address)
        self._is_open = True

    async def close(self) -> None:
        """Stop at once, then let go of the sockets."""
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        await self._transport.close()

    @property
    def local_address(self) -> Address:
        """Of the UDP socket."""
        return self._transport.local_address

    @property
    def counters(self) -> Counter[str]:
        """What arrived and was of no use, by kind."""
        return self.core.counters + self._transport.counters

    def media_host(self, request: CallRequest) -> str:
        """The address of ours that the audio of a call is bound to."""
        return self._transport.media_host(request.trunk)

    def place_call(self, request: CallRequest, rtp_address: Address) -> None:
        """Send the INVITE now; events follow the return of this method. Raises as `DialerCore.place_call`."""
        now = self._loop.time()
        local_address = self._transport.towards(request.trunk)
        self.core.place_call(request, rtp_address=rtp_address, now=now, local_address=local_address)
        self._transmit(now)
        self._loop.call_soon(self.pump)

    def watch(self, trunks: Sequence[TrunkConfig], tell: Callable[[TrunkEvent], None]) -> None:
        """Watch these trunks and no others; `tell` gets what is news of them."""
        self._tell_of_trunk = tell
        self.core.watch([(trunk, self._transport.towards(trunk)) for trunk in trunks], self._loop.time())
        self.pump()

    async def unregister(self, seconds: float) -> None:
        """Watch nothing any more; wait until every binding is taken back, at most so long: a registrar may be gone."""
        self.watch((), self._tell_of_trunk)
        if not self.core.watches_nothing:
            self._nothing_watched = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._nothing_watched.wait()

    def hang_up(self, call_id: CallId) -> None:
        if self._is_open:
            self.core.hang_up(call_id, self._loop.time())
            self.pump()

    def records(self, call_id: CallId) -> list[TraceRecord]:
        return self.core.records(call_id)

    # What the transport tells; the sockets are bound a moment before the core exists.

    def receive(self, data: bytes, source: Hop) -> None:
        if self._is_open:
            self.core.receive_datagram(data, source, self._loop.time())
            self.pump()

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop) -> None:
        if self._is_open:
            self.core.receive_unframeable(data, error, source, self._loop.time())
            self.pump()

    def transport_failed(self, hop: Hop, refused: bytes = b"") -> None:
        if self._is_open:
            self.core.transport_failed(hop, self._loop.time(), refused)
            self.pump()

    def stream_lost(self, hop: Hop) -> None:
        if self._is_open:
            self.core.connection_lost(hop, self._loop.time())
            self.pump()

    def pump(self) -> None:
        """Send, tell and re-arm until nothing is left; a handler that acts comes back here and is let through above."""
        if self._is_pumping or not self._is_open:
            return
        self._is_pumping = True
        try:
            self._transmit(self._loop.time())
            while (event := self.core.next_event()) is not None:
                self._tell(event)
                self._transmit(self._loop.time())
            while (news := self.core.next_trunk_event()) is not None:
                self._tell_of_trunk(news)
            if self._nothing_watched is not None and self.core.watches_nothing:
                self._nothing_watched.set()
        finally:
            self._is_pumping = False
            self._arm()

    def _transmit(self, now: float) -> None:
        for data, hop in self.core.datagrams_to_send(now):
            self._transport.send(data, hop)

    def _on_timer(self) -> None:
        self._timer = None
        self.core.handle_timer(self._loop.time())
        self.pump()

    def _arm(self) -> None:
        """One timer for everything. An earlier one than needed is left: it re-arms, and cancelling costs more."""
        due_at = self.core.get_timer()
        if due_at is None or (self._timer is not None and self._timer_at <= due_at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due_at  # TRICKY: uvloop's handle does not know when() if the time has come already
        self._timer = self._loop.call_at(due_at + _TIMER_GRAIN_SECONDS, self._on_timer)
