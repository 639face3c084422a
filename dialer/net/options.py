"""Asking a trunk, over sockets of its own, whether it is there (`dialer.sip.options`)."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from dialer.config import DialerConfig, TimerConfig, TrunkConfig
from dialer.errors import RemoteProtocolError
from dialer.net.sip_transport import SipTransport
from dialer.sip.hop import Hop, hop_of
from dialer.sip.options import OptionsProbe, TrunkAnswer
from dialer.transport_config import StreamLimits

_CONNECT_SHARE: Final = 0.75
"""Of the time: who does not even take the connection is told apart from who does not answer."""


async def ask_trunk(
    trunk: TrunkConfig,
    *,
    bind_host: str,
    seconds: float,
    rng: Callable[[int], bytes],
    bind_host_ipv6: str | None = None,
) -> TrunkAnswer:
    """
    Send OPTIONS as the trunk's transport says, from free ports, and wait for the answer at most so long.

    Raises:
        OSError: an address of ours cannot be bound.
    """
    loop = asyncio.get_running_loop()
    receiver = _Receiver()
    config = DialerConfig(
        bind_host=bind_host,
        bind_host_ipv6=bind_host_ipv6,
        streams=StreamLimits(connect_seconds=seconds * _CONNECT_SHARE),
    )
    transport = SipTransport(config, receiver, rng)
    await transport.open()
    try:
        probe = receiver.probe = OptionsProbe(
            trunk, transport.towards(trunk), rng, TimerConfig(), loop.time()
        )
        gives_up_at = loop.time() + seconds
        while probe.answer is None:
            for data in probe.datagrams_to_send():
                transport.send(data, hop_of(trunk))
            await _wait(receiver.news, until=min(probe.get_timer() or gives_up_at, gives_up_at))
            if loop.time() >= gives_up_at:
                probe.give_up()
            elif (due_at := probe.get_timer()) is not None and due_at <= loop.time():
                probe.handle_timer(loop.time())
        failure = transport.failure(hop_of(trunk))
        if failure is None or probe.answer.verdict not in {"silent", "unreachable"}:
            return probe.answer
        return msgspec.structs.replace(
            probe.answer, verdict="unreachable", failure=failure.code, failure_detail=failure.detail
        )
    finally:
        await transport.close()


class _Receiver:
    """Takes what the transport tells into the probe."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.probe: OptionsProbe | None = None
        self._loop = asyncio.get_running_loop()

    def receive(self, data: bytes, source: Hop) -> None:  # noqa: ARG002 (a receiver's verb)
        if self.probe is not None:
            self.probe.receive_datagram(data, self._loop.time())
            self.news.set()

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop) -> None:
        """Pass it over: the connection is closed now, which comes as `stream_lost`."""

    def transport_failed(self, hop: Hop, refused: bytes = b"") -> None:  # noqa: ARG002 (a receiver's verb)
        if self.probe is not None:
            self.probe.transport_failed(self._loop.time())
            self.news.set()

    stream_lost = transport_failed


async def _wait(news: asyncio.Event, *, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await news.wait()
    except TimeoutError:
        return
    news.clear()
