import asyncio
from itertools import pairwise

from dialer.config import NetworkFaults
from dialer.net.faults import Faults

COUNT = 10_000


def drawn(faults: NetworkFaults) -> list[list[float]]:
    network = Faults(faults)
    return [network.delays() for _ in range(COUNT)]


def test_a_share_is_dropped_and_the_seed_says_which() -> None:
    faults = NetworkFaults(loss=0.2, seed=1)
    assert drawn(faults) == drawn(faults) != drawn(NetworkFaults(loss=0.2, seed=2))
    assert 0.18 < drawn(faults).count([]) / COUNT < 0.22


def test_a_share_arrives_twice() -> None:
    twice = drawn(NetworkFaults(duplication=0.3)).count([0.0, 0.0])
    assert 0.28 < twice / COUNT < 0.32


def test_a_share_is_held_back_and_the_others_only_jitter() -> None:
    delays = [
        delay
        for (delay,) in drawn(NetworkFaults(reordering=0.25, reordering_seconds=1.0, jitter_seconds=0.1))
    ]
    held = [delay for delay in delays if delay >= 1.0]
    assert 0.23 < len(held) / COUNT < 0.27
    assert max(delays) <= 1.1
    assert 0.09 < max(delay for delay in delays if delay < 1.0) <= 0.1


def test_without_faults_everything_arrives_at_once() -> None:
    assert drawn(NetworkFaults()) == [[0.0]] * COUNT


async def test_what_is_held_back_is_overtaken() -> None:
    network = Faults(NetworkFaults(duplication=0.2, reordering=0.3, reordering_seconds=0.005, seed=3))
    arrived: list[int] = []
    for number in range(100):
        network.carry(arrived.append, number)
    await asyncio.sleep(0.05)

    assert set(arrived) == set(range(100))
    assert len(arrived) > 100
    assert any(earlier > later for earlier, later in pairwise(arrived))
