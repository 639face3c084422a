"""
The processes of `tests.bench.media`: the one that is measured, and those that make its traffic.

    python -m tests.bench.media_load hub receive|relay|datagrams|record|classify --calls N --seconds S --echo HOST:PORT
    python -m tests.bench.media_load talkers --seconds S [--speech FILE]
    python -m tests.bench.media_load callers --trunk HOST --prefix 79NN --calls N --seconds S

`hub` opens its calls' audio without signalling, prints its ports, waits until all hear something, and prints what a
window of S seconds cost; `datagrams` is the relaying of a loop that knows nothing of RTP. `talkers` read these ports, one line with commas, and send sound to them. `callers` place real calls with sound and tell when all are up, and at the end
of the window what was sent and heard. Sound is a packet of 160 bytes every 20 ms and call; always the same one, but with --speech, a file of µ-law that
each call begins elsewhere.
"""

import argparse
import asyncio
import json
import os
import select
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import structlog
import uvloop

from dialer import Call, CallAnswered, CallEvent, CallRequest, Dialer, DialerConfig, Prompt, TrunkConfig
from dialer.call_media import CallMedia, MediaPlane
from dialer.events import CallId, NegotiatedMedia
from dialer.media.answer.classifier import AnswerClassifier
from dialer.media.g711 import decode
from dialer.net.ports import PortPool
from dialer.recording.keyring import new_entry, parse_keyring
from dialer.recording.recorder import ClosedRecording, Recorder
from dialer.rtp.outgoing import FRAME_SECONDS
from dialer.rtp.tap import AudioTap, TapFrame

HUB_HOST: Final = "127.0.0.34"
TALKER_HOST: Final = "127.0.0.35"
WARM_UP_SECONDS: Final = 1.0
"""Until every socket knows its peer."""
APART_FRAMES: Final = 211
"""Of the speech, from one call to the next."""
UP_SECONDS: Final = 30.0
"""How long the traffic may take to begin."""


class Listener:
    """An `AudioSink` that classifies what each callee says, tick by tick, and begins anew where the verdict is final."""

    def __init__(self, calls: int) -> None:
        self._classifier = AnswerClassifier(calls)
        self._slots: dict[AudioTap, int] = {}
        self.frames = 0
        self.cpu_seconds = 0.0
        """Of decoding and classifying alone."""

    def take_frames(self, frames: list[TapFrame]) -> None:
        started = time.thread_time()
        waiting = [frame for frame in frames if frame.side == "callee"]
        self.frames += len(waiting)
        while (
            waiting
        ):  # a tick may bring several frames of a call; the classifier takes one of each at a time
            batch: dict[AudioTap, TapFrame] = {}
            waiting = [frame for frame in waiting if batch.setdefault(frame.tap, frame) is not frame]
            self._classify(batch)
        self.cpu_seconds += time.thread_time() - started

    def end_tap(self, tap: AudioTap) -> None:
        self._slots.pop(tap, None)

    def _classify(self, batch: dict[AudioTap, TapFrame]) -> None:
        for tap in batch:
            slot = self._slots.get(tap)
            if slot is not None and self._classifier.is_done(slot):
                self._classifier.close(slot)
                slot = None
            if slot is None:
                slot = self._classifier.open()
                assert slot is not None
                self._slots[tap] = slot
        linear = decode(b"".join(frame.payload for frame in batch.values()), 0).reshape(-1, 160)
        self._classifier.take(np.array([self._slots[tap] for tap in batch], np.intp), linear)


def agreed(host: str, port: int) -> NegotiatedMedia:
    return NegotiatedMedia(
        remote_host=host, remote_port=port, payload_type=0, telephone_event_payload_type=101
    )


async def hub(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    plane = MediaPlane(loop, HUB_HOST, PortPool(20_000, 59_999, b"bench"), None, os.urandom)
    legs: list[CallMedia] = []
    others: list[CallMedia] = []

    def open_leg(name: str) -> CallMedia:
        media = plane.open_call(CallId(name), lambda _event: None)
        assert media is not None
        return media

    closed: list[ClosedRecording] = []
    listener = Listener(options.calls)
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(
            loop,
            Path(folder),
            parse_keyring(new_entry("bench", os.urandom)),
            node_name="bench",
            keep_free_bytes=0,
            rng=os.urandom,
            on_closed=closed.append,
        )
        for index in range(options.calls):
            leg = open_leg(f"leg-{index}")
            leg.obey(agreed(TALKER_HOST, leg.port))
            legs.append(leg)
            if options.mode == "relay":
                echo_host, _, echo_port = options.echo.rpartition(":")
                other = open_leg(f"other-{index}")
                other.obey(agreed(echo_host, int(echo_port)))
                leg.connect(other)
                others.append(other)
            elif options.mode == "classify":
                leg.open_tap(listener)
            elif options.mode == "record":
                assert recorder.begin(leg, index, datetime.now(UTC), b"") is not None
        print(json.dumps({"ports": [leg.port for leg in legs]}), flush=True)
        async with asyncio.timeout(UP_SECONDS):
            while not all(leg.rtp.packets_received for leg in legs + others):
                await asyncio.sleep(0.1)
        await asyncio.sleep(WARM_UP_SECONDS)
        before, started = handled(options.mode, legs, others), time.process_time()
        classified, frames = listener.cpu_seconds, listener.frames
        await asyncio.sleep(options.seconds)
        seconds, count = time.process_time() - started, handled(options.mode, legs, others) - before
        classified, frames = listener.cpu_seconds - classified, listener.frames - frames
        for leg in legs + others:
            leg.close()
        assert await recorder.close(60.0)
        if options.mode == "record":
            assert len(closed) == options.calls
            assert not any(one.file.gaps for one in closed), "every second was written"
    plane.close()
    told = {"cpu_seconds": seconds, "packets": count, "classified_seconds": classified, "frames": frames}
    print(json.dumps(told), flush=True)


def handled(mode: str, legs: list[CallMedia], others: list[CallMedia]) -> int:
    """How many packets were done with, in the sense of this mode."""
    if mode == "relay":
        return sum(leg.rtp.outgoing.packets_sent for leg in legs + others)
    return sum(leg.rtp.packets_received for leg in legs)


def datagrams(options: argparse.Namespace) -> None:
    """
    Send what each leg's socket receives out of the other's and forget it: what a Python program pays the system for relaying.

    Connected sockets, one epoll, one buffer, looked at as often as our relaying does; no header is read.
    """
    echo_host, _, echo_port = options.echo.rpartition(":")
    buffer = bytearray(2_048)
    view = memoryview(buffer)
    ways: dict[int, tuple[socket.socket, socket.socket]] = {}
    ports: list[int] = []
    with select.epoll() as poll:
        for _ in range(options.calls):
            pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            for made in pair:
                made.bind((HUB_HOST, 0))
                made.setblocking(False)
                poll.register(made, select.EPOLLIN)
            ports.append(pair[0].getsockname()[1])
            pair[0].connect((TALKER_HOST, ports[-1]))
            pair[1].connect((echo_host, int(echo_port)))
            ways[pair[0].fileno()], ways[pair[1].fileno()] = (pair[0], pair[1]), (pair[1], pair[0])
        print(json.dumps({"ports": ports}), flush=True)
        heard: set[int] = set()
        packets = 0

        def carry(until: Callable[[], bool]) -> None:
            nonlocal packets
            due_at = time.monotonic()
            while not until():
                due_at += FRAME_SECONDS / 2
                time.sleep(max(0.0, due_at - time.monotonic()))
                while ready := poll.poll(0, 1_024):
                    for number, _event in ready:
                        source, target = ways[number]
                        target.send(view[: source.recv_into(buffer)])
                    packets += len(ready)
                    if len(heard) < len(ways):
                        heard.update(number for number, _event in ready)

        def passes(seconds: float) -> Callable[[], bool]:
            end = time.monotonic() + seconds
            return lambda: time.monotonic() > end

        is_late = passes(UP_SECONDS)
        carry(lambda: len(heard) == len(ways) or is_late())
        carry(passes(WARM_UP_SECONDS))
        before, started = packets, time.process_time()
        carry(passes(options.seconds))
        told = {"cpu_seconds": time.process_time() - started, "packets": packets - before}
    print(json.dumps(told), flush=True)


def talkers(options: argparse.Namespace) -> None:
    """Send to each port of the hub from the same port here, and take what comes back."""
    sockets = []
    for port in map(int, sys.stdin.readline().split(",")):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((TALKER_HOST, port))
        made.connect((HUB_HOST, port))
        made.setblocking(False)
        sockets.append(made)
    sound = Path(options.speech).read_bytes() if options.speech else bytes(range(160))
    due_at = time.monotonic()
    for tick in range(round(options.seconds * 50)):
        for index, made in enumerate(sockets):
            header = struct.pack("!BBHII", 0x80, 0, tick & 0xFFFF, 160 * tick, index + 1)
            at = 160 * (tick + index * APART_FRAMES) % len(sound)
            try:
                made.send(header + sound[at : at + 160])
                made.recv(2_048)
            except OSError:
                continue  # nothing yet, or the hub is gone
        due_at += 0.02
        time.sleep(max(0.0, due_at - time.monotonic()))


async def callers(options: argparse.Namespace) -> None:
    trunk = TrunkConfig(name="lab", host=options.trunk, caller_id="bench")
    prompt = Prompt.from_pcm(bytes(16_000 * 600))
    answered: list[int] = []
    async with Dialer(
        DialerConfig(bind_host="127.0.0.1", rtp_port_min=10_000, rtp_port_max=65_000)
    ) as dialer:
        calls: list[Call] = []
        for index in range(options.calls):

            def on_event(event: CallEvent, index: int = index) -> None:
                if isinstance(event, CallAnswered):
                    answered.append(index)
                    calls[index].play(prompt)

            calls.append(
                dialer.place_call(CallRequest(number=f"{options.prefix}{index:06d}", trunk=trunk), on_event)
            )
            await asyncio.sleep(0.02)
        async with asyncio.timeout(UP_SECONDS):
            while len(answered) < options.calls:
                await asyncio.sleep(0.1)
        await asyncio.sleep(WARM_UP_SECONDS)

        def counted() -> tuple[int, int]:
            media = [call.media for call in calls if call.media is not None]
            return sum(each.rtp.outgoing.packets_sent for each in media), sum(
                each.rtp.packets_received for each in media
            )

        print(json.dumps({"is_up": True}), flush=True)
        before = counted()
        await asyncio.sleep(options.seconds)
        after = counted()
        print(json.dumps({"sent": after[0] - before[0], "received": after[1] - before[1]}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("role", choices=["hub", "talkers", "callers"])
    parser.add_argument(
        "mode",
        nargs="?",
        choices=["receive", "relay", "datagrams", "record", "classify"],
        default="receive",
    )
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--echo", default="127.0.0.13:6000")
    parser.add_argument("--speech", default="")
    parser.add_argument("--trunk", default="127.0.0.10")
    parser.add_argument("--prefix", default="7917")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    if options.role == "talkers":
        talkers(options)
        return
    if options.role == "hub" and options.mode == "datagrams":
        datagrams(options)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(hub(options) if options.role == "hub" else callers(options))


if __name__ == "__main__":
    main()
