"""
The audio of one call, sans-IO: what arrives, what is sent each 20 ms, and from whom we believe it.

Rule: audio is believed from the address that the SDP names, or, behind NAT, from the first other one that sends (RFC 4961
symmetric RTP); once the named address speaks, only it counts. A session that plays nothing sends nothing.

A packet each way every 20 ms and call is most of what a dialer does, so the usual packet takes a short way: one that is in
its turn, of the stream we know, without padding or extension, is known by its first bytes (`Lane`) and never seen here, or
by its header, where somebody listens or its arrival is measured. Everything else goes through `parse_packet`.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from dialer.rtp.dtmf import DigitReceiver
from dialer.rtp.outgoing import FRAME_SECONDS, PCMA, PCMU, Onward, OutgoingStream, PacketListener
from dialer.rtp.packet import HEADER, HEADER_BYTES, MARKER, VERSION_2, RtpPacket, parse_packet
from dialer.rtp.quality import MediaQuality
from dialer.rtp.reception import Reception
from dialer.rtp.reports import Reports

__all__ = ["FRAME_SECONDS", "PCMA", "PCMU", "Address", "RtpSession"]

Address = tuple[str, int]
"""(IP address, UDP port)"""

OFFERED_TELEPHONE_EVENT: Final = 101
"""Peers send events under the type that we offered (RFC 3264 §5.1), whatever their answer says."""
_LATCH_PACKETS: Final = 50
"""A second of audio from an address that the SDP does not name, before nobody else is listened to."""
_SILENCE_SECONDS: Final = 3.0
"""So long without a packet, and the address that the SDP names may speak again."""


NOTHING: Final = -1


class Lane:
    """
    What the next packet in its turn begins with, for who reads packets: such a one needs nothing but `expects += 1`.

    Where its arrival is known, `time` hears of it; where a relay alone listens, it goes `onward`, if that way is open. The
    session takes the lane into its counters when it is asked for them, or when another packet comes.
    """

    __slots__ = ("expects", "onward", "ssrc", "time")

    def __init__(self) -> None:
        self.expects = NOTHING
        """First four bytes of the header as a number; `NOTHING` = every packet goes to the session."""
        self.ssrc = NOTHING
        self.onward: Onward | None = None
        self.time: Callable[[int, float], None] = _ignore_time
        """`Reception.time` of its session."""


def _ignore_time(_timestamp: int, _arrival_seconds: float) -> None:
    pass


class RtpSession:
    """One stream each way. `now` is monotonic seconds; `rng(n)` gives n random bytes (RFC 3550 §5.1: random starts)."""

    __slots__ = (
        "_digits",
        "_heard_at",
        "_kind",
        "_listeners",
        "_named",
        "_received_before_answer",
        "_rng",
        "_source",
        "_source_packets",
        "_source_ssrc",
        "_telephone_event",
        "destination",
        "has_moved_ssrc",
        "lane",
        "outgoing",
        "packets_refused",
        "reception",
        "reports",
    )

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self._rng = rng
        self.outgoing = OutgoingStream(rng)
        self.reception = Reception()
        self.reports = Reports()
        self.lane = Lane()
        self._listeners: list[PacketListener] = []
        """Who hears what the peer says; empty for most calls, which then pay nothing for it."""
        self.packets_refused = 0
        """From strangers, or no RTP."""
        self.has_moved_ssrc = False
        self.destination: Address | None = None
        """Where to send: the address that audio came from, until then the one that the SDP names."""
        self._named: Address | None = None
        self._source: Address | None = None
        self._source_packets = 0
        self._source_ssrc = -1
        self._kind = -1
        """Marker and type byte of the last audio packet."""
        self._telephone_event: int | None = None
        self._digits = DigitReceiver()
        self._heard_at = 0.0
        self._received_before_answer: int | None = None

    def set_media(
        self,
        remote: Address,
        *,
        payload_type: int,
        telephone_event: int | None,
        can_send: bool,
        ptime_ms: int = 20,
    ) -> None:
        """Obey an offer/answer: where the peer listens, and what it speaks."""
        remote = (ip_address(remote[0]).compressed, remote[1])
        if remote != self._named:
            self._named = self.destination = remote
            self._source = None
            self._source_packets = 0
        self._telephone_event = telephone_event
        self.outgoing.can_send = can_send
        self.outgoing.set_format(payload_type, ptime_ms)

    def add_listener(self, listener: PacketListener) -> None:
        """Hand on every packet from now on."""
        self._take_lane()
        self._listeners.append(listener)
        self.lane.expects = NOTHING

    def remove_listener(self, listener: PacketListener) -> None:
        """Do nothing if it is not there."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def add_relay(self, listener: PacketListener, onward: Onward) -> None:
        """Hand on every packet from now on; `onward` is the short way of those in their turn, while nobody else listens."""
        self.add_listener(listener)
        self.lane.onward = onward

    def remove_relay(self, listener: PacketListener) -> None:
        """Do nothing if it is not there."""
        if listener in self._listeners:
            self.remove_listener(listener)
            self.lane.onward = None

    def note_answered(self) -> None:
        """Tell early media from the talk: the callee may be heard in one, and not in the other."""
        self._take_lane()
        self._received_before_answer = self.reception.received

    @property
    def telephone_event(self) -> int | None:
        """The type under which the peer takes digits; None = only as tones."""
        return self._telephone_event

    @property
    def is_source_certain(self) -> bool:
        """Whether no other address could be believed now, so that the system may refuse them for us."""
        return self._source is not None and (
            self._source == self._named or self._source_packets >= _LATCH_PACKETS
        )

    @property
    def packets_received(self) -> int:
        self._take_lane()
        return self.reception.received

    def receive(self, data: bytes, addr: Address, now: float) -> str | None:
        """Feed one datagram of whatever sender; return a digit when it begins a key press."""
        if parse_packet(data) is None or not self._believe(addr):
            self.packets_refused += 1
            return None
        self._source_packets += 1
        return self.receive_from_source(data, len(data), now)

    def receive_from_source(
        self, data: bytes | bytearray, size: int, now: float, arrival: float | None = None
    ) -> str | None:
        """
        Feed one datagram that can only be the believed sender's: the first `size` bytes of `data`.

        `arrival` is when the system got it, on any clock in seconds, for the jitter; None = not measured.
        """
        if size < HEADER_BYTES:
            self.packets_refused += 1
            return None
        flags, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        reception = self.reception
        if self.lane.expects >= 0:
            self._take_lane()
        if (
            flags == VERSION_2
            and kind == self._kind
            and sequence == reception.next_sequence
            and ssrc == self._source_ssrc
        ):
            reception.take_in_turn(1)
            self._heard_at = now
            if arrival is not None:
                reception.time(timestamp, arrival)
            if self._listeners:
                payload = bytes(data[HEADER_BYTES:size])
                for listener in self._listeners:
                    listener(kind, sequence, timestamp, payload, True, now)
            self._open_lane()
            return None
        packet = parse_packet(bytes(data[:size]))
        if packet is None:
            self.packets_refused += 1
            return None
        digit = self._receive_unusual(packet, now, arrival)
        self._open_lane()
        return digit

    def quality(self) -> MediaQuality:
        """The figures of the call so far."""
        self._take_lane()
        reception, reports = self.reception, self.reports
        after_answer = (
            None
            if self._received_before_answer is None
            else reception.received - self._received_before_answer
        )
        return MediaQuality(
            packets_expected=reception.expected,
            packets_received=reception.received,
            packets_lost=max(0, reception.lost),
            packets_late=reception.late,
            packets_duplicated=reception.duplicated,
            packets_sent=self.outgoing.packets_sent,
            jitter_ms=reception.jitter_ms,
            round_trip_ms=reports.round_trip_ms,
            reported_loss=reports.reported_loss,
            is_one_way=None if after_answer is None else after_answer == 0,
        )

    def next_report(self, now: float, cname: str) -> bytes | None:
        """Return the RTCP compound that is due; None when none is."""
        self._take_lane()
        return self.reports.next_report(now, cname, self.outgoing, self.reception, self._source_ssrc)

    @property
    def report_destination(self) -> Address | None:
        """Where reports go: the port above that of the audio (RFC 3550 §11)."""
        return None if self.destination is None else (self.destination[0], self.destination[1] + 1)

    def receive_report(self, data: bytes, addr: Address, now: float) -> None:
        """Feed one RTCP datagram; only the host that we send to is believed."""
        if self.destination is None or addr[0] != self.destination[0]:
            self.packets_refused += 1
            return
        self.reports.receive(data, self.outgoing.ssrc, now)

    def forget_silent_source(self, now: float) -> bool:
        """
        Let the address that the SDP names speak again, once another one has been silent for a while.

        True when there was such a one. To be asked now and then by whoever let the system refuse strangers.
        """
        if self._take_lane():
            self._heard_at = now
        if self._source is None or self._source == self._named or now - self._heard_at < _SILENCE_SECONDS:
            return False
        self._source_packets = 0
        return True

    def _open_lane(self) -> None:
        """Let the next packet in its turn be known by its first bytes, unless somebody listens who is no relay."""
        if self._kind >= 0 and len(self._listeners) == (self.lane.onward is not None):
            self.lane.expects = VERSION_2 << 24 | self._kind << 16 | self.reception.next_sequence
            self.lane.ssrc = self._source_ssrc
            self.lane.time = self.reception.time

    def _take_lane(self) -> bool:
        """Count what was known by its first bytes; tell whether there was any."""
        if self.lane.expects < 0:
            return False
        count = (self.lane.expects - self.reception.next_sequence) & 0xFFFF
        self.reception.take_in_turn(count)
        return count > 0

    def _receive_unusual(self, packet: RtpPacket, now: float, arrival: float | None) -> str | None:
        self._heard_at = now
        reception = self.reception
        if packet.ssrc != self._source_ssrc:
            self._begin_stream(packet)
        is_in_turn = packet.sequence == reception.next_sequence
        is_new = reception.note(packet.sequence)
        if is_new and self._listeners:
            kind = packet.payload_type | (MARKER if packet.has_marker else 0)
            for listener in self._listeners:
                listener(kind, packet.sequence, packet.timestamp, packet.payload, is_in_turn, now)
        if packet.payload_type in (PCMU, PCMA):
            self._kind = packet.payload_type
            if is_new and arrival is not None:  # what is late is jitter, too
                reception.time(packet.timestamp, arrival)
        elif packet.payload_type in (OFFERED_TELEPHONE_EVENT, self._telephone_event):
            return self._digits.receive(packet.payload, packet.timestamp)
        return None

    def _begin_stream(self, packet: RtpPacket) -> None:
        self._source_ssrc = packet.ssrc
        self._digits.restart()
        self.reception.restart(packet.sequence)
        self.reports.forget_peer()
        if packet.ssrc == self.outgoing.ssrc and not self.has_moved_ssrc:
            # a collision is resolved by moving away, once: a second one is our own sound in a loop (RFC 3550 §8.2)
            self.has_moved_ssrc = True
            self.outgoing.move(self._rng)

    def _believe(self, addr: Address) -> bool:
        if addr == self._source:
            return True
        if self._named is None or (self._source is not None and addr != self._named):
            return False
        self._source = self.destination = addr
        self._source_packets = 0
        return True
