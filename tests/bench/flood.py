"""
A flood from strangers against a dialer with live calls: the calls live on, answers are few, memory is flat.

Real sockets on the loopback network: ten talks with the simulated carrier, then as many datagrams as asked for, from eight
addresses, each a request of no call, an OPTIONS, a BYE of an unknown dialog, or rubbish; the calls are hung up after it.

    python -m tests.bench.flood [--quick] [--datagrams N]
"""

import argparse
import asyncio
import itertools
import json
import socket
import sys
import time
from collections import Counter

import psutil

from dialer import CallAnswered, CallEnded, CallEvent, CallRequest, Dialer, DialerConfig, TrunkConfig
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import CalleePlan

CALLS = 10
SOURCES = [f"127.0.3.{number}" for number in range(1, 9)]
BURST = 100
"""Datagrams sent before as many are read."""
LISTENS = CalleePlan(behaviour="listens", ring_seconds=0.2, final_status=200)


def request(method: str, host: str, number: int, to_tag: str = "") -> bytes:
    return (
        f"{method} sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5099;rport;branch=z9hG4bK{number}\r\n"
        f"From: <sip:x@{host}>;tag={number}\r\nTo: <sip:100@127.0.0.1>{to_tag}\r\nCall-ID: flood-{number}\r\n"
        f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def datagrams(host: str) -> list[bytes]:
    return [
        *(
            request(method, host, number)
            for number, method in enumerate(("INVITE", "REGISTER", "OPTIONS", "ACK"))
        ),
        request("BYE", host, 5, ";tag=gone"),
        b"\x00\x01\x02 no SIP at all\r\n\r\n",
    ]


async def run(count: int) -> bool:
    ended: Counter[str] = Counter()
    answered: list[CallEvent] = []

    def on_event(event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            answered.append(event)
        elif isinstance(event, CallEnded):
            ended[f"{event.outcome.result}/{event.outcome.ended_by}"] += 1

    carrier = SimulatedCarrier(
        CarrierConfig(host="127.0.0.9"), lambda _row: None, plan_for=lambda *_: LISTENS
    )
    async with carrier as far_end, Dialer(DialerConfig()) as dialer:
        trunk = TrunkConfig(name="carrier", host=far_end.address[0], port=far_end.address[1])
        for number in range(CALLS):
            dialer.place_call(CallRequest(number=f"+7900000{number:04d}", trunk=trunk), on_event)
        async with asyncio.timeout(30):
            while len(answered) < CALLS:
                await asyncio.sleep(0.05)
        sockets = [open_source(host) for host in SOURCES]
        process = psutil.Process()
        rss_before, cpu_before, started = process.memory_info().rss, time.process_time(), time.monotonic()
        bytes_sent, answers, answer_bytes = 0, 0, 0
        sources = itertools.cycle(zip(sockets, map(datagrams, SOURCES), strict=True))
        for index, (udp, texts) in zip(range(count), sources, strict=False):
            bytes_sent += udp.sendto(texts[index // len(SOURCES) % len(texts)], dialer.local_address)
            if index % BURST == BURST - 1:
                for _ in range(
                    BURST
                ):  # the loop reads one datagram a turn; what the system drops proves nothing
                    await asyncio.sleep(0)
                found = [len(data) for udp in sockets for data in drain(udp)]
                answers, answer_bytes = answers + len(found), answer_bytes + sum(found)
        await asyncio.sleep(1.0)
        found = [len(data) for udp in sockets for data in drain(udp)]
        answers, answer_bytes = answers + len(found), answer_bytes + sum(found)
        seconds = time.monotonic() - started
        rss_growth = process.memory_info().rss - rss_before
        live_after = dialer.live_calls
        counters = dict(dialer.counters)
        dialer.hang_up_all()
        await dialer.drain(10.0)
        for udp in sockets:
            udp.close()
    result = {
        "datagrams": count,
        "seconds": round(seconds, 1),
        "cpu_us_per_datagram_sent_and_received": round((time.process_time() - cpu_before) / count * 1e6, 1),
        "calls_before": CALLS,
        "calls_after": live_after,
        "outcomes": dict(ended),
        "answers": answers,
        "answered_bytes_per_byte_sent": round(answer_bytes / bytes_sent, 4),
        "counters": counters,
        "rss_growth_mb": round(rss_growth / 1e6, 2),
    }
    print(json.dumps(result))
    # eight sources: a burst of 20 each, then 5 a second each
    return (
        live_after == CALLS
        and ended == {"answered/us": CALLS}
        and answers <= len(SOURCES) * (20 + 5 * (seconds + 1))
    )


def open_source(host: str) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((host, 5099))
    udp.setblocking(False)
    return udp


def drain(udp: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(udp.recv(4096))
        except BlockingIOError:
            return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="20,000 datagrams, within 50 s")
    parser.add_argument("--datagrams", type=int, default=50_000)
    options = parser.parse_args()
    sys.exit(0 if asyncio.run(run(20_000 if options.quick else options.datagrams)) else 1)
