"""
Audio over a network that loses, doubles and reorders datagrams, both ways, with a real phone: the figures and the sound.

The faults are the scenarios' (`NETWORKS`), in the shim before the dialer's own sockets.
"""

import asyncio
import math
from typing import Final

import msgspec
import numpy as np
import pytest

from dialer import (
    Call,
    CallAnswered,
    CallEvent,
    CallRequest,
    Dialer,
    DialerConfig,
    MediaQuality,
    NetworkFaults,
)
from dialer.media.g711 import decode
from dialer.rtp.tap import RECORDER_DEPTH_MS, AudioTap, TapFrame
from tests.lab.conftest import Line
from tests.lab.phones import PHONE_HERTZ, Baresip, baresip, purity
from tests.lab.scenario import NETWORKS
from tests.lab.test_phones import BARESIP, OUR_HERTZ, TONE

pytestmark = [pytest.mark.lab, pytest.mark.timeout(90)]
TALK_SECONDS: Final = 6.0
PACKETS: Final = round(TALK_SECONDS * 50)


class Timeline:
    """What the callee said, what is missing being silence: a tone stays in step."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def take_frames(self, frames: list[TapFrame]) -> None:
        for frame in frames:
            if frame.side == "callee":
                self.heard += decode(frame.payload, frame.payload_type).tobytes()

    def end_tap(self, tap: AudioTap) -> None:
        """Nothing waits for the end."""


async def talk_over(network: NetworkFaults) -> tuple[MediaQuality, float, float]:
    """Return the figures of a talk, and how pure the tones are that we and the phone have heard."""
    timeline, loop = Timeline(), asyncio.get_running_loop()

    def act(call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            call.open_tap(timeline, depth_ms=RECORDER_DEPTH_MS)
            call.play(TONE)
            loop.call_later(TALK_SECONDS, call.hang_up)

    faults = msgspec.structs.replace(network, seed=11)
    async with baresip() as phone, Dialer(DialerConfig(faults=faults)) as dialer:
        request = CallRequest(number=Baresip.number, trunk=BARESIP)
        _, ended = await Line(dialer).call(request, act)
        assert ended.outcome.result == "answered"
        there = await phone.heard()
    assert ended.media is not None
    here = np.frombuffer(bytes(timeline.heard), "<i2").astype(float)
    # the phone's first half second is not yet there, and its last may be cut
    return ended.media, purity(here[8_000:40_000], PHONE_HERTZ), purity(there[8_000:32_000], OUR_HERTZ)


async def test_a_clean_network_is_the_measure() -> None:
    media, here, there = await talk_over(NETWORKS["clean"])
    assert media.packets_expected > 0.9 * PACKETS
    assert (media.packets_lost, media.packets_duplicated, media.packets_late) == (0, 0, 0)
    assert here > 0.98
    assert there > 0.98


async def test_doubled_packets_are_counted_and_heard_once() -> None:
    media, here, there = await talk_over(NETWORKS["doubling"])
    assert media.packets_lost == 0
    assert media.packets_received == media.packets_expected + media.packets_duplicated
    assert is_share(media.packets_duplicated, media.packets_expected, 0.3)
    assert here > 0.98
    assert there > 0.98


async def test_packets_out_of_order_are_no_losses_and_are_heard_in_order() -> None:
    media, here, there = await talk_over(NETWORKS["reordering"])
    assert media.packets_lost <= 3, "what was held back as the call ended"
    assert media.packets_duplicated == 0
    assert is_share(media.packets_late, media.packets_expected, 0.2)
    assert here > 0.98
    assert there > 0.9


async def test_lost_packets_are_counted_and_leave_the_rest_in_step() -> None:
    media, here, _ = await talk_over(NETWORKS["loss20"])
    assert is_share(media.packets_lost, media.packets_expected, 0.2)
    assert media.packets_duplicated == media.packets_late == 0
    assert here > 0.6, "four fifths of a tone, in their places"


def is_share(count: int, of: int, share: float) -> bool:
    """Whether a count is that share, give or take five standard deviations."""
    return abs(count - of * share) < 5 * math.sqrt(of * share * (1 - share))
