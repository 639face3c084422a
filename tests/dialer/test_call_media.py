"""The audio of a call without its signalling: a socket of the test is the callee."""

import asyncio
import socket

from dialer.call_media import CallMedia, MediaPlane
from dialer.events import CallEvent, CallId, DtmfReceived, NegotiatedMedia, PlaybackFinished
from dialer.media.prompt import Prompt
from dialer.net.ports import PortPool
from dialer.rtp.packet import RtpPacket, build_packet, parse_packet

HOST = "127.0.0.30"
"""Of these tests alone, so that the ports are free."""
PROMPT = Prompt.from_pcm(bytes(2 * 800))
"""100 ms: five packets."""


def plane_of(ports: int) -> MediaPlane:
    pool = PortPool(28_000, 28_000 + 2 * ports - 1, b"seed")
    return MediaPlane(asyncio.get_running_loop(), HOST, pool, None, bytes)


class Callee:
    """A socket at the other end, and what our side told."""

    def __init__(self, plane: MediaPlane) -> None:
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((HOST, 0))
        self.udp.setblocking(False)
        self.told: asyncio.Queue[CallEvent] = asyncio.Queue()
        media = plane.open_call(CallId("call"), self.told.put_nowait)
        assert media is not None
        self.media: CallMedia = media
        media.obey(
            NegotiatedMedia(
                remote_host=HOST,
                remote_port=self.udp.getsockname()[1],
                payload_type=0,
                telephone_event_payload_type=101,
                can_send=True,
            )
        )

    async def next_event(self) -> CallEvent:
        return await asyncio.wait_for(self.told.get(), 10)

    def close(self) -> None:
        self.media.close()
        self.udp.close()

    def heard(self) -> list[RtpPacket]:
        packets = []
        try:
            while True:
                packet = parse_packet(self.udp.recv(2_048))
                assert packet is not None
                packets.append(packet)
        except BlockingIOError:
            return packets


async def test_a_prompt_is_sent_whole_and_its_end_is_told() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    callee.media.play(PROMPT)
    assert isinstance(await callee.next_event(), PlaybackFinished)
    packets = callee.heard()
    assert b"".join(packet.payload for packet in packets) == PROMPT.ulaw
    assert [packet.has_marker for packet in packets] == [True, False, False, False, False]
    callee.close()
    plane.close()


async def test_a_key_is_told_once() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    for sequence in (1, 2, 3):
        press = RtpPacket(101, sequence, 1_600, 7, bytes([5, 0, *divmod(160 * sequence, 256)]))
        callee.udp.sendto(build_packet(press), (HOST, callee.media.port))
    event = await callee.next_event()
    assert isinstance(event, DtmfReceived)
    assert event.digit == "5"
    await asyncio.sleep(0)
    assert callee.told.empty()
    callee.close()
    plane.close()


async def test_without_a_port_there_is_no_media_and_a_closed_call_gives_its_port_back() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    assert plane.open_call(CallId("second"), callee.told.put_nowait) is None
    callee.close()
    callee.close()  # once
    assert len(plane._ports._resting) == 1
    plane.close()


async def test_a_closed_call_does_nothing() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    callee.media.close()
    callee.media.play(PROMPT)
    callee.media.stop_playing()
    assert callee.media.port == 0
    assert callee.told.empty()
    callee.close()
    plane.close()
