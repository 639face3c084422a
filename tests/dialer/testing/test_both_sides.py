"""
The engine's core against the simulated callees in simulated time: whatever datagrams are lost, late or crossing, what
the engine says of a call is what the callee says of it. This is what the truth log's definitions rest on.
"""

import heapq
import itertools
import random

import pytest

from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.core import DialerCore
from dialer.events import CallAnswered, CallEnded, CallId
from dialer.outcome import Outcome
from dialer.sip.hop import Hop
from dialer.sip.message import Request, parse_message
from dialer.testing.callee import Callee
from dialer.testing.population import CalleePlan, plan_for
from dialer.testing.truth import TruthRow

DIALER = ("127.0.0.1", 5080)
CARRIER = ("127.0.0.9", 5060)


class World:
    """Moves datagrams with loss and up to 30 ms of delay, so that they also overtake each other."""

    def __init__(self, seed: int, loss: float) -> None:
        self.rng = random.Random(seed)
        self.loss = loss
        self.now = 0.0
        self.core = DialerCore(DialerConfig(), self.rng.randbytes, DIALER)
        self.callees: dict[str, Callee] = {}
        self.plans: dict[str, CalleePlan] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.answered: set[str] = set()
        self._in_flight: list[tuple[float, int, bool, bytes]] = []
        self._hang_ups: list[tuple[float, CallId]] = []
        self._order = itertools.count()

    def place(self, number: str, plan: CalleePlan, *, talk_seconds: float) -> None:
        call_id = f"call-{number}"
        self.plans[call_id] = plan
        self._talk_seconds = talk_seconds
        request = CallRequest(
            number=number,
            trunk=TrunkConfig(name="carrier", host=CARRIER[0], port=CARRIER[1]),
            call_id=call_id,
            ring_timeout_seconds=15.0,
        )
        self.core.place_call(request, rtp_address=("127.0.0.1", 20_000), now=self.now)
        self._pump()

    def run(self, until: float) -> None:
        while True:
            due = [timer for timer in (self.core.get_timer(),) if timer is not None]
            due += [timer for callee in self.callees.values() if (timer := callee.get_timer()) is not None]
            due += [queue[0][0] for queue in (self._in_flight, self._hang_ups) if queue]
            if not due or min(due) > until:
                return
            self.now = max(self.now, min(due))
            self.core.handle_timer(self.now)
            for callee in self.callees.values():
                callee.handle_timer(self.now)
            while self._in_flight and self._in_flight[0][0] <= self.now:
                _, _, to_carrier, data = heapq.heappop(self._in_flight)
                self._arrive(data, to_carrier=to_carrier)
            while self._hang_ups and self._hang_ups[0][0] <= self.now:
                self.core.hang_up(heapq.heappop(self._hang_ups)[1], self.now)
            self._pump()

    def truth(self) -> dict[str, TruthRow]:
        return {call_id: callee.truth for call_id, callee in self.callees.items()}

    def _arrive(self, data: bytes, *, to_carrier: bool) -> None:
        if not to_carrier:
            self.core.receive_datagram(data, Hop(*CARRIER), self.now)
            return
        message = parse_message(data)
        if message.call_id in self.callees:
            self.callees[message.call_id].receive(message, self.now)
        elif isinstance(message, Request) and message.method == "INVITE":
            self.callees[message.call_id] = Callee(
                message,
                DIALER,
                self.now,
                plan=self.plans[message.call_id],
                number="+" + message.call_id.removeprefix("call-"),
                call_number=1,
                local=CARRIER,
                rtp_local=("127.0.0.9", 30_000),
                tag=self.rng.randbytes(4).hex(),
            )

    def _pump(self) -> None:
        for data, _ in self.core.datagrams_to_send(self.now):
            self._fly(data, to_carrier=True)
        for callee in self.callees.values():
            for data in callee.datagrams_to_send():
                self._fly(data, to_carrier=False)
        while (event := self.core.next_event()) is not None:
            if isinstance(event, CallAnswered):
                heapq.heappush(self._hang_ups, (event.at + self._talk_seconds, event.call_id))
            elif isinstance(event, CallEnded):
                assert event.call_id not in self.outcomes, "a call ends once"
                self.outcomes[event.call_id] = event.outcome
                if event.timings.answered_at is not None:
                    self.answered.add(event.call_id)

    def _fly(self, data: bytes, *, to_carrier: bool) -> None:
        if self.rng.random() >= self.loss:
            arrival = self.now + self.rng.uniform(0.0001, 0.03)
            heapq.heappush(self._in_flight, (arrival, next(self._order), to_carrier, data))


def stories(world: World) -> tuple[dict[str, object], dict[str, object]]:
    """Give (true, recorded) of each call."""
    true: dict[str, object] = {
        call_id: (row.result, row.sip_status, row.answered, row.ended_by)
        for call_id, row in world.truth().items()
    }
    recorded: dict[str, object] = {
        call_id: (outcome.result, outcome.sip_status, call_id in world.answered, outcome.ended_by)
        for call_id, outcome in world.outcomes.items()
    }
    return true, recorded


@pytest.mark.parametrize(("seed", "loss"), [(1, 0.0), (2, 0.05), (3, 0.05), (4, 0.15)])
def test_a_whole_population_is_recorded_as_it_was(seed: int, loss: float) -> None:
    world = World(seed, loss)
    for number in range(150):
        world.place(f"7900{number:07}", plan_for(f"7900{number:07}", seed), talk_seconds=9.0)
    world.run(200.0)
    true, recorded = stories(world)
    assert len(recorded) == 150
    assert recorded == true
    assert world.core.live_calls == 0


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.3])
def test_when_both_hang_up_at_the_same_moment_they_agree_who_was_first(loss: float) -> None:
    world = World(11, loss)
    for number in range(150):
        plan = CalleePlan(
            behaviour="hangs_up",
            final_status=200,
            hang_up_after_seconds=2.0 + world.rng.uniform(-0.05, 0.05),
        )
        world.place(f"7900{number:07}", plan, talk_seconds=2.0)
    world.run(200.0)
    true, recorded = stories(world)
    assert recorded == true
    assert {row.ended_by for row in world.truth().values()} == {"us", "callee"}


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_when_the_answer_meets_the_ring_timeout_they_agree_what_came_of_it(loss: float) -> None:
    world = World(12, loss)
    for number in range(150):
        plan = CalleePlan(
            behaviour="listens", final_status=200, ring_seconds=15.0 + world.rng.uniform(-0.06, 0.06)
        )
        world.place(f"7900{number:07}", plan, talk_seconds=2.0)
    world.run(200.0)
    true, recorded = stories(world)
    assert recorded == true
    assert {row.result for row in world.truth().values()} == {"answered", "no_answer", "abandoned"}
