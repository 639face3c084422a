"""
What a simulated callee sends as RTP: speech-like tones, a beep, keys (RFC 3550 §5.1, RFC 4733 §2.3).

Sans-IO: the carrier asks every live voice for one packet per 20 ms. The headers are packed here and not by
`dialer.rtp`, so that a mistake there cannot hide by being made twice.
"""

import math
import struct
from collections import deque
from typing import Final

from dialer.sip.sdp import NegotiatedMedia

FRAME_SAMPLES: Final = 160
KEYS: Final = "0123456789*#ABCD"
_HEADER: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")
_KEY_FRAMES: Final = 5
"""100 ms, a quick human press."""
_END_COPIES: Final = 3
"""RFC 4733 §2.5.1.4."""
_KEY_VOLUME: Final = 10
_TONE_HZ: Final = 400
_BEEP_HZ: Final = 1_000
_BEEP_FRAMES: Final = 10
"""Both periods divide a frame, so that repeating it makes a clean tone."""
_SYLLABLE_FRAMES: Final = 15
_PAUSE_FRAMES: Final = 5


class Voice:
    """The sending half of one call's media. Nothing leaves while there is nothing to say."""

    def __init__(self, media: NegotiatedMedia, ssrc: int) -> None:
        self.address = (media.remote_host, media.remote_port)
        self._payload_type = media.payload_type
        self._key_payload_type = media.telephone_event_payload_type
        self._ssrc = ssrc
        self._sequence = 0
        self._timestamp = 0
        self._sounds: deque[int] = deque()
        self._keys: deque[bytes] = deque()
        self._key_timestamp = 0

    @property
    def is_speaking(self) -> bool:
        return bool(self._sounds or self._keys)

    def speak(self, seconds: float, *, with_beep: bool = False) -> None:
        """Queue speech: syllables of 300 ms with pauses of 100 ms, then a beep if wanted."""
        for frame in range(round(seconds * 50)):
            in_pause = frame % (_SYLLABLE_FRAMES + _PAUSE_FRAMES) >= _SYLLABLE_FRAMES
            self._sounds.append(0 if in_pause else _TONE_HZ)
        if with_beep:
            self._sounds.extend([_BEEP_HZ] * _BEEP_FRAMES)

    def press(self, digit: str) -> bool:
        """Queue one key; it goes before all sound. False where the caller cannot hear keys."""
        if self._key_payload_type is None:
            return False
        event = KEYS.index(digit)
        self._key_timestamp = self._timestamp
        durations = [FRAME_SAMPLES * (frame + 1) for frame in range(_KEY_FRAMES)]
        self._keys.extend([_EVENT.pack(event, _KEY_VOLUME, duration) for duration in durations])
        self._keys.extend([_EVENT.pack(event, 0x80 | _KEY_VOLUME, durations[-1])] * _END_COPIES)
        return True

    def stop(self) -> None:
        self._sounds.clear()
        self._keys.clear()

    def next_packet(self) -> bytes | None:
        """Build the packet of this 20 ms; None when there is nothing to say."""
        packet = None
        if self._keys:
            packet = self._key_packet()
        elif self._sounds:
            payload = _frame(self._sounds.popleft(), self._payload_type)
            packet = self._pack(self._payload_type, self._timestamp, payload)
        self._timestamp = (self._timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        return packet

    def _key_packet(self) -> bytes:
        assert self._key_payload_type is not None, "press() refuses otherwise"
        is_first = len(self._keys) == _KEY_FRAMES + _END_COPIES
        payload_type = self._key_payload_type | (0x80 if is_first else 0)
        return self._pack(payload_type, self._key_timestamp, self._keys.popleft())

    def _pack(self, payload_type: int, timestamp: int, payload: bytes) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return _HEADER.pack(0x80, payload_type, self._sequence, timestamp, self._ssrc) + payload


def _ulaw(sample: int) -> int:
    """Compress one 16-bit sample (ITU-T G.711 µ-law)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32_635) + 132
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> (exponent + 3) & 0x0F) & 0xFF


def _alaw(sample: int) -> int:
    """Compress one 16-bit sample (ITU-T G.711 A-law)."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = min(abs(sample), 32_767) >> 4
    exponent = max(0, magnitude.bit_length() - 4)
    mantissa = (magnitude >> max(0, exponent - 1)) & 0x0F
    return (sign | exponent << 4 | mantissa) ^ 0x55


def _tone(frequency_hz: int, payload_type: int) -> bytes:
    compress = _alaw if payload_type == 8 else _ulaw
    samples = [
        round(8_000 * math.sin(2 * math.pi * frequency_hz * index / 8_000)) for index in range(FRAME_SAMPLES)
    ]
    return bytes([compress(sample) for sample in samples])


_FRAMES: Final = {
    (frequency, payload_type): _tone(frequency, payload_type)
    for frequency in (0, _TONE_HZ, _BEEP_HZ)
    for payload_type in (0, 8)
}


def _frame(frequency_hz: int, payload_type: int) -> bytes:
    return _FRAMES[frequency_hz, payload_type]
