"""
Hostile bytes by the million, as datagrams and over a connection: nothing but RemoteProtocolError leaves a parser, nothing at all leaves the core, and
memory stays flat.

Each datagram is a well-formed SIP, SDP, RTP or RTCP packet of ours or of tests/torture, with some bytes changed,
doubled, cut out or swapped with another's. Reproducible by seed; what breaks is printed whole.

    python -m tests.bench.fuzz [--quick] [--datagrams N] [--seed N]
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from dialer.config import CallRequest, DialerConfig, Limits, TrunkConfig
from dialer.core import DialerCore
from dialer.errors import RemoteProtocolError
from dialer.rtp.session import RtpSession
from dialer.sip.framing import Broken, StreamFramer, Whole
from dialer.sip.hop import Hop
from dialer.sip.message import parse_message
from dialer.sip.sdp import build_offer, parse_sdp

TRUNK = ("127.0.0.9", 5060)
CONNECTION = Hop(*TRUNK, "tcp")
LOCAL = ("127.0.0.1", 5070)
TORTURE = Path(__file__).parents[1] / "torture"
MAX_CHANGES = 8
SPLICE_BYTES = 40
FRESH_CORE_AFTER = 20_000
"""A live call answers and is forgotten within 64*T1; a new core now and then keeps one in the line of fire."""


def seeds(rng: random.Random) -> list[bytes]:
    """Give well-formed packets of every kind that reaches a socket of ours."""
    core, _ = calling_core(rng)
    invite = core.datagrams_to_send(0.0)[0][0]
    answer = answer_to(invite)
    return [
        invite,
        answer,
        answer.replace(b"200 OK", b"183 Session Progress"),
        answer.replace(b"200 OK", b"486 Busy Here"),
        b"BYE" + invite[len("INVITE") :].replace(b"INVITE", b"BYE"),
        build_offer("127.0.0.9", 4000, 1),
        b"\x80\x65\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78\x01\x8a\x03\x20",
        b"\x80\xc8\x00\x06" + bytes(24),
        *(path.read_bytes() for path in sorted(TORTURE.glob("*.sip"))),
    ]


def calling_core(rng: random.Random) -> tuple[DialerCore, str]:
    core = DialerCore(DialerConfig(), rng.randbytes, LOCAL)
    trunk = TrunkConfig(name="fuzz", host=TRUNK[0], port=TRUNK[1])
    call_id = core.place_call(
        CallRequest(number="79011234567", trunk=trunk), rtp_address=("127.0.0.1", 20_000), now=0.0
    )
    return core, call_id


def answer_to(invite: bytes) -> bytes:
    """Make a 200 with SDP of an INVITE, by hand: the parser under fire takes no part."""
    head, _, body = invite.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n")[1:] if not line.startswith((b"Max-Forwards", b"Route"))]
    lines = [line + b";tag=far" if line.startswith(b"To:") else line for line in lines]
    return b"SIP/2.0 200 OK\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body


def mutate(rng: random.Random, packets: list[bytes]) -> bytes:
    data = bytearray(rng.choice(packets))
    for _ in range(rng.randint(0, MAX_CHANGES)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.randint(0, SPLICE_BYTES))
        match rng.randrange(5):
            case 0:
                data[start:end] = rng.randbytes(end - start)
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * rng.randint(1, 3)
            case 3:
                other = rng.choice(packets)
                cut = rng.randrange(len(other))
                data[start:end] = other[cut : cut + SPLICE_BYTES]
            case _:
                data[start:end] = rng.choice(
                    (b"\r\n", b"\x00", b":", b"<", b'"', b"999999999999", b"\xff\xfe", b" ")
                )
    return bytes(data)


def parses(parse: Callable[[bytes], object], data: bytes) -> bool:
    try:
        parse(data)
    except RemoteProtocolError:
        return False
    return True


def feed(
    framer: StreamFramer, data: bytes, core: DialerCore, now: float, verdicts: Counter[str]
) -> StreamFramer:
    """Let the same bytes arrive over a connection, after those before; a broken one is followed by another."""
    for frame in framer.receive(data):
        match frame:
            case Whole():
                verdicts["framed"] += 1
                core.receive_datagram(frame.data, CONNECTION, now)
            case Broken():
                verdicts["connections broken"] += 1
                core.receive_unframeable(frame.data, frame.error, CONNECTION, now)
                return StreamFramer(Limits())
            case _:
                pass
    return framer


def main(datagrams: int, seed: int) -> int:
    rng = random.Random(seed)
    packets = seeds(rng)
    process = psutil.Process()
    verdicts: Counter[str] = Counter()
    rss_start = rss_end = 0
    core, session = calling_core(rng)[0], RtpSession(rng.randbytes)
    framer = StreamFramer(Limits())
    started, now = time.process_time(), 0.0
    for index in range(datagrams):
        if index % FRESH_CORE_AFTER == 0:
            core, _ = calling_core(rng)
            session = RtpSession(rng.randbytes)
            session.set_media(TRUNK, payload_type=0, telephone_event=101, can_send=True)
            packets[0] = core.datagrams_to_send(now)[0][0]
            packets[1] = answer_to(packets[0])
        if index == datagrams // 10:
            rss_start = process.memory_info().rss
        data = mutate(rng, packets)
        now += 0.001
        try:
            verdicts["message" if parses(parse_message, data) else "refused"] += 1
            verdicts["description"] += parses(parse_sdp, data)
            session.receive(data, TRUNK, now)
            core.receive_datagram(data, Hop(*TRUNK), now)
            framer = feed(framer, data, core, now, verdicts)
            if (due_at := core.get_timer()) is not None and due_at <= now:
                core.handle_timer(now)
            core.datagrams_to_send(now)
            while core.next_event() is not None:
                verdicts["call events"] += 1
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            print(f"datagram {index} of seed {seed}: {error!r}\n{data!r}", file=sys.stderr)
            verdicts["escaped"] += 1
    rss_end = process.memory_info().rss
    print(
        json.dumps(
            {
                "datagrams": datagrams,
                "seed": seed,
                "escaped_exceptions": verdicts["escaped"],
                "parsed_as_message": verdicts["message"],
                "refused": verdicts["refused"],
                "parsed_as_description": verdicts["description"],
                "call_events": verdicts["call events"],
                "framed": verdicts["framed"],
                "connections_broken": verdicts["connections broken"],
                "rss_growth_mb": round((rss_end - rss_start) / 1e6, 2),
                "cpu_us_per_datagram": round((time.process_time() - started) / datagrams * 1e6, 1),
            }
        )
    )
    return 1 if verdicts["escaped"] else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="200,000 datagrams, within 50 s")
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(main(200_000 if options.quick else options.datagrams, options.seed))
