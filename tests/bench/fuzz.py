"""
Hostile datagrams by the million: nothing but RemoteProtocolError leaves a parser, nothing at all leaves the core, and
memory stays flat.

Half of the datagrams are for the parsers: well-formed SIP, SDP, RTP or RTCP packets of ours or of tests/torture, with some
bytes changed, doubled, cut out or swapped with another's. The other half are for the calls: answers to what a live call
has just sent, and requests inside its dialogs, with the right tags and branches, in any order, half of them with a little
damage. All of them arrive over a connection as well. Reproducible by seed; what breaks is printed whole.

    python -m tests.bench.fuzz [--quick] [--datagrams N] [--seed N ...]
"""

import argparse
import json
import random
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

import psutil

from dialer.config import CallRequest, DialerConfig, Limits, Secret, SipPolicy, TrunkConfig
from dialer.core import DialerCore
from dialer.errors import RemoteProtocolError
from dialer.events import CallEnded, CallId
from dialer.rtp.session import RtpSession
from dialer.sip.framing import Broken, StreamFramer, Whole
from dialer.sip.hop import Hop
from dialer.sip.message import parse_message
from dialer.sip.sdp import build_offer, parse_sdp

TRUNK = Hop("127.0.0.9", 5060)
CONNECTION = Hop("127.0.0.9", 5060, "tcp")
LOCAL = ("127.0.0.1", 5070)
TORTURE = Path(__file__).parents[1] / "torture"
MAX_CHANGES = 8
SPLICE_BYTES = 40
FRESH_CORE_AFTER = 20_000
"""A new core now and then, as a process is started anew; memory must be flat all the same."""
SECONDS_PER_DATAGRAM = 0.001
LEAP_SHARE = 0.002
"""How often the clock leaps by up to 40 s, past every timer of RFC 3261."""
PROVISIONALS = (100, 180, 180, 181, 183, 183, 199)
FINALS = (
    200, 200, 200, 202, 300, 302, 305, 400, 401, 404, 407, 408, 420, 422, 481, 486, 487, 488, 491, 500, 503, 600, 603,
)  # fmt: skip
FINAL_SHARE = 0.15
"""Of the responses; a call that ends at once is tried in few states."""
METHODS = (
    "BYE",
    "INVITE",
    "UPDATE",
    "OPTIONS",
    "INFO",
    "REFER",
    "NOTIFY",
    "PRACK",
    "ACK",
    "CANCEL",
    "MESSAGE",
)
TAGS = (b"far", b"fork")
EXTRAS = (
    b"Require: 100rel\r\nRSeq: 1\r\n", b"Require: 100rel\r\nRSeq: 4294967295\r\n", b"Require: timer\r\nSession-Expires: 90;refresher=uas\r\n",
    b"Session-Expires: 1800;refresher=uac\r\n", b"Min-SE: 3600\r\n", b"Retry-After: 5\r\n", b"Reason: Q.850;cause=17\r\n",
    b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n', b'Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256\r\n',
    b"Record-Route: <sip:127.0.0.9;lr>\r\n", b"Record-Route: <sip:127.0.0.8>\r\n", b"Supported: timer, 100rel\r\n", b"Require: unknown\r\n",
    b"Contact: <sip:callee@127.0.0.7:5080>\r\n", b"Contact: <sip:79011234567@127.0.0.9:5099>\r\n",
)  # fmt: skip


class FarEnd:
    """The trunk of one core: it knows what the core has sent last, and answers as a bad trunk might."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._heard: deque[bytes] = deque(maxlen=8)
        self.invite = b""
        self._cseq = 1

    def hear(self, data: bytes) -> None:
        if data.startswith(b"SIP/"):
            return
        self._heard.append(data)
        if data.startswith(b"INVITE"):
            self.invite = data

    def message(self) -> bytes:
        return self._request() if self._rng.random() < 0.35 else self._response()

    def _response(self) -> bytes:
        rng = self._rng
        request = rng.choice(self._heard)
        status = rng.choice(FINALS if rng.random() < FINAL_SHARE else PROVISIONALS)
        lines = [f"SIP/2.0 {status} Whatever".encode()]
        lines += fields_of(request, (b"Via", b"From", b"Call-ID", b"CSeq"))
        (to,) = fields_of(request, (b"To",))
        lines.append(to if b";tag=" in to else to + b";tag=" + rng.choice(TAGS))
        return self._finish(lines)

    def _request(self) -> bytes:
        rng = self._rng
        method = rng.choice(METHODS).encode()
        self._cseq += rng.randint(0, 2)
        (caller,), (callee,) = fields_of(self.invite, (b"From",)), fields_of(self.invite, (b"To",))
        lines = [
            method + b" sip:anonymous@127.0.0.1:5070 SIP/2.0",
            b"Via: SIP/2.0/UDP 127.0.0.9:5060;rport;branch=z9hG4bK" + rng.randbytes(4).hex().encode(),
            b"From" + callee.removeprefix(b"To") + b";tag=" + rng.choice(TAGS),
            b"To" + caller.removeprefix(b"From"),
            *fields_of(self.invite, (b"Call-ID",)),
            b"CSeq: %d %s" % (self._cseq, method),
            b"Max-Forwards: 70",
        ]
        return self._finish(lines)

    def _finish(self, lines: list[bytes]) -> bytes:
        rng = self._rng
        head = b"\r\n".join(lines) + b"\r\n"
        if rng.random() < 0.8:
            head += b"Contact: <sip:callee@127.0.0.9:5060>\r\n"
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            head += rng.choice(EXTRAS)
        body = b""
        if rng.random() < 0.5:
            body = build_offer("127.0.0.9", 4000 + rng.randrange(3) * 2, rng.randrange(3))
            head += b"Content-Type: application/sdp\r\n"
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def fields_of(message: bytes, names: tuple[bytes, ...]) -> list[bytes]:
    """Give the lines of a message of ours that bear these names; the parser under fire takes no part."""
    head = message.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [line for line in head if line.partition(b":")[0] in names]


class Target:
    """A core with one call after the other, and its far end."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        policy = SipPolicy(max_redirects=2)
        self._trunk = TrunkConfig(
            name="fuzz",
            host=TRUNK.host,
            port=TRUNK.port,
            username="u",
            password=Secret("p"),
            sip=policy,
        )
        self.core = DialerCore(DialerConfig(), rng.randbytes, LOCAL)
        self._framer = StreamFramer(Limits())
        self.far_end = FarEnd(rng)
        self.call_id = CallId("")
        self.counts: Counter[str] = Counter()

    def keep_a_call(self, now: float) -> None:
        if self.core.has_call(self.call_id):
            return
        request = CallRequest(number="79011234567", trunk=self._trunk, max_talk_seconds=60.0)
        self.call_id = self.core.place_call(request, rtp_address=("127.0.0.1", 20_000), now=now)
        self.pump(now)

    def receive(self, data: bytes, now: float) -> None:
        """Feed one datagram; those that meant something to a call are counted."""
        strays = self.core.counters.total()
        self.core.receive_datagram(data, TRUNK, now)
        if (due_at := self.core.get_timer()) is not None and due_at <= now:
            self.core.handle_timer(now)
        self.counts["reached_a_call"] += self.core.counters.total() == strays
        self.pump(now)

    def receive_over_connection(self, data: bytes, now: float) -> None:
        """Feed the same bytes after those before; a connection that cannot be read is followed by another."""
        for frame in self._framer.receive(data):
            match frame:
                case Whole():
                    self.counts["framed"] += 1
                    self.core.receive_datagram(frame.data, CONNECTION, now)
                case Broken():
                    self.counts["connections_broken"] += 1
                    self.core.receive_unframeable(frame.data, frame.error, CONNECTION, now)
                    self._framer = StreamFramer(Limits())
                case _:
                    pass
        self.pump(now)

    def hang_up(self, now: float) -> None:
        self.core.hang_up(self.call_id, now)
        self.pump(now)

    def pump(self, now: float) -> None:
        for data, _ in self.core.datagrams_to_send(now):
            self.far_end.hear(data)
        while (event := self.core.next_event()) is not None:
            self.counts["call_events"] += 1
            if isinstance(event, CallEnded):
                self.counts["calls_ended"] += 1
                self.counts[f"ended_{event.outcome.result}"] += 1


def seeds(invite: bytes) -> list[bytes]:
    """Give well-formed packets of every kind that reaches a socket of ours."""
    answer = b"SIP/2.0 200 OK\r\n" + invite.partition(b"\r\n")[2]
    return [
        invite,
        answer,
        answer.replace(b"200 OK", b"183 Session Progress"),
        b"BYE" + invite[len("INVITE") :].replace(b"INVITE", b"BYE"),
        build_offer("127.0.0.9", 4000, 1),
        b"\x80\x65\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78\x01\x8a\x03\x20",
        b"\x80\xc8\x00\x06" + bytes(24),
        *(path.read_bytes() for path in sorted(TORTURE.glob("*.sip"))),
    ]


def mutate(rng: random.Random, source: bytes, packets: list[bytes], changes: int) -> bytes:
    data = bytearray(source)
    for _ in range(changes):
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


def run(datagrams: int, seed: int) -> bool:
    """Fire them; print one JSON line; tell whether nothing escaped."""
    rng = random.Random(seed)
    process = psutil.Process()
    counts: Counter[str] = Counter()
    rss_start = 0
    target, session = Target(rng), RtpSession(rng.randbytes)
    target.keep_a_call(0.0)
    packets = seeds(target.far_end.invite)
    started, now = time.process_time(), 0.0
    for index in range(datagrams):
        if index % FRESH_CORE_AFTER == 0:
            counts += target.counts
            target, session = Target(rng), RtpSession(rng.randbytes)
            session.set_media(TRUNK.address, payload_type=0, telephone_event=101, can_send=True)
        if index == datagrams // 10:
            rss_start = process.memory_info().rss
        now += SECONDS_PER_DATAGRAM
        data = b""
        try:
            target.keep_a_call(now)
            if rng.random() < LEAP_SHARE:
                now += rng.uniform(0.0, 40.0)
                target.hang_up(now)
            if index % 2:
                data = target.far_end.message()
                if rng.random() < 0.5:
                    data = mutate(rng, data, packets, 1)
            else:
                data = mutate(rng, rng.choice(packets), packets, rng.randint(0, MAX_CHANGES))
                session.receive(data, TRUNK.address, now)
                counts["parsed_as_description"] += parses(parse_sdp, data)
            counts["parsed_as_message" if parses(parse_message, data) else "refused"] += 1
            target.receive(data, now)
            target.receive_over_connection(data, now)
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            print(f"datagram {index} of seed {seed}: {error!r}\n{data!r}", file=sys.stderr)
            counts["escaped_exceptions"] += 1
    counts += target.counts
    result = {
        "datagrams": datagrams,
        "seed": seed,
        "escaped_exceptions": counts.pop("escaped_exceptions", 0),
        **dict(sorted(counts.items())),
        "rss_growth_mb": round((process.memory_info().rss - rss_start) / 1e6, 2),
        "cpu_us_per_datagram": round((time.process_time() - started) / datagrams * 1e6, 1),
    }
    print(json.dumps(result), flush=True)
    return not result["escaped_exceptions"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="200,000 datagrams, within 50 s")
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    datagrams = 200_000 if options.quick else options.datagrams
    verdicts = [run(datagrams, seed) for seed in options.seed]
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
