"""One trunk as a node sees it: when it takes calls, by which address, and what the ends of calls do to it."""

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from campaigns.circuit_breaker import CircuitState
from campaigns.models import CampaignTrunk
from campaigns.plan import TrunkPlan
from campaigns.trunk_line import ADDRESS_REST_SECONDS, TrunkLine
from campaigns.trunk_models import Trunk
from dialer.config import HealthPolicy, Registration
from dialer.events import TrunkPinged, TrunkRegistrationChanged
from dialer.net.resolve import Target
from dialer.outcome import Outcome, outcome_of_refusal, outcome_of_silence

USE = CampaignTrunk(trunk_id=1, priority=2, weight=3)
ONE, TWO = ("192.0.2.1", 5060), ("192.0.2.2", 5060)


def plan(*, calls_per_second: float = 10.0, channels: int = 5, **settings: Any) -> TrunkPlan:
    trunk = Trunk(
        trunk_id=1,
        **{
            "name": "t", "host": "192.0.2.1", "port": 5060, "username": None, "password": None, "caller_id": "x",
            "max_calls_per_second": calls_per_second, "max_channels": channels,
            "created_time": datetime(2026, 11, 25, tzinfo=UTC),
            "health": HealthPolicy(consecutive_faults=2, options_interval_seconds=None), **settings,
        },
    )  # fmt: skip
    return TrunkPlan(trunk=trunk, calls_per_second=calls_per_second, channels=channels)


def line_of(*addresses: tuple[str, int], **settings: Any) -> TrunkLine:
    line = TrunkLine(plan(**settings), random.Random(1).randbytes, 0.0)
    line.resolve([Target(*address, rank) for rank, address in enumerate(addresses)], None)
    return line


def call(line: TrunkLine, outcome: Outcome | None, now: float, address: tuple[str, int] = ONE) -> None:
    line.begin_call()
    line.end_call(outcome, address, now, has_rung=False)


def test_room_is_what_rate_and_channels_leave() -> None:
    line = line_of(ONE, channels=3)
    candidate = line.candidate(USE, 100.0)
    assert (candidate.priority, candidate.weight, candidate.is_healthy, candidate.room) == (2, 3, True, 3)
    for _ in range(3):
        line.begin_call()
    assert line.candidate(USE, 200.0).room == 0
    line.end_call(None, ONE, 200.0, has_rung=False)
    assert line.candidate(USE, 200.0).room == 1


def test_without_an_address_or_a_registration_no_call_goes() -> None:
    assert not line_of().candidate(USE, 1.0).is_healthy
    line = line_of(ONE, registration=Registration())
    assert not line.candidate(USE, 1.0).is_healthy
    assert line.watch([]) is not None
    line.note(TrunkRegistrationChanged(trunk="t", at=1.0, is_registered=True), 1.0)
    assert line.candidate(USE, 1.0).is_healthy
    assert line.watch([]) is not None
    assert line.is_registered, "nothing has changed"
    line.use(plan(registration=Registration(expires_seconds=600)))
    line.watch([])
    assert not line.is_registered, "the watch begins anew"


def test_a_name_of_a_registrar_waits_for_its_address() -> None:
    line = line_of(ONE, registration=Registration(registrars=("reg.example.net",)))
    assert line.registrars() == [("reg.example.net", None, "udp")]
    assert line.watch([]) is None
    watched = line.watch([("2001:db8::1", 5070)])
    assert watched is not None
    assert watched.registration is not None
    assert watched.registration.registrars == ("[2001:db8::1]:5070",)


def test_faults_open_the_circuit_and_no_call_goes() -> None:
    line = line_of(ONE)
    call(line, outcome_of_refusal(486), 1.0)
    call(line, outcome_of_silence(), 2.0)
    call(line, outcome_of_silence(), 3.0)
    candidate = line.candidate(USE, 4.0)
    assert (candidate.is_healthy, candidate.room) == (False, 0)
    probing = line.candidate(USE, 60.0)
    assert (probing.is_healthy, probing.is_recovering, probing.room) == (False, True, 1)


def test_a_call_that_rang_is_counted_once() -> None:
    line = line_of(ONE)
    line.begin_call()
    line.note_ringing(1.0)
    line.end_call(outcome_of_refusal(503), ONE, 2.0, has_rung=True)
    call(line, outcome_of_silence(), 3.0)
    assert line.breaker.state is CircuitState.CLOSED


def test_the_next_address_is_used_before_the_trunk_has_failed() -> None:
    line = line_of(ONE, TWO)
    assert (line.config(0.0).host, line.has_other_address(0.0)) == ("192.0.2.1", True)
    call(line, outcome_of_silence(), 1.0)
    assert line.config(1.0).host == "192.0.2.2"
    call(line, outcome_of_silence(), 2.0, TWO)
    assert not line.has_other_address(2.0)
    call(line, outcome_of_silence(), 3.0, ONE)
    assert line.breaker.state is CircuitState.OPEN, "both addresses have failed"
    assert line.config(4.0 + ADDRESS_REST_SECONDS).host == "192.0.2.1"


def test_retry_after_of_a_call_and_of_an_options_is_obeyed() -> None:
    for seconds in (40, 400):
        line = line_of(ONE)
        call(line, outcome_of_refusal(503, retry_after_seconds=seconds), 1.0)
        assert (line.breaker.state, line.breaker.open_until) == (CircuitState.OPEN, 1.0 + seconds)
    line = line_of(ONE)
    line.note(TrunkPinged(trunk="t", at=1.0, rtt_ms=3.0, sip_status=503, retry_after_seconds=30), 1.0)
    assert line.breaker.open_until == 31.0


def test_options_without_an_answer_or_from_who_cannot_serve_counts() -> None:
    for event in (
        TrunkPinged(trunk="t", at=1.0, rtt_ms=None),
        TrunkPinged(trunk="t", at=1.0, rtt_ms=2.0, sip_status=503),
    ):
        line = line_of(ONE, health=HealthPolicy())
        line.note(TrunkPinged(trunk="t", at=0.5, rtt_ms=2.0, sip_status=200), 0.5)
        for _ in range(2):
            line.note(event, 1.0)
        assert line.breaker.state is CircuitState.OPEN
    line = line_of(ONE, health=HealthPolicy())
    for _ in range(5):
        line.note(TrunkPinged(trunk="t", at=1.0, rtt_ms=2.0, sip_status=404), 1.0)
    assert line.breaker.state is CircuitState.CLOSED, "somebody is there"


def test_equal_addresses_get_calls_by_their_weight_and_a_lower_rank_waits_for_their_failure() -> None:
    line = line_of()
    line.resolve([Target(*ONE, 0, 300), Target(*TWO, 0, 100), Target("192.0.2.3", 5060, 1)], None)
    drawn = Counter(line.config(0.0).host for _ in range(4_000))
    assert drawn.keys() == {"192.0.2.1", "192.0.2.2"}
    assert 2_850 < drawn["192.0.2.1"] < 3_150, "three quarters; five standard deviations are 137"
    call(line, outcome_of_silence(), 1.0, ONE)
    assert {line.config(1.0).host for _ in range(50)} == {"192.0.2.2"}
    call(line, outcome_of_silence(), 2.0, TWO)
    assert line.config(2.0).host == "192.0.2.3"


def test_calls_of_a_trunk_that_registers_us_stay_where_the_watch_registered() -> None:
    line = line_of(registration=Registration())
    line.resolve([Target(*ONE), Target(*TWO)], None)
    assert {line.config(0.0).host for _ in range(50)} == {"192.0.2.1"}


def test_a_name_stays_what_is_asked_for_wherever_it_leads() -> None:
    named = line_of(ONE, host="carrier.example", port=None)
    assert named.place == ("carrier.example", None, "udp")
    config = named.config(0.0)
    assert (config.host, config.domain, config.from_domain) == (
        "192.0.2.1",
        "carrier.example",
        "carrier.example",
    )
    assert line_of(ONE, host="carrier.example", port=5070).config(0.0).domain == "carrier.example:5070"
    assert line_of(ONE).config(0.0).domain is None
