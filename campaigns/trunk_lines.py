"""All trunks of one node: what the runner asks, and what the node tells the database of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from campaigns.circuit_breaker import CircuitState
from campaigns.live_attempt import BegunAttempt
from campaigns.models import CampaignTrunk
from campaigns.plan import TrunkPlan
from campaigns.trunk_choice import Candidate
from campaigns.trunk_line import TrunkLine
from campaigns.trunk_names import TrunkNames
from dialer.config import TrunkConfig
from dialer.events import TrunkEvent
from dialer.outcome import Outcome


class TrunkLines:
    """Keeps a line per trunk. One that is gone takes no calls, and counts those that are under way."""

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self._rng = rng
        self._lines: dict[int, TrunkLine] = {}
        self._present: list[int] = []

    def __getitem__(self, trunk_id: int) -> TrunkLine:
        return self._lines[trunk_id]

    @property
    def present(self) -> list[TrunkLine]:
        """Those that are there."""
        return [self._lines[trunk_id] for trunk_id in self._present]

    def use(self, plans: Sequence[TrunkPlan], now: float) -> None:
        """Work with these trunks from now on."""
        for plan in plans:
            line = self._lines.get(plan.trunk.trunk_id)
            if line is None:
                self._lines[plan.trunk.trunk_id] = TrunkLine(plan, self._rng, now)
            else:
                line.use(plan)
        self._present = [plan.trunk.trunk_id for plan in plans]

    def watched(self, names: TrunkNames) -> list[TrunkConfig]:
        """Return what the dialer is to watch, names resolved."""
        configs = []
        for line in self.present:
            found = [names.targets(place)[0] for place in line.registrars()]
            config = line.watch([target.address for targets in found for target in targets])
            if config is not None:
                configs.append(config)
        return configs

    def note(self, event: TrunkEvent, now: float) -> None:
        """Take what the dialer tells of a trunk that it watches."""
        for line in self.present:
            if line.plan.trunk.name == event.trunk:
                line.note(event, now)

    def health(self, now: float, wall_time: Callable[[float], datetime]) -> list[tuple[Any, ...]]:
        """Return a row of `trunk_health` for each trunk; `wall_time` turns monotonic seconds into UTC."""
        return [health_of(line, now, wall_time) for line in self.present]

    def candidates(self, uses: Sequence[CampaignTrunk], now: float) -> list[Candidate]:
        """Describe a campaign's trunks to the choice."""
        present = set(self._present)
        return [self._lines[use.trunk_id].candidate(use, now) for use in uses if use.trunk_id in present]

    def begin_call(self, begun: BegunAttempt) -> None:
        self._lines[begun.trunk_id].begin_call()

    def note_ringing(self, begun: BegunAttempt, now: float) -> None:
        self._lines[begun.trunk_id].note_ringing(now)

    def end_call(self, begun: BegunAttempt, outcome: Outcome | None, now: float, *, has_rung: bool) -> None:
        address = (begun.trunk.host, begun.trunk.port)
        self._lines[begun.trunk_id].end_call(outcome, address, now, has_rung=has_rung)

    def tried_after(self, begun: BegunAttempt, now: float) -> tuple[int, ...]:
        """Return the trunks that have failed this try; one with another address left is none of them."""
        line = self._lines[begun.trunk_id]
        if len(line.targets) > 1 and line.has_other_address(now):
            return begun.tried_trunk_ids
        return (*begun.tried_trunk_ids, begun.trunk_id)

    def can_take_over(self, uses: Sequence[CampaignTrunk], tried: Sequence[int], now: float) -> bool:
        """Whether some trunk that has not failed this try may take it."""
        candidates = self.candidates([use for use in uses if use.trunk_id not in tried], now)
        return any(one.is_healthy or one.is_recovering for one in candidates)


def health_of(line: TrunkLine, now: float, wall_time: Callable[[float], datetime]) -> tuple[Any, ...]:
    breaker, ping = line.breaker, line.last_ping
    breaker.advance(line.plan.calls_per_second, now)
    is_timed = breaker.state is CircuitState.OPEN and not breaker.is_silent
    return (
        line.trunk_id,
        breaker.state.value,
        breaker.reason,
        wall_time(breaker.open_until) if is_timed else None,
        None if line.plan.trunk.registration is None else line.is_registered,
        line.registration_problem,
        line.resolve_problem,
        line.calls,
        None if ping is None else wall_time(ping.at),
        None if ping is None or ping.rtt_ms is None else round(ping.rtt_ms),
        None if ping is None else ping.sip_status,
    )
