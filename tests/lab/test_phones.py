"""Real phones answer our calls: baresip, direct and through Kamailio, and pyVoIP, behind Asterisk. Both sides are heard."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal

import numpy as np
import pytest

from dialer import Call, CallAnswered, CallEvent, CallRequest, Prompt, TrunkConfig
from dialer.media.g711 import decode
from dialer.rtp.tap import AudioTap, TapFrame
from tests.lab.conftest import ASTERISK, PROXY, Line
from tests.lab.phones import PHONE_HERTZ, Baresip, PyvoipPhone, baresip, loudest_hertz, pyvoip_phone

pytestmark = [pytest.mark.lab, pytest.mark.timeout(90)]
OUR_HERTZ: Final = 700
TONE: Final = Prompt.from_pcm(
    (8_000 * np.sin(2 * np.pi * OUR_HERTZ * np.arange(8_000 * 20) / 8_000)).astype("<i2").tobytes()
)
TALK_SECONDS: Final = 3.0
BARESIP: Final = TrunkConfig(name="baresip", host=Baresip.host, caller_id="obzvon")


class Ear:
    """Keeps what the callee says."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def take_frames(self, frames: list[TapFrame]) -> None:
        for frame in frames:
            if frame.side == "callee" and not frame.is_filled:
                self.heard += decode(frame.payload, frame.payload_type).tobytes()

    def end_tap(self, tap: AudioTap) -> None:
        """Nothing waits for the end."""


@pytest.mark.parametrize("who_hangs_up", ["us", "callee"])
@pytest.mark.parametrize("way", ["baresip direct", "baresip through kamailio", "pyvoip behind asterisk"])
async def test_a_phone_answers_is_heard_hears_us_and_either_side_ends_the_talk(
    line: Line, way: str, who_hangs_up: Literal["us", "callee"]
) -> None:
    trunks = {
        "baresip direct": BARESIP,
        "baresip through kamailio": PROXY,
        "pyvoip behind asterisk": ASTERISK,
    }
    opens: AbstractAsyncContextManager[Baresip | PyvoipPhone] = (
        pyvoip_phone() if way.startswith("pyvoip") else baresip()
    )
    ear, loop = Ear(), asyncio.get_running_loop()
    hanging_up: list[asyncio.Task[None]] = []
    async with opens as phone:

        def act(call: Call, event: CallEvent) -> None:
            if isinstance(event, CallAnswered):
                call.open_tap(ear)
                call.play(TONE)
                loop.call_later(TALK_SECONDS, end, call)

        def end(call: Call) -> None:
            if who_hangs_up == "us":
                call.hang_up()
            else:
                hanging_up.append(asyncio.create_task(phone.hang_up()))

        request = CallRequest(number=phone.number, trunk=trunks[way])
        _, ended = await line.call(request, act)
        await asyncio.gather(*hanging_up)
        assert abs(await phone.heard_hertz() - OUR_HERTZ) < 10

    outcome, media = ended.outcome, ended.media
    assert (outcome.result, outcome.ended_by, outcome.reason) == ("answered", who_hangs_up, "normal")
    samples = np.frombuffer(bytes(ear.heard), "<i2").astype(float)
    assert abs(loudest_hertz(samples) - PHONE_HERTZ) < 10
    assert media is not None
    assert media.is_one_way is False
    assert media.packets_sent > 25 * TALK_SECONDS
    assert media.packets_received > 25 * TALK_SECONDS
    assert line.dialer.counters == {}
