"""Names are looked up beside the calls, again when their time is over, and an old answer is better than none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from campaigns.trunk_names import Place, TrunkNames
from dialer.net.resolve import Resolved, Target
from dialer.transport_config import Transport

PLACE: Place = ("sip.example.net", None, "udp")


class Resolver:
    """Answers by hand."""

    def __init__(self) -> None:
        self.answers: dict[str, Resolved | Exception] = {}
        self.asked: list[str] = []

    async def look_up(self, host: str, port: int | None, transport: Transport) -> Resolved:
        self.asked.append(host)
        answer = self.answers.get(host, OSError("Name or service not known"))
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def running(names: TrunkNames, changed: asyncio.Event) -> AsyncIterator[None]:
    task = asyncio.create_task(names.run(changed.set))
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        task.cancel()


async def test_a_name_gets_all_its_addresses_in_their_order() -> None:
    resolver, changed = Resolver(), asyncio.Event()
    found = (Target("192.0.2.1", 5060), Target("192.0.2.2", 5060, 1))
    resolver.answers["sip.example.net"] = Resolved(found, 60.0)
    names = TrunkNames(resolver.look_up)
    async with running(names, changed):
        names.want([PLACE])
        assert names.targets(PLACE) == ((), None), "not yet"
        await changed.wait()
        assert names.targets(PLACE) == (found, None)


async def test_an_address_needs_no_look_up_to_be_used() -> None:
    names = TrunkNames(Resolver().look_up)
    places: list[Place] = [("192.0.2.1", 5070, "udp"), ("::1", None, "tls")]
    names.want(places)
    assert names.targets(places[0]) == ((Target("192.0.2.1", 5070),), None)
    assert names.targets(places[1]) == ((Target("::1", 5061),), None)


async def test_a_name_without_an_address_says_why() -> None:
    resolver, changed = Resolver(), asyncio.Event()
    names = TrunkNames(resolver.look_up)
    async with running(names, changed):
        names.want([PLACE])
        await changed.wait()
        assert names.targets(PLACE) == ((), "Name or service not known")


async def test_a_name_that_fails_later_keeps_its_old_answer() -> None:
    resolver, changed = Resolver(), asyncio.Event()
    resolver.answers["sip.example.net"] = Resolved((Target("192.0.2.1", 5060),), 60.0)
    names = TrunkNames(resolver.look_up)
    async with running(names, changed):
        names.want([PLACE])
        await changed.wait()
        changed.clear()
        resolver.answers.clear()
        names._entries[PLACE].due_at = 0.0  # its time is over
        names.want([PLACE, ("other.example.net", None, "udp")])
        await changed.wait()
        assert names.targets(PLACE) == ((Target("192.0.2.1", 5060),), "Name or service not known")


async def test_nobody_is_asked_about_a_name_that_nobody_wants() -> None:
    resolver, changed = Resolver(), asyncio.Event()
    names = TrunkNames(resolver.look_up)
    async with running(names, changed):
        names.want([PLACE])
        await changed.wait()
        names.want([])
        assert names.targets(PLACE) == ((), None)
