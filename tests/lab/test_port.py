"""
What every engine must do with a real Asterisk, direct and through Kamailio, run over each of them.

A strict xfail is what pyVoIP 1.6.8 cannot do, with the reason as it was found by running it. All calls of an engine are under
way at the same time, each with an engine of its own: pyVoIP waits long for what does not come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

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

pytestmark = [pytest.mark.lab, pytest.mark.timeout(200)]

MakeEngine = Callable[[DialerConfig], Engine]
Act = Callable[[PlacedCall, CallEvent], None]
Trial = Callable[[Engine, int], Awaitable[Any]]
"""Does something with an engine, dialing numbers of that index; returns what came of it."""
ENGINES: Final[dict[str, MakeEngine]] = {"native": Dialer, "pyvoip": PyvoipEngine}
INDEX: Final = {"native": 300, "pyvoip": 400}
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
DIGITS: Final = {"refused": "9", "callback_requested": "1"}


class Run(NamedTuple):
    """One trial with one engine."""

    engine: str
    name: str
    trial: Trial

    def __str__(self) -> str:
        return f"{self.name}-{self.engine}"


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, lab: None) -> dict[str, Any]:
    """Do all that was selected: one engine's trials at the same time; afterwards nothing may be left in Asterisk."""
    chosen = [
        run
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        if isinstance(run := item.callspec.params.get("result"), Run)
    ]
    return {name: result for engine in ENGINES for name, result in asyncio.run(_all_of(engine, chosen))}


@pytest.fixture
def result(request: pytest.FixtureRequest, results: dict[str, Any]) -> Any:
    return results[str(request.param)]


async def _all_of(engine: str, chosen: list[Run]) -> list[tuple[str, Any]]:
    async def result_of(run: Run) -> tuple[str, Any]:
        config = DialerConfig(bind_host="127.0.0.1", close_timeout_seconds=2.0)
        async with ENGINES[engine](config) as opened:
            return str(run), await run.trial(opened, INDEX[engine])

    found = await asyncio.gather(*(result_of(run) for run in chosen if run.engine == engine))
    if engine == "pyvoip":  # what it cannot end would ring for five minutes
        await asyncio.to_thread(asterisk, "channel request hangup all")
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(lambda: asterisk("core show channels count").startswith("0 ")):
            await asyncio.sleep(0.2)
    return found


def tried(trial: Trial, why_pyvoip_cannot: str | None = None) -> pytest.MarkDecorator:
    """Give the test `result`: what came of the trial, with each engine."""
    return pytest.mark.parametrize(
        "result", _runs(trial.__name__, trial, why_pyvoip_cannot), indirect=True, ids=str
    )


def _runs(name: str, trial: Trial, why_pyvoip_cannot: str | None) -> list[Any]:
    mark = pytest.mark.xfail(strict=True, raises=AssertionError, reason=why_pyvoip_cannot or "")
    return [
        Run("native", name, trial),
        pytest.param(Run("pyvoip", name, trial), marks=[mark] if why_pyvoip_cannot else []),
    ]


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


async def end_of(
    engine: Engine, prefix: str, index: int, trunk: TrunkConfig, *, hang_up: float, seconds: float = 17.0
) -> CallEnded | None:
    """Call a number and hang up so long after the answer."""
    request = CallRequest(number=number(prefix, index), trunk=trunk)
    return (await call(engine, request, hang_up_after(hang_up), seconds=seconds))[1]


def prefix_trial(expected: Expected) -> Trial:
    """A call to a prefix; returns what came of it, and what must."""

    async def trial(engine: Engine, index: int) -> tuple[tuple[object, ...], tuple[object, ...]]:
        digit = DIGITS.get(expected.disposition or "", "")
        follow = hang_up_after(0.2, on=DtmfReceived) if digit else hang_up_after(4.0)
        request = CallRequest(number=number(expected.prefix, index), trunk=ASTERISK, ring_timeout_seconds=15)
        events, ended = await call(engine, request, follow)
        pressed = "".join(event.digit for event in events if isinstance(event, DtmfReceived))
        wanted = (expected.result, expected.sip_status, expected.ended_by, digit)
        if ended is None:
            return ("never ended",), wanted
        outcome = ended.outcome
        return (outcome.result, outcome.sip_status, outcome.ended_by, pressed), wanted

    return trial


BY_PREFIX: Final = [
    run
    for expected in EXPECTED
    for run in _runs(expected.prefix, prefix_trial(expected), BY_BEHAVIOUR.get(expected.behaviour))
]


@pytest.mark.parametrize("result", BY_PREFIX, indirect=True, ids=str)
def test_a_prefix_comes_out_as_the_dialplan_dictates(
    result: tuple[tuple[object, ...], tuple[object, ...]],
) -> None:
    found, wanted = result
    assert found == wanted


async def record_routed(engine: Engine, index: int) -> tuple[CallEnded | None, str]:
    """The end of a call through the proxy, and what Asterisk has of it a second later."""
    ended = await end_of(engine, "7901", index + 1, PROXY, hang_up=1.0)
    await asyncio.sleep(1)  # Asterisk frees a channel shortly after its BYE
    return ended, await asyncio.to_thread(asterisk, "core show channels concise")


@tried(record_routed, NO_ROUTE)
def test_a_record_routed_call_is_hung_up_through_the_proxy(result: tuple[CallEnded | None, str]) -> None:
    ended, channels = result
    assert ended is not None
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")
    mine = [line for line in channels.splitlines() if number_in(line) in {"79010000301", "79010000401"}]
    assert mine == []


def number_in(channel: str) -> str:
    """The number of a line of `core show channels concise`: name!context!number!..."""
    fields = channel.split("!")
    return fields[2].lstrip("+") if len(fields) > 2 else ""


async def hung_up_by_the_callee(engine: Engine, index: int) -> CallEnded | None:
    return await end_of(engine, "7902", index + 2, PROXY, hang_up=15)


@tried(hung_up_by_the_callee, NO_ACK)
def test_a_record_routed_callee_who_hangs_up_is_heard(result: CallEnded | None) -> None:
    assert result is not None
    assert (result.outcome.result, result.outcome.ended_by) == ("answered", "callee")


async def challenged_401(engine: Engine, index: int) -> CallEnded | None:
    trunk = msgspec.structs.replace(
        ASTERISK, caller_id="secured", username="secured", password=Secret("lab-password")
    )
    return await end_of(engine, "7901", index + 3, trunk, hang_up=0.5)


@tried(challenged_401)
def test_a_401_is_answered_with_credentials(result: CallEnded | None) -> None:
    assert result is not None
    assert result.outcome.result == "answered"


async def wrong_password(engine: Engine, index: int) -> CallEnded | None:
    trunk = msgspec.structs.replace(
        ASTERISK, caller_id="secured", username="secured", password=Secret("wrong")
    )
    return await end_of(engine, "7901", index + 4, trunk, hang_up=0.5, seconds=5)


@tried(wrong_password, "it answers the first 401 and hears no second one")
def test_a_wrong_password_is_named(result: CallEnded | None) -> None:
    assert result is not None
    assert result.outcome.sip_status == 401


async def challenged_407(engine: Engine, index: int) -> CallEnded | None:
    trunk = msgspec.structs.replace(PROXY, username="dialer", password=Secret("lab-password"))
    return await end_of(engine, "7920", index + 5, trunk, hang_up=0.5, seconds=5)


@tried(challenged_407, "it has no Proxy-Authorization, and hears no 407")
def test_a_407_of_the_proxy_is_answered_with_credentials(result: CallEnded | None) -> None:
    assert result is not None
    assert result.outcome.result == "answered"


async def long_talk(engine: Engine, index: int) -> CallEnded | None:
    return await end_of(engine, "7901", index + 7, ASTERISK, hang_up=34, seconds=40)


@tried(long_talk, NO_ACK)
def test_a_talk_lasts_as_long_as_both_want(result: CallEnded | None) -> None:
    """Longer than the 32 s after which a callee hangs up whose 2xx has no ACK (RFC 3261 §13.3.1.4)."""
    assert result is not None
    assert (result.outcome.result, result.outcome.ended_by) == ("answered", "us")


SECONDS: Final = 2.0
HERTZ: Final = 440


async def prompt(engine: Engine, index: int) -> tuple[Any, int]:
    """What Asterisk has recorded of our prompt: samples, rate."""
    wave = 8000 * np.sin(2 * np.pi * HERTZ * np.arange(int(8000 * SECONDS)) / 8000)
    sound = Prompt.from_pcm(wave.astype("<i2").tobytes())

    def play(placed: PlacedCall, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            # Asterisk's Answer() swallows up to half a second before Record() listens
            asyncio.get_running_loop().call_later(1.0, placed.play, sound)
        elif isinstance(event, PlaybackFinished):
            asyncio.get_running_loop().call_later(0.3, placed.hang_up)

    callee = number("7913", index + 6)
    await call(engine, CallRequest(number=callee, trunk=ASTERISK), play)
    await asyncio.sleep(0.5)  # Asterisk closes the file after our BYE
    samples, rate = soundfile.read(OUT / f"{callee[1:]}.wav")
    return samples, rate


@tried(prompt)
def test_the_callee_hears_the_prompt_that_we_play(result: tuple[Any, int]) -> None:
    heard, rate = result
    spectrum = np.abs(np.fft.rfft(heard))
    loudest_hertz = np.fft.rfftfreq(len(heard), 1 / rate)[int(np.argmax(spectrum))]
    loud = np.abs(heard) > 0.05
    assert abs(loudest_hertz - HERTZ) < 5
    assert loud.sum() / rate == pytest.approx(SECONDS * 0.85, abs=0.25)  # |sin| > 0.2 for 87 % of a period
