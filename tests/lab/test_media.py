"""Audio with a real Asterisk: keys both ways, as events and as tones, other packet lengths, reports."""

import asyncio

import pytest

from dialer import Call, CallAnswered, CallEvent, CallRequest, DtmfReceived, PlaybackFinished, Prompt
from tests.lab.conftest import ASTERISK, Line
from tests.lab.prefixes import number

KEYS = "5*9"
"""Without #, which ends what Read() reads."""
SECOND = Prompt.from_pcm(bytes(16_000))


def request(prefix: str, caller_id: str) -> CallRequest:
    return CallRequest(number=number(prefix, 1), trunk=ASTERISK, caller_id=caller_id)


@pytest.mark.parametrize("caller_id", ["obzvon", "inband"])
async def test_keys_that_we_press_come_back_as_keys_that_we_hear(line: Line, caller_id: str) -> None:
    """7916 reads three keys and sends them back; `inband` is an endpoint that knows no telephone-events."""
    heard = ""

    def act(call: Call, event: CallEvent) -> None:
        nonlocal heard
        if isinstance(event, CallAnswered):
            call.send_digits(KEYS)
        elif isinstance(event, DtmfReceived):
            heard += event.digit
            if len(heard) == len(KEYS):
                call.hang_up()

    _, ended = await line.call(request("7916", caller_id), act)
    assert heard == KEYS
    assert ended.outcome.ended_by == "us"


async def test_forty_milliseconds_a_packet_both_ways(line: Line) -> None:
    """`ptime40` is an endpoint that asks for 40 ms; 7901 says hello."""
    placed: list[Call] = []

    def act(call: Call, event: CallEvent) -> None:
        placed.append(call)
        if isinstance(event, CallAnswered):
            call.play(SECOND)
        elif isinstance(event, PlaybackFinished):
            call.hang_up()

    _, ended = await line.call(request("7901", "ptime40"), act)
    media = ended.media
    assert media is not None
    assert placed[0].played_ms == 1_000
    assert media.packets_sent == 25
    assert media.packets_received > 0
    assert media.packets_lost == 0


async def test_reports_tell_loss_and_round_trip(line: Line) -> None:
    """Asterisk's report refers to ours, so it has read it; reports leave every five seconds on either side."""
    prompt = Prompt.from_pcm(bytes(16_000 * 60))

    def act(call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            call.play(prompt)

            def look() -> None:
                if call.media is not None and call.media.rtp.reports.round_trip_ms is not None:
                    call.hang_up()
                else:
                    asyncio.get_running_loop().call_later(0.2, look)

            look()

    _, ended = await line.call(request("7901", "obzvon"), act)
    media = ended.media
    assert media is not None
    assert media.round_trip_ms is not None
    assert media.reported_loss is not None
    assert media.is_one_way is False
    assert media.jitter_ms is not None
