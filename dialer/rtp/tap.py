"""
How others hear a call: the answer classifier, the recorder, a supervisor who listens.

The contract, for who builds on it:

- A consumer is an `AudioSink`. `call.open_tap(sink, depth_ms=...)` begins to listen at any time of the call (at early media,
  at the answer); `close_tap(tap)` ends it, and so does the end of the call. A call without a tap pays nothing.
- Each 20 ms tick the sink gets ONE list with the frames of all its calls: `TapFrame`s of exactly 160 bytes of G.711, as it
  was on the wire (`payload_type` 0 = µ-law, 8 = A-law: `dialer.media.g711.decode`), of both sides, `callee` and `us`.
- Of each side of each tap the frames come in order and without holes: `start_sample` counts 8 kHz samples since the tap was
  opened and grows by 160 from frame to frame, the same timeline for both sides. What was lost, or not sent at all, is
  silence with `is_filled` set; comfort noise (RFC 3389) and digits are such silence, too. So is the time before the first packet.
- What comes in order comes at once. Behind a missing packet, and while nothing comes, a side is late by `depth_ms` at most:
  60 for who must decide soon (the classifier), 1000 for who must not miss what is merely late (the recorder).
- `take_frames` is called on the event loop and must not block: it is to put the list somewhere and return. A sink with a
  thread of its own uses `FrameQueue`, which is bounded; what does not fit is counted in `dropped_frames` and, because the
  timeline goes on, seen as a gap of `start_sample`.
- After a tap's last frames the sink gets `end_tap(tap)`, once.
- Early media and the talk are told apart by opening a tap for each: each has an `opened_at` and a timeline of its own.
- Bounds: 2 s of sound ahead of the clock, `playout.MAX_WAITING` packets behind a missing one, per side and tap.
"""

from queue import Empty, SimpleQueue
from typing import Final, Literal, NamedTuple, Protocol

from dialer.rtp.outgoing import PCMU
from dialer.rtp.playout import Frame, Playout

Side = Literal["callee", "us"]
CLASSIFIER_DEPTH_MS: Final = 60
RECORDER_DEPTH_MS: Final = 1_000


class TapFrame(NamedTuple):
    """20 ms of one side of one call."""

    tap: "AudioTap"
    """`tap.call_id` says whose; the object itself is a fit key for a consumer's state."""
    side: Side
    start_sample: int
    payload_type: int
    payload: bytes
    is_filled: bool


class AudioSink(Protocol):
    """A consumer. Both methods are called on the event loop of the dialer and must return at once."""

    def take_frames(self, frames: list[TapFrame]) -> None: ...

    def end_tap(self, tap: "AudioTap") -> None: ...


class AudioTap:
    """One consumer's hearing of one call."""

    __slots__ = ("_sides", "call_id", "heard", "opened_at", "said", "sink")

    def __init__(
        self,
        call_id: str,
        sink: AudioSink,
        *,
        now: float,
        depth_ms: int = CLASSIFIER_DEPTH_MS,
        payload_type: int = PCMU,
    ) -> None:
        self.call_id = call_id
        self.sink = sink
        self.opened_at = now
        """Monotonic seconds: sample 0."""
        self.heard = Playout(now, depth_ms=depth_ms, payload_type=payload_type)
        self.said = Playout(now, depth_ms=depth_ms, payload_type=payload_type)
        self._sides: tuple[tuple[Side, Playout], ...] = (("callee", self.heard), ("us", self.said))

    @property
    def samples(self) -> int:
        """How far the longer side has come; after the end that is what the sink was to get."""
        return max(self.heard.end_sample, self.said.end_sample)

    def collect(self, now: float, into: list[TapFrame]) -> None:
        """Add what has become complete."""
        for side, playout in self._sides:
            self._add(side, playout.take(now), into)

    def flush(self, into: list[TapFrame]) -> None:
        """Add all that is left."""
        for side, playout in self._sides:
            self._add(side, playout.flush(), into)

    def _add(self, side: Side, frames: list[Frame], into: list[TapFrame]) -> None:
        for start, payload_type, payload, is_filled in frames:
            into.append(TapFrame(self, side, start, payload_type, payload, is_filled))


class FrameQueue:
    """An `AudioSink` that another thread reads. `max_frames` bounds it: 50 a second, side and call."""

    def __init__(self, max_frames: int) -> None:
        self._queue: SimpleQueue[list[TapFrame] | AudioTap] = SimpleQueue()
        self._room = max_frames
        self._taken = 0
        self._put = 0
        self.dropped_frames = 0

    def take_frames(self, frames: list[TapFrame]) -> None:
        # two counters with one writer each: no lock, and never fewer frames counted than there are
        if self._put - self._taken + len(frames) > self._room:
            self.dropped_frames += len(frames)
            return
        self._put += len(frames)
        self._queue.put(frames)

    def end_tap(self, tap: AudioTap) -> None:
        self._queue.put(tap)

    def get(self, timeout_seconds: float) -> list[TapFrame] | AudioTap | None:
        """In the other thread: the next list, or a tap that has ended; None when nothing came in time."""
        try:
            item = self._queue.get(timeout=timeout_seconds)
        except Empty:
            return None
        if isinstance(item, list):
            self._taken += len(item)
        return item
