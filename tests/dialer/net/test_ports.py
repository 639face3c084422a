from dialer.net.ports import QUARANTINE_SECONDS, PortPool


def test_every_even_port_of_the_range_is_given_once() -> None:
    pool = PortPool(20_001, 20_010, b"seed")
    assert sorted(port for _ in range(4) if (port := pool.take(0.0))) == [20_002, 20_004, 20_006, 20_008]
    assert pool.take(0.0) is None


def test_a_port_rests_before_the_next_call_gets_it() -> None:
    pool = PortPool(20_000, 20_001, b"seed")
    assert pool.take(0.0) == 20_000
    pool.give_back(20_000, 5.0)
    assert pool.take(5.0 + QUARANTINE_SECONDS - 0.1) is None
    assert pool.take(5.0 + QUARANTINE_SECONDS) == 20_000


def test_nodes_with_other_seeds_begin_elsewhere() -> None:
    first = {PortPool(20_000, 39_999, bytes([seed])).take(0.0) for seed in range(5)}
    assert len(first) == 5
