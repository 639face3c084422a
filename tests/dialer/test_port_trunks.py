"""What every engine must do for a trunk outside of calls; the pyVoIP engine cannot, and says why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from dialer.config import HealthPolicy, Registration, Secret, TrunkConfig
from dialer.errors import DialerClosed
from dialer.events import TrunkEvent, TrunkPinged, TrunkRegistrationChanged
from dialer.sip.digest import DigestVerifier
from dialer.sip.message import Request, parse_message, response_to
from tests.dialer.port_calls import LISTENS, QUICK, MakeEngine, both, carrier_of, pyvoip_cannot

NO_OPTIONS = pyvoip_cannot("pyVoIP 1.6.8 has no OPTIONS request: SIPClient only answers those of others")
NO_REGISTER = pyvoip_cannot(
    "pyVoIP 1.6.8 registers a phone that listens, by a thread; the engine has one phone per call and none between calls"
)
PING = HealthPolicy(options_interval_seconds=1.0)
QUIET = HealthPolicy(options_interval_seconds=None)


class Registrar(asyncio.DatagramProtocol):
    """Takes REGISTER with the right password, over a real socket."""

    def __init__(self) -> None:
        self.verifier = DigestVerifier("registrar", {"us": "right"}, lambda n: b"\x01" * n)
        self.heard: list[tuple[int, str | None]] = []
        """Expires, and who had proved to be whom."""
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = parse_message(data)
        assert isinstance(request, Request)
        user = self.verifier.verify(request.headers.get("Authorization") or "", "REGISTER", b"")
        self.heard.append((int(request.headers.get("Expires") or -1), user))
        response = response_to(request, 401 if user is None else 200, to_tag="r")
        if user is None:
            response.headers.add("WWW-Authenticate", self.verifier.challenge())
        self.transport.sendto(response.to_bytes(), addr)


@asynccontextmanager
async def registrar() -> AsyncIterator[tuple[Registrar, tuple[str, int]]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Registrar, ("127.0.0.9", 0)
    )
    try:
        yield protocol, transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


async def first_event(events: "asyncio.Queue[TrunkEvent]") -> TrunkEvent | None:
    try:
        async with asyncio.timeout(5):
            return await events.get()
    except TimeoutError:
        return None


@NO_OPTIONS
async def test_a_watched_trunk_is_asked_and_its_answer_told(make_engine: MakeEngine) -> None:
    events: asyncio.Queue[TrunkEvent] = asyncio.Queue()
    async with carrier_of(LISTENS) as carrier, make_engine(QUICK) as engine:
        trunk = TrunkConfig(name="t", host=carrier.host, port=carrier.port, health=PING)
        engine.watch([trunk], events.put_nowait)
        event = await first_event(events)
        assert isinstance(event, TrunkPinged)
        assert (event.trunk, event.sip_status) == ("t", 200)


@NO_REGISTER
async def test_a_registration_is_made_and_taken_back_at_the_end(make_engine: MakeEngine) -> None:
    events: asyncio.Queue[TrunkEvent] = asyncio.Queue()
    async with registrar() as (far_end, (host, port)):
        async with make_engine(QUICK) as engine:
            trunk = TrunkConfig(
                name="t", host=host, port=port, username="us", password=Secret("right"),
                registration=Registration(expires_seconds=60), health=QUIET,
            )  # fmt: skip
            engine.watch([trunk], events.put_nowait)
            event = await first_event(events)
            assert isinstance(event, TrunkRegistrationChanged)
            assert event.is_registered
        assert far_end.heard == [(60, None), (60, "us"), (0, "us")]


@NO_REGISTER
async def test_a_wrong_password_is_told(make_engine: MakeEngine) -> None:
    events: asyncio.Queue[TrunkEvent] = asyncio.Queue()
    async with registrar() as (_, (host, port)), make_engine(QUICK) as engine:
        trunk = TrunkConfig(
            name="t", host=host, port=port, username="us", password=Secret("wrong"),
            registration=Registration(), health=QUIET,
        )  # fmt: skip
        engine.watch([trunk], events.put_nowait)
        event = await first_event(events)
        assert isinstance(event, TrunkRegistrationChanged)
        assert (event.is_registered, event.problem) == (False, "password_wrong")


@both
async def test_an_engine_that_is_closed_watches_nobody(make_engine: MakeEngine) -> None:
    engine = make_engine(QUICK)
    async with engine:
        engine.watch([], lambda _event: None)
    with pytest.raises(DialerClosed):
        engine.watch([], lambda _event: None)
