"""
The contract of the port over TCP, TLS and IPv6: the same calls, to the same simulated callees.

pyVoIP has a UDP socket of IPv4 and nothing else, which is the reason of every strict xfail here.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec
import pytest

from dialer.config import DialerConfig, TrunkConfig
from dialer.events import CallAnswered, CallRinging, DtmfReceived
from dialer.testing.carrier import CarrierConfig
from dialer.testing.population import CalleePlan
from dialer.testing.truth import TruthRow
from dialer.transport_config import TlsConfig
from tests.dialer.certificates import Authority
from tests.dialer.port_calls import (
    HANGS_UP,
    LISTENS,
    PRESSES,
    PROMPT,
    QUICK,
    RINGS,
    MakeEngine,
    Watched,
    carrier_of,
    hang_up_on,
    play_then_hang_up,
    pyvoip_cannot,
)

Reach = Callable[[CalleePlan, dict[str, TruthRow]], AbstractAsyncContextManager[TrunkConfig]]
ONLY_UDP = "it opens one UDP socket of IPv4 per call, and has no other"
V6 = msgspec.structs.replace(QUICK, bind_host="::1")
BUSY = CalleePlan(behaviour="busy", final_status=486)


@pytest.fixture(params=["tcp", "tls", "udp over IPv6", "tls over IPv6"])
def way(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def reach(way: str, tmp_path_factory: pytest.TempPathFactory) -> Reach:
    """Callees that are reached in one of these ways."""
    host = "::1" if "IPv6" in way else "127.0.0.9"
    transport = way.partition(" ")[0]
    authority = Authority(tmp_path_factory.mktemp("authority"))

    @asynccontextmanager
    async def carrier(plan: CalleePlan, truth: dict[str, TruthRow]) -> AsyncIterator[TrunkConfig]:
        config = msgspec.convert(
            {"host": host, "transport": transport, "certificate_file": str(authority.issue(host))},
            CarrierConfig,
        )
        async with carrier_of(plan, truth, config) as trunk:
            yield msgspec.structs.replace(trunk, tls=TlsConfig(ca_file=str(authority.file)))

    return carrier


def config_of(way: str) -> DialerConfig:
    return V6 if "IPv6" in way else QUICK


@pyvoip_cannot(ONLY_UDP)
async def test_a_call_is_answered_heard_and_hung_up(make_engine: MakeEngine, reach: Reach, way: str) -> None:
    truth: dict[str, TruthRow] = {}
    async with reach(LISTENS, truth) as trunk, make_engine(config_of(way)) as engine:
        watched = Watched(engine, trunk, play_then_hang_up)
        ended = await watched.end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")
    assert truth[watched.call.call_id].heard_ms == PROMPT.duration_ms
    assert truth[watched.call.call_id].ended_by == "us"


@pyvoip_cannot(ONLY_UDP)
async def test_a_callee_hangs_up(make_engine: MakeEngine, reach: Reach, way: str) -> None:
    async with reach(HANGS_UP, {}) as trunk, make_engine(config_of(way)) as engine:
        ended = await Watched(engine, trunk).end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "callee")


@pyvoip_cannot(ONLY_UDP)
async def test_a_callee_is_busy(make_engine: MakeEngine, reach: Reach, way: str) -> None:
    async with reach(BUSY, {}) as trunk, make_engine(config_of(way)) as engine:
        ended = await Watched(engine, trunk).end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.sip_status) == ("busy", 486)


@pyvoip_cannot(ONLY_UDP)
async def test_a_ringing_call_is_given_up(make_engine: MakeEngine, reach: Reach, way: str) -> None:
    truth: dict[str, TruthRow] = {}
    async with reach(RINGS, truth) as trunk, make_engine(config_of(way)) as engine:
        watched = Watched(engine, trunk, hang_up_on(CallRinging))
        ended = await watched.end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("cancelled", "us")
    assert truth[watched.call.call_id].result is not None


@pyvoip_cannot(ONLY_UDP)
async def test_a_key_is_heard(make_engine: MakeEngine, reach: Reach, way: str) -> None:
    async with reach(PRESSES, {}) as trunk, make_engine(config_of(way)) as engine:
        watched = Watched(engine, trunk, hang_up_on(DtmfReceived))
        await watched.end_or_hang_up()
    assert [event.digit for event in watched.events if isinstance(event, DtmfReceived)] == ["1"]


@pyvoip_cannot(ONLY_UDP)
async def test_many_calls_share_one_connection(make_engine: MakeEngine, reach: Reach, way: str) -> None:
    truth: dict[str, TruthRow] = {}
    async with reach(LISTENS, truth) as trunk, make_engine(config_of(way)) as engine:
        calls = [Watched(engine, trunk, hang_up_on(CallAnswered)) for _ in range(30)]
        outcomes = [(await call.end_or_hang_up()).outcome.result for call in calls]
    assert outcomes == ["answered"] * 30
    assert len(truth) == 30
