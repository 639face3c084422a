import asyncio
import socket

import pytest

from dialer.net.rtp_socket import Address, RtpSocket


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_packets_go_both_ways() -> None:
    received: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    ends = [
        RtpSocket(loop, ("127.0.0.1", free_port()), lambda data, addr: received.put_nowait((data, addr)))
        for _ in range(2)
    ]
    ends[0].send(b"sound", ("127.0.0.1", ends[1].port))
    assert await received.get() == (b"sound", ("127.0.0.1", ends[0].port))
    for end in ends:
        end.close()


async def test_a_handler_may_close_the_socket() -> None:
    loop = asyncio.get_running_loop()
    calls = []
    closed = asyncio.Event()

    def on_packet(data: bytes, _addr: Address) -> None:
        calls.append(data)
        ours.close()
        closed.set()

    ours = RtpSocket(loop, ("127.0.0.1", free_port()), on_packet)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for data in (b"one", b"two"):
            far.sendto(data, ("127.0.0.1", ours.port))
        await closed.wait()
    await asyncio.sleep(0)
    assert calls == [b"one"]


async def test_a_port_that_is_taken_raises() -> None:
    loop = asyncio.get_running_loop()
    ours = RtpSocket(loop, ("127.0.0.1", free_port()), lambda _data, _addr: None)
    with pytest.raises(OSError, match="in use"):
        RtpSocket(loop, ("127.0.0.1", ours.port), lambda _data, _addr: None)
    ours.close()
