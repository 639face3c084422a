"""Asking a trunk, over a socket of its own, whether it is there (`dialer.sip.options`)."""

import asyncio
from collections.abc import Callable

from dialer.config import TimerConfig, TrunkConfig
from dialer.net.sip_socket import SipSocket
from dialer.sip.hop import Hop, hop_of
from dialer.sip.options import OptionsProbe, TrunkAnswer


async def ask_trunk(
    trunk: TrunkConfig, *, bind_host: str, seconds: float, rng: Callable[[int], bytes]
) -> TrunkAnswer:
    """
    Send OPTIONS from a free port of `bind_host` and wait for the answer at most so long.

    Raises:
        OSError: `bind_host` cannot be bound.
    """
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    probe: OptionsProbe | None = None

    def receive(data: bytes, _source: Hop) -> None:
        if probe is not None:
            probe.receive_datagram(data, loop.time())
            news.set()

    def fail(_hop: Hop) -> None:
        if probe is not None:
            probe.transport_failed(loop.time())
            news.set()

    udp = await SipSocket.open((bind_host, 0), receive, fail)
    try:
        probe = OptionsProbe(trunk, udp.local_address, rng, TimerConfig(), loop.time())
        gives_up_at = loop.time() + seconds
        while probe.answer is None:
            for data in probe.datagrams_to_send():
                udp.send(data, hop_of(trunk))
            await _wait(news, until=min(probe.get_timer() or gives_up_at, gives_up_at))
            if loop.time() >= gives_up_at:
                probe.give_up()
            elif (due_at := probe.get_timer()) is not None and due_at <= loop.time():
                probe.handle_timer(loop.time())
        return probe.answer
    finally:
        udp.close()


async def _wait(news: asyncio.Event, *, until: float) -> None:
    try:
        async with asyncio.timeout_at(until):
            await news.wait()
    except TimeoutError:
        return
    news.clear()
