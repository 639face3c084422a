"""
A simulated carrier on real sockets, UDP, TCP or TLS: one for signalling, one for the RTP of all calls, a population by seed, a truth log.

Used by the demo, by load tests and for trying things by hand; never as the only proof (sip-lab is that).

    python -m dialer.testing.carrier --host 127.0.0.9 --port 5060 --seed 7 --truth FILE [--loss 0.05]

prints one JSON line with its addresses when it is ready and runs until SIGTERM or SIGINT.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec
import structlog

from dialer.config import DialerConfig
from dialer.errors import RemoteProtocolError
from dialer.net.streams import Streams
from dialer.sip.hop import Hop
from dialer.sip.message import Request, parse_message, refuse_malformed, response_to
from dialer.testing.callee import T1_SECONDS, Address, Callee
from dialer.testing.population import CalleePlan, plan_for
from dialer.testing.truth import TruthLog, TruthRow
from dialer.transport_config import Transport

log = structlog.get_logger()

FRAME_SECONDS: Final = 0.02
_REMEMBER_SECONDS: Final = 2 * 64 * T1_SECONDS
"""A call that is over still answers repeated requests; the caller gives up after 64*T1."""
_SOCKET_BUFFER_BYTES: Final = 4 * 1024 * 1024
_PACKETS_PER_WAKE: Final = 256
"""Sound that arrives is only counted; signalling comes first."""


class CarrierConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the carrier listens and how it is."""

    host: str = "127.0.0.9"
    port: int = 0
    """0 lets the system choose."""
    seed: int = 7
    transport: Transport = "udp"
    certificate_file: str | None = None
    """With its key, in PEM; for TLS."""
    loss: float = 0.0
    """Share of datagrams dropped here, both directions, signalling and sound."""


class SimulatedCarrier(asyncio.DatagramProtocol):
    """
    Async context manager; calls are served while it is open. `address` is where INVITEs go.

    `on_truth` gets a row whenever what is known of a call changes. Calls that are still up at closing are reported
    as they are, with `result` or `ended_by` None.
    """

    def __init__(
        self,
        config: CarrierConfig,
        on_truth: Callable[[TruthRow], None],
        *,
        plan_for: Callable[[str, int], CalleePlan] = plan_for,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._config = config
        self._on_truth = on_truth
        self._plan_for = plan_for
        self._rng = random.Random(f"{config.seed}:loss")
        self._tags = random.Random(f"{config.seed}:tags")
        self._callees: dict[str, Callee] = {}
        self._peers: dict[str, Hop] = {}
        self._reported: dict[str, TruthRow] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._calls_to: Counter[str] = Counter()
        self._speaking: set[str] = set()
        self._clock: asyncio.TimerHandle | None = None
        self._listeners: dict[Address, str] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._streams: Streams | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._rtp = _bound_socket(self._config.host, 0)
        self.address: Address = await self._listen()
        self._loop.add_reader(self._rtp, self._hear)
        self.rtp_address: Address = self._rtp.getsockname()[:2]
        log.info("carrier.started", host=self.address[0], port=self.address[1], seed=self._config.seed)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._loop.remove_reader(self._rtp)
        self._rtp.close()
        if self._transport is not None:
            self._transport.close()
        if self._streams is not None:
            await self._streams.close()
        for timer in (*self._timers.values(), *([self._clock] if self._clock else [])):
            timer.cancel()
        for callee in self._callees.values():
            self._on_truth(callee.truth)  # the sound heard by now, and the calls that nobody ended
        log.info("carrier.stopped", **self.counters)

    @property
    def live_calls(self) -> int:
        return sum(not callee.is_over for callee in self._callees.values())

    async def _listen(self) -> Address:
        config = self._config
        if config.transport == "udp":
            sip = _bound_socket(config.host, config.port)
            self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=sip)
            host, port = sip.getsockname()[:2]
            return host, port
        tls = None
        if config.transport == "tls":
            assert config.certificate_file is not None
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(config.certificate_file)
        self._streams = Streams(DialerConfig(), self, self._tags.randbytes, lambda _is_ipv6: config.host)
        await self._streams.open()
        return await self._streams.listen((config.host, config.port), tls)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.receive(data, Hop(addr[0], addr[1]))

    def receive(self, data: bytes, source: Hop) -> None:
        """Take one message, of a datagram or a connection."""
        if self._is_lost():
            self.counters["datagrams_dropped"] += 1
            return
        try:
            message = parse_message(data)
        except RemoteProtocolError as error:
            self.counters["malformed"] += 1
            if (refusal := refuse_malformed(data, error, to_tag="carrier")) is not None:
                self._send(refusal.to_bytes(), source)
            return
        if isinstance(message, Request):
            message.headers.set_all(
                "Via", [str(message.via.received_from(*source.address)), *message.headers.get_all("Via")[1:]]
            )
        callee = self._callees.get(message.call_id)
        if callee is not None:
            self._peers[message.call_id] = source
            callee.receive(message, self._loop.time())
            self._settle(message.call_id)
        elif isinstance(message, Request):
            self._receive_stray(message, source)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 (asyncio's signature)
        """Count an ICMP answer: a dialer that is gone. Messages are repeated or given up by their timers."""
        self.counters["socket_errors"] += 1

    def _receive_stray(self, request: Request, source: Hop) -> None:
        if request.method == "INVITE" and request.to.tag is None:
            self._accept_call(request, source)
        elif request.method != "ACK":
            status_code = 200 if request.method == "OPTIONS" else 481
            self._send(response_to(request, status_code, to_tag="carrier").to_bytes(), source)

    def _accept_call(self, invite: Request, source: Hop) -> None:
        number = "+" + invite.uri.partition(":")[2].partition("@")[0].partition(";")[0].lstrip("+")
        call_id = invite.call_id
        self._calls_to[number] += 1
        self.counters["calls"] += 1
        self._peers[call_id] = source
        callee = self._callees[call_id] = Callee(
            invite,
            source.address,
            self._loop.time(),
            plan=self._plan_for(number, self._config.seed),
            number=number,
            call_number=self._calls_to[number],
            local=self.address,
            rtp_local=self.rtp_address,
            tag=self._tags.randbytes(6).hex(),
        )
        if callee.voice is not None:
            self._listeners[callee.voice.address] = call_id
        self._settle(call_id)

    def _settle(self, call_id: str) -> None:
        """Do what follows from an input: send, report, arm the timer, start to speak, forget."""
        callee = self._callees[call_id]
        if (row := callee.truth) != self._reported.get(call_id) and row.result is not None:
            # before the datagrams leave, so that nobody can know of an end that is not in the log yet
            self._reported[call_id] = row
            self._on_truth(row)
        for data in callee.datagrams_to_send():
            self._send(data, self._peers[call_id])
        if (timer := self._timers.pop(call_id, None)) is not None:
            timer.cancel()
        due = callee.get_timer()
        if due is not None:
            self._timers[call_id] = self._loop.call_at(due, self._on_timer, call_id)
        elif callee.is_over:
            self._timers[call_id] = self._loop.call_later(_REMEMBER_SECONDS, self._forget, call_id)
        if callee.voice is not None and callee.voice.is_speaking and call_id not in self._speaking:
            self._speaking.add(call_id)
            self._say(call_id)
            if self._clock is None:
                self._clock = self._loop.call_later(FRAME_SECONDS, self._tick)

    def _on_timer(self, call_id: str) -> None:
        self._callees[call_id].handle_timer(self._loop.time())
        self._settle(call_id)

    def _forget(self, call_id: str) -> None:
        callee = self._callees.pop(call_id)
        self._on_truth(callee.truth)
        for table in (self._peers, self._reported, self._timers):
            table.pop(call_id, None)
        if callee.voice is not None and self._listeners.get(callee.voice.address) == call_id:
            del self._listeners[callee.voice.address]

    def _tick(self) -> None:
        assert self._clock is not None, "only the clock calls this"
        due = self._clock.when() + FRAME_SECONDS
        for call_id in tuple(self._speaking):
            self._say(call_id)
        self._clock = self._loop.call_at(due, self._tick) if self._speaking else None

    def _say(self, call_id: str) -> None:
        callee = self._callees.get(call_id)
        if callee is None or callee.voice is None or not callee.voice.is_speaking:
            self._speaking.discard(call_id)
            return
        packet = callee.voice.next_packet()
        if packet is not None and not self._is_lost():
            with contextlib.suppress(
                OSError
            ):  # full buffer or a port that is gone: sound is lost, as on any network
                self._rtp.sendto(packet, callee.voice.address)

    def _hear(self) -> None:
        for _ in range(_PACKETS_PER_WAKE):
            try:
                addr = self._rtp.recvfrom(2048)[1][:2]
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP answer to a packet of ours
            call_id = self._listeners.get(addr)
            if call_id is not None and not self._is_lost():
                self._callees[call_id].heard_packets += 1

    def receive_unframeable(self, data: bytes, error: RemoteProtocolError, source: Hop) -> None:  # noqa: ARG002 (a receiver's verb)
        """Count what breaks a connection."""
        self.counters["malformed"] += 1

    def transport_failed(self, hop: Hop, refused: bytes = b"") -> None:  # noqa: ARG002 (a receiver's verb)
        """Count a dialer that takes no connection."""
        self.counters["socket_errors"] += 1

    def stream_lost(self, hop: Hop) -> None:
        """Go on: the dialer comes back over another connection, or its calls are given up by their timers."""

    def _send(self, data: bytes, hop: Hop) -> None:
        if self._is_lost():
            self.counters["datagrams_dropped"] += 1
        elif self._streams is not None:
            self._streams.send(data, hop)
        elif self._transport is not None:
            self._transport.sendto(data, hop.address)

    def _is_lost(self) -> bool:
        return self._config.loss > 0 and self._rng.random() < self._config.loss


def _bound_socket(host: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER_BYTES)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        udp.bind((host, port))
    except OSError:
        udp.close()
        raise
    return udp


async def serve(config: CarrierConfig, truth_path: Path) -> None:
    """Run a carrier until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    truth_log = TruthLog(truth_path)
    try:
        async with SimulatedCarrier(config, truth_log.write) as carrier:
            ready = {
                "host": carrier.address[0],
                "port": carrier.address[1],
                "rtp_port": carrier.rtp_address[1],
            }
            print(msgspec.json.encode(ready).decode(), flush=True)
            await stop.wait()
    finally:
        truth_log.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dialer.testing.carrier", description=__doc__)
    parser.add_argument("--host", default="127.0.0.9")
    parser.add_argument("--port", type=int, default=5060, help="0 lets the system choose")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--truth", type=Path, required=True, help="file of JSON lines, appended to")
    parser.add_argument("--loss", type=float, default=0.0, help="share of datagrams dropped, 0 <= x < 1")
    parser.add_argument("--transport", choices=["udp", "tcp", "tls"], default="udp")
    parser.add_argument("--certificate", help="PEM file with certificate and key, for TLS")
    options = parser.parse_args()
    config = CarrierConfig(
        host=options.host,
        port=options.port,
        seed=options.seed,
        loss=options.loss,
        transport=options.transport,
        certificate_file=options.certificate,
    )
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    asyncio.run(serve(config, options.truth))


if __name__ == "__main__":
    main()
