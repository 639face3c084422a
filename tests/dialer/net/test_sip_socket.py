"""On both event loops, because they differ exactly where sockets fail."""

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from dialer.config import NetworkFaults
from dialer.net.faults import Faults
from dialer.net.sip_socket import SipSocket
from dialer.sip.hop import Hop

LOOPS = pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
NOBODY = Hop("127.0.0.8", 9)
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Peer:
    """A socket of our own and a plain one at the other end."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, Hop]] = asyncio.Queue()
        self.unreachable: asyncio.Queue[Hop] = asyncio.Queue()
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", 0))
        self.far.setblocking(False)

    def _note_unreachable(self, hop: Hop, refused: bytes) -> None:
        self.refused = refused
        self.received_before = self.received.qsize()
        self.unreachable.put_nowait(hop)

    async def open(self, faults: Faults | None = None) -> SipSocket:
        return await SipSocket.open(
            ("127.0.0.1", 0),
            lambda data, addr: self.received.put_nowait((data, addr)),
            self._note_unreachable,
            faults=faults,
        )


def run(loop_factory: LoopFactory, test: Callable[[Peer], Coroutine[Any, Any, None]]) -> None:
    peer = Peer()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(test(peer), 10))
    peer.far.close()


@LOOPS
def test_datagrams_go_both_ways(loop_factory: LoopFactory) -> None:
    async def test(peer: Peer) -> None:
        ours = await peer.open()
        ours.send(b"ping", Hop(*peer.far.getsockname()))
        assert await asyncio.get_running_loop().sock_recv(peer.far, 100) == b"ping"
        peer.far.sendto(b"pong", ours.local_address)
        assert await peer.received.get() == (b"pong", Hop(*peer.far.getsockname()))
        ours.close()

    run(loop_factory, test)


@LOOPS
def test_a_refused_datagram_names_its_destination_and_the_socket_lives_on(loop_factory: LoopFactory) -> None:
    async def test(peer: Peer) -> None:
        ours = await peer.open()
        for _ in range(3):
            ours.send(b"anybody?", NOBODY)
            assert await peer.unreachable.get() == NOBODY
            peer.far.sendto(b"still here", ours.local_address)
            assert (await peer.received.get())[0] == b"still here"
        ours.close()

    run(loop_factory, test)


@LOOPS
def test_a_refusal_does_not_cost_the_next_datagram_to_somebody_else(loop_factory: LoopFactory) -> None:
    async def test(peer: Peer) -> None:
        ours = await peer.open()
        ours.send(b"anybody?", NOBODY)
        ours.send(b"ping", Hop(*peer.far.getsockname()))
        assert await asyncio.get_running_loop().sock_recv(peer.far, 100) == b"ping"
        assert await peer.unreachable.get() == NOBODY
        assert ours.send_errors == 0
        ours.close()

    run(loop_factory, test)


async def test_a_datagram_that_cannot_leave_is_counted_and_blames_nobody() -> None:
    peer = Peer()
    ours = await peer.open()
    ours.send(b"too large to leave" * 10_000, Hop(*peer.far.getsockname()))
    await asyncio.sleep(0)
    assert ours.send_errors == 1
    assert peer.unreachable.empty(), "the size of a datagram is no verdict on the peer"
    ours.close()
    peer.far.close()


async def test_keep_alives_are_no_messages() -> None:
    peer = Peer()
    ours = await peer.open()
    for data in (b"", b"\r\n\r\n", b"\0", b"message"):
        peer.far.sendto(data, ours.local_address)
    assert (await peer.received.get())[0] == b"message"
    ours.close()
    peer.far.close()


async def test_loss_works_in_both_directions() -> None:
    peer = Peer()
    ours = await peer.open(Faults(NetworkFaults(loss=0.999, seed=1)))
    for _ in range(20):
        ours.send(b"ping", Hop(*peer.far.getsockname()))
        peer.far.sendto(b"pong", ours.local_address)
    with pytest.raises(BlockingIOError):
        peer.far.recv(100)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert peer.received.empty()
    ours.close()
    peer.far.close()


async def test_an_address_in_use_raises() -> None:
    peer = Peer()
    with pytest.raises(OSError, match="in use"):
        await SipSocket.open(peer.far.getsockname(), lambda _data, _addr: None, lambda _addr, _refused: None)
    peer.far.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the error queue is Linux's")
@LOOPS
def test_what_a_peer_said_before_it_died_is_heard_before_its_death(loop_factory: LoopFactory) -> None:
    async def test(peer: Peer) -> None:
        ours = await peer.open()
        hop = Hop(*peer.far.getsockname())
        peer.far.sendto(b"SIP/2.0 100 Trying", ours.local_address)
        peer.far.close()
        ours.send(b"the datagram that is refused", hop)
        assert await peer.unreachable.get() == hop
        assert (peer.received_before, peer.refused) == (1, b"the datagram that is refused")
        ours.close()

    run(loop_factory, test)
