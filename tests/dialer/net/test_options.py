"""Trunks of every kind on real sockets."""

import socket

import pytest

from dialer.config import TrunkConfig
from dialer.net.options import ask_trunk
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier


def trunk_at(address: tuple[str, int]) -> TrunkConfig:
    return TrunkConfig(name="t", host=address[0], port=address[1])


async def test_a_trunk_that_is_there_answers() -> None:
    async with SimulatedCarrier(CarrierConfig(host="127.0.0.1"), lambda _row: None) as carrier:
        answer = await ask_trunk(trunk_at(carrier.address), bind_host="127.0.0.1", seconds=10, rng=bytes)
    assert (answer.verdict, answer.status_code) == ("answered", 200)


async def test_a_port_where_nobody_listens_is_said_by_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    answer = await ask_trunk(trunk_at(address), bind_host="127.0.0.1", seconds=10, rng=bytes)
    assert answer.verdict == "unreachable"


async def test_silence_is_waited_for_as_long_as_was_said() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.setblocking(False)
        answer = await ask_trunk(trunk_at(deaf.getsockname()), bind_host="127.0.0.1", seconds=0.7, rng=bytes)
        assert deaf.recv(4096) == deaf.recv(4096)  # sent again after half a second
    assert answer.verdict == "silent"


async def test_an_address_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        await ask_trunk(trunk_at(("127.0.0.1", 9)), bind_host="192.0.2.1", seconds=1, rng=bytes)
