"""
One library placing calls at a steady rate to one far end, in a process of its own; `tests.bench.signalling_load` reads
the JSON line that it prints. CPU is this process's alone, and counted from after its start.

    python -m tests.bench.load_caller obzvon|aiosipua|pyvoip|bare|datagrams --calls N --rate N --hold S [--media] [--ring]
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import select
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable

import msgspec
import psutil
import structlog
import uvloop

from dialer import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallRequest,
    CallRinging,
    Dialer,
    DialerConfig,
    Prompt,
    TrunkConfig,
)
from dialer.engine import Call
from dialer.garbage import collect_seldom
from dialer.rtp.outgoing import FRAME_SECONDS
from tests.lab.container import LAB

FAR_END = (LAB.load_host, 5060)
US = "127.0.0.1"
ECHO_PORT = 6000
"""Where the far end sends every datagram back."""
PACE_SECONDS = 0.002
GRACE_SECONDS = 12.0
"""After the last call was placed and held: beyond the retransmissions of a lost INVITE, then what is not over has failed."""


class Options(msgspec.Struct, frozen=True):
    """What one run does."""

    library: str
    calls: int
    rate: float
    """Calls per second."""
    hold: float
    """Seconds from the answer to our BYE."""
    media: bool
    """Sound is sent from the answer to the BYE."""
    ring: bool
    """The far end never answers: all calls ring together, then are given up."""


class Tally:
    """What happened, whoever placed the calls."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.all_ring = asyncio.Event()
        self.all_done = asyncio.Event()
        self.placed = 0
        self.ringing = 0
        self.over = 0
        """Calls that were answered and hung up by us, or given up while they rang."""
        self.failed: Counter[str] = Counter()
        self.pdd_ms: list[float] = []
        self.placing_seconds = 0.0
        self.rss_before_mb = rss_mb()
        self.rss_mb = 0.0
        self._cpu_before = time.process_time()

    def note_ringing(self, seconds: float) -> None:
        self.ringing += 1
        self.pdd_ms.append(seconds * 1000)
        if self.ringing == self._options.calls:
            self.all_ring.set()

    def note_over(self) -> None:
        self.over += 1
        self._note_done()

    def note_failed(self, reason: str) -> None:
        self.failed[reason] += 1
        self._note_done()

    def _note_done(self) -> None:
        if self.over + self.failed.total() == self._options.calls:
            self.all_done.set()

    def report(self) -> dict[str, object]:
        """Everything for the parent; what never ended counts as failed."""
        options = self._options
        if missing := options.calls - self.over - self.failed.total():
            self.failed["never_ended"] += missing
        pdd = sorted(self.pdd_ms)
        return {
            **msgspec.structs.asdict(options),
            "placed": self.placed,
            "good": self.over,
            "failed": self.failed.total(),
            "reasons": dict(self.failed),
            "achieved_rate": round(self.placed / self.placing_seconds, 1) if self.placing_seconds else None,
            "cpu_seconds": round(time.process_time() - self._cpu_before, 3),
            "pdd_p50_ms": round(statistics.median(pdd), 2) if pdd else None,
            "pdd_p99_ms": round(pdd[int(len(pdd) * 0.99)], 2) if pdd else None,
            "rss_before_mb": round(self.rss_before_mb, 1),
            "rss_mb": round(max(self.rss_mb, rss_mb()), 1),
        }


def rss_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


async def place_steadily(options: Options, tally: Tally, place: Callable[[int], None]) -> None:
    """Place each call when it is due; a library that is too slow places late, which `achieved_rate` shows."""
    started = time.monotonic()
    for index in range(options.calls):
        if (wait := started + index / options.rate - time.monotonic()) > 0:
            await asyncio.sleep(max(wait, PACE_SECONDS))
        elif index % 16 == 0:
            await asyncio.sleep(0)  # what has arrived must be read, too
        place(index)
        tally.placed += 1
    tally.placing_seconds = max(time.monotonic() - started, (options.calls - 1) / options.rate)


async def until(event: asyncio.Event, options: Options) -> None:
    """Wait without polling, which would be counted."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(options.hold + GRACE_SECONDS):
            await event.wait()


async def run_obzvon(options: Options) -> Tally:
    """Our engine as a program uses it. No database."""
    trunk = TrunkConfig(name="load", host=FAR_END[0], port=FAR_END[1], caller_id="load")
    # ports rest for 10 s after a call, so the usual range would be the limit that is found
    # SIPp agrees on no telephone-events; nobody beside us would look for keys in its sound
    config = DialerConfig(bind_host=US, rtp_port_min=10_000, rtp_port_max=65_000, hears_tone_keys=False)
    prompt = Prompt.from_pcm(bytes(16_000 * round(max(options.hold, 1)))) if options.media else None
    async with Dialer(config) as dialer:
        loop = asyncio.get_running_loop()
        tally = Tally(options)
        calls: list[Call] = []

        def place(index: int) -> None:
            placed_at = time.monotonic()

            def on_event(event: CallEvent) -> None:
                match event:
                    case CallRinging():
                        # not the event's own time: uvloop counts in milliseconds
                        tally.note_ringing(time.monotonic() - placed_at)
                    case CallAnswered():
                        if prompt is not None:
                            call.play(prompt)
                        loop.call_later(options.hold, call.hang_up)
                    case CallEnded(outcome=outcome):
                        is_good = outcome.result == ("cancelled" if options.ring else "answered")
                        if is_good and outcome.ended_by == "us":
                            tally.note_over()
                        else:
                            tally.note_failed(f"{outcome.result}/{outcome.reason}")
                    case _:
                        pass

            call = dialer.place_call(CallRequest(number=f"7901{index:07d}", trunk=trunk), on_event)
            if options.ring:
                calls.append(call)

        await place_steadily(options, tally, place)
        if options.ring:
            await until(tally.all_ring, options)
            tally.rss_mb = rss_mb()
            for call in calls:
                call.hang_up()
        await until(tally.all_done, options)
        return tally


async def run_aiosipua(options: Options) -> Tally:
    """Place the calls with aiosipua, signalling only: its sound is another package."""
    from aiosipua import OutgoingCall, SipUAC, SipUAS, UdpSipTransport, parse_sdp  # noqa: PLC0415

    from dialer.sip.sdp import build_offer  # noqa: PLC0415

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((US, 0))
        local = probe.getsockname()
    transport = UdpSipTransport(local_addr=local)
    uac = SipUAC(transport)
    uas = SipUAS(transport, uac=uac)
    await uas.start()
    loop = asyncio.get_running_loop()
    tally = Tally(options)
    calls: list[OutgoingCall] = []

    def hang_up(call: OutgoingCall) -> None:
        call.hangup(uac)
        tally.note_over()

    def place(index: int) -> None:
        placed_at = time.monotonic()
        offer = parse_sdp(build_offer(US, 20_000 + 2 * (index % 10_000), index).decode())
        call = uac.send_invite("sip:load@127.0.0.1", f"sip:7901{index:07d}@{FAR_END[0]}", FAR_END, offer)
        call.on_ringing = lambda _call: tally.note_ringing(time.monotonic() - placed_at)
        call.on_answer = lambda call: loop.call_later(options.hold, hang_up, call)
        call.on_rejected = lambda _call, code, _reason: tally.note_failed(str(code))
        if options.ring:
            calls.append(call)

    await place_steadily(options, tally, place)
    if options.ring:
        await until(tally.all_ring, options)
        tally.rss_mb = rss_mb()
        for call in calls:
            call.cancel(uac)
            tally.note_over()
    await until(tally.all_done, options)
    await uas.stop()
    return tally


async def run_pyvoip(options: Options) -> Tally:
    """Place the calls with pyVoIP, always with sound: it has a thread for each way of each call. It blocks, so it gets a thread."""
    from pyVoIP.VoIP import CallState, VoIPCall, VoIPPhone  # noqa: PLC0415

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((US, 0))
        local_port = probe.getsockname()[1]
    phone = VoIPPhone(*FAR_END, "load", "", myIP=US, sipPort=local_port)
    phone.sip.register = lambda: True  # type: ignore[method-assign]  # the far end is no registrar
    phone.start()
    await asyncio.sleep(1.5)  # its receiving thread begins after one second
    tally = Tally(options)
    live: list[tuple[float | None, VoIPCall]] = []

    def place_all() -> None:
        started = time.monotonic()
        for index in range(options.calls):
            time.sleep(max(0.0, started + index / options.rate - time.monotonic()))
            placed_at = time.monotonic()
            call = phone.call(f"7901{index:07d}")
            tally.note_ringing(time.monotonic() - placed_at)
            tally.placed += 1
            live.append((None, call))
        tally.placing_seconds = max(time.monotonic() - started, (options.calls - 1) / options.rate)

    threading.Thread(target=place_all, daemon=True).start()
    deadline = time.monotonic() + options.calls / options.rate + options.hold + GRACE_SECONDS
    while tally.over < options.calls and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        now = time.monotonic()
        for position, (answered_at, call) in enumerate(live):
            if answered_at is None and call.state is CallState.ANSWERED:
                live[position] = now, call
            elif answered_at is not None and now - answered_at >= options.hold:
                if call.state is CallState.ANSWERED:
                    call.hangup()
                    tally.note_over()
                live[position] = math.inf, call
    return tally


async def run_bare(options: Options) -> Tally:
    """A socket and four texts: how soon this far end rings, whoever calls."""
    tally = Tally(options)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((US, 0))
        udp.settimeout(2.0)
        port = udp.getsockname()[1]
        for index in range(options.calls):
            # bound at once: each call's texts are made when it is placed
            def text(method: str, cseq: int, index: int = index) -> bytes:
                return (
                    f"{method} sip:7901{index:07d}@{FAR_END[0]} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {US}:{port};branch=z9hG4bK{method}{os.getpid()}x{index}\r\n"
                    f"From: <sip:load@{US}>;tag=load\r\nTo: <sip:7901{index:07d}@{FAR_END[0]}>\r\n"
                    f"Call-ID: bare-{os.getpid()}-{index}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
                    f"Contact: <sip:load@{US}:{port}>\r\nContent-Length: 0\r\n\r\n"
                ).encode()

            placed_at = time.monotonic()
            udp.sendto(text("INVITE", 1), FAR_END)
            tally.placed += 1
            while not udp.recv(4096).startswith(b"SIP/2.0 180"):
                pass
            tally.note_ringing(time.monotonic() - placed_at)
            while not udp.recv(4096).startswith(b"SIP/2.0 200"):
                pass
            udp.sendto(text("ACK", 1), FAR_END)
            udp.sendto(text("BYE", 2), FAR_END)
            while b"CSeq: 2 BYE" not in udp.recv(4096):
                pass
            tally.note_over()
            await asyncio.sleep(1 / options.rate)
    return tally


async def run_datagrams(options: Options) -> Tally:
    """
    The sound of the calls without a call: what a Python program pays the system, whatever it does with the packets.

    One connected socket a call, 172 bytes each 20 ms, one epoll for all, the echoes read into one buffer and forgotten.
    """
    tally = Tally(options)
    packets = round(options.hold / FRAME_SECONDS)
    buffer, sound = bytearray(2048), bytes(172)
    sockets: dict[int, tuple[socket.socket, int]] = {}
    started = time.monotonic()
    with select.epoll() as poll:
        tick = 0
        while tally.over < options.calls:
            while tally.placed < min(options.calls, (tick * FRAME_SECONDS) * options.rate + 1):
                udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                udp.setblocking(False)
                udp.connect((FAR_END[0], ECHO_PORT))
                poll.register(udp, select.EPOLLIN)
                sockets[udp.fileno()] = udp, tick + packets
                tally.placed += 1
            while ready := poll.poll(0, options.calls + 1):
                for number, _event in ready:
                    sockets[number][0].recv_into(buffer)
            for number, (udp, last_tick) in list(sockets.items()):
                if tick == last_tick:
                    udp.close()
                    del sockets[number]
                    tally.note_over()
                else:
                    udp.send(sound)
            tick += 1
            await asyncio.sleep(max(0.0, started + tick * FRAME_SECONDS - time.monotonic()))
    return tally


RUNS = {
    "obzvon": run_obzvon,
    "aiosipua": run_aiosipua,
    "pyvoip": run_pyvoip,
    "bare": run_bare,
    "datagrams": run_datagrams,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", choices=RUNS)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--rate", type=float, default=20.0, help="calls per second")
    parser.add_argument("--hold", type=float, default=1.0, help="seconds from answer to BYE")
    parser.add_argument("--media", action="store_true")
    parser.add_argument("--ring", action="store_true", help="the far end never answers")
    options = Options(**vars(parser.parse_args()))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    # aiosipua asserts a class that uvloop's transports do not have
    loop_factory = None if options.library == "aiosipua" else uvloop.new_event_loop
    if options.library == "obzvon":
        collect_seldom()  # as `obzvon dial` does
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        tally = runner.run(RUNS[options.library](options))
    print(json.dumps(tally.report()), flush=True)
    os._exit(0)  # pyVoIP's threads would not let go


if __name__ == "__main__":
    main()
