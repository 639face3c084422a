"""One trunk as one node sees it: its part of the limits, circuit, addresses, registration. Monotonic seconds."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from campaigns.circuit_breaker import CircuitBreaker, CircuitState, PingAnswer
from campaigns.failover import trunk_verdict
from campaigns.models import CampaignTrunk
from campaigns.pacing import TokenBucket
from campaigns.plan import TrunkPlan
from campaigns.trunk_choice import Candidate, by_weight
from campaigns.trunk_names import Place
from dialer.config import MAX_REGISTRARS, TrunkConfig, split_place
from dialer.events import TrunkEvent, TrunkPinged, TrunkRegistrationChanged
from dialer.net.resolve import Address, Target
from dialer.outcome import Outcome

ADDRESS_REST_SECONDS: Final = 30.0
"""How long an address that failed is passed over while the trunk has others (RFC 3263 §4.3)."""


class TrunkLine:
    """Counts calls and keeps what is known. Pure but for the numbers it draws."""

    def __init__(self, plan: TrunkPlan, rng: Callable[[int], bytes], now: float) -> None:
        self.plan = plan
        self.breaker = CircuitBreaker(plan.trunk.health, rng)
        self.calls = 0
        self.targets: tuple[Target, ...] = ()
        """What the trunk's name stands for, by rank."""
        self.resolve_problem: str | None = None
        self.is_registered = False
        self.registration_problem: str | None = None
        self.last_ping: TrunkPinged | None = None
        self._rng = rng
        self._watched: TrunkConfig | None = None
        self._bucket = TokenBucket(plan.calls_per_second, now)
        self._bad_until: dict[Address, float] = {}

    @property
    def trunk_id(self) -> int:
        return self.plan.trunk.trunk_id

    def use(self, plan: TrunkPlan) -> None:
        """Take up changed settings."""
        self.plan = plan
        self.breaker.policy = plan.trunk.health
        if plan.trunk.health.options_interval_seconds is None:
            self.breaker.forget_pings()

    @property
    def place(self) -> Place:
        """The name to be resolved, as settings have it."""
        trunk = self.plan.trunk
        return trunk.host, trunk.port, trunk.transport

    def resolve(self, targets: Sequence[Target], problem: str | None) -> None:
        """Take what the name stands for now."""
        self.targets, self.resolve_problem = tuple(targets), problem
        present = {target.address for target in targets}
        self._bad_until = {key: until for key, until in self._bad_until.items() if key in present}

    @property
    def is_ready(self) -> bool:
        """Calls could go if the circuit let them."""
        return bool(self.targets) and (self.plan.trunk.registration is None or self.is_registered)

    def registrars(self) -> list[Place]:
        """The names that a registration needs, as settings have them."""
        trunk = self.plan.trunk
        if trunk.registration is None:
            return []
        places = [split_place(place) for place in trunk.registration.registrars]
        return [(host, port, trunk.transport) for host, port in places]

    def watch(self, registrars: Sequence[Address]) -> TrunkConfig | None:
        """Return what the dialer watches; None while there is no address. `registrars` are those of `registrars()`."""
        watched = None
        if self.targets and (registrars or not self.registrars()):
            watched = self.plan.trunk.config(*self.targets[0].address)
            registration = watched.registration
            if registration is not None and registrars:
                places = tuple(
                    f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in registrars
                )
                registration = msgspec.structs.replace(registration, registrars=places[:MAX_REGISTRARS])
            watched = msgspec.structs.replace(
                watched,
                other_addresses=tuple(target.address for target in self.targets[1:]),
                registration=registration,
            )
        if watched != self._watched:
            self.is_registered = False  # it begins anew
            self._watched = watched
        return watched

    def note(self, event: TrunkEvent, now: float) -> None:
        """Take what is news of the trunk."""
        if isinstance(event, TrunkRegistrationChanged):
            self.is_registered, self.registration_problem = event.is_registered, event.problem
        elif isinstance(event, TrunkPinged):
            self.last_ping = event
            if event.sip_status == 503 and event.retry_after_seconds:
                self.breaker.leave_alone(event.retry_after_seconds, now)
            else:
                self.breaker.note_ping(now, _answer_of(event))

    def candidate(self, use: CampaignTrunk, now: float) -> Candidate:
        """Describe this trunk to the choice."""
        full_rate = self.plan.calls_per_second
        self.breaker.advance(full_rate, now)
        self._bucket.rate = self.breaker.rate(full_rate, now)
        room = min(self._bucket.available(now), self.plan.channels - self.calls)
        if self.breaker.room is not None:
            room = min(room, self.breaker.room)
        return Candidate(
            trunk_id=self.trunk_id,
            priority=use.priority,
            weight=use.weight,
            is_healthy=self.is_ready and self.breaker.state is CircuitState.CLOSED,
            is_recovering=self.is_ready and self.breaker.state is CircuitState.HALF_OPEN,
            room=max(0, room),
        )

    def config(self, now: float) -> TrunkConfig:
        """
        Return what a call of this moment is told: of the addresses that have not just failed one of the first rank, by
        weight (RFC 2782); the very first where the trunk has registered us, which the watch did there.
        """
        good = self._good(now) or self.targets
        equals = [one for one in good if one.rank == good[0].rank]
        is_bound = self.plan.trunk.registration is not None
        target = equals[0] if is_bound else by_weight(equals, self._rng)
        return self.plan.trunk.config(*target.address)

    def has_other_address(self, now: float) -> bool:
        """Whether an address is left that has not just failed."""
        return bool(self._good(now))

    def begin_call(self) -> None:
        self._bucket.take(1)
        self.calls += 1
        self.breaker.call_begun()

    def note_ringing(self, now: float) -> None:
        """A phone rings: the trunk does its work."""
        self.breaker.note_success(now)

    def end_call(self, outcome: Outcome | None, address: Address, now: float, *, has_rung: bool) -> None:
        """Count what the end says of the trunk, unless it has been counted; None where nobody knows how it ended."""
        self.calls -= 1
        verdict = "nothing" if outcome is None else trunk_verdict(outcome)
        if outcome is None or verdict == "nothing" or has_rung:
            self.breaker.note_nothing()
        elif verdict == "success":
            self.breaker.note_success(now)
        else:
            if len(self.targets) > 1:
                self._bad_until[address] = now + (outcome.retry_after_seconds or ADDRESS_REST_SECONDS)
            if len(self.targets) > 1 and self.has_other_address(now):
                self.breaker.note_nothing()  # the trunk has not failed before its last address has
            else:
                self.breaker.note_fault(outcome.reason, now, retry_after_seconds=outcome.retry_after_seconds)

    def _good(self, now: float) -> list[Target]:
        return [one for one in self.targets if self._bad_until.get(one.address, 0.0) <= now]


def _answer_of(ping: TrunkPinged) -> PingAnswer:
    if ping.rtt_ms is None:
        return "silence"
    # 503 and 408 come from somebody who cannot serve, or from a proxy that reached nobody
    return "cannot_serve" if ping.sip_status in {408, 503} else "serves"
