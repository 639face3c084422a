"""What the pyVoIP engine makes of what pyVoIP does not tell: every call ends, once, honestly named."""

import asyncio
import socket
import subprocess
import sys

import pytest

from dialer.config import DialerConfig, Secret, TimerConfig, TrunkConfig
from dialer.errors import LocalProtocolError
from dialer.events import CallAnswered, CallEnded
from dialer.pyvoip_engine import PyvoipEngine
from dialer.testing.population import CalleePlan
from dialer.testing.truth import TruthRow
from tests.dialer.port_calls import LISTENS, QUICK, RINGS, SILENT, Watched, carrier_of, hang_up_on

BUSY = CalleePlan(behaviour="busy", ring_seconds=0.02, final_status=486)
SLOW = CalleePlan(behaviour="listens", ring_seconds=0.6, final_status=200)


@pytest.mark.parametrize("plan", [BUSY, RINGS, SILENT], ids=["refused", "ringing", "silent"])
async def test_a_call_that_pyvoip_knows_nothing_of_ends_unknown_once_it_is_given_up(plan: CalleePlan) -> None:
    async with carrier_of(plan) as trunk, PyvoipEngine(QUICK) as engine:
        watched = Watched(engine, trunk)
        ended = await watched.end_or_hang_up()
    outcome = ended.outcome
    assert (outcome.result, outcome.reason, outcome.fault, outcome.sip_status) == (
        "unknown",
        "pyvoip_cannot_cancel",
        "indeterminate",
        None,
    )
    assert watched.kinds == [CallEnded]


async def test_ringing_that_lasts_too_long_ends_by_itself() -> None:
    async with carrier_of(BUSY) as trunk, PyvoipEngine(QUICK) as engine:
        watched = Watched(engine, trunk, ring_timeout_seconds=15)
        ended = await asyncio.wait_for(watched.ended, 30)
    assert (ended.outcome.result, ended.outcome.reason) == ("unknown", "pyvoip_still_dialing")


async def test_an_answer_after_we_gave_up_is_hung_up_at_once_and_is_abandoned() -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(SLOW, truth) as trunk, PyvoipEngine(QUICK) as engine:
        watched = Watched(engine, trunk)
        await asyncio.sleep(0.2)  # it rings
        watched.call.hang_up()
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.reason) == ("abandoned", "hang_up")
    assert CallAnswered not in watched.kinds
    assert truth[watched.call.call_id].ended_by == "us"


async def test_a_silent_callee_costs_no_other_call() -> None:
    async with carrier_of(SILENT) as silent, carrier_of(LISTENS) as trunk, PyvoipEngine(QUICK) as engine:
        waiting = Watched(engine, silent)
        answered = await Watched(engine, trunk, hang_up_on(CallAnswered)).end()
        assert answered.outcome.result == "answered"
        assert not waiting.ended.done()


async def test_two_engines_that_draw_the_same_rtp_port_both_hear_their_answer() -> None:
    """pyVoIP binds the port at the answer; while it was only looked at, the second call could not, and dialed on for ever."""

    def same(size: int) -> bytes:
        return bytes(size)

    async with (
        carrier_of(LISTENS) as trunk,
        PyvoipEngine(QUICK, rng=same) as one,
        PyvoipEngine(QUICK, rng=same) as other,
    ):
        calls = [
            Watched(engine, trunk, hang_up_on(CallAnswered), call_id=name)
            for name, engine in (("one", one), ("other", other))
        ]
        ended = [await call.end() for call in calls]
    assert [each.outcome.result for each in ended] == ["answered", "answered"]


async def test_a_datagram_that_pyvoip_cannot_read_ends_the_call_unknown() -> None:
    """Its call() reads without catching: the exception leaves it while the phone at the far end may ring."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.8", 0))
        host, port = peer.getsockname()
        async with PyvoipEngine(QUICK) as engine:
            watched = Watched(engine, TrunkConfig(name="garbage", host=host, port=port))
            _, addr = await asyncio.to_thread(peer.recvfrom, 65_535)
            peer.sendto(b"\x00\xff garbage", addr)
            ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.reason, ended.outcome.fault) == (
        "unknown",
        "pyvoip_crashed",
        "local",
    )


@pytest.mark.parametrize("host", ["::1", "fe80::1"])
async def test_ipv6_is_refused_before_anything_is_sent(host: str) -> None:
    async with PyvoipEngine(QUICK) as engine:
        ended = await Watched(engine, TrunkConfig(name="six", host=host)).end()
    assert (ended.outcome.result, ended.outcome.reason) == ("failed", "pyvoip_has_no_ipv6")


async def test_an_identity_that_would_break_a_header_line_is_our_own_mistake() -> None:
    """It is written into From as it is."""
    trunk = TrunkConfig(name="t", host="127.0.0.8", username="7900\r\nX: y", password=Secret("p"))
    async with PyvoipEngine(QUICK) as engine:
        with pytest.raises(LocalProtocolError):
            Watched(engine, trunk)
        assert engine.live_calls == 0


async def test_an_address_that_is_not_ours_ends_the_call_here() -> None:
    config = DialerConfig(bind_host="192.0.2.1", timers=TimerConfig(t1_seconds=0.02))
    async with PyvoipEngine(config) as engine:
        ended = await Watched(engine, TrunkConfig(name="t", host="127.0.0.8")).end()
    assert (ended.outcome.result, ended.outcome.fault) == ("failed", "local")


def test_pyvoip_is_imported_only_by_a_call_of_it() -> None:
    code = "import sys, dialer, campaigns.node, api.cli.call; print('pyVoIP' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
