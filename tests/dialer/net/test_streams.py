"""Connections on real sockets, on both loops: opened, kept, lost, refused, limited."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from dialer.net.streams import Streams
from dialer.sip.hop import Hop
from dialer.transport_config import KeepAlive, StreamLimits
from tests.dialer.net.far_end import CONFIG, HOST, LOOPS, LoopFactory, Told, far_end, run
from tests.dialer.sip.messages import request

MESSAGE = request("OPTIONS").to_bytes()
QUIET = KeepAlive(method="off")


@asynccontextmanager
async def streams(told: Told, **bounds: float) -> AsyncIterator[Streams]:
    limits = StreamLimits(**{"retry_min_seconds": 0.05, "retry_max_seconds": 0.1, **bounds})  # type: ignore[arg-type] # ints among floats
    config = msgspec.structs.replace(CONFIG, streams=limits)
    made = Streams(config, told, random.Random(1).randbytes, lambda _is_ipv6: HOST)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def deaf_hop(server: socket.socket) -> Hop:
    host, port = server.getsockname()
    return Hop(host, port, "tls")


@LOOPS
def test_what_is_sent_while_a_connection_opens_leaves_in_order_and_answers_come_back(
    loop_factory: LoopFactory,
) -> None:
    async def test() -> None:
        told = Told()
        async with far_end() as end, streams(told) as ours:
            local = ours.use(end.hop(), QUIET)
            for number in range(3):
                ours.send(request("OPTIONS", cseq=number).to_bytes(), end.hop())
            reader, writer = await end.take()
            heard = b"".join([await reader.readuntil(b"\r\n\r\n") for _ in range(3)])
            assert [heard.index(b"CSeq: %d " % number) for number in range(3)] == sorted(
                heard.index(b"CSeq: %d " % number) for number in range(3)
            )
            assert writer.get_extra_info("peername") == local
            assert local is not None
            assert local[0] == HOST
            writer.write(MESSAGE[:50])
            await asyncio.sleep(0.01)
            writer.write(MESSAGE[50:] + MESSAGE)
            assert [await told.messages.get() for _ in range(2)] == [(MESSAGE, end.hop())] * 2
            assert end.accepted == 1

    run(loop_factory, test)


@LOOPS
def test_a_refused_connection_is_told_and_rests_before_the_next_attempt(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        with socket.socket() as unused:
            unused.bind(("127.0.0.42", 0))
            nobody = Hop(unused.getsockname()[0], unused.getsockname()[1], "tcp")
        async with streams(told, retry_min_seconds=30.0, retry_max_seconds=60.0) as ours:
            ours.send(MESSAGE, nobody)
            assert await told.failed.get() == nobody
            failure = ours.failure(nobody)
            assert failure is not None
            assert failure.code == "refused"
            async with far_end(port=nobody.port) as end:
                ours.send(MESSAGE, nobody)
                assert await told.failed.get() == nobody
                assert end.accepted == 0, "it rests"

    run(loop_factory, test)


@LOOPS
def test_a_lost_connection_is_told_and_opened_again_by_what_is_sent_next(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        async with far_end() as end, streams(told) as ours:
            ours.use(end.hop(), QUIET)
            ours.send(MESSAGE, end.hop())
            _, writer = await end.take()
            writer.write(MESSAGE)
            await told.messages.get()
            writer.close()
            assert await told.lost.get() == end.hop()
            ours.send(MESSAGE, end.hop())
            reader, _ = await end.take()
            assert await reader.readexactly(len(MESSAGE)) == MESSAGE
            assert told.failed.empty()

    run(loop_factory, test)


@LOOPS
def test_a_kept_connection_comes_back_by_itself_after_a_rest(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        async with streams(told) as ours:
            async with far_end() as end:
                ours.use(end.hop(), KeepAlive())
                ours.send(MESSAGE, end.hop())
                await end.take()
            await told.lost.get()
            async with far_end(port=end.address[1]) as again:
                await again.take()

    run(loop_factory, test)


@LOOPS
def test_pings_leave_and_a_peer_that_stops_to_pong_is_given_up(loop_factory: LoopFactory) -> None:
    """RFC 5626 §4.4.1."""

    async def test() -> None:
        told = Told()
        async with far_end() as end, streams(told, dead_after_seconds=1.0) as ours:
            ours.use(end.hop(), KeepAlive(interval_seconds=1.0))
            reader, writer = await end.take()
            for _ in range(2):
                assert await reader.readexactly(4) == b"\r\n\r\n"
                writer.write(b"\r\n")
            assert await told.lost.get() == end.hop()

    run(loop_factory, test)


@LOOPS
def test_strangers_are_heard_and_answered_pinged_and_limited(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        async with streams(told, max_inbound=3, max_inbound_per_host=2) as ours:
            address = await ours.listen((HOST, 0))
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"\r\n\r\n" + MESSAGE)
            data, source = await told.messages.get()
            assert (data, source.transport, source.is_inbound) == (MESSAGE, "tcp", True)
            assert source.address == writer.get_extra_info("sockname")[:2]
            ours.send(b"answer", source)
            assert await reader.readexactly(8) == b"\r\nanswer"
            _, second = await asyncio.open_connection(*address)
            third_reader, third = await asyncio.open_connection(*address)
            assert await third_reader.read() == b""
            assert ours.counters["inbound_refused"] == 1
            writer.close()
            assert await told.lost.get() == source
            ours.send(b"answer", source)
            assert ours.counters["inbound_gone"] == 1
            second.close()
            third.close()

    run(loop_factory, test)


@LOOPS
def test_an_idle_stranger_is_shown_out(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        async with streams(told, inbound_idle_seconds=0.5) as ours:
            reader, writer = await asyncio.open_connection(*await ours.listen((HOST, 0)))
            writer.write(b"\r\n")  # no message
            assert await reader.read() == b""
            writer.close()

    run(loop_factory, test)


@LOOPS
def test_garbage_is_passed_on_once_and_the_connection_closed(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        async with streams(told) as ours:
            reader, writer = await asyncio.open_connection(*await ours.listen((HOST, 0)))
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nmore" * 3)
            assert await reader.read() == b""
            assert len(told.unframeable) == 1
            writer.close()

    run(loop_factory, test)


@LOOPS
def test_a_peer_that_does_not_read_is_given_up(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        async with far_end() as end, streams(told, max_unsent_bytes=100_000) as ours:
            ours.use(end.hop(), QUIET)
            await end.take()
            while told.lost.empty():
                ours.send(bytes(60_000), end.hop())
                await asyncio.sleep(0)

    run(loop_factory, test)


@LOOPS
def test_too_much_for_a_connection_that_does_not_open_fails(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.42", 0))
            deaf.listen(0)
            hop = deaf_hop(deaf)  # takes the connection, and never shakes hands
            async with streams(told, max_unsent_bytes=1_000, connect_seconds=0.3) as ours:
                ours.send(bytes(1_001), hop)
                assert await told.failed.get() == hop
                assert await told.failed.get() == hop
                failure = ours.failure(hop)
                assert failure is not None
                assert failure.code == "timed_out"

    run(loop_factory, test)


@LOOPS
def test_closing_gives_up_connects_and_leaves_no_task(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        told = Told()
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.42", 0))
            deaf.listen(0)
            async with streams(told) as ours:
                ours.send(MESSAGE, deaf_hop(deaf))
                await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 2  # this one, and the one that times it
        assert told.failed.empty()

    run(loop_factory, test)
