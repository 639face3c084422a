"""
How many calls a second one process signals, what each costs, and how others do on the same far end in the same run.

The far end is SIPp in the lab's container (built-in `uas` with RTP echo; for ringing calls `ringing.xml`). obzvon's
engine is driven without a database at rising rates until a call fails, is placed late or rings late, then longer at 80 % of the
best rate. pyVoIP (with sound, it knows no other way) and aiosipua (signalling only) place the same calls as obzvon
does beside them. Every run is a process of its own. CPU is the caller's, per call placed; SIPp is not counted.

    python -m tests.bench.signalling_load [--quick] [--only media]
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.load_caller import ECHO_PORT, FAR_END
from tests.lab.container import LAB

RINGING = Path(__file__).with_name("ringing.xml")
ON_TIME = 0.97
"""A rate counts as reached when at least this share of it was placed in its time."""

MAX_PDD_MS = 500
"""Timer A: what waits longer is sent again, and a machine that is too slow gets more to do."""


class Plan(msgspec.Struct, frozen=True):
    """How much is measured."""

    first_rate: float
    rate_step: float
    step_seconds: float
    steady_calls: int
    """At 80 % of the peak."""
    signalling_calls: int
    """Beside aiosipua."""
    signalling_rate: float
    media_calls: int
    """Beside pyVoIP."""
    media_rate: float
    media_hold: float
    """Seconds of sound in each call."""
    ringing_calls: int
    ringing_rate: float
    max_steps: int


QUICK = Plan(
    first_rate=300, rate_step=2.0, step_seconds=1.0, steady_calls=500, signalling_calls=200, signalling_rate=100,
    media_calls=40, media_rate=20, media_hold=3.0, ringing_calls=2_000, ringing_rate=500, max_steps=3,
)  # fmt: skip
FULL = Plan(
    first_rate=300, rate_step=1.25, step_seconds=5.0, steady_calls=20_000, signalling_calls=2_000, signalling_rate=100,
    media_calls=100, media_rate=20, media_hold=5.0, ringing_calls=2_000, ringing_rate=400, max_steps=12,
)  # fmt: skip
HOLD_SECONDS = 0.2


class FarEndGone(Exception):
    """SIPp or its container ended under a measurement, which therefore says nothing."""


@contextlib.contextmanager
def far_end(*, rings: bool, host: str = FAR_END[0]) -> Iterator[None]:
    """SIPp in the container; ended by its own process id."""
    place = f"-i {host} -mi {host} -p {FAR_END[1]} -nostdin -mp {ECHO_PORT} -buff_size 4000000"
    scenario = "-sf /tmp/ringing.xml" if rings else "-rtp_echo -sn uas"
    script = f'echo $$; printf %s "$1" >/tmp/ringing.xml; exec sipp {scenario} {place} >/dev/null 2>&1'
    process = subprocess.Popen(
        LAB.command("exec", "sh", "-c", script, "sh", RINGING.read_text()), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pid = process.stdout.readline().strip()
    time.sleep(0.7)
    try:
        if process.poll() is not None:
            sys.exit(f"SIPp does not start on {host}: is the lab up, and nobody else there?")
        yield
        if process.poll() is not None:
            raise FarEndGone
    finally:
        subprocess.run(LAB.command("exec", "kill", "-9", pid), check=False, stderr=subprocess.DEVNULL)
        process.wait(timeout=15)
        process.stdout.close()


def place(
    library: str, *, calls: int, rate: float, hold: float, flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Run one library to the end of its calls; print a row."""
    options = ["--calls", str(calls), "--rate", str(rate), "--hold", str(hold), *flags]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load_caller", library, *options],
        check=False,
        capture_output=True,
        text=True,
        timeout=120 + calls / rate,
    )
    try:
        row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"{library} said nothing: {done.stderr[-2000:]}")
    row["cpu_ms_per_call"] = round(1000 * row["cpu_seconds"] / max(1, row["placed"]), 3)
    kind = " ".join(flag.removeprefix("--") for flag in flags) or "signalling"
    print(
        f"{library:9} {kind:10} {rate:6.0f}/s asked {row['achieved_rate'] or 0:7.1f} placed"
        f" {row['good']:6} good {row['failed']:5} failed {row['cpu_ms_per_call']:8.2f} ms CPU a call"
        f"  PDD {row['pdd_p50_ms']} / {row['pdd_p99_ms']} ms  {row['rss_mb']:.0f} MB  {row['reasons'] or ''}",
        flush=True,
    )
    return row


def climb(library: str, plan: Plan) -> tuple[float, bool]:
    """Raise the rate until a call fails or is late (twice); the best rate, and whether a limit was found at all."""
    best, rate = 0.0, plan.first_rate
    for _ in range(plan.max_steps):
        if not (is_held(library, plan, rate) or is_held(library, plan, rate)):
            return best, True
        best, rate = rate, rate * plan.rate_step
    return best, False


def is_held(library: str, plan: Plan, rate: float) -> bool:
    try:
        with far_end(rings=False):
            row = place(library, calls=int(rate * plan.step_seconds), rate=rate, hold=HOLD_SECONDS)
    except FarEndGone:
        return False
    is_prompt = row["pdd_p99_ms"] is not None and row["pdd_p99_ms"] <= MAX_PDD_MS
    return not row["failed"] and is_prompt and row["achieved_rate"] >= rate * ON_TIME


def ringing(library: str, plan: Plan) -> dict[str, Any]:
    with far_end(rings=True):
        return place(library, calls=plan.ringing_calls, rate=plan.ringing_rate, hold=0, flags=("--ring",))


def per_thousand(row: dict[str, Any]) -> float:
    grown_mb: float = row["rss_mb"] - row["rss_before_mb"]
    return round(1000 * grown_mb / int(row["calls"]), 1)


def added_ms(row: dict[str, Any], bare: dict[str, Any]) -> float | None:
    """What a library adds to the median PDD; None where nothing rang."""
    return (
        None if row["pdd_p50_ms"] is None else round(float(row["pdd_p50_ms"]) - float(bare["pdd_p50_ms"]), 2)
    )


def beside_pyvoip(plan: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Calls with sound by us and by pyVoIP, each in a process of its own, on the same far end."""
    with far_end(rings=False):
        return with_sound(plan, "obzvon"), with_sound(plan, "pyvoip")


def with_sound(plan: Plan, library: str) -> dict[str, Any]:
    return place(
        library, calls=plan.media_calls, rate=plan.media_rate, hold=plan.media_hold, flags=("--media",)
    )


def media_only(plan: Plan, rounds: int) -> None:
    """
    The part with sound alone, in turn; the ratios are of the sums over all rounds.

    Beside it the same calls of ours without sound, and the datagrams of the sound without a call: what no better code of
    sound, and none at all, would take away.
    """
    load_before = os.getloadavg()[0]
    rows: tuple[list[dict[str, Any]], ...] = ([], [], [], [])
    ours, silent, datagrams, pyvoip = rows
    with far_end(rings=False):
        for _ in range(rounds):
            ours.append(with_sound(plan, "obzvon"))
            silent.append(place("obzvon", calls=plan.media_calls, rate=plan.media_rate, hold=plan.media_hold))
            datagrams.append(with_sound(plan, "datagrams"))
            pyvoip.append(with_sound(plan, "pyvoip"))
    ours_ms, silent_ms, datagrams_ms, pyvoip_ms = (
        1000 * sum(row["cpu_seconds"] for row in its) / sum(row["placed"] for row in its) for its in rows
    )
    print(
        json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "load_average": [round(load_before, 1), round(os.getloadavg()[0], 1)],
                "calls": plan.media_calls,
                "seconds_of_sound": plan.media_hold,
                "rounds": rounds,
                "cpu_ms_per_call_with_media": round(ours_ms, 3),
                "cpu_ms_per_call_without_media": round(silent_ms, 3),
                "cpu_ms_per_call_datagrams_alone": round(datagrams_ms, 3),
                "cpu_ms_per_call_pyvoip": round(pyvoip_ms, 3),
                "cpu_ratio_pyvoip": round(ours_ms / pyvoip_ms, 3),
                "cpu_ratio_pyvoip_by_round": [ratio(*pair) for pair in zip(ours, pyvoip, strict=True)],
                "datagrams_ratio_pyvoip": round(datagrams_ms / pyvoip_ms, 3),
                "failed": sum(row["failed"] for row in ours),
                "failed_pyvoip": sum(row["failed"] for row in pyvoip),
            }
        )
    )


def peak_and_steady(plan: Plan) -> dict[str, Any]:
    """The highest rate that we hold, and how many calls fail at 80 % of it."""
    peak, is_limit_found = climb("obzvon", plan)
    with far_end(rings=False):
        steady = place("obzvon", calls=plan.steady_calls, rate=max(1.0, peak * 0.8), hold=HOLD_SECONDS)
    return {
        "calls_per_second_peak": round(peak, 1),
        "is_limit_found": is_limit_found,
        "calls_at_80_percent": plan.steady_calls,
        "failed_at_80_percent": steady["failed"],
        "cpu_ms_per_call_at_80_percent": steady["cpu_ms_per_call"],
        "pdd_p99_ms_at_80_percent": steady["pdd_p99_ms"],
    }


def main(plan: Plan, *, is_quick: bool) -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with far_end(rings=False):
        bare = place("bare", calls=50, rate=100, hold=0)
        ours, aiosipua = (
            place(library, calls=plan.signalling_calls, rate=plan.signalling_rate, hold=1.0)
            for library in ("obzvon", "aiosipua")
        )
    ours_with_media, pyvoip = beside_pyvoip(plan)
    ours_ringing = ringing("obzvon", plan)
    aiosipua_ringing = None if is_quick else ringing("aiosipua", plan)
    peak = peak_and_steady(plan)
    aiosipua_peak = None if is_quick else climb("aiosipua", plan)[0]
    print(
        json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "load_average": round(os.getloadavg()[0], 1),
                "is_quick": is_quick,
                **peak,
                "rss_mb_2000_ringing": ours_ringing["rss_mb"] if not ours_ringing["failed"] else None,
                "rss_mb_per_1000_ringing": per_thousand(ours_ringing),
                "pdd_added_ms": added_ms(ours, bare),
                "cpu_ms_per_call": ours["cpu_ms_per_call"],
                "cpu_ms_per_call_with_media": ours_with_media["cpu_ms_per_call"],
                "cpu_ms_per_call_pyvoip": pyvoip["cpu_ms_per_call"],
                "cpu_ratio_pyvoip": ratio(ours_with_media, pyvoip),
                "failed_pyvoip": pyvoip["failed"],
                "pdd_added_ms_pyvoip": added_ms(pyvoip, bare),
                "cpu_ms_per_call_aiosipua": aiosipua["cpu_ms_per_call"],
                "cpu_ratio_aiosipua": ratio(ours, aiosipua),
                "failed_aiosipua": aiosipua["failed"],
                "calls_per_second_peak_aiosipua": aiosipua_peak and round(aiosipua_peak, 1),
                "rss_mb_per_1000_ringing_aiosipua": aiosipua_ringing and per_thousand(aiosipua_ringing),
                "pdd_added_ms_aiosipua": added_ms(aiosipua, bare),
            }
        )
    )


def ratio(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    return round(float(ours["cpu_ms_per_call"]) / float(theirs["cpu_ms_per_call"]), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="within 50 s")
    parser.add_argument("--only", choices=["media"], help="calls with sound beside pyVoIP, nothing else")
    parser.add_argument("--rounds", type=int, default=3, help="of --only media")
    parser.add_argument("--media-seconds", type=float, help="of sound in each call with sound")
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    if options.media_seconds is not None:
        plan = msgspec.structs.replace(plan, media_hold=options.media_seconds)
    if options.only == "media":
        media_only(plan, 1 if options.quick else options.rounds)
    else:
        main(plan, is_quick=options.quick)
