"""Calls of any engine, followed to their end, and the simulated callees that they reach."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest

from dialer.config import CallRequest, DialerConfig, TimerConfig, TrunkConfig
from dialer.engine import Dialer
from dialer.events import CallAnswered, CallEnded, CallEvent, DtmfReceived, PlaybackFinished
from dialer.media.prompt import Prompt
from dialer.port import Engine, PlacedCall
from dialer.pyvoip_engine import PyvoipEngine
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import CalleePlan
from dialer.testing.truth import TruthRow

MakeEngine = Callable[[DialerConfig], Engine]
Act = Callable[[PlacedCall, CallEvent], None]

ENGINES: Final[dict[str, MakeEngine]] = {"native": Dialer, "pyvoip": PyvoipEngine}
both = pytest.mark.parametrize("make_engine", ENGINES.values(), ids=ENGINES)
QUICK: Final = DialerConfig(timers=TimerConfig(t1_seconds=0.02))
"""Nobody waits longer than 64*T1 = 1.28 s for an answer that does not come."""
PROMPT: Final = Prompt.from_pcm(bytes(2 * 4_000))
"""Half a second."""
PATIENCE_SECONDS: Final = 1.0
"""After so long a test hangs up, so that a call which an engine has forgotten ends in the engine's own way."""

LISTENS = CalleePlan(behaviour="listens", ring_seconds=0.02, final_status=200)
HANGS_UP = CalleePlan(behaviour="hangs_up", ring_seconds=0.02, final_status=200, hang_up_after_seconds=0.2)
PRESSES = CalleePlan(behaviour="presses_1", final_status=200, digit="1", press_after_seconds=0.05)
RINGS = CalleePlan(behaviour="no_answer")
SILENT = CalleePlan(behaviour="silent", is_silent=True)
EARLY = CalleePlan(behaviour="early_media", ring_seconds=0.1, final_status=200, has_early_media=True)
_UDP = CarrierConfig()
PYVOIP_THREADS = ("pyVoIP", "RTP ", "SIP ")


def pyvoip_cannot(reason: str) -> pytest.MarkDecorator:
    """Both engines; pyVoIP fails the test's own assertions, for this reason."""
    mark = pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)
    return pytest.mark.parametrize(
        "make_engine", [Dialer, pytest.param(PyvoipEngine, marks=mark)], ids=ENGINES
    )


class Watched:
    """A call, its events, and what the test does at each."""

    def __init__(
        self,
        engine: Engine,
        trunk: TrunkConfig,
        act: Act = lambda _call, _event: None,
        *,
        call_id: str | None = None,
        ring_timeout_seconds: float = 30.0,
        max_talk_seconds: float | None = None,
    ) -> None:
        self.events: list[CallEvent] = []
        self.ended: asyncio.Future[CallEnded] = asyncio.get_running_loop().create_future()
        self._act = act
        request = CallRequest(
            number="+79000000001",
            trunk=trunk,
            call_id=call_id,
            ring_timeout_seconds=ring_timeout_seconds,
            max_talk_seconds=max_talk_seconds,
        )
        self.call = engine.place_call(request, self._on_event)

    def _on_event(self, event: CallEvent) -> None:
        self.events.append(event)
        if isinstance(event, CallEnded):
            self.ended.set_result(event)
        self._act(self.call, event)

    async def end(self) -> CallEnded:
        return await asyncio.wait_for(asyncio.shield(self.ended), 20)

    async def end_or_hang_up(self) -> CallEnded:
        await asyncio.wait([self.ended], timeout=PATIENCE_SECONDS)
        self.call.hang_up()
        return await self.end()

    async def until(self, kind: type[CallEvent]) -> None:
        async with asyncio.timeout(10):
            while kind not in self.kinds:
                await asyncio.sleep(0.01)

    @property
    def kinds(self) -> list[type[CallEvent]]:
        return [type(event) for event in self.events]


@asynccontextmanager
async def carrier_of(
    plan: CalleePlan, truth: dict[str, TruthRow] | None = None, config: CarrierConfig = _UDP
) -> AsyncIterator[TrunkConfig]:
    rows = {} if truth is None else truth

    def note(row: TruthRow) -> None:
        rows[row.call_id] = row

    async with SimulatedCarrier(config, note, plan_for=lambda _number, _seed: plan) as carrier:
        yield TrunkConfig(
            name="carrier", host=carrier.address[0], port=carrier.address[1], transport=config.transport
        )


def hang_up_on(kind: type[CallEvent]) -> Act:
    def act(call: PlacedCall, event: CallEvent) -> None:
        if isinstance(event, kind):
            call.hang_up()

    return act


def play_then_hang_up(call: PlacedCall, event: CallEvent) -> None:
    if isinstance(event, CallAnswered):
        call.play(PROMPT)
    elif isinstance(event, PlaybackFinished):
        call.hang_up()


def play_then_hang_up_on_key(call: PlacedCall, event: CallEvent) -> None:
    if isinstance(event, CallAnswered):
        call.play(PROMPT)
    elif isinstance(event, DtmfReceived):
        call.hang_up()
