from dialer.sip.keep_alive import KeepAliveClock


def proven(interval: float, dead_after: float) -> KeepAliveClock:
    """A clock whose peer has ponged at -1 intervals and at 0."""
    clock = KeepAliveClock(interval, dead_after, -2 * interval)
    for at in (-interval, 0.0):
        assert clock.due(at) == "ping"
        clock.hear(is_pong=True)
    return clock


def test_a_ping_leaves_in_every_interval() -> None:
    clock = KeepAliveClock(30.0, 20.0, 100.0)
    assert [at for at in range(100, 200) if clock.due(float(at)) == "ping"] == [130, 160, 190]


def test_a_peer_that_never_ponged_is_not_dead_for_silence() -> None:
    clock = KeepAliveClock(30.0, 20.0, 0.0)
    assert {clock.due(float(at)) for at in range(1_000)} == {None, "ping"}


def test_a_peer_that_pings_by_itself_now_and_then_is_not_taken_for_one_that_pongs() -> None:
    """Asterisk's keep_alive_interval, 90 s by default, is a double CRLF from the server's side."""
    clock = KeepAliveClock(30.0, 20.0, 0.0)
    seen = set()
    for at in range(2_000):
        if at % 90 == 45:
            clock.hear(is_pong=True)
        seen.add(clock.due(float(at)))
    assert seen == {None, "ping"}


def test_a_peer_that_stops_to_pong_is_dead() -> None:
    clock = proven(30.0, 20.0)
    assert clock.due(30.0) == "ping"
    assert (clock.due(49.9), clock.due(50.0)) == (None, "dead")


def test_a_message_is_a_sign_of_life() -> None:
    clock = proven(30.0, 20.0)
    clock.due(30.0)
    clock.hear()
    assert clock.due(55.0) is None


def test_a_longer_patience_than_the_interval_is_kept() -> None:
    clock = proven(5.0, 20.0)
    assert [clock.due(float(at)) for at in (5, 10, 15, 20, 25)] == ["ping", "ping", "ping", "ping", "dead"]
