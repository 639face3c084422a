"""
What every engine must do with a real Asterisk, direct and through Kamailio, run over each of them.

A strict xfail is what pyVoIP 1.6.8 cannot do, with the reason as it was found by running it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec
import numpy as np
import pytest
import soundfile

from dialer import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallRequest,
    Dialer,
    DialerConfig,
    DtmfReceived,
    Engine,
    PlacedCall,
    PlaybackFinished,
    Prompt,
    PyvoipEngine,
    Secret,
    TrunkConfig,
)
from tests.lab.conftest import ASTERISK, OUT, PROXY, asterisk
from tests.lab.prefixes import EXPECTED, Expected, number

pytestmark = pytest.mark.lab

MakeEngine = Callable[[DialerConfig], Engine]
Act = Callable[[PlacedCall, CallEvent], None]
ENGINES: Final[dict[str, MakeEngine]] = {"native": Dialer, "pyvoip": PyvoipEngine}
NO_ACK: Final = (
    "its ACK of a 2xx has a random To tag and none of the dialog's: Asterisk repeats the 200 for 32 s, "
    "cannot send its BYE before, and then drops the call"
)
DEAF: Final = (
    "it hears no final response but 200, 401, 404 and 503: the call stays DIALING, and no ACK is sent"
)
NO_ROUTE: Final = "its BYE has no Route, for it knows no Record-Route: the proxy answers 404, and the callee stays in the talk"
NO_CANCEL: Final = "it has no CANCEL, so the call rings on"
BY_BEHAVIOUR: Final = {
    "answers and hangs up": NO_ACK,
    "busy": DEAF,
    "no answer": NO_CANCEL,
    "forbidden": DEAF,
    "rings longer than we wait": NO_CANCEL,
}


@pytest.fixture
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """An engine of its own per test; afterwards nothing may be left in Asterisk."""
    make_engine: MakeEngine = request.param
    async with make_engine(DialerConfig(bind_host="127.0.0.1", close_timeout_seconds=2.0)) as engine:
        yield engine
    if make_engine is PyvoipEngine:  # what it cannot end would ring for five minutes
        await asyncio.to_thread(asterisk, "channel request hangup all")
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(lambda: asterisk("core show channels count").startswith("0 ")):
            await asyncio.sleep(0.2)


def engines(why_pyvoip_cannot: str | None = None) -> pytest.MarkDecorator:
    marks = (
        []
        if why_pyvoip_cannot is None
        else [pytest.mark.xfail(strict=True, raises=AssertionError, reason=why_pyvoip_cannot)]
    )
    params = [pytest.param(Dialer), pytest.param(PyvoipEngine, marks=marks)]
    return pytest.mark.parametrize("engine", params, ids=ENGINES, indirect=True)


async def call(
    engine: Engine, request: CallRequest, act: Act, *, seconds: float = 17.0
) -> tuple[list[CallEvent], CallEnded | None]:
    """Place a call; return its events and the last one, or None if it had not ended by then and had to be closed."""
    events: list[CallEvent] = []
    ended = asyncio.Event()

    def receive(event: CallEvent) -> None:
        events.append(event)
        act(placed, event)
        if isinstance(event, CallEnded):
            ended.set()

    placed = engine.place_call(request, receive)
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return events, None
    last = events[-1]
    assert isinstance(last, CallEnded)
    return events, last


def hang_up_after(seconds: float, *, on: type[CallEvent] = CallAnswered) -> Act:
    def act(placed: PlacedCall, event: CallEvent) -> None:
        if isinstance(event, on):
            asyncio.get_running_loop().call_later(seconds, placed.hang_up)

    return act


async def outcome_of(
    engine: Engine, expected: Expected, trunk: TrunkConfig, index: int
) -> tuple[object, ...]:
    digit = {"refused": "9", "callback_requested": "1"}.get(expected.disposition or "")
    follow = hang_up_after(0.2, on=DtmfReceived) if digit else hang_up_after(4.0)
    request = CallRequest(number=number(expected.prefix, index), trunk=trunk, ring_timeout_seconds=15)
    events, ended = await call(engine, request, follow)
    pressed = "".join(event.digit for event in events if isinstance(event, DtmfReceived))
    return (
        ("never ended",)
        if ended is None
        else (ended.outcome.result, ended.outcome.sip_status, ended.outcome.ended_by, pressed)
    )


def by_behaviour(why: dict[str, str]) -> pytest.MarkDecorator:
    """Every prefix of the dialplan with every engine; pyVoIP's failures by the behaviour's name."""
    params = []
    for expected in EXPECTED:
        for name, make_engine in ENGINES.items():
            reason = why.get(expected.behaviour) if name == "pyvoip" else None
            marks = (
                []
                if reason is None
                else [pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)]
            )
            params.append(pytest.param(make_engine, expected, marks=marks, id=f"{expected.prefix}-{name}"))
    return pytest.mark.parametrize(("engine", "expected"), params, indirect=["engine"])


@by_behaviour(BY_BEHAVIOUR)
async def test_a_prefix_comes_out_as_the_dialplan_dictates(engine: Engine, expected: Expected) -> None:
    digits = {"refused": "9", "callback_requested": "1"}.get(expected.disposition or "", "")
    assert await outcome_of(engine, expected, ASTERISK, 300) == (
        expected.result,
        expected.sip_status,
        expected.ended_by,
        digits,
    )


@engines(NO_ROUTE)
async def test_a_record_routed_call_is_hung_up_through_the_proxy(engine: Engine) -> None:
    request = CallRequest(number=number("7901", 301), trunk=PROXY)

    _, ended = await call(engine, request, hang_up_after(1.0))

    assert ended is not None
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")
    await asyncio.sleep(1)  # Asterisk frees a channel shortly after its BYE
    channels = await asyncio.to_thread(asterisk, "core show channels count")
    assert channels.startswith("0 ")


@engines(NO_ACK)
async def test_a_record_routed_callee_who_hangs_up_is_heard(engine: Engine) -> None:
    _, ended = await call(engine, CallRequest(number=number("7902", 302), trunk=PROXY), hang_up_after(15))
    assert ended is not None
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "callee")


@engines()
async def test_a_401_is_answered_with_credentials(engine: Engine) -> None:
    trunk = msgspec.structs.replace(
        ASTERISK, caller_id="secured", username="secured", password=Secret("lab-password")
    )
    _, ended = await call(engine, CallRequest(number=number("7901", 303), trunk=trunk), hang_up_after(0.5))
    assert ended is not None
    assert ended.outcome.result == "answered"


@engines("it answers the first 401 and hears no second one")
async def test_a_wrong_password_is_named(engine: Engine) -> None:
    trunk = msgspec.structs.replace(
        ASTERISK, caller_id="secured", username="secured", password=Secret("wrong")
    )
    _, ended = await call(
        engine, CallRequest(number=number("7901", 304), trunk=trunk), hang_up_after(0.5), seconds=5
    )
    assert ended is not None
    assert ended.outcome.sip_status == 401


@engines("it has no Proxy-Authorization, and hears no 407")
async def test_a_407_of_the_proxy_is_answered_with_credentials(engine: Engine) -> None:
    trunk = msgspec.structs.replace(PROXY, username="dialer", password=Secret("lab-password"))
    _, ended = await call(
        engine, CallRequest(number=number("7920", 305), trunk=trunk), hang_up_after(0.5), seconds=5
    )
    assert ended is not None
    assert ended.outcome.result == "answered"


@engines(NO_ACK)
async def test_a_talk_lasts_as_long_as_both_want(engine: Engine) -> None:
    """Longer than the 32 s after which a callee hangs up whose 2xx has no ACK (RFC 3261 §13.3.1.4)."""
    _, ended = await call(
        engine, CallRequest(number=number("7901", 307), trunk=ASTERISK), hang_up_after(34), seconds=40
    )
    assert ended is not None
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")


@engines()
async def test_the_callee_hears_the_prompt_that_we_play(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    seconds, hertz = 2.0, 440
    wave = 8000 * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)
    prompt = Prompt.from_pcm(wave.astype("<i2").tobytes())

    def play(placed: PlacedCall, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            # Asterisk's Answer() swallows up to half a second before Record() listens
            asyncio.get_running_loop().call_later(1.0, placed.play, prompt)
        elif isinstance(event, PlaybackFinished):
            asyncio.get_running_loop().call_later(0.3, placed.hang_up)

    callee = number("7913", 306 if isinstance(engine, Dialer) else 406)
    await call(engine, CallRequest(number=callee, trunk=ASTERISK), play)
    await asyncio.sleep(0.5)  # Asterisk closes the file after our BYE

    heard, rate = soundfile.read(OUT / f"{callee[1:]}.wav")
    spectrum = np.abs(np.fft.rfft(heard))
    loudest_hertz = np.fft.rfftfreq(len(heard), 1 / rate)[int(np.argmax(spectrum))]
    loud = np.abs(heard) > 0.05
    assert abs(loudest_hertz - hertz) < 5
    assert loud.sum() / rate == pytest.approx(seconds * 0.85, abs=0.25)  # |sin| > 0.2 for 87 % of a period
