"""Sockets of audio: read all at once, connected when only one sender counts."""

import socket
from collections.abc import Iterator

import pytest

from dialer.net.rtp_socket import Address, RtpPoll, RtpSocket
from dialer.rtp.outgoing import Onward
from dialer.rtp.packet import HEADER, RtpPacket, parse_packet

HOST = "127.0.0.33"
"""Of these tests alone."""


class Ears:
    """What a socket heard."""

    def __init__(self) -> None:
        self.any: list[tuple[bytes, Address]] = []
        self.known: list[bytes] = []
        self.timed = 0

    def hear_any(self, data: bytes, sender: Address, _now: float) -> None:
        self.any.append((data, sender))

    def hear_known(self, buffer: bytearray, size: int, _now: float, arrival: float | None) -> None:
        self.known.append(bytes(buffer[:size]))
        self.timed += arrival is not None


def peer() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    return made


@pytest.fixture
def poll() -> Iterator[RtpPoll]:
    made = RtpPoll()
    yield made
    made.close()


def open_socket(poll: RtpPoll, ears: Ears) -> RtpSocket:
    with peer() as probe:
        port = int(probe.getsockname()[1])
    return RtpSocket(poll, (HOST, port), ears.hear_any, ears.hear_known)


def arrive(sender: socket.socket, data: bytes, ours: RtpSocket) -> None:
    """Send, and wait until it is there: the loopback delivers before `sendto` returns."""
    sender.sendto(data, (HOST, ours.port))


def test_whatever_arrives_is_handed_on_with_its_sender(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as one, peer() as two:
        arrive(one, b"first", ours)
        arrive(two, b"second", ours)
        poll.read_all(0.0)
        assert ears.any == [(b"first", one.getsockname()), (b"second", two.getsockname())]
        ours.send(b"back", one.getsockname())
        assert one.recv(100) == b"back"
    ours.close()


def test_a_connected_socket_hears_its_peer_only_and_what_was_queued_before_is_not_trusted(
    poll: RtpPoll,
) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as one, peer() as stranger:
        arrive(stranger, b"queued before", ours)
        ours.connect(one.getsockname())
        arrive(stranger, b"refused by the system", ours)
        poll.read_all(0.0)
        assert [data for data, _sender in ears.any] == [b"queued before"]
        assert ears.known == []
        arrive(one, bytes(20), ours)
        arrive(stranger, b"refused by the system", ours)
        poll.read_all(0.02)
        assert ears.known == [bytes(20)]
        ours.send(b"back", one.getsockname())
        assert one.recv(100) == b"back"
    ours.close()


def test_a_disconnected_socket_hears_everybody_again_at_the_same_port(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as one, peer() as two:
        ours.connect(one.getsockname())
        poll.read_all(0.0)
        ours.disconnect()
        arrive(two, b"from another", ours)
        poll.read_all(0.02)
        assert ears.any == [(b"from another", two.getsockname())]
        ours.send(b"back", two.getsockname())
        assert two.recvfrom(100) == (b"back", (HOST, ours.port))
    ours.close()


def test_every_eighth_packet_is_timed(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as one:
        ours.connect(one.getsockname())
        poll.read_all(0.0)
        for sequence in range(24):
            arrive(one, bytes([0x80, 0, 0, sequence]) + bytes(8), ours)
        poll.read_all(0.02)
        poll.read_all(0.04)
        assert len(ears.known) == 24
        assert ears.timed == 2, "of three: the first question makes the system begin to note it"
    ours.close()


def test_what_is_expected_is_counted_and_not_handed_on(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as one:
        ours.connect(one.getsockname())
        poll.read_all(0.0)
        ours.expects, ours.ssrc = 0x80000001, 7
        for sequence in (1, 2, 3, 5):
            arrive(one, bytes([0x80, 0, 0, sequence]) + bytes(7) + b"\7", ours)
        arrive(one, bytes([0x80, 0, 0, 4]), ours)
        poll.read_all(0.02)
        assert ours.expects == 0x80000004
        assert [data[3] for data in ears.known] == [5, 4], "out of turn, and too short"
    ours.close()


def test_what_is_expected_goes_onward_in_place_where_that_way_is_open(poll: RtpPoll) -> None:
    ears, others = Ears(), Ears()
    ours, theirs = open_socket(poll, ears), open_socket(poll, others)
    times: list[int] = []
    with peer() as one, peer() as two:
        ours.connect(one.getsockname())
        theirs.connect(two.getsockname())
        poll.read_all(0.0)
        onward = Onward()
        onward.size, onward.socket = 16, theirs
        onward.first_word, onward.ssrc = 0x80080000, 42
        onward.sequence_offset, onward.timestamp_offset = 0xFFFF, 2**32 - 1
        ours.expects, ours.ssrc, ours.onward = 0x80000001, 7, onward
        ours.time = lambda timestamp, _arrival: times.append(timestamp)
        for sequence in range(1, 18):
            header = HEADER.pack(0x80, 0, sequence, 160 * sequence, 7)
            arrive(one, header + b"four" + b"too long" * (sequence == 17), ours)
            poll.read_all(0.02)
        packets = [parse_packet(two.recv(100)) for _ in range(16)]
        assert packets == [
            RtpPacket(8, sequence - 1, 160 * sequence - 1, 42, b"four") for sequence in range(1, 17)
        ]
        assert (onward.count, onward.timestamp, onward.sent_at) == (16, 160 * 16 - 1, 0.02)
        assert ours.expects == 0x80000011
        assert times == [160 * 16], "of every eighth; the first question makes the system begin to note it"
        assert [len(data) for data in ears.known] == [24]
    with peer() as one:  # and nobody where `two` was
        ours.disconnect()
        ours.connect(one.getsockname())
        poll.read_all(0.04)
        for sequence in range(17, 21):
            arrive(one, HEADER.pack(0x80, 0, sequence, 0, 7) + b"four", ours)
            poll.read_all(0.04)
        assert theirs.send_errors > 0
        assert onward.count == 20
    ours.close()
    theirs.close()


def test_a_peer_that_takes_nothing_costs_nothing_but_the_packets(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as gone:
        address = gone.getsockname()
    ours.connect(address)
    for _ in range(4):
        ours.send(b"to nobody", address)
        poll.read_all(0.0)
    assert ours.send_errors > 0
    ours.close()


def test_a_handler_may_close_the_socket(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)

    def close(data: bytes, sender: Address, now: float) -> None:
        ears.hear_any(data, sender, now)
        ours.close()

    ours.on_any = close
    with peer() as one:
        for data in (b"one", b"two"):
            arrive(one, data, ours)
    poll.read_all(0.0)
    assert [data for data, _sender in ears.any] == [b"one"]
    ours.close()  # once


def test_one_busy_socket_is_read_within_bounds(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with peer() as one:
        for _ in range(40):
            arrive(one, b"flood", ours)
    poll.read_all(0.0)
    assert len(ears.any) == 16
    poll.read_all(0.02)
    poll.read_all(0.04)
    assert len(ears.any) == 40
    ours.close()


def test_a_port_that_is_taken_raises_and_leaves_nothing(poll: RtpPoll) -> None:
    ears = Ears()
    ours = open_socket(poll, ears)
    with pytest.raises(OSError, match="in use"):
        RtpSocket(poll, (HOST, ours.port), ears.hear_any, ears.hear_known)
    ours.close()
    assert poll._sockets == {}
