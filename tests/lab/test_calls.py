"""Single calls of the native engine to a real Asterisk, direct and through Kamailio."""

import asyncio

import msgspec
import numpy as np
import pytest
import soundfile

from dialer import (
    Call,
    CallAnswered,
    CallEvent,
    CallRequest,
    DtmfReceived,
    MediaChanged,
    PlaybackFinished,
    Prompt,
    Secret,
    TrunkConfig,
)
from tests.lab.conftest import ASTERISK, OUT, PROXY, Line
from tests.lab.prefixes import EXPECTED, Expected, number

pytestmark = pytest.mark.lab
PROXIED_STATUS = {503: 500}
"""A proxy passes no 503 on: it would speak of itself (RFC 3261 §16.7 step 6). Asterisk's Reason header still says congestion."""
DIGITS = {"refused": "9", "callback_requested": "1"}


def hang_up_after(seconds: float, *, on: type[CallEvent] = CallAnswered) -> "HangUp":
    return HangUp(seconds, on)


class HangUp:
    """Ends an answered call as a campaign would: some time after an event."""

    def __init__(self, seconds: float, on: type[CallEvent]) -> None:
        self.seconds = seconds
        self.on = on

    def __call__(self, call: Call, event: CallEvent) -> None:
        if isinstance(event, self.on):
            asyncio.get_running_loop().call_later(self.seconds, call.hang_up)


async def check_prefixes(line: Line, trunk: TrunkConfig) -> None:
    """Place a call for every behaviour, all at once, and see that each comes out as the dialplan dictates."""

    async def outcome_of(expected: Expected) -> tuple[object, ...]:
        digit = DIGITS.get(expected.disposition or "")
        follow = hang_up_after(0.2, on=DtmfReceived) if digit else hang_up_after(4.0)
        request = CallRequest(number=number(expected.prefix, 1), trunk=trunk, ring_timeout_seconds=15)
        events, ended = await line.call(request, follow)
        pressed = "".join(event.digit for event in events if isinstance(event, DtmfReceived))
        outcome = ended.outcome
        return (expected.behaviour, outcome.result, outcome.sip_status, outcome.ended_by, pressed)

    outcomes = await asyncio.gather(*(outcome_of(expected) for expected in EXPECTED))

    assert outcomes == [
        (
            expected.behaviour,
            expected.result,
            PROXIED_STATUS.get(expected.sip_status or 0, expected.sip_status)
            if trunk.host == PROXY.host
            else expected.sip_status,
            expected.ended_by,
            DIGITS.get(expected.disposition or "", ""),
        )
        for expected in EXPECTED
    ]


@pytest.mark.parametrize("trunk", [ASTERISK, PROXY], ids=["direct", "record-routed"])
async def test_each_prefix_comes_out_as_the_dialplan_dictates(line: Line, trunk: TrunkConfig) -> None:
    await check_prefixes(line, trunk)


async def test_early_media_is_reported_before_the_answer(line: Line) -> None:
    request = CallRequest(number=number("7909", 2), trunk=ASTERISK)

    events, ended = await line.call(request, hang_up_after(0.5))

    media = [event for event in events if isinstance(event, MediaChanged)]
    answered = next(event for event in events if isinstance(event, CallAnswered))
    assert media[0].is_early
    assert media[0].at < answered.at
    assert ended.timings.early_media_at is not None


async def test_a_longer_ring_timeout_lets_the_slow_callee_answer(line: Line) -> None:
    request = CallRequest(number=number("7912", 3), trunk=ASTERISK, ring_timeout_seconds=25)

    _, ended = await line.call(request, hang_up_after(0.5))

    assert ended.outcome.result == "answered"
    assert ended.timings.answered_at is not None
    assert ended.timings.answered_at - ended.timings.invite_sent_at > 16


async def test_a_401_is_answered_with_credentials(line: Line) -> None:
    trunk = msgspec.structs.replace(
        ASTERISK, caller_id="secured", username="secured", password=Secret("lab-password")
    )

    events, ended = await line.call(CallRequest(number=number("7901", 4), trunk=trunk), hang_up_after(0.5))

    assert ended.outcome.result == "answered"
    assert sum(isinstance(event, CallAnswered) for event in events) == 1


async def test_a_wrong_password_ends_the_call_and_is_named(line: Line) -> None:
    trunk = msgspec.structs.replace(
        ASTERISK, caller_id="secured", username="secured", password=Secret("wrong")
    )

    _, ended = await line.call(CallRequest(number=number("7901", 5), trunk=trunk))

    assert ended.outcome.result != "answered"
    assert ended.outcome.sip_status == 401
    assert ended.outcome.fault in {"local", "trunk"}


async def test_a_407_of_the_proxy_is_answered_with_credentials(line: Line) -> None:
    trunk = msgspec.structs.replace(PROXY, username="dialer", password=Secret("lab-password"))

    _, ended = await line.call(CallRequest(number=number("7920", 6), trunk=trunk), hang_up_after(0.5))

    assert ended.outcome.result == "answered"


async def test_the_callee_hears_the_prompt_that_we_play(line: Line) -> None:
    seconds, hertz = 2.0, 440
    wave = 8000 * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)
    prompt = Prompt.from_pcm(wave.astype("<i2").tobytes())

    def play(call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            # played at once, 0.4 s of the start are missing in the recording: Asterisk listens a little later
            asyncio.get_running_loop().call_later(1.0, call.play, prompt)
        elif isinstance(event, PlaybackFinished):
            asyncio.get_running_loop().call_later(0.3, call.hang_up)

    await line.call(CallRequest(number=number("7913", 7), trunk=ASTERISK), play)
    await asyncio.sleep(0.5)  # Asterisk closes the file after our BYE

    heard, rate = soundfile.read(OUT / f"{number('7913', 7)[1:]}.wav")
    spectrum = np.abs(np.fft.rfft(heard))
    loudest_hertz = np.fft.rfftfreq(len(heard), 1 / rate)[int(np.argmax(spectrum))]
    loud = np.abs(heard) > 0.05
    assert abs(loudest_hertz - hertz) < 5
    assert loud.sum() / rate == pytest.approx(seconds * 0.85, abs=0.25)  # |sin| > 0.2 for 87 % of a period
