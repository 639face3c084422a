"""The lab as fixtures: the Asterisk container of `make lab-up`, and a dialer to call it with."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from dialer import Call, CallEnded, CallEvent, CallRequest, Dialer, DialerConfig, TrunkConfig
from tests.lab.container import LAB
from tests.layers import not_available

OUT = LAB.out
ASTERISK = TrunkConfig(name="asterisk", host=LAB.asterisk_host, caller_id="obzvon")
PROXY = TrunkConfig(name="kamailio", host=LAB.proxy_host, caller_id="obzvon")
asterisk = LAB.console


@pytest.fixture(scope="session", autouse=True)
def lab(pytestconfig: pytest.Config) -> None:
    """Every test of this folder needs the container."""
    if not LAB.is_up:
        not_available(pytestconfig, "lab", "the Asterisk container is down; run 'make lab-up'")


class Line:
    """A dialer, and calls followed to their end."""

    def __init__(self, dialer: Dialer) -> None:
        self.dialer = dialer

    async def call(
        self, request: CallRequest, on_event: Callable[[Call, CallEvent], None] = lambda _call, _event: None
    ) -> tuple[list[CallEvent], CallEnded]:
        """Place a call; return all its events, and the one that ended it."""
        events: list[CallEvent] = []
        ended = asyncio.Event()

        def receive(event: CallEvent) -> None:
            events.append(event)
            on_event(call, event)
            if isinstance(event, CallEnded):
                ended.set()

        call = self.dialer.place_call(request, receive)
        async with asyncio.timeout(45):
            await ended.wait()
        last = events[-1]
        assert isinstance(last, CallEnded)
        return events, last


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A dialer of its own per test; afterwards nothing may be left, neither here nor in Asterisk."""
    async with Dialer(DialerConfig(bind_host="127.0.0.1")) as dialer:
        yield Line(dialer)
        assert dialer.live_calls == 0
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(lambda: asterisk("core show channels count").startswith("0 ")):
            await asyncio.sleep(0.2)  # Asterisk frees a channel shortly after its BYE
