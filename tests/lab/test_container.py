"""Two labs side by side: the address plan, and calls into both at the same time."""

import asyncio
from collections.abc import Iterator

import pytest

from dialer import CallAnswered, CallRequest, TrunkConfig
from tests.lab.conftest import Line
from tests.lab.container import LAB, Container
from tests.lab.prefixes import number
from tests.lab.test_calls import hang_up_after

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def second() -> Iterator[Container]:
    """Another Asterisk, as a failover test needs it."""
    container = Container(f"obzvon-lab-{LAB.number + 10}")
    container.run("up")
    yield container
    container.run("down")


def test_the_number_of_a_lab_is_in_its_addresses() -> None:
    third = Container("obzvon-lab-3")
    assert (third.asterisk_host, third.proxy_host) == ("127.0.0.30", "127.0.0.31")
    assert third.peer_host(104) == "127.1.3.104"
    assert Container("obzvon-lab").number == 1


async def test_two_labs_serve_at_once_and_one_outlives_the_other(line: Line, second: Container) -> None:
    async def call(container: Container) -> tuple[str, bool]:
        trunk = TrunkConfig(name=container.name, host=container.asterisk_host)
        events, ended = await line.call(
            CallRequest(number=number("7901", container.number), trunk=trunk), hang_up_after(1.0)
        )
        return ended.outcome.result, any(isinstance(event, CallAnswered) for event in events)

    both = await asyncio.gather(call(LAB), call(second))
    await asyncio.to_thread(second.run, "down")
    alone = await call(LAB)
    nobody, _ = await call(second)

    assert [*both, alone] == [("answered", True)] * 3
    assert nobody == "unreachable"
