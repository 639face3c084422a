"""
CPU microseconds per packet that is received, classified, recorded, relayed; calls per core; and the same of Asterisk in the lab.

Both get the same traffic: N calls, a packet of 20 ms of G.711 each way where there is a way back. Relaying: each call is
connected to a leg of its own at SIPp, which echoes (`direct_media=no` in Asterisk). Recording: the call's sound into a
file of µ-law; ours has both sides as two channels, Asterisk's `Record()` the caller's. Measured in a window in which all calls are
up, without their signalling; ours is one process, Asterisk's its process. Rounds are interleaved.
Beside relaying stands its floor, `us_per_packet_datagrams_alone`: the same datagrams received and sent on by a Python loop over
connected sockets and one epoll that knows nothing of RTP.
`us_per_frame_classified` is decoding and classifying alone, all calls of a tick together; the sound is then speech.

    python -m tests.bench.media [--quick] [--calls N] [--seconds S] [--rounds N]      (needs `make lab-up`)
"""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import psutil

from dialer.media.g711 import to_ulaw
from tests.bench.amd.corpus import build_clips
from tests.bench.amd.voices import fetch_sounds
from tests.bench.load_caller import ECHO_PORT
from tests.bench.signalling_load import far_end
from tests.lab.container import LAB

RELAY_PREFIX: Final = "7917"
RECORD_PREFIX: Final = "7915"
SPOKEN_CLIPS: Final = 60
SPOKEN_SEED: Final = 31


def spawn(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.media_load", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit("a process of the benchmark ended without a word; what it wrote stands above")
    told: dict[str, Any] = json.loads(line)
    return told


def go_on(process: "subprocess.Popen[str]", line: str = "") -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def write_speech(path: Path) -> None:
    """Write what answered calls sound like, of the classifier's development voices, as whole packets of µ-law."""
    fetch_sounds()
    clips = [clip.samples for clip in build_clips("dev", SPOKEN_CLIPS, SPOKEN_SEED)]
    whole = np.concatenate([samples[: len(samples) // 160 * 160] for samples in clips])
    path.write_bytes(to_ulaw(whole.astype("<i2").tobytes()))


def ours(mode: str, calls: int, seconds: float, speech: str = "") -> dict[str, Any]:
    """What our process told, with its microseconds of CPU per packet as `us`."""
    shape = ("--calls", str(calls), "--seconds", str(seconds))
    length = str(seconds + 60)
    with (
        spawn("hub", mode, *shape, "--echo", f"{LAB.callee_host}:{ECHO_PORT}") as hub,
        spawn(
            "talkers", "--seconds", length, "--speech", speech
        ) as talkers,  # both load their modules at once
    ):
        go_on(talkers, ",".join(map(str, line_of(hub)["ports"])))
        told = line_of(hub)
        talkers.terminate()
    us = report_row("obzvon", mode, calls, told["packets"], told["cpu_seconds"], seconds)
    return {**told, "us": us}


def asterisk(mode: str, calls: int, seconds: float) -> float:
    """Microseconds of CPU per packet of Asterisk's process."""
    process = psutil.Process(int(LAB.run("pid")))
    prefix = RELAY_PREFIX if mode == "relay" else RECORD_PREFIX
    shape = ("--calls", str(calls), "--seconds", str(seconds))
    with spawn("callers", *shape, "--trunk", LAB.asterisk_host, "--prefix", prefix) as callers:
        line_of(callers)
        before = sum(process.cpu_times()[:2])
        told = line_of(callers)
        spent = sum(process.cpu_times()[:2]) - before
        go_on(callers)
    packets = told["sent"] + (told["received"] if mode == "relay" else 0)
    return report_row("asterisk", mode, calls, packets, spent, seconds)


def report_row(who: str, mode: str, calls: int, packets: int, spent: float, seconds: float) -> float:
    expected = calls * 50 * seconds * (2 if mode in ("relay", "datagrams") else 1)
    if packets < 0.95 * expected:
        print(f"{who} {mode}: only {packets} of {expected:.0f} packets; the machine is too busy", flush=True)
    us = 1e6 * spent / packets
    print(
        f"{who:9} {mode:9} {calls:4} calls {us:7.2f} us CPU a packet {100 * spent / seconds:6.1f} % of a core",
        flush=True,
    )
    return us


def calls_per_core(us_per_packet: float, packets_per_second: int) -> int:
    return int(1e6 / (us_per_packet * packets_per_second))


def main(calls: int, seconds: float, rounds: int) -> None:
    load = round(os.getloadavg()[0], 1)
    rows: dict[tuple[str, str], list[float]] = {}
    with TemporaryDirectory() as folder, far_end(rings=False, host=LAB.callee_host):
        speech = Path(folder) / "speech.ulaw"
        write_speech(speech)
        for _ in range(rounds):
            rows.setdefault(("obzvon", "receive"), []).append(ours("receive", calls, seconds)["us"])
            told = ours("classify", calls, seconds, str(speech))
            rows.setdefault(("obzvon", "classify"), []).append(told["us"])
            rows.setdefault(("obzvon", "frame"), []).append(1e6 * told["classified_seconds"] / told["frames"])
            rows.setdefault(("obzvon", "datagrams"), []).append(ours("datagrams", calls, seconds)["us"])
            for mode in ("relay", "record"):
                rows.setdefault(("obzvon", mode), []).append(ours(mode, calls, seconds)["us"])
                rows.setdefault(("asterisk", mode), []).append(asterisk(mode, calls, seconds))
    mean = {key: sum(values) / len(values) for key, values in rows.items()}
    relay, record, floor = (mean["obzvon", mode] for mode in ("relay", "record", "datagrams"))
    print(
        json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "load_average": [load, round(os.getloadavg()[0], 1)],
                "calls": calls,
                "seconds": seconds,
                "rounds": rounds,
                "us_per_packet_received": round(mean["obzvon", "receive"], 2),
                "us_per_packet_relayed": round(relay, 2),
                "us_per_packet_recorded": round(record, 2),
                "us_per_packet_relayed_asterisk": round(mean["asterisk", "relay"], 2),
                "us_per_packet_recorded_asterisk": round(mean["asterisk", "record"], 2),
                "us_per_packet_datagrams_alone": round(floor, 2),
                "datagrams_ratio_asterisk": round(floor / mean["asterisk", "relay"], 3),
                "relay_ratio_asterisk": round(relay / mean["asterisk", "relay"], 3),
                "record_ratio_asterisk": round(record / mean["asterisk", "record"], 3),
                "calls_per_core_received": calls_per_core(mean["obzvon", "receive"], 50),
                "calls_per_core_relayed": calls_per_core(relay, 100),
                "calls_per_core_recorded": calls_per_core(record, 50),
                "us_per_packet_received_and_classified": round(mean["obzvon", "classify"], 2),
                "calls_per_core_classified": calls_per_core(mean["obzvon", "classify"], 50),
                "us_per_frame_classified": round(mean["obzvon", "frame"], 2),
            }
        )
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one round of 3 s each, within 50 s")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds = 3.0, 1
    main(options.calls, options.seconds, options.rounds)
