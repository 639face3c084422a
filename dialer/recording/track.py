"""
The frames of one tapped call into whole seconds of both sides, sans-IO.

The two sides come on one timeline, each in order, but not at the same pace: a second is whole once both are past it. Frames
that never came (the queue was full) leave a gap; a second without any frame is not made at all.
"""

from typing import Final

from dialer.recording.container import (
    ALAW,
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    FILLED,
    FRAME_SAMPLES,
    MARKS_AT,
    MISSED,
    Gap,
)
from dialer.rtp.outgoing import PCMA, PCMU, SILENT_SAMPLE
from dialer.rtp.tap import Side, TapFrame

Chunk = tuple[int, bytearray]
"""Its number and its plain text."""

BLANK: Final = SILENT_SAMPLE[PCMU] * MARKS_AT + bytes([MISSED]) * 2 * CHUNK_FRAMES
_LAST_FRAME: Final = CHUNK_SAMPLES - FRAME_SAMPLES
_CHANNEL: Final[dict[Side, int]] = {"callee": 0, "us": 1}


class Track:
    """One call's way from frames to chunks."""

    def __init__(self) -> None:
        self._next = [0, 0]
        """By channel: the sample that comes next."""
        self._chunks: dict[int, bytearray] = {}
        self._done = 0
        """Seconds that were given away, or that nothing is known of."""
        self.gaps: list[Gap] = []
        """Frames that never came, by either side, in the order in which that showed."""
        self.samples = 0
        """Of the whole call, once it is finished."""

    def put(self, frame: TapFrame) -> list[Chunk]:
        """Take the next frame of a side; return the seconds that it made whole."""
        channel, start = _CHANNEL[frame.side], frame.start_sample
        expected = self._next[channel]
        if start < expected:  # told twice; the tap does not do that
            return []
        if start > expected:
            self.gaps.append(Gap(expected, start - expected, "overload"))
        self._next[channel] = start + FRAME_SAMPLES
        number, offset = divmod(start, CHUNK_SAMPLES)
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = self._chunks[number] = bytearray(BLANK)
        at = channel * CHUNK_SAMPLES + offset
        chunk[at : at + FRAME_SAMPLES] = frame.payload
        mark = (ALAW if frame.payload_type == PCMA else 0) | (FILLED if frame.is_filled else 0)
        chunk[MARKS_AT + channel * CHUNK_FRAMES + offset // FRAME_SAMPLES] = mark
        is_news = offset == _LAST_FRAME or start > expected
        return self._whole(min(self._next) // CHUNK_SAMPLES) if is_news else []

    def finish(self, samples: int) -> list[Chunk]:
        """End the call, which was so long: what is missing at its end is missing; who fell silent first stayed silent."""
        end = max(self._next)
        if samples > end:
            self.gaps.append(Gap(end, samples - end, "overload"))
        self.samples = max(end, samples)
        for channel, start in enumerate(self._next):
            for sample in range(start, end, FRAME_SAMPLES):
                number, offset = divmod(sample, CHUNK_SAMPLES)
                if number in self._chunks:
                    at = MARKS_AT + channel * CHUNK_FRAMES + offset // FRAME_SAMPLES
                    self._chunks[number][at] = FILLED
        return self._whole(-(-end // CHUNK_SAMPLES))

    def _whole(self, end: int) -> list[Chunk]:
        chunks = [
            (number, self._chunks.pop(number)) for number in range(self._done, end) if number in self._chunks
        ]
        self._done = max(self._done, end)
        return chunks
