"""
What every engine must do, run over each of them, with the simulated carrier or nobody at the other end.

A strict xfail is what pyVoIP 1.6.8 cannot do, with the reason as it was found by running it. The engine's own watchdog
ends such calls (tests/dialer/test_pyvoip_engine.py); here is only said what a caller has a right to.
"""

import asyncio
import socket
import threading
from datetime import UTC, datetime

import pytest
import structlog

from dialer.config import DialerConfig, TimerConfig, TrunkConfig
from dialer.errors import DialerClosed, LocalProtocolError
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallRinging,
    DtmfReceived,
    MediaChanged,
    PlaybackFinished,
)
from dialer.port import PlacedCall
from dialer.pyvoip_engine import PyvoipEngine
from dialer.testing.population import CalleePlan
from dialer.testing.truth import TruthRow
from tests.dialer.port_calls import (
    EARLY,
    ENGINES,
    HANGS_UP,
    LISTENS,
    PRESSES,
    PROMPT,
    PYVOIP_THREADS,
    QUICK,
    RINGS,
    SILENT,
    MakeEngine,
    Watched,
    both,
    carrier_of,
    hang_up_on,
    play_then_hang_up,
    play_then_hang_up_on_key,
    pyvoip_cannot,
)


@both
async def test_an_answered_call_that_we_hang_up_ends_once_and_last(make_engine: MakeEngine) -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(LISTENS, truth) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, hang_up_on(CallAnswered), call_id="committed-before")
        assert watched.events == [], "nothing is told before place_call has returned"
        ended = await watched.end()
        await asyncio.sleep(0)
        assert engine.live_calls == 0
    assert watched.kinds[-2:] == [CallAnswered, CallEnded]
    assert watched.kinds.count(CallEnded) == 1
    outcome = ended.outcome
    assert (outcome.result, outcome.reason, outcome.ended_by, outcome.sip_status) == (
        "answered",
        "normal",
        "us",
        200,
    )
    timings = ended.timings
    assert timings.answered_at is not None
    assert timings.ended_at is not None
    assert timings.invite_sent_at <= timings.answered_at <= timings.ended_at
    assert truth["committed-before"].ended_by == "us"


@both
async def test_the_ladder_shows_the_messages_of_a_call(make_engine: MakeEngine) -> None:
    async with carrier_of(LISTENS) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, hang_up_on(CallAnswered))
        await watched.end()
        records = watched.call.records()
    assert records[0].first_line.startswith("INVITE")
    assert {record.call_id for record in records} == {watched.call.call_id}
    assert {record.cseq.partition(" ")[2] for record in records} >= {"INVITE", "ACK", "BYE"}
    assert {record.direction for record in records} == {"sent", "received"}


@pyvoip_cannot("its call() swallows 100 and 180, and an outgoing call is DIALING until it is ANSWERED")
async def test_ringing_is_told(make_engine: MakeEngine) -> None:
    async with carrier_of(LISTENS) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, hang_up_on(CallAnswered))
        ended = await watched.end()
    assert CallRinging in watched.kinds
    assert ended.timings.pdd_ms is not None


@pyvoip_cannot("a 183 is none of the responses that it knows: no early media")
async def test_early_media_is_told(make_engine: MakeEngine) -> None:
    async with carrier_of(EARLY) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, hang_up_on(CallAnswered))
        await watched.end_or_hang_up()
    assert [event.is_early for event in watched.events if isinstance(event, MediaChanged)][:1] == [True]


@both
async def test_a_callee_who_hangs_up_is_named(make_engine: MakeEngine) -> None:
    async with carrier_of(HANGS_UP) as trunk, make_engine(QUICK) as engine:
        ended = await Watched(engine, trunk).end()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "callee")


@both
async def test_a_prompt_is_heard_whole_and_its_end_is_told(make_engine: MakeEngine) -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(LISTENS, truth) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, play_then_hang_up)
        await watched.end()
    assert watched.kinds.count(PlaybackFinished) == 1
    assert watched.call.played_ms == PROMPT.duration_ms == 500
    assert truth[watched.call.call_id].heard_ms >= 480, "what is on its way as we hang up may be lost"


@pyvoip_cannot(
    "its transmitter sends a packet every 20 ms from the answer on, of silence where there is no sound"
)
async def test_a_call_that_plays_nothing_sends_no_sound(make_engine: MakeEngine) -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(HANGS_UP, truth) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk)
        await watched.end()
    assert truth[watched.call.call_id].heard_ms == 0


@both
async def test_a_key_is_told_once_and_hanging_up_stops_the_prompt(make_engine: MakeEngine) -> None:
    async with carrier_of(PRESSES) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, play_then_hang_up_on_key)
        await watched.end()
    assert [event.digit for event in watched.events if isinstance(event, DtmfReceived)] == ["1"]
    assert PlaybackFinished not in watched.kinds
    assert watched.call.played_ms < 500


@both
async def test_a_prompt_can_be_stopped(make_engine: MakeEngine) -> None:
    def act(call: PlacedCall, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            call.play(PROMPT)
            call.stop_playing()

    async with carrier_of(HANGS_UP) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk, act)
        await watched.end()
    assert PlaybackFinished not in watched.kinds


@both
async def test_a_talk_that_lasts_too_long_is_hung_up(make_engine: MakeEngine) -> None:
    async with carrier_of(LISTENS) as trunk, make_engine(QUICK) as engine:
        ended = await Watched(engine, trunk, max_talk_seconds=0.1).end()
    assert (ended.outcome.result, ended.outcome.reason, ended.outcome.ended_by) == (
        "answered",
        "max_talk",
        "us",
    )


DEAF = "it hears no final response but 200, 401, 404 and 503: the call stays DIALING, and no ACK is sent"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (404, "invalid_number"),
        (503, "congested"),
        (480, "no_answer"),
        (486, "busy"),
        (603, "rejected"),
    ],
)
@pytest.mark.parametrize("make_engine", ENGINES.values(), ids=ENGINES)
async def test_a_refusal_is_told_as_what_it_is(
    request: pytest.FixtureRequest, make_engine: MakeEngine, status: int, result: str
) -> None:
    if make_engine is PyvoipEngine and status not in {404, 503}:
        request.applymarker(pytest.mark.xfail(strict=True, raises=AssertionError, reason=DEAF))
    plan = CalleePlan(behaviour="busy", ring_seconds=0.02, final_status=status)
    async with carrier_of(plan) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk)
        ended = await watched.end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.sip_status) == (result, status)
    assert CallAnswered not in watched.kinds


@pyvoip_cannot("it has no CANCEL: hangup() of a call that is not answered raises InvalidStateError")
async def test_a_ringing_call_can_be_given_up(make_engine: MakeEngine) -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(RINGS, truth) as trunk, make_engine(QUICK) as engine:
        watched = Watched(engine, trunk)
        await asyncio.sleep(0.2)  # it rings
        watched.call.hang_up()
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.reason, ended.outcome.ended_by) == (
        "cancelled",
        "hang_up",
        "us",
    )
    assert truth[watched.call.call_id].result is not None


@pyvoip_cannot("its socket is not connected, so the ICMP answer of a closed port does not reach it")
async def test_an_unreachable_trunk_ends_its_call_at_once(make_engine: MakeEngine) -> None:
    async with make_engine(QUICK) as engine:
        ended = await Watched(engine, TrunkConfig(name="nobody", host="127.0.0.8", port=9)).end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.reason) == ("unreachable", "transport_error")


@pyvoip_cannot("it waits for the first response for ever; there is no Timer B")
async def test_a_silent_trunk_is_given_up(make_engine: MakeEngine) -> None:
    config = DialerConfig(timers=TimerConfig(t1_seconds=0.005))
    async with carrier_of(SILENT) as trunk, make_engine(config) as engine:
        ended = await Watched(engine, trunk).end_or_hang_up()
    assert (ended.outcome.result, ended.outcome.reason) == ("unreachable", "timer_b")


@pyvoip_cannot("it sends each request once and has no timers (RFC 3261 §17.1.1.2 Timer A)")
async def test_an_invite_that_nobody_answers_is_repeated(make_engine: MakeEngine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.8", 0))
        nobody.setblocking(False)
        trunk = TrunkConfig(name="nobody", host="127.0.0.8", port=nobody.getsockname()[1])
        async with make_engine(QUICK) as engine:
            await Watched(engine, trunk).end_or_hang_up()
        invites = 0
        while True:
            try:
                invites += nobody.recv(65_535).startswith(b"INVITE ")
            except BlockingIOError:
                break
    assert invites > 1


@both
async def test_a_handler_that_crashes_costs_its_own_call_only(make_engine: MakeEngine) -> None:
    def crash(_call: PlacedCall, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            raise ZeroDivisionError

    async with carrier_of(LISTENS) as trunk, make_engine(QUICK) as engine:
        with structlog.testing.capture_logs() as logs:
            crashing = Watched(engine, trunk, crash)
            healthy = Watched(engine, trunk, play_then_hang_up)
            crashed = await crashing.end()
            await healthy.end()
    assert crashed.outcome.ended_by == "us"
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["call.handler_crashed"]
    assert PlaybackFinished in healthy.kinds


@both
async def test_without_an_rtp_port_a_call_fails_here_after_place_call_has_returned(
    make_engine: MakeEngine,
) -> None:
    config = DialerConfig(rtp_port_min=29_898, rtp_port_max=29_899, timers=QUICK.timers)
    async with carrier_of(RINGS) as trunk, make_engine(config) as engine:
        Watched(engine, trunk)
        second = Watched(engine, trunk)
        assert second.events == []
        ended = await second.end()
        assert (ended.outcome.result, ended.outcome.reason, ended.outcome.fault) == (
            "failed",
            "no_rtp_port",
            "local",
        )
        assert engine.live_calls == 1


@both
async def test_rtp_ports_that_others_hold_are_passed_over(make_engine: MakeEngine) -> None:
    config = DialerConfig(rtp_port_min=29_890, rtp_port_max=29_893)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((config.bind_host, 29_890))
        async with carrier_of(LISTENS) as trunk, make_engine(config) as engine:
            ended = await Watched(engine, trunk, hang_up_on(CallAnswered)).end()
    assert ended.outcome.result == "answered"


@both
async def test_a_call_id_in_use_is_our_own_mistake(make_engine: MakeEngine) -> None:
    async with carrier_of(RINGS) as trunk, make_engine(QUICK) as engine:
        first = Watched(engine, trunk)
        with pytest.raises(LocalProtocolError):
            Watched(engine, trunk, call_id=first.call.call_id)
        assert engine.live_calls == 1


@both
async def test_leaving_hangs_up_what_is_left(make_engine: MakeEngine) -> None:
    truth: dict[str, TruthRow] = {}
    async with carrier_of(LISTENS, truth) as trunk:
        async with make_engine(QUICK) as engine:
            watched = Watched(engine, trunk)
            await watched.until(CallAnswered)
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")
    assert truth[watched.call.call_id].ended_by == "us"


@both
async def test_a_call_that_will_not_end_in_time_ends_unknown(make_engine: MakeEngine) -> None:
    async with carrier_of(SILENT) as trunk:
        async with make_engine(DialerConfig(close_timeout_seconds=0.1)) as engine:
            watched = Watched(engine, trunk)
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.reason, ended.outcome.fault) == (
        "unknown",
        "dialer_closed",
        "local",
    )
    assert watched.kinds == [CallEnded]


@both
async def test_draining_waits_for_the_last_call_and_no_longer_than_told(make_engine: MakeEngine) -> None:
    async with carrier_of(RINGS) as trunk, make_engine(QUICK) as engine:
        await engine.drain(5)  # nobody talks
        watched = Watched(engine, trunk)
        await engine.drain(0.01)
        assert engine.live_calls == 1
        engine.hang_up_all()
        await engine.drain(10)
        assert engine.live_calls == 0
        assert watched.ended.done()


@both
async def test_closed_it_places_no_calls_its_calls_do_nothing_and_nothing_is_left(
    make_engine: MakeEngine,
) -> None:
    async with carrier_of(HANGS_UP) as trunk:
        async with make_engine(QUICK) as engine:
            watched = Watched(engine, trunk)
            await watched.end()
        with pytest.raises(DialerClosed):
            Watched(engine, trunk)
        watched.call.hang_up()
        watched.call.play(PROMPT)
    assert watched.kinds.count(CallEnded) == 1
    async with asyncio.timeout(5):  # pyVoIP gives no handle to its RTP threads, which look up every 20 ms
        while [thread.name for thread in threading.enumerate() if thread.name.startswith(PYVOIP_THREADS)]:
            await asyncio.sleep(0.01)


@both
async def test_event_times_turn_into_utc(make_engine: MakeEngine) -> None:
    async with make_engine(QUICK) as engine:
        before = datetime.now(UTC)
        earlier, later = engine.wall_time(engine.now() - 60), engine.wall_time(engine.now() + 60)
    assert earlier < before < later
