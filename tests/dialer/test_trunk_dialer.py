"""Each trunk's calls are placed by the engine that it asks for; together they are one engine."""

import asyncio

import msgspec
import pytest

from dialer.errors import DialerClosed
from dialer.events import CallAnswered
from dialer.trunk_dialer import TrunkDialer
from tests.dialer.port_calls import LISTENS, QUICK, RINGS, Watched, carrier_of, hang_up_on


async def test_the_trunk_chooses_who_calls() -> None:
    async with carrier_of(LISTENS) as native, TrunkDialer(QUICK) as dialer:
        pyvoip = msgspec.structs.replace(native, engine="pyvoip")
        calls = [Watched(dialer, trunk, hang_up_on(CallAnswered)) for trunk in (native, pyvoip)]
        assert dialer.live_calls == 2
        ends = await asyncio.gather(*(watched.end() for watched in calls))
        assert [ended.outcome.result for ended in ends] == ["answered", "answered"]
        assert [watched.call.records()[0].cseq for watched in calls] == ["1 INVITE", "1 INVITE"]
        places = [type(watched.call).__name__ for watched in calls]
    assert places == ["Call", "PyvoipCall"]


async def test_hanging_up_all_and_draining_reach_both() -> None:
    async with carrier_of(RINGS) as native, TrunkDialer(QUICK) as dialer:
        calls = [Watched(dialer, native), Watched(dialer, msgspec.structs.replace(native, engine="pyvoip"))]
        await dialer.drain(0.01)
        assert dialer.live_calls == 2
        await asyncio.sleep(0.2)
        dialer.hang_up_all()
        await dialer.drain(10)
        assert dialer.live_calls == 0
        assert all(watched.ended.done() for watched in calls)


async def test_leaving_it_closes_both() -> None:
    async with carrier_of(LISTENS) as native:
        async with TrunkDialer(QUICK) as dialer:
            pass
        for trunk in (native, msgspec.structs.replace(native, engine="pyvoip")):
            with pytest.raises(DialerClosed):
                Watched(dialer, trunk)
