import itertools

from hypothesis import given
from hypothesis import strategies as st

from campaigns.circuit_breaker import (
    MAX_LEFT_ALONE_SECONDS,
    MAX_OPEN_SECONDS,
    RAMP_STEP_SECONDS,
    TRANSITIONS,
    CircuitBreaker,
    CircuitInput,
    CircuitState,
)
from dialer.config import HealthPolicy

POLICY = HealthPolicy(consecutive_faults=3, fault_share=0.5, min_calls=10, open_seconds=10.0)
FULL_RATE = 16.0


def state_of(circuit: CircuitBreaker) -> CircuitState:
    return circuit.state  # asked anew, which a type checker does not expect of an attribute


def breaker(policy: HealthPolicy = POLICY) -> CircuitBreaker:
    return CircuitBreaker(policy, lambda n: b"\x80" * n)


def opened(now: float = 0.0, reason: str = "sip_503") -> CircuitBreaker:
    circuit = breaker()
    for _ in range(3):
        circuit.note_fault(reason, now)
    assert state_of(circuit) is CircuitState.OPEN
    return circuit


def half_open() -> tuple[CircuitBreaker, float]:
    circuit = opened()
    circuit.advance(FULL_RATE, circuit.open_until)
    assert state_of(circuit) is CircuitState.HALF_OPEN
    return circuit, circuit.open_until


def test_faults_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    circuit = breaker()
    for _ in range(2):
        circuit.note_fault("sip_503", 0.0)
    circuit.note_success(0.0)
    for _ in range(2):
        circuit.note_fault("sip_503", 0.0)
    assert state_of(circuit) is CircuitState.CLOSED
    circuit.note_fault("timer_b", 0.0)
    assert (circuit.state, circuit.reason, circuit.room) == (CircuitState.OPEN, "timer_b", 0)
    assert 9.0 <= circuit.open_until <= 11.0


def test_the_share_of_faults_of_the_last_minute_opens_it() -> None:
    def run(second: float) -> CircuitState:
        circuit = breaker()
        for index in range(10):
            if index % 2:
                circuit.note_fault("sip_500", second * index)
            else:
                circuit.note_success(second * index)
        return circuit.state

    assert run(1.0) is CircuitState.OPEN
    assert run(30.0) is CircuitState.CLOSED, "never ten calls within a minute"


def test_one_probe_then_a_rate_that_doubles_then_closed() -> None:
    circuit, now = half_open()
    rooms = [circuit.room]
    circuit.call_begun()
    rooms.append(circuit.room)
    circuit.note_success(now)
    assert [*rooms, circuit.room] == [1, 0, None]
    rates = []
    while state_of(circuit) is CircuitState.HALF_OPEN:
        rates.append(circuit.rate(FULL_RATE, now))
        now += RAMP_STEP_SECONDS
        circuit.advance(FULL_RATE, now)
    assert rates == [1.0, 2.0, 4.0, 8.0]
    assert (circuit.state, circuit.reason, circuit.rate(FULL_RATE, now)) == (
        CircuitState.CLOSED,
        None,
        FULL_RATE,
    )


def test_a_probe_that_fails_opens_it_for_twice_as_long_and_not_without_end() -> None:
    circuit, now = half_open()
    rests = []
    for _ in range(10):
        circuit.call_begun()
        circuit.note_fault("sip_503", now)
        rests.append(circuit.open_until - now)
        now = circuit.open_until
        circuit.advance(FULL_RATE, now)
    assert all(1.9 < later / earlier < 2.1 for earlier, later in itertools.pairwise(rests[:5]))
    assert max(rests) <= MAX_OPEN_SECONDS * 1.1


def test_a_probe_that_says_nothing_is_followed_by_another() -> None:
    circuit, _ = half_open()
    circuit.call_begun()
    circuit.note_nothing()
    assert (circuit.state, circuit.room) == (CircuitState.HALF_OPEN, 1)


def test_one_fault_of_many_calls_does_not_end_the_ramp_and_two_do() -> None:
    circuit, now = half_open()
    circuit.note_success(now)
    circuit.note_fault("sip_503", now)
    assert state_of(circuit) is CircuitState.HALF_OPEN
    circuit.note_fault("sip_503", now)
    assert state_of(circuit) is CircuitState.OPEN


def test_a_trunk_that_asks_for_a_rest_gets_exactly_that() -> None:
    circuit = breaker()
    circuit.note_fault("sip_503", 100.0, retry_after_seconds=45)
    assert (circuit.state, circuit.reason, circuit.open_until) == (CircuitState.OPEN, "retry_after", 145.0)
    circuit.advance(FULL_RATE, 144.9)
    assert state_of(circuit) is CircuitState.OPEN
    circuit.note_fault("sip_503", 110.0, retry_after_seconds=5)
    assert circuit.open_until == 145.0, "a call that was under way asks for less"
    circuit.note_fault("sip_503", 110.0, retry_after_seconds=10**9)
    assert circuit.open_until == 110.0 + MAX_LEFT_ALONE_SECONDS


def test_unanswered_options_open_it_until_they_are_answered() -> None:
    circuit = breaker()
    circuit.note_ping(-30.0, "serves")
    circuit.note_ping(0.0, "silence")
    assert state_of(circuit) is CircuitState.CLOSED, "one datagram may be lost"
    circuit.note_ping(30.0, "silence")
    assert (circuit.state, circuit.reason) == (CircuitState.OPEN, "options_silent")
    circuit.advance(FULL_RATE, 1_000.0)
    assert state_of(circuit) is CircuitState.OPEN, "nobody's call is the probe"
    circuit.note_ping(1_000.0, "serves")
    assert state_of(circuit) is CircuitState.HALF_OPEN


def test_an_answer_to_options_does_not_excuse_refused_calls() -> None:
    circuit = opened(reason="sip_503")
    circuit.note_ping(1.0, "serves")
    assert state_of(circuit) is CircuitState.OPEN
    circuit = opened(reason="transport_error")
    circuit.note_ping(1.0, "serves")
    assert state_of(circuit) is CircuitState.HALF_OPEN


def test_every_state_has_a_way_out() -> None:
    assert {state for state, _ in TRANSITIONS} == set(CircuitState)
    assert {event for _, event in TRANSITIONS} == set(CircuitInput)


def test_silence_says_nothing_of_a_trunk_that_never_answered_options() -> None:
    """SIPp's own callee is one, and so are many carriers: they place every call."""
    circuit = breaker()
    for minute in range(100):
        circuit.note_ping(60.0 * minute, "silence")
        circuit.advance(FULL_RATE, 60.0 * minute)
    assert (circuit.state, circuit.is_silent) == (CircuitState.CLOSED, False)


INPUTS = st.sampled_from(["success", "fault", "nothing", "begin", "ping", "no_ping", "leave"])


@given(st.lists(st.tuples(INPUTS, st.floats(0.0, 40.0)), max_size=60))
def test_whatever_happens_it_never_lets_through_more_than_the_full_rate(
    steps: list[tuple[str, float]],
) -> None:
    circuit, now = breaker(), 0.0
    for name, seconds in steps:
        now += seconds
        circuit.advance(FULL_RATE, now)
        match name:
            case "success":
                circuit.note_success(now)
            case "fault":
                circuit.note_fault("sip_503", now)
            case "nothing":
                circuit.note_nothing()
            case "begin":
                circuit.call_begun()
            case "leave":
                circuit.leave_alone(5.0, now)
            case _:
                circuit.note_ping(now, "serves" if name == "ping" else "silence")
        rate = circuit.rate(FULL_RATE, now)
        assert 0.0 <= rate <= FULL_RATE
        assert (rate == 0.0) == (circuit.state is CircuitState.OPEN)
        assert (circuit.reason is None) == (circuit.state is CircuitState.CLOSED)
