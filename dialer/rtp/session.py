"""
The audio of one call, sans-IO: what arrives, what is sent each 20 ms, and from whom we believe it.

Rule: audio is believed from the address that the SDP names, or, behind NAT, from the first other one that sends (RFC 4961
symmetric RTP); once the named address speaks, only it counts. A session that plays nothing sends nothing.
"""

from collections.abc import Callable
from typing import Final

from dialer.rtp.dtmf import DigitReceiver
from dialer.rtp.packet import RtpPacket, build_packet, parse_packet
from dialer.rtp.rtcp import build_sender_report, parse_loss

Address = tuple[str, int]
"""(IP address, UDP port)"""

FRAME_SECONDS: Final = 0.02
FRAME_SAMPLES: Final = 160
SAMPLE_RATE_HZ: Final = 8_000
REPORT_SECONDS: Final = 5.0
"""Between our sender reports, the first after half of it (RFC 3550 §6.2)."""
PCMU: Final = 0
OFFERED_TELEPHONE_EVENT: Final = 101
"""Peers send events under the type that we offered (RFC 3264 §5.1), whatever their answer says."""


class RtpSession:
    """One stream each way. `now` is monotonic seconds; `rng(n)` gives n random bytes (RFC 3550 §5.1: random starts)."""

    __slots__ = (
        "_alaw",
        "_can_send",
        "_digits",
        "_named",
        "_offset",
        "_payload_type",
        "_report_at",
        "_sent_at",
        "_sequence",
        "_source",
        "_source_ssrc",
        "_ssrc",
        "_started_at",
        "_telephone_event",
        "_timestamp",
        "_ulaw",
        "packets_received",
        "packets_refused",
        "packets_sent",
        "reported_loss",
        "reports_received",
    )

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        start = rng(10)
        self._ssrc = int.from_bytes(start[:4], "big")
        self._sequence = int.from_bytes(start[4:6], "big")
        self._timestamp = int.from_bytes(start[6:10], "big")
        self._named: Address | None = None
        self._source: Address | None = None
        self._source_ssrc: int | None = None
        self._payload_type = PCMU
        self._telephone_event: int | None = None
        self._can_send = False
        self._digits = DigitReceiver()
        self._ulaw = self._alaw = b""
        self._offset = 0
        self._sent_at: float | None = None
        self._started_at = self._report_at = 0.0
        self.packets_received = 0
        self.packets_refused = 0
        self.packets_sent = 0
        self.reports_received = 0
        self.reported_loss: float | None = None
        """Share of our packets that the callee lost, as it said last."""

    def set_media(
        self, remote: Address, *, payload_type: int, telephone_event: int | None, can_send: bool
    ) -> None:
        """Obey an offer/answer: where the peer listens, and what it speaks."""
        if remote != self._named:
            self._named = remote
            self._source = None
        self._payload_type = payload_type
        self._telephone_event = telephone_event
        self._can_send = can_send

    @property
    def destination(self) -> Address | None:
        """Where to send: the address that audio came from, until then the one that the SDP names."""
        return self._source or self._named

    @property
    def is_playing(self) -> bool:
        return self._offset < len(self._ulaw)

    @property
    def played_ms(self) -> int:
        """How much of the prompt has been sent."""
        return min(self._offset, len(self._ulaw)) * 1000 // SAMPLE_RATE_HZ

    def play(self, ulaw: bytes, alaw: bytes) -> None:
        """Begin to send a prompt, one byte a sample in either encoding; replaces what was playing."""
        self._ulaw, self._alaw, self._offset = ulaw, alaw, 0

    def stop_playing(self) -> None:
        self._ulaw = self._ulaw[: self._offset]

    def next_packet(self, now: float) -> bytes | None:
        """Return the packet of this 20 ms; None when nothing plays, or the peer does not listen (hold)."""
        if not self.is_playing or not self._can_send:
            return None
        payload = (self._ulaw if self._payload_type == PCMU else self._alaw)[
            self._offset : self._offset + FRAME_SAMPLES
        ]
        if len(payload) < FRAME_SAMPLES:
            # the last frame is filled with silence: 0xFF in µ-law, 0xD5 in A-law
            payload = payload.ljust(FRAME_SAMPLES, b"\xff" if self._payload_type == PCMU else b"\xd5")
        is_new_talkspurt = self._sent_at is None or now - self._sent_at > 10 * FRAME_SECONDS
        if self._sent_at is not None and is_new_talkspurt:
            # the timestamp is a clock: it ran on while we were silent (RFC 3550 §5.1)
            self._timestamp += round((now - self._sent_at) * SAMPLE_RATE_HZ) - FRAME_SAMPLES
        if self._sent_at is None:
            self._started_at, self._report_at = now, now + REPORT_SECONDS / 2
        self._sent_at = now
        data = build_packet(
            RtpPacket(
                self._payload_type,
                self._sequence,
                self._timestamp & 0xFFFFFFFF,
                self._ssrc,
                payload,
                has_marker=is_new_talkspurt,
            )
        )
        self._offset += FRAME_SAMPLES
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp += FRAME_SAMPLES
        self.packets_sent += 1
        return data

    @property
    def report_destination(self) -> Address | None:
        """Where reports go: the port above that of the audio (RFC 3550 §11)."""
        return None if self.destination is None else (self.destination[0], self.destination[1] + 1)

    def next_report(self, now: float, cname: str) -> bytes | None:
        """Return the sender report that is due while we play; None when none is."""
        if self._sent_at is None or now < self._report_at:
            return None
        self._report_at = now + REPORT_SECONDS
        return build_sender_report(
            self._ssrc,
            cname,
            elapsed_seconds=now - self._started_at,
            timestamp=self._timestamp & 0xFFFFFFFF,
            packets=self.packets_sent,
            octets=self.packets_sent * FRAME_SAMPLES,
        )

    def receive_report(self, data: bytes, addr: Address) -> None:
        """Feed one RTCP datagram; only the host that we send to is believed."""
        if self.destination is None or addr[0] != self.destination[0]:
            self.packets_refused += 1
            return
        self.reports_received += 1
        loss = parse_loss(data, self._ssrc)
        if loss is not None:
            self.reported_loss = loss

    def receive(self, data: bytes, addr: Address) -> str | None:
        """Feed one datagram; return a digit when it begins a key press. Strangers and garbage are counted."""
        packet = parse_packet(data)
        if packet is None or not self._believe(addr):
            self.packets_refused += 1
            return None
        self.packets_received += 1
        if packet.ssrc != self._source_ssrc:
            self._source_ssrc = packet.ssrc
            self._digits.restart()
        if packet.payload_type in (OFFERED_TELEPHONE_EVENT, self._telephone_event):
            return self._digits.receive(packet.payload, packet.timestamp)
        return None

    def _believe(self, addr: Address) -> bool:
        if addr == self._source:
            return True
        if self._named is None or (self._source is not None and addr != self._named):
            return False
        self._source = addr
        return True
