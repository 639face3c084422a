"""The dialer on real sockets, with the simulated carrier or nobody at the other end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import structlog
import uvloop

from dialer.config import CallRequest, DialerConfig, TimerConfig, TrunkConfig
from dialer.engine import Call, Dialer
from dialer.errors import DialerClosed, LocalProtocolError, TransportError
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallProceeding,
    CallRinging,
    DtmfReceived,
    MediaChanged,
    PlaybackFinished,
)
from dialer.media.prompt import Prompt
from dialer.testing.carrier import CarrierConfig, SimulatedCarrier
from dialer.testing.population import CalleePlan
from dialer.testing.truth import TruthRow

PROMPT = Prompt.from_pcm(bytes(2 * 4_000))
"""Half a second."""
NOBODY = TrunkConfig(name="nobody", host="127.0.0.8", port=9)
LISTENS = CalleePlan(behaviour="listens", ring_seconds=0.02, final_status=200)
RINGS = CalleePlan(behaviour="no_answer")
PRESSES = CalleePlan(behaviour="presses_1", final_status=200, digit="1", press_after_seconds=0.05)
SILENT = CalleePlan(behaviour="silent", is_silent=True)

Act = Callable[[Call, CallEvent], None]


class Watched:
    """A call, its events, and what the test does at each."""

    def __init__(self, dialer: Dialer, trunk: TrunkConfig, act: Act = lambda _call, _event: None) -> None:
        self.events: list[CallEvent] = []
        self.ended: asyncio.Future[CallEnded] = asyncio.get_running_loop().create_future()
        self._act = act
        self.call = dialer.place_call(CallRequest(number="+79000000001", trunk=trunk), self._on_event)

    def _on_event(self, event: CallEvent) -> None:
        self.events.append(event)
        if isinstance(event, CallEnded):
            self.ended.set_result(event)
        self._act(self.call, event)

    async def end(self) -> CallEnded:
        return await asyncio.wait_for(self.ended, 20)

    @property
    def kinds(self) -> list[type[CallEvent]]:
        return [type(event) for event in self.events]


@asynccontextmanager
async def carrier_of(
    plan: CalleePlan, truth: dict[str, TruthRow] | None = None
) -> AsyncIterator[TrunkConfig]:
    rows = {} if truth is None else truth

    def note(row: TruthRow) -> None:
        rows[row.call_id] = row

    async with SimulatedCarrier(CarrierConfig(), note, plan_for=lambda _number, _seed: plan) as carrier:
        yield TrunkConfig(name="carrier", host=carrier.address[0], port=carrier.address[1])


def hang_up_on(kind: type[CallEvent]) -> Act:
    def act(call: Call, event: CallEvent) -> None:
        if isinstance(event, kind):
            call.hang_up()

    return act


def play_then_hang_up(call: Call, event: CallEvent) -> None:
    if isinstance(event, CallAnswered):
        call.play(PROMPT)
    elif isinstance(event, PlaybackFinished):
        call.hang_up()


async def test_a_call_tells_its_steps_in_order_and_ends_once() -> None:
    async with carrier_of(LISTENS) as trunk, Dialer(DialerConfig()) as dialer:
        watched = Watched(dialer, trunk, hang_up_on(CallAnswered))
        assert watched.events == [], "nothing is told before place_call has returned"
        ended = await watched.end()
        assert dialer.live_calls == 0
        records = watched.call.records()
    assert watched.kinds == [CallProceeding, CallRinging, MediaChanged, CallAnswered, CallEnded]
    assert (ended.outcome.result, ended.outcome.ended_by, ended.outcome.sip_status) == ("answered", "us", 200)
    assert records[0].first_line.startswith("INVITE")
    assert {"1 INVITE", "2 BYE"} <= {record.cseq for record in records}


async def test_a_prompt_is_heard_whole_and_its_end_is_told() -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(LISTENS, truth) as trunk, Dialer(DialerConfig()) as dialer:
        watched = Watched(dialer, trunk, play_then_hang_up)
        ended = await watched.end()
        await asyncio.sleep(0)
    assert watched.kinds.count(PlaybackFinished) == 1
    assert watched.call.played_ms == PROMPT.duration_ms == 500
    assert truth[watched.call.call_id].heard_ms == 500
    assert ended.outcome.result == "answered"
    assert ended.media is not None
    assert ended.media.packets_sent == 25


async def test_a_prompt_goes_without_reports_where_another_program_has_their_port() -> None:
    config = DialerConfig(rtp_port_min=29_980, rtp_port_max=29_981)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((config.bind_host, 29_981))
        async with carrier_of(LISTENS) as trunk, Dialer(config) as dialer:
            watched = Watched(dialer, trunk, play_then_hang_up)
            await watched.end()
    assert watched.call.played_ms == 500


async def test_a_call_that_plays_nothing_sends_no_sound() -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(PRESSES, truth) as trunk, Dialer(DialerConfig()) as dialer:
        watched = Watched(dialer, trunk, hang_up_on(DtmfReceived))
        await watched.end()
    assert truth[watched.call.call_id].heard_ms == 0


async def test_hanging_up_stops_the_prompt() -> None:
    def act(call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            call.play(PROMPT)
        elif isinstance(event, DtmfReceived):
            call.hang_up()

    async with carrier_of(PRESSES) as trunk, Dialer(DialerConfig()) as dialer:
        watched = Watched(dialer, trunk, act)
        await watched.end()
    digits = [event.digit for event in watched.events if isinstance(event, DtmfReceived)]
    assert digits == ["1"]
    assert PlaybackFinished not in watched.kinds
    assert 0 < watched.call.played_ms < 500


async def test_the_end_tells_how_well_the_callee_was_heard() -> None:
    async with carrier_of(PRESSES) as trunk, Dialer(DialerConfig()) as dialer:
        heard = await Watched(dialer, trunk, hang_up_on(DtmfReceived)).end()
    async with carrier_of(RINGS) as trunk, Dialer(DialerConfig()) as dialer:
        never = await Watched(dialer, trunk, hang_up_on(CallRinging)).end()
    assert heard.media is not None
    assert heard.media.packets_received > 0
    assert (heard.media.packets_lost, heard.media.is_one_way) == (0, False)
    assert never.media is None


async def test_a_ringing_call_can_be_given_up() -> None:
    async with carrier_of(RINGS) as trunk, Dialer(DialerConfig()) as dialer:
        ended = await Watched(dialer, trunk, hang_up_on(CallRinging)).end()
    assert (ended.outcome.result, ended.outcome.reason, ended.outcome.ended_by) == (
        "cancelled",
        "hang_up",
        "us",
    )


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_unreachable_trunk_ends_its_call_at_once_and_costs_no_other_one(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def scenario() -> None:
        async with carrier_of(LISTENS) as trunk, Dialer(DialerConfig()) as dialer:
            refused = [await Watched(dialer, NOBODY).end() for _ in range(3)]
            assert {ended.outcome.reason for ended in refused} == {"transport_error"}
            assert {ended.outcome.result for ended in refused} == {"unreachable"}
            answered = await Watched(dialer, trunk, hang_up_on(CallAnswered)).end()
            assert answered.outcome.result == "answered"

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_timers_that_are_due_at_once_stop_nothing(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """uvloop turns them into plain callbacks, which know no time."""
    config = DialerConfig(timers=TimerConfig(t1_seconds=0.0004))

    async def scenario() -> None:
        failures: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
        async with carrier_of(SILENT) as trunk, Dialer(config) as dialer:
            ends = [await watched.end() for watched in [Watched(dialer, trunk) for _ in range(5)]]
        assert {ended.outcome.reason for ended in ends} == {"timer_b"}
        assert failures == []

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())


async def test_a_handler_that_crashes_costs_its_own_call_only() -> None:
    def crash(_call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            raise ZeroDivisionError

    async with carrier_of(LISTENS) as trunk, Dialer(DialerConfig()) as dialer:
        with structlog.testing.capture_logs() as logs:
            crashing = Watched(dialer, trunk, crash)
            healthy = Watched(dialer, trunk, play_then_hang_up)
            crashed = await crashing.end()
            await healthy.end()
    assert crashed.outcome.ended_by == "us"
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["call.handler_crashed"]
    assert PlaybackFinished in healthy.kinds


async def test_without_an_rtp_port_a_call_fails_here_after_place_call_has_returned() -> None:
    config = DialerConfig(rtp_port_min=29_998, rtp_port_max=29_999)
    async with carrier_of(RINGS) as trunk, Dialer(config) as dialer:
        Watched(dialer, trunk)
        second = Watched(dialer, trunk)
        assert second.events == []
        ended = await second.end()
        assert (ended.outcome.result, ended.outcome.reason, ended.outcome.fault) == (
            "failed",
            "no_rtp_port",
            "local",
        )
        assert dialer.live_calls == 1


async def test_rtp_ports_that_others_hold_are_passed_over() -> None:
    # an address of its own: on 127.0.0.1 any program may hold these ports
    config = DialerConfig(bind_host="127.0.0.29", rtp_port_min=29_990, rtp_port_max=29_995)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another,
    ):
        other.bind((config.bind_host, 29_990))
        another.bind((config.bind_host, 29_992))
        async with carrier_of(LISTENS) as trunk, Dialer(config) as dialer:
            ended = await Watched(dialer, trunk, hang_up_on(CallAnswered)).end()
    assert ended.outcome.result == "answered"


async def test_a_call_id_in_use_is_our_own_mistake() -> None:
    async with carrier_of(RINGS) as trunk, Dialer(DialerConfig()) as dialer:
        first = Watched(dialer, trunk)
        request = CallRequest(number="+79000000002", trunk=trunk, call_id=first.call.call_id)
        with pytest.raises(LocalProtocolError):
            dialer.place_call(request, lambda _event: None)
        assert dialer.live_calls == 1


async def test_leaving_the_dialer_hangs_up_what_is_left() -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(LISTENS, truth) as trunk:
        async with Dialer(DialerConfig()) as dialer:
            watched = Watched(dialer, trunk)
            async with asyncio.timeout(10):
                while CallAnswered not in watched.kinds:
                    await asyncio.sleep(0.01)
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")
    assert truth[watched.call.call_id].ended_by == "us"


async def test_a_call_that_will_not_end_in_time_ends_unknown() -> None:
    async with carrier_of(SILENT) as trunk:
        async with Dialer(DialerConfig(close_timeout_seconds=0.1)) as dialer:
            watched = Watched(dialer, trunk)
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.reason, ended.outcome.fault) == (
        "unknown",
        "dialer_closed",
        "local",
    )
    assert watched.kinds == [CallEnded]


async def test_a_silent_trunk_is_given_up_by_timer_b() -> None:
    config = DialerConfig(timers=TimerConfig(t1_seconds=0.005))
    async with carrier_of(SILENT) as trunk, Dialer(config) as dialer:
        ended = await Watched(dialer, trunk).end()
    assert (ended.outcome.result, ended.outcome.reason) == ("unreachable", "timer_b")


async def test_draining_waits_for_the_last_call_and_no_longer_than_told() -> None:
    async with carrier_of(RINGS) as trunk, Dialer(DialerConfig()) as dialer:
        await dialer.drain(5)  # nobody talks
        watched = Watched(dialer, trunk)
        await dialer.drain(0.01)
        assert dialer.live_calls == 1
        dialer.hang_up_all()
        await dialer.drain(10)
        assert dialer.live_calls == 0
        assert watched.ended.done()


async def test_a_closed_dialer_places_no_calls_and_its_calls_do_nothing() -> None:
    async with carrier_of(LISTENS) as trunk:
        async with Dialer(DialerConfig()) as dialer:
            watched = Watched(dialer, trunk, hang_up_on(CallAnswered))
            await watched.end()
        with pytest.raises(DialerClosed):
            Watched(dialer, trunk)
        watched.call.hang_up()
        watched.call.play(PROMPT)
    assert watched.kinds.count(CallEnded) == 1


async def test_an_address_in_use_is_a_transport_error() -> None:
    async with Dialer(DialerConfig()) as dialer:
        with pytest.raises(TransportError, match="cannot bind"):
            async with Dialer(DialerConfig(bind_port=dialer.local_address[1])):
                pass


async def test_event_times_turn_into_utc() -> None:
    async with Dialer(DialerConfig()) as dialer:
        before = datetime.now(UTC)
        earlier, later = dialer.wall_time(dialer.now() - 60), dialer.wall_time(dialer.now() + 60)
    assert earlier < before < later


async def test_garbage_at_the_signalling_port_is_counted() -> None:
    async with carrier_of(LISTENS) as trunk, Dialer(DialerConfig()) as dialer:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for data in (b"\x00\xff garbage", b"INVITE nonsense\r\n\r\n", b"\r\n\r\n"):
                stranger.sendto(data, dialer.local_address)
        await Watched(dialer, trunk, hang_up_on(CallAnswered)).end()
        assert dialer.counters["malformed"] == 2
