from dialer.config import NetworkFaults
from dialer.net.faults import Loss


def test_the_same_seed_drops_the_same_datagrams() -> None:
    first, second = (Loss(NetworkFaults(loss=0.3, seed=7)) for _ in range(2))
    assert [first.drops() for _ in range(200)] == [second.drops() for _ in range(200)]


def test_about_the_wanted_share_is_dropped() -> None:
    loss = Loss(NetworkFaults(loss=0.05, seed=7))
    assert 400 < sum(loss.drops() for _ in range(10_000)) < 600
