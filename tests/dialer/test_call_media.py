"""The audio of a call without its signalling: a socket of the test is the callee."""

import asyncio
import socket

import pytest
import structlog

from dialer.call_media import CallMedia, MediaPlane
from dialer.events import CallEvent, CallId, DtmfReceived, NegotiatedMedia, PlaybackFinished
from dialer.media.prompt import Prompt
from dialer.net.ports import PortPool
from dialer.rtp.packet import RtpPacket, build_packet, parse_packet
from dialer.rtp.tap import AudioTap, TapFrame

HOST = "127.0.0.30"
"""Of these tests alone, so that the ports are free."""
PROMPT = Prompt.from_pcm(bytes(2 * 800))
"""100 ms: five packets."""


def plane_of(ports: int) -> MediaPlane:
    pool = PortPool(28_000, 28_000 + 2 * ports - 1, b"seed")
    return MediaPlane(asyncio.get_running_loop(), HOST, pool, None, bytes)


def agreed(port: int, *, events: int | None) -> NegotiatedMedia:
    return NegotiatedMedia(
        remote_host=HOST, remote_port=port, payload_type=0, telephone_event_payload_type=events
    )


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
        self.agree(self.udp.getsockname()[1])

    def agree(self, port: int, *, events: int | None = 101) -> None:
        self.media.obey(
            NegotiatedMedia(
                remote_host=HOST,
                remote_port=port,
                payload_type=0,
                telephone_event_payload_type=events,
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
        press = RtpPacket(101, sequence, 1_600, 7, bytes([5, 0, 0, 80 * sequence]))
        callee.udp.sendto(build_packet(press), (HOST, callee.media.port))
    event = await callee.next_event()
    assert isinstance(event, DtmfReceived)
    assert event.digit == "5"
    await asyncio.sleep(0)
    assert callee.told.empty()
    callee.close()
    plane.close()


class Sink:
    """Keeps what a tap gives."""

    def __init__(self, *, crashes: bool = False) -> None:
        self.batches: list[list[TapFrame]] = []
        self.ended: list[AudioTap] = []
        self._crashes = crashes

    def take_frames(self, frames: list[TapFrame]) -> None:
        self.batches.append(frames)
        if self._crashes:
            raise ZeroDivisionError

    def end_tap(self, tap: AudioTap) -> None:
        self.ended.append(tap)

    def sound(self, side: str) -> bytes:
        return b"".join(
            frame.payload
            for batch in self.batches
            for frame in batch
            if frame.side == side and not frame.is_filled
        )


async def test_a_tap_hears_both_sides_as_they_were_sent() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    sink = Sink()
    tap = callee.media.open_tap(sink)
    assert tap is not None
    spoken = bytes(range(160)) * 5
    for index in range(5):
        packet = RtpPacket(0, index, 160 * index, 7, spoken[160 * index : 160 * index + 160])
        callee.udp.sendto(build_packet(packet), (HOST, callee.media.port))
    callee.media.play(PROMPT)
    await callee.next_event()
    callee.media.close_tap(tap)
    assert sink.sound("callee") == spoken
    assert sink.sound("us") == PROMPT.ulaw
    assert sink.ended == [tap]
    for side in ("callee", "us"):
        starts = [frame.start_sample for batch in sink.batches for frame in batch if frame.side == side]
        assert starts == [160 * index for index in range(len(starts))]
    assert callee.media.rtp._listeners == []
    callee.close()
    assert sink.ended == [tap], "once"
    plane.close()


async def test_a_sink_gets_one_list_a_tick_for_all_its_calls_and_one_that_crashes_hurts_no_other() -> None:
    plane = plane_of(3)
    callees = [Callee(plane) for _ in range(3)]
    sink, crashing = Sink(), Sink(crashes=True)
    taps = [callee.media.open_tap(sink) for callee in callees]
    callees[0].media.open_tap(crashing)
    for callee in callees:
        callee.media.play(PROMPT)
    with structlog.testing.capture_logs() as logs:
        await asyncio.gather(*(callee.next_event() for callee in callees))
    assert any({frame.tap for frame in batch} == set(taps) for batch in sink.batches)
    assert {entry["event"] for entry in logs} == {"tap.sink_crashed"}
    for callee in callees:
        callee.close()
    assert len(sink.ended) == 3
    assert sink.sound("us") == b"".join(PROMPT.ulaw for _ in callees)
    assert len(crashing.ended) == 1
    plane.close()


async def test_keys_are_pressed_as_events_while_the_prompt_waits() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    callee.media.send_digits("7")
    callee.media.play(PROMPT)
    await callee.next_event()
    assert [packet.payload_type for packet in callee.heard()] == [101] * 7 + [0] * 5
    with pytest.raises(ValueError, match="digits"):
        callee.media.send_digits("x")
    callee.close()
    callee.media.send_digits("7")
    plane.close()


async def test_without_events_keys_are_tones_both_ways() -> None:
    plane = plane_of(2)
    one, other = Callee(plane), Callee(plane)
    one.media.obey(agreed(other.media.port, events=None))
    other.media.obey(agreed(one.media.port, events=None))
    one.media.send_digits("5#")
    told = [await other.next_event(), await other.next_event()]
    assert [event.digit for event in told if isinstance(event, DtmfReceived)] == ["5", "#"]
    assert len(other.media.rtp._listeners) == 1
    other.agree(other.udp.getsockname()[1])
    assert other.media.rtp._listeners == []
    for callee in (one, other):
        callee.close()
    plane.close()


async def test_connected_calls_hear_each_other_until_one_ends() -> None:
    plane = plane_of(3)
    callee, agent, third = Callee(plane), Callee(plane), Callee(plane)
    callee.media.connect(third.media)
    callee.media.connect(agent.media)
    assert third.media.relay is None
    for index in range(3):
        packet = build_packet(RtpPacket(0, index, 160 * index, 7, bytes([index]) * 160))
        callee.udp.sendto(packet, (HOST, callee.media.port))
    heard: list[RtpPacket] = []
    async with asyncio.timeout(10):
        while len(heard) < 3:
            await asyncio.sleep(0.001)
            heard += agent.heard()
    assert [packet.payload[0] for packet in heard] == [0, 1, 2]
    assert third.heard() == []
    agent.close()
    assert callee.media.relay is None
    callee.media.connect(agent.media)  # which is over
    assert callee.media.relay is None
    callee.close()
    third.close()
    plane.close()


async def test_sound_between_connected_calls_is_whole_whichever_way_it_goes() -> None:
    plane = plane_of(2)
    callee, agent = Callee(plane), Callee(plane)
    said, heard = [0], list[RtpPacket]()

    def say(count: int, *, skip: int = 0, size: int = 160) -> None:
        said[0] += skip
        for _ in range(count):
            said[0] += 1
            packet = RtpPacket(0, said[0], 160 * said[0], 7, bytes([said[0]]) * size)
            callee.udp.sendto(build_packet(packet), (HOST, callee.media.port))
            plane._poll.read_all(0.02 * said[0])
        heard.extend(agent.heard())

    agent.udp.sendto(build_packet(RtpPacket(0, 1, 160, 9, bytes(160))), (HOST, agent.media.port))
    say(1)
    plane._poll.read_all(0.0)
    callee.media.connect(agent.media)
    outgoing = agent.media.rtp.outgoing
    say(20)
    assert outgoing.onward.count > 0, "the short way was taken"
    say(5, skip=3)
    say(5, size=80)
    sink = Sink()
    tap = agent.media.open_tap(sink)
    assert tap is not None
    say(5)
    agent.media.close_tap(tap)
    assert sink.sound("us") == b"".join(bytes([number]) * 160 for number in range(35, 40))
    callee_sink = Sink()
    callee_tap = callee.media.open_tap(callee_sink)
    assert callee_tap is not None
    say(5)
    callee.media.close_tap(callee_tap)
    assert callee_sink.sound("callee") == b"".join(bytes([number]) * 160 for number in range(40, 45))
    say(20)
    before = agent.udp
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as moved:
        moved.bind((HOST, 0))
        moved.setblocking(False)
        agent.udp = moved
        agent.agree(moved.getsockname()[1])
        say(20)
        agent.udp = before
    numbers = [packet.payload[0] for packet in heard]
    assert numbers == [*range(2, 22), *range(25, 85)]
    first = heard[0]
    assert [packet.sequence - first.sequence for packet in heard] == [number - 2 for number in numbers]
    assert [packet.timestamp - first.timestamp for packet in heard] == [160 * (n - 2) for n in numbers]
    assert {packet.ssrc for packet in heard} == {outgoing.ssrc}
    assert outgoing.packets_sent == len(heard)
    assert outgoing.octets_sent == sum(len(packet.payload) for packet in heard)
    assert callee.media.rtp.packets_received == said[0] - 3
    assert callee.media.rtp.reception.lost == 3
    callee.close()
    agent.close()
    plane.close()


async def test_the_system_refuses_strangers_once_the_named_address_has_spoken() -> None:
    plane = plane_of(1)
    callee = Callee(plane)
    hello = build_packet(RtpPacket(0, 1, 160, 7, bytes(160)))
    callee.udp.sendto(hello, (HOST, callee.media.port))
    callee.media.play(PROMPT)
    await callee.next_event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HOST, 0))
        stranger.sendto(build_packet(RtpPacket(101, 2, 320, 7, b"\1\x0a\0\xa0")), (HOST, callee.media.port))
        callee.media.play(PROMPT)
        assert isinstance(await callee.next_event(), PlaybackFinished), "no key"
    assert callee.media.socket is not None
    assert callee.media.socket.is_filtered
    assert callee.media.rtp.packets_received == 1
    # a re-INVITE moves the audio
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as moved:
        moved.bind((HOST, 0))
        callee.agree(moved.getsockname()[1])
        moved.sendto(hello, (HOST, callee.media.port))
        callee.media.play(PROMPT)
        await callee.next_event()
        assert moved.recv(2_048)
    assert callee.media.rtp.packets_refused == 0
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
