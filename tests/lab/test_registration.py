"""Registration with a real registrar, Asterisk's: what it binds, for whom, and until when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from dialer import Dialer, DialerConfig, Secret, TrunkConfig
from dialer.config import HealthPolicy, Registration
from dialer.events import TrunkEvent, TrunkPinged, TrunkRegistrationChanged
from tests.lab.container import LAB

pytestmark = pytest.mark.lab
E = TypeVar("E", bound=TrunkEvent)
QUIET = HealthPolicy(options_interval_seconds=None)


def trunk(password: str, *, health: HealthPolicy = QUIET, registrars: tuple[str, ...] = ()) -> TrunkConfig:
    return TrunkConfig(
        name="asterisk",
        host=LAB.asterisk_host,
        username="registered",
        password=Secret(password),
        registration=Registration(expires_seconds=60, registrars=registrars),
        health=health,
    )


@asynccontextmanager
async def watching(config: TrunkConfig) -> AsyncIterator[Callable[[type[E]], "asyncio.Future[E]"]]:
    """Watch a trunk; the given function waits for the next event of a kind."""
    events: asyncio.Queue[TrunkEvent] = asyncio.Queue()

    async def next_of(kind: type[E]) -> E:
        async with asyncio.timeout(40):
            while not isinstance(event := await events.get(), kind):
                pass
            return event

    async with Dialer(DialerConfig(bind_host="127.0.0.1")) as dialer:
        dialer.watch([config], events.put_nowait)
        yield lambda kind: asyncio.ensure_future(next_of(kind))


async def contacts() -> str:
    return await asyncio.to_thread(LAB.console, "pjsip show aor registered")


async def test_asterisk_knows_our_contact_while_we_are_there_and_not_afterwards() -> None:
    async with watching(trunk("lab-password")) as next_of:
        event = await next_of(TrunkRegistrationChanged)
        assert (event.is_registered, event.problem) == (True, None)
        assert "sip:registered@127.0.0.1" in await contacts()
    assert "sip:registered@127.0.0.1" not in await contacts()


async def test_a_wrong_password_is_named_and_binds_nothing() -> None:
    async with watching(trunk("wrong")) as next_of:
        event = await next_of(TrunkRegistrationChanged)
        assert (event.is_registered, event.problem, event.sip_status) == (False, "password_wrong", 401)
        assert "sip:registered@127.0.0.1" not in await contacts()


async def test_a_dead_registrar_is_passed_over_for_the_next() -> None:
    registrars = (f"{LAB.asterisk_host}:9", LAB.asterisk_host)  # nobody listens at the first: ICMP says so
    async with watching(trunk("lab-password", registrars=registrars)) as next_of:
        event = await next_of(TrunkRegistrationChanged)
        assert event.is_registered


async def test_asterisk_answers_our_options() -> None:
    config = TrunkConfig(
        name="asterisk", host=LAB.asterisk_host, health=HealthPolicy(options_interval_seconds=1.0)
    )
    async with watching(config) as next_of:
        for _ in range(2):
            event = await next_of(TrunkPinged)
            assert event.rtt_ms is not None
            assert event.sip_status == 200
