"""Registration with a real registrar, Asterisk's: what it binds, for whom, and until when, over every transport."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import pytest

from dialer import Dialer, DialerConfig, Secret, TlsConfig, TrunkConfig
from dialer.config import HealthPolicy, Registration
from dialer.events import TrunkEvent, TrunkPinged, TrunkRegistrationChanged
from dialer.transport_config import DEFAULT_PORTS, Transport
from tests.lab.container import LAB, Container

pytestmark = pytest.mark.lab
E = TypeVar("E", bound=TrunkEvent)
QUIET = HealthPolicy(options_interval_seconds=None)
TRANSPORTS: Final[tuple[Transport, ...]] = ("udp", "tcp", "tls")
every_transport = pytest.mark.parametrize("transport", TRANSPORTS)
SECOND = Container(f"obzvon-lab-{LAB.number + 10}")
"""The registrar that dies; the lab of the other tests stays."""


def trunk(
    password: str = "lab-password",
    *,
    transport: Transport = "udp",
    user: str = "registered",
    health: HealthPolicy = QUIET,
    registrars: tuple[str, ...] = (),
) -> TrunkConfig:
    return TrunkConfig(
        name="asterisk",
        host=LAB.asterisk_host,
        port=DEFAULT_PORTS[transport],
        transport=transport,
        tls=TlsConfig(ca_file=str(LAB.out / "authority.pem")),
        username=user,
        password=Secret(password),
        registration=Registration(expires_seconds=60, registrars=registrars),
        health=health,
    )


@asynccontextmanager
async def watching(config: TrunkConfig) -> AsyncIterator[Callable[[type[E]], "asyncio.Future[E]"]]:
    """Watch a trunk; the given function waits for the next event of a kind."""
    events: asyncio.Queue[TrunkEvent] = asyncio.Queue()

    async def next_of(kind: type[E]) -> E:
        async with asyncio.timeout(50):
            while not isinstance(event := await events.get(), kind):
                pass
            return event

    async with Dialer(DialerConfig(bind_host="127.0.0.1")) as dialer:
        dialer.watch([config], events.put_nowait)
        yield lambda kind: asyncio.ensure_future(next_of(kind))


async def bindings(user: str, registrar: Container = LAB) -> list[dict[str, Any]]:
    """What the registrar keeps of a user: `uri`, `expiration_time`, ..."""
    listed = await asyncio.to_thread(registrar.console, "database show registrar")
    rows = [line.partition(": ") for line in listed.splitlines()]
    return [json.loads(row) for key, _, row in rows if key.startswith(f"/registrar/contact/{user};@")]


@every_transport
async def test_asterisk_knows_our_contact_while_we_are_there_and_not_afterwards(transport: Transport) -> None:
    async with watching(trunk(transport=transport)) as next_of:
        event = await next_of(TrunkRegistrationChanged)
        assert (event.is_registered, event.problem) == (True, None)
        (binding,) = await bindings("registered")
        assert binding["uri"].startswith("sip:registered@127.0.0.1:")
        wanted = "" if transport == "udp" else f";transport={transport}"
        assert binding["uri"].endswith(wanted)
    assert await bindings("registered") == []


@every_transport
async def test_a_wrong_password_is_named_and_binds_nothing(transport: Transport) -> None:
    async with watching(trunk("wrong", transport=transport)) as next_of:
        event = await next_of(TrunkRegistrationChanged)
        assert (event.is_registered, event.problem, event.sip_status) == (False, "password_wrong", 401)
        assert await bindings("registered") == []


@every_transport
async def test_a_423_is_met_with_the_time_that_asterisk_asks_for(transport: Transport) -> None:
    """RFC 3261 §10.2.8: we ask for a minute, Asterisk gives two at least."""
    async with watching(trunk(transport=transport, user="registered-long")) as next_of:
        event = await next_of(TrunkRegistrationChanged)
        assert (event.is_registered, event.problem) == (True, None)
        (binding,) = await bindings("registered-long")
        lasts_seconds = int(binding["expiration_time"]) - await now_there()
        assert 110 <= lasts_seconds <= 121


async def now_there() -> int:
    """Asterisk's clock, in seconds."""
    return int(await asyncio.to_thread(LAB.run, "exec", "date", "+%s"))


@pytest.mark.timeout(90)
async def test_a_binding_is_refreshed_before_it_ends_over_every_transport() -> None:
    """A binding of 60 s is refreshed after 27 to 30 s: its end moves on, its contact stays."""

    async def is_refreshed(transport: Transport) -> bool:
        async with watching(trunk(transport=transport)) as next_of:
            assert (await next_of(TrunkRegistrationChanged)).is_registered
            ending = "" if transport == "udp" else f";transport={transport}"

            async def ends_at() -> int:
                (ours,) = [
                    one for one in await bindings("registered")
                    if one["uri"].endswith(ending) and ("transport" in one["uri"]) is bool(ending)
                ]  # fmt: skip
                return int(ours["expiration_time"])

            first = await ends_at()
            async with asyncio.timeout(50):
                while await ends_at() == first:
                    await asyncio.sleep(2)
            return 25 <= await ends_at() - first <= 32

    assert await asyncio.gather(*(is_refreshed(transport) for transport in TRANSPORTS)) == [True] * 3


@every_transport
async def test_a_dead_registrar_is_passed_over_for_the_next(transport: Transport) -> None:
    place = f"{LAB.asterisk_host}:{DEFAULT_PORTS[transport]}"
    registrars = (f"{LAB.asterisk_host}:9", place)  # nobody listens at the first, and the system says so
    async with watching(trunk(transport=transport, registrars=registrars)) as next_of:
        assert (await next_of(TrunkRegistrationChanged)).is_registered
        assert len(await bindings("registered")) == 1


@pytest.mark.timeout(180)
async def test_when_the_registrar_dies_the_refresh_binds_us_at_the_second_one() -> None:
    """RFC 3263 §4.3: the binding is kept without a word of a loss, though its registrar is killed."""
    await asyncio.to_thread(SECOND.run, "up")
    try:
        registrars = (SECOND.asterisk_host, LAB.asterisk_host)
        async with watching(trunk(registrars=registrars)) as next_of:
            assert (await next_of(TrunkRegistrationChanged)).is_registered
            assert (len(await bindings("registered", SECOND)), await bindings("registered")) == (1, [])
            os.kill(int(await asyncio.to_thread(SECOND.run, "pid")), signal.SIGKILL)
            event = await next_of(TrunkRegistrationChanged)
            assert event.is_registered
            assert len(await bindings("registered")) == 1
    finally:
        await asyncio.to_thread(SECOND.run, "down")


async def test_asterisk_answers_our_options() -> None:
    config = TrunkConfig(
        name="asterisk", host=LAB.asterisk_host, health=HealthPolicy(options_interval_seconds=1.0)
    )
    async with watching(config) as next_of:
        for _ in range(2):
            event = await next_of(TrunkPinged)
            assert event.rtt_ms is not None
            assert event.sip_status == 200
