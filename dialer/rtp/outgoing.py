"""
What we send of one call, packet by packet: a prompt, digits, or what another leg says.

The usual packet is built in place, in one buffer per call: two fields of the header and a slice of the prompt, which all
calls of a campaign share. What is forwarded usually goes a short way (`Onward`) and is not seen here at all.
"""

import struct
from collections.abc import Callable
from typing import Final, Protocol

from dialer.rtp.dtmf import DigitSender
from dialer.rtp.packet import HEADER, HEADER_BYTES, MARKER, VERSION_2

FRAME_SECONDS: Final = 0.02
SAMPLE_RATE_HZ: Final = 8_000
PCMU: Final = 0
PCMA: Final = 8
SILENT_SAMPLE: Final = {PCMU: b"\xff", PCMA: b"\xd5"}
PTIMES_MS: Final = (10, 20, 30, 40, 60)
_DEFAULT_PTIME_MS: Final = 20
_TALKSPURT_SECONDS: Final = 0.2
"""After a longer pause of ours a packet begins a talkspurt (RFC 3551 §4.1), and the timestamp has run on."""
_GRAIN_SECONDS: Final = 0.001
"""Clocks round: a packet may leave so much before its time."""
_SEQUENCE_AND_TIMESTAMP: Final = struct.Struct("!HI")

PacketListener = Callable[[int, int, int, bytes, bool, float], None]
"""
`(kind, sequence, timestamp, payload, is_in_turn, now)` of each packet that is no duplicate.

`kind` is the byte of marker and payload type; `is_in_turn` = no packet is missing before it.
"""


CLOSED: Final = -1


class ConnectedSocket(Protocol):
    """Where forwarded packets leave. `send_known` raises OSError, which is to be counted."""

    send_known: Callable[[memoryview], object]
    send_errors: int


class Onward:
    """
    How a leg's packet that is in its turn becomes one of this stream, for who reads packets.

    Such a one is of `size` bytes, of the kind that we send, and nobody hears it but the peer. Its header becomes
    `first_word | (its sequence number + sequence_offset) & 0xFFFF`, its timestamp `+ timestamp_offset`, `ssrc`; then `count`,
    `timestamp` (ours) and `sent_at` are noted. The stream takes these when it is asked for them, and closes the way whenever
    anything else is sent or changes.
    """

    __slots__ = ("count", "first_word", "sent_at", "sequence_offset", "size", "socket", "ssrc", "timestamp", "timestamp_offset")  # fmt: skip

    socket: ConnectedSocket

    def __init__(self) -> None:
        self.size = CLOSED
        self.count = 0
        self.first_word = self.ssrc = 0
        self.sequence_offset = self.timestamp_offset = 0
        self.timestamp = 0
        self.sent_at = 0.0


class OutgoingStream:
    """One RTP stream of ours. `rng(n)` gives n random bytes."""

    __slots__ = (
        "_alaw",
        "_buffer",
        "_digits",
        "_digits_type",
        "_due_at",
        "_forward_sequence",
        "_forward_timestamp",
        "_frame_samples",
        "_frame_seconds",
        "_interrupted",
        "_length",
        "_octets_sent",
        "_offset",
        "_packets_sent",
        "_sequence",
        "_source",
        "_timestamp",
        "_ulaw",
        "can_send",
        "is_short",
        "listeners",
        "onward",
        "payload_type",
        "ssrc",
    )

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        start = rng(10)
        self.ssrc = int.from_bytes(start[:4], "big")
        self._sequence = int.from_bytes(start[4:6], "big")
        self._timestamp = int.from_bytes(start[6:10], "big")
        self.payload_type = PCMU
        self.can_send = False
        """False while the peer holds us, and before anything was agreed: what is played waits."""
        self.is_short = False
        """Less than 20 ms a packet, so that several are due at one tick."""
        self.onward = Onward()
        self._packets_sent = 0
        self._octets_sent = 0
        self.listeners: list[PacketListener] = []
        """Who hears what we say (`add_listener`); empty for most calls."""
        self._ulaw = self._alaw = self._source = b""
        self._offset = self._length = 0
        self._interrupted: tuple[bytes, bytes, int, int] | None = None
        """The prompt that waits for tones to end: µ-law, A-law, offset, length."""
        self._digits: DigitSender | None = None
        self._digits_type = 0
        self._due_at: float | None = None
        self._forward_sequence: int | None = None
        self._forward_timestamp = 0
        self.set_format(PCMU, _DEFAULT_PTIME_MS)

    def set_format(self, payload_type: int, ptime_ms: int) -> None:
        """Send in this law, so many milliseconds a packet; a length that we do not know becomes 20."""
        self.close_onward()
        self.payload_type = payload_type
        self._source = self._ulaw if payload_type == PCMU else self._alaw
        self._frame_samples = (
            (ptime_ms if ptime_ms in PTIMES_MS else _DEFAULT_PTIME_MS) * SAMPLE_RATE_HZ // 1000
        )
        self._frame_seconds = self._frame_samples / SAMPLE_RATE_HZ
        self.is_short = self._frame_seconds < FRAME_SECONDS
        self._buffer = bytearray(HEADER_BYTES + self._frame_samples)
        HEADER.pack_into(self._buffer, 0, VERSION_2, payload_type, 0, 0, self.ssrc)

    def move(self, rng: Callable[[int], bytes]) -> None:
        """Take another SSRC (RFC 3550 §8.2)."""
        self.close_onward()
        self.ssrc = int.from_bytes(rng(4), "big")
        HEADER.pack_into(self._buffer, 0, VERSION_2, self.payload_type, 0, 0, self.ssrc)

    def add_listener(self, listener: PacketListener) -> None:
        """Let somebody hear what we say from now on."""
        self.close_onward()
        self.listeners.append(listener)

    @property
    def packets_sent(self) -> int:
        self._take_onward()
        return self._packets_sent

    @property
    def octets_sent(self) -> int:
        """Without headers (RFC 3550 §6.4.1)."""
        self._take_onward()
        return self._octets_sent

    @property
    def is_playing(self) -> bool:
        """Whether a prompt, or tones, are not sent to their end yet."""
        return self._offset < self._length or self._interrupted is not None

    @property
    def is_sending_digits(self) -> bool:
        return self._digits is not None

    @property
    def played_ms(self) -> int:
        """How much of the prompt has been sent."""
        offset, length = (self._offset, self._length) if self._interrupted is None else self._interrupted[2:]
        return min(offset, length) * 1000 // SAMPLE_RATE_HZ

    def play(self, ulaw: bytes, alaw: bytes) -> None:
        """Begin to send a prompt, one byte a sample in either encoding; replaces what was playing, tones too."""
        self._interrupted = None
        self._set_source(ulaw, alaw, 0, len(ulaw))

    def interject(self, ulaw: bytes, alaw: bytes) -> None:
        """Send this now, after other interjections; the prompt goes on afterwards where it was."""
        if self._interrupted is None:
            self._interrupted = (self._ulaw, self._alaw, self._offset, self._length)
            self._set_source(ulaw, alaw, 0, len(ulaw))
        else:
            self._set_source(self._ulaw + ulaw, self._alaw + alaw, self._offset, self._length + len(ulaw))

    def stop_playing(self) -> None:
        self._length = min(self._offset, self._length)
        self._interrupted = None

    def send_digits(self, digits: str, payload_type: int) -> None:
        """Press keys, after those that are still being pressed; a prompt waits meanwhile."""
        if self._digits is None:
            self._digits = DigitSender()
        self._digits_type = payload_type
        self._digits.press(digits)

    def timestamp_at(self, now: float) -> int:
        """Our stream's clock (RFC 3550 §5.1); it runs through silences."""
        self._take_onward()
        ahead = 0.0 if self._due_at is None else now - self._due_at
        return (self._timestamp + round(ahead * SAMPLE_RATE_HZ)) & 0xFFFFFFFF

    def next_packet(self, now: float) -> bytes | bytearray | None:
        """
        Return a packet that is due, valid until the next call; None when there is none (yet).

        Ask again until None: with 10 ms a packet two are due every 20.
        """
        if self.onward.size >= 0:
            self.close_onward()
        offset, due_at = self._offset, self._due_at
        if self._digits is not None or due_at is None or offset >= self._length or not self.can_send:
            return self._unusual_packet(now)
        since_due = now - due_at
        if since_due < -_GRAIN_SECONDS:
            return None
        if since_due > _TALKSPURT_SECONDS:
            return self._unusual_packet(now)
        self._due_at = due_at + self._frame_seconds
        return self._build(now)

    def forward(self, kind: int, sequence: int, timestamp: int, payload: bytes, now: float) -> bytes:
        """
        Turn another stream's packet into one of ours: same gaps, same order, our SSRC and our numbers.

        `restart_forwarding` comes first when that stream began anew.
        """
        self.close_onward()
        if self._forward_sequence is None:
            self._forward_sequence = (self._sequence - sequence) & 0xFFFF
            self._forward_timestamp = (self.timestamp_at(now) - timestamp) & 0xFFFFFFFF
        sequence = (sequence + self._forward_sequence) & 0xFFFF
        timestamp = (timestamp + self._forward_timestamp) & 0xFFFFFFFF
        if (sequence - self._sequence) & 0x8000 == 0:  # not behind what we have sent
            self._sequence = (sequence + 1) & 0xFFFF
            self._timestamp = (timestamp + len(payload)) & 0xFFFFFFFF
            self._due_at = now + len(payload) / SAMPLE_RATE_HZ
        self._packets_sent += 1
        self._octets_sent += len(payload)
        for listener in self.listeners:
            listener(kind, sequence, timestamp, payload, True, now)
        return HEADER.pack(VERSION_2, kind, sequence, timestamp, self.ssrc) + payload

    def restart_forwarding(self) -> None:
        """What is forwarded next belongs to another stream than what was."""
        self.close_onward()
        self._forward_sequence = None

    def open_onward(self, payload_bytes: int, socket: ConnectedSocket) -> None:
        """
        Let what follows the packet just forwarded go the short way to `socket`, if it is as long and in its turn.

        That packet was itself in its turn, and of the kind that we send.
        """
        if self.listeners or self._forward_sequence is None:
            return
        onward = self.onward
        onward.size = HEADER_BYTES + payload_bytes
        onward.socket = socket
        onward.first_word = VERSION_2 << 24 | self.payload_type << 16
        onward.ssrc = self.ssrc
        onward.sequence_offset, onward.timestamp_offset = self._forward_sequence, self._forward_timestamp

    def close_onward(self) -> None:
        """Let nothing go the short way until it is opened again."""
        if self.onward.size >= 0:
            self._take_onward()
            self.onward.size = CLOSED

    def _take_onward(self) -> None:
        """Count what went the short way."""
        onward = self.onward
        if onward.count:
            samples = onward.size - HEADER_BYTES
            self._packets_sent += onward.count
            self._octets_sent += onward.count * samples
            self._sequence = (self._sequence + onward.count) & 0xFFFF
            self._timestamp = (onward.timestamp + samples) & 0xFFFFFFFF
            self._due_at = onward.sent_at + samples / SAMPLE_RATE_HZ
            onward.count = 0

    def _set_source(self, ulaw: bytes, alaw: bytes, offset: int, length: int) -> None:
        self._ulaw, self._alaw, self._offset, self._length = ulaw, alaw, offset, length
        self._source = ulaw if self.payload_type == PCMU else alaw

    def _build(self, now: float) -> bytearray:
        """Write the next slice of the prompt into the buffer."""
        buffer, samples = self._buffer, self._frame_samples
        sequence, timestamp, offset = self._sequence, self._timestamp, self._offset
        self._offset = end = offset + samples
        payload = self._source[offset:end]
        if end > self._length:
            payload = payload[: self._length - offset].ljust(samples, SILENT_SAMPLE[self.payload_type])
        _SEQUENCE_AND_TIMESTAMP.pack_into(buffer, 2, sequence, timestamp)
        buffer[HEADER_BYTES:] = payload
        self._sequence = (sequence + 1) & 0xFFFF
        self._timestamp = (timestamp + samples) & 0xFFFFFFFF
        self._forward_sequence = None
        self._packets_sent += 1
        self._octets_sent += samples
        if self.listeners:
            for listener in self.listeners:
                listener(self.payload_type, sequence, timestamp, payload, True, now)
        return buffer

    def _unusual_packet(self, now: float) -> bytes | bytearray | None:
        """A digit's, or the first of a talkspurt: marked, and its timestamp is the clock's."""
        if not self.can_send:
            return None
        if self._digits is not None:
            return self._next_digit_packet(now)
        if self._offset >= self._length:
            if self._interrupted is None:
                return None
            self._set_source(*self._interrupted)
            self._interrupted = None
            return self.next_packet(now)
        self._catch_up(now)
        marked = bytearray(self._build(now))
        marked[1] |= MARKER
        return bytes(marked)

    def _catch_up(self, now: float) -> None:
        self._timestamp = self.timestamp_at(now)
        self._due_at = now + self._frame_seconds

    def _next_digit_packet(self, now: float) -> bytes | None:
        assert self._digits is not None, "only while keys are pressed"
        if self._due_at is None or now - self._due_at > _TALKSPURT_SECONDS:
            self._catch_up(now)
        elif now < self._due_at - _GRAIN_SECONDS:
            return None
        else:
            self._due_at += self._frame_seconds
        step = self._digits.next_step(self._frame_samples, self._timestamp)
        self._timestamp = (self._timestamp + self._frame_samples) & 0xFFFFFFFF
        if self._digits.is_done:
            self._digits = None
        if step is None:
            return None
        kind = self._digits_type | (MARKER if step.is_first else 0)
        packet = HEADER.pack(VERSION_2, kind, self._sequence, step.timestamp, self.ssrc) + step.payload
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._forward_sequence = None
        self._packets_sent += 1
        self._octets_sent += len(step.payload)
        return packet
