"""
Packets of one direction into frames of 20 ms, in order and without holes (a reorder buffer, RFC 3550 timestamps).

What is in its turn is passed on at once. Behind a missing packet the others wait `depth_ms`, then silence takes its place;
where nothing comes at all (the peer suppresses silence, or the network stalls) silence follows the clock, `depth_ms` late.
A packet that comes after its place was filled is dropped if it was out of turn, and else moves the timeline: no sound that
was in its turn is ever lost.

Positions are samples since `origin`. They follow the peer's timestamps and are set anew when these leap.
"""

import heapq
from typing import Final, NamedTuple

from dialer.rtp.outgoing import FRAME_SECONDS, PCMA, PCMU, SAMPLE_RATE_HZ, SILENT_SAMPLE

FRAME_SAMPLES: Final = 160
MAX_WAITING: Final = 128
"""Packets behind a missing one; more are a flood, and end the waiting."""
_MAX_LEAP_SAMPLES: Final = 2 * SAMPLE_RATE_HZ
"""More than 2 s between a timestamp and its place in time is another clock, not a pause."""
_MARKER_MASK: Final = 0x7F


class Frame(NamedTuple):
    """20 ms of one direction."""

    start_sample: int
    """Since `origin`; a multiple of 160, and each frame's is 160 more than that of the one before."""
    payload_type: int
    """0 = µ-law, 8 = A-law."""
    payload: bytes
    """160 bytes."""
    is_filled: bool
    """Holds silence that nobody sent."""


class Playout:
    """One direction of one call. `origin` and `now` are monotonic seconds."""

    __slots__ = ("_anchor", "_depth_samples", "_is_partly_filled", "_origin", "_part", "_payload_type", "_ready", "_tail", "_waiting", "dropped")  # fmt: skip

    def __init__(self, origin: float, *, depth_ms: int, payload_type: int = PCMU) -> None:
        self._origin = origin
        self._depth_samples = depth_ms * SAMPLE_RATE_HZ // 1000
        self._payload_type = payload_type
        self._anchor: int | None = None
        """The timestamp of position 0, modulo 2**32."""
        self._tail = 0
        """Where the next sample goes; everything before is in `_ready` or was taken."""
        self._part = b""
        """The beginning of a frame that is not whole yet."""
        self._is_partly_filled = False
        self._ready: list[Frame] = []
        self._waiting: list[tuple[int, int, bytes, float]] = []
        """Heap of (position, payload type, payload, arrival) behind a hole."""
        self.dropped = 0
        """Packets that came after their place was filled."""

    def put(
        self,
        kind: int,
        _sequence: int,
        timestamp: int,
        payload: bytes,
        is_in_turn: bool,  # noqa: FBT001 (a PacketListener)
        now: float,
    ) -> None:
        """Take a packet (`outgoing.PacketListener`); other payloads than G.711 leave a hole, which becomes silence."""
        payload_type = kind & _MARKER_MASK
        if payload_type not in (PCMU, PCMA) or not payload:
            return
        position = self._position(timestamp, now, is_in_turn=is_in_turn)
        if position is None or (position < self._tail and not is_in_turn):
            self.dropped += 1
            return
        if position > self._tail:
            if not is_in_turn or self._waiting:
                if len(self._waiting) < MAX_WAITING:
                    heapq.heappush(self._waiting, (position, payload_type, payload, now))
                return
            self._fill(position)
        elif position < self._tail:  # its place was filled, so the timeline moves
            self._anchor = (timestamp - self._tail) & 0xFFFFFFFF
        self._append(payload_type, payload)
        if self._waiting:
            self._join_waiting()

    @property
    def end_sample(self) -> int:
        """Where the timeline has come to, taken or not."""
        return self._tail

    def take(self, now: float) -> list[Frame]:
        """Return the frames that are complete at this time."""
        if self._waiting:
            self._give_up_holes(now)
        due = round((now - self._origin) * SAMPLE_RATE_HZ) - self._depth_samples
        if due - self._tail >= FRAME_SAMPLES and not self._waiting:
            self._fill(self._tail + (due - self._tail) // FRAME_SAMPLES * FRAME_SAMPLES)
        frames, self._ready = self._ready, []
        return frames

    def flush(self) -> list[Frame]:
        """Return all that is left, the last frame filled up."""
        self._release_waiting()
        if self._part:
            self._fill(self._tail + FRAME_SAMPLES - len(self._part))
        frames, self._ready = self._ready, []
        return frames

    def _position(self, timestamp: int, now: float, *, is_in_turn: bool) -> int | None:
        """Where a packet goes; None = nowhere."""
        in_time = max(0, round((now - self._origin) * SAMPLE_RATE_HZ))
        if self._tail - in_time > _MAX_LEAP_SAMPLES:  # a flood: more sound than there was time for
            return None
        if self._anchor is not None:
            position = self._tail + _signed(timestamp - self._anchor - self._tail)
            if abs(position - max(in_time, self._tail)) <= _MAX_LEAP_SAMPLES:
                return position
            if not is_in_turn:
                return None
        self._release_waiting()
        # begin at a whole frame, so that packets of 20 ms stay whole
        frames = max(0, round((in_time - self._tail) / FRAME_SAMPLES))
        position = self._tail + frames * FRAME_SAMPLES
        self._anchor = (timestamp - position) & 0xFFFFFFFF
        return position

    def _append(self, payload_type: int, payload: bytes) -> None:
        if payload_type != self._payload_type:
            if self._part:  # a frame has one law
                self._fill(self._tail + FRAME_SAMPLES - len(self._part))
            self._payload_type = payload_type
        if not self._part and len(payload) == FRAME_SAMPLES:  # as nearly always
            self._ready.append(Frame(self._tail, payload_type, payload, is_filled=False))
            self._tail += FRAME_SAMPLES
        else:
            self._cut(payload, is_filled=False)

    def _fill(self, until: int) -> None:
        self._cut(SILENT_SAMPLE[self._payload_type] * (until - self._tail), is_filled=True)

    def _cut(self, added: bytes, *, is_filled: bool) -> None:
        start = self._tail - len(self._part)
        samples = self._part + added
        self._tail += len(added)
        is_partly_filled = self._is_partly_filled or is_filled
        while len(samples) >= FRAME_SAMPLES:
            self._ready.append(Frame(start, self._payload_type, samples[:FRAME_SAMPLES], is_partly_filled))
            start, samples = start + FRAME_SAMPLES, samples[FRAME_SAMPLES:]
            is_partly_filled = is_filled
        self._part = samples
        self._is_partly_filled = bool(samples) and is_partly_filled

    def _release_waiting(self) -> None:
        while self._waiting:
            self._fill(self._waiting[0][0])
            self._join_waiting()

    def _join_waiting(self) -> None:
        waiting = self._waiting
        while waiting and waiting[0][0] <= self._tail:
            position, payload_type, payload, _at = heapq.heappop(waiting)
            if position == self._tail:
                self._append(payload_type, payload)
            else:
                self.dropped += 1

    def _give_up_holes(self, now: float) -> None:
        patience = self._depth_samples / SAMPLE_RATE_HZ
        while self._waiting and (
            now - min(entry[3] for entry in self._waiting) >= patience - FRAME_SECONDS / 2
            or len(self._waiting) >= MAX_WAITING
        ):
            self._fill(self._waiting[0][0])
            self._join_waiting()


def _signed(number: int) -> int:
    return ((number + 0x80000000) & 0xFFFFFFFF) - 0x80000000
