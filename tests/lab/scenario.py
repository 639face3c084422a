"""
The scenarios of sip-lab/scenarios: what a folder says, a call placed as it asks, and what came of it.

A ladder is a list of labels, as the dialer's trace has them: `INVITE` is our request, `200` a response to our INVITE,
`200/BYE` to another request of ours. What goes the other way, their requests and our responses, begins with `<`.
"""

import asyncio
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec

from dialer import (
    Call,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallRequest,
    CallRinging,
    Dialer,
    DialerConfig,
    MediaChanged,
    NetworkFaults,
    Secret,
    TimerConfig,
    TrunkConfig,
)
from dialer.config import SipPolicy
from dialer.outcome import EndedBy, Outcome, Result
from dialer.sip.trace import TraceRecord
from dialer.transport_config import Transport
from tests.lab.container import LAB

FOLDER: Final = Path(__file__).parents[2] / "sip-lab" / "scenarios"
NETWORKS: Final = {
    "clean": NetworkFaults(),
    "loss5": NetworkFaults(loss=0.05),
    "loss20": NetworkFaults(loss=0.2),
    "doubling": NetworkFaults(duplication=0.3),
    "reordering": NetworkFaults(reordering=0.2, reordering_seconds=0.06, jitter_seconds=0.01),
}
"""What our own datagrams suffer, both ways; a connection suffers nothing."""
_SEED: Final = int(os.environ.get("LAB_SEED", "0"))
"""Another number drops other datagrams."""
_FIRST_PEER: Final = 100
"""Kamailio takes +7999NNN to the peer at NNN, three digits."""
_TIMERS: Final = TimerConfig(t1_seconds=0.1, t2_seconds=0.4, t4_seconds=0.5, min_session_seconds=4)
"""A fifth of RFC 3261's: Timer B comes after 6.4 s. RFC 4028 begins with 90 s."""
_MAX_SECONDS: Final = 60.0
"""Longer than any scenario; a call that is still alive then has hung itself up."""
_SECONDS_TO_IDLE: Final = 4 * 64 * _TIMERS.t1_seconds

_PORTS: Final = (DialerConfig().rtp_port_max + 1 - DialerConfig().rtp_port_min) // 2

Path_ = Literal["direct", "kamailio"]


class HangUp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When we hang up: so many seconds after something happened."""

    on: Literal["placed", "ringing", "answered", "ended"]
    seconds: float = 0.0


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must come out."""

    result: Result
    sip_status: int | None = None
    sip_status_may_be_lost: bool = False
    """Under loss the message with the status may never come, and the outcome be right without it."""
    q850_cause: int | None = None
    ended_by: EndedBy
    reason: str
    ladder: str
    besides: list[str] = []
    """What else may stand in the ladder where datagrams were dropped, doubled or held back."""
    media: list[str] | None = None
    """Each `MediaChanged`: port of the callee and what we do, e.g. `6000 sends`, `6000 holds`."""
    counters: dict[str, int] = {}


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One folder."""

    summary: str
    description: str
    far_end: Literal["sipp", "none"] = "sipp"
    paths: tuple[Path_, ...] = ("direct", "kamailio")
    transports: tuple[Transport, ...] = ("udp", "tcp")
    """Of our side; behind Kamailio everything is UDP."""
    username: str | None = None
    password: str | None = None
    max_redirects: int = 0
    ring_timeout_seconds: float = 30.0
    hang_up: HangUp | None = None
    expected: Expected
    through_kamailio: dict[str, Any] = {}
    """What is expected otherwise when a proxy stands between."""

    def expected_on(self, path: Path_) -> Expected:
        if path == "direct":
            return self.expected
        return msgspec.convert(msgspec.to_builtins(self.expected) | self.through_kamailio, Expected)


class Run(NamedTuple):
    """One call of one scenario."""

    name: str
    scenario: Scenario
    peer: int
    serial: int
    path: Path_
    transport: Transport
    network: str

    @property
    def is_clean(self) -> bool:
        return self.network == "clean"

    def __str__(self) -> str:
        return f"{self.name}-{self.path}-{self.transport}-{self.network}"


class Report(NamedTuple):
    """What came of a run."""

    outcome: Outcome
    ends: int
    """How many `CallEnded` came; one is right."""
    ladder: list[str]
    media: list[str]
    counters: dict[str, int]
    left: list[str]
    """What the call left behind."""


def runs() -> list[Run]:
    """Every folder, over every path and transport that it names, over every network; a connection suffers none of them."""
    found: list[Run] = []
    for peer, file in enumerate(sorted(FOLDER.glob("**/scenario.toml")), _FIRST_PEER):
        scenario = msgspec.convert(tomllib.loads(file.read_text()), Scenario)
        name = str(file.parent.relative_to(FOLDER))
        ways = [
            (path, transport, network)
            for path in scenario.paths
            for transport in scenario.transports
            for network in (NETWORKS if transport == "udp" else ("clean",))
        ]
        found.extend(Run(name, scenario, peer, serial, *way) for serial, way in enumerate(ways, len(found)))
    return found


def label(record: TraceRecord) -> str:
    """Name one message of a ladder."""
    first, second, *_ = record.first_line.split(" ", 2)
    method = record.cseq.partition(" ")[2]
    is_response = first.startswith("SIP/")
    is_theirs = (record.direction == "sent") is is_response
    name = first if not is_response else second if method == "INVITE" else f"{second}/{method}"
    return f"<{name}" if is_theirs else name


def agrees(ladder: list[str], expected: str, run: Run, besides: Sequence[str] = ()) -> bool:
    """
    Whether a ladder is the expected one. Retransmissions may repeat any message: even without loss a busy machine
    answers later than T1. Where datagrams were dropped, doubled or held back, messages may be missing and out of order.
    """
    wanted = expected.split(",")
    if not run.is_clean:
        return set(ladder) <= {*wanted, *besides}
    if set(ladder) != set(wanted):
        return False
    if (
        run.path == "kamailio"
    ):  # it answers a CANCEL itself, while another of its processes relays what that causes
        wanted = [message for message in wanted if message != "200/CANCEL"]
    remaining = iter(ladder)
    return all(message in remaining for message in wanted)


async def place(run: Run) -> Report:
    """Place the call of a run with a dialer of its own, and wait until nothing of it can be left."""
    scenario = run.scenario
    host = LAB.peer_host(run.peer) if run.path == "direct" else LAB.proxy_host
    trunk = TrunkConfig(
        name=run.path,
        host=host,
        transport=run.transport,
        username=scenario.username,
        password=None if scenario.password is None else Secret(scenario.password),
        caller_id="obzvon",
        sip=SipPolicy(max_redirects=scenario.max_redirects),
    )
    request = CallRequest(
        number=f"+7999{run.peer}{run.serial:04d}",
        trunk=trunk,
        ring_timeout_seconds=scenario.ring_timeout_seconds,
        max_talk_seconds=_MAX_SECONDS / 2,
    )
    faults = msgspec.structs.replace(NETWORKS[run.network], seed=_SEED + run.serial)
    async with Dialer(DialerConfig(timers=_TIMERS, faults=faults)) as dialer:
        call, events = await _follow(dialer, request, scenario.hang_up)
        await _until_idle(dialer)
        ended = [event for event in events if isinstance(event, CallEnded)]
        return Report(
            outcome=ended[-1].outcome,
            ends=len(ended),
            ladder=[label(record) for record in call.records()],
            media=[
                f"{event.media.remote_port} {'sends' if event.media.can_send else 'holds'}"
                for event in events
                if isinstance(event, MediaChanged)
            ],
            counters=dict(dialer.counters),
            left=_left(dialer, call),
        )


async def _follow(
    dialer: Dialer, request: CallRequest, hang_up: HangUp | None
) -> tuple[Call, list[CallEvent]]:
    loop = asyncio.get_running_loop()
    events: list[CallEvent] = []
    ended = asyncio.Event()
    names: dict[type[CallEvent], str] = {
        CallRinging: "ringing",
        CallAnswered: "answered",
        CallEnded: "ended",
    }

    def happened(name: str | None) -> None:
        if hang_up is not None and hang_up.on == name:
            loop.call_later(hang_up.seconds, call.hang_up)

    def receive(event: CallEvent) -> None:
        events.append(event)
        happened(names.get(type(event)))
        if isinstance(event, CallEnded):
            ended.set()

    call = dialer.place_call(request, receive)
    happened("placed")
    async with asyncio.timeout(_MAX_SECONDS):
        await ended.wait()
    return call, events


async def _until_idle(dialer: Dialer) -> None:
    """Transactions absorb retransmissions for 64*T1 after the call (RFC 3261 §17); a scenario may stretch that twice."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + _SECONDS_TO_IDLE
    while not dialer._signalling.core.is_idle and loop.time() < give_up_at:
        await asyncio.sleep(0.1)


def _left(dialer: Dialer, call: Call) -> list[str]:
    """Name what should be gone."""
    core = dialer._signalling.core
    gone = {
        "call": dialer.live_calls == 0 and core.live_calls == 0,
        "transaction or timer": core.is_idle and core.get_timer() is None,
        "session": not core._user_agent.has_session(call.call_id),
        "event": core.next_event() is None,
        "RTP socket": call.media is None or (call.media.socket is None and call.media.report_socket is None),
        "port": len(dialer._ports._free) + len(dialer._ports._resting) == _PORTS,
    }
    return [name for name, is_gone in gone.items() if not is_gone]
