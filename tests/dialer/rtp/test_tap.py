"""What consumers get of a call."""

import threading

from dialer.rtp.tap import AudioTap, FrameQueue, TapFrame


def tap_of(queue: FrameQueue) -> AudioTap:
    return AudioTap("call", queue, now=10.0, depth_ms=60)


def speak(tap: AudioTap, number: int, side: str = "callee") -> None:
    playout = tap.heard if side == "callee" else tap.said
    playout.put(0, number, 160 * number, bytes([number % 256]) * 160, True, 10.0 + 0.02 * number)


def collected(tap: AudioTap, now: float) -> list[TapFrame]:
    frames: list[TapFrame] = []
    tap.collect(now, frames)
    return frames


def test_both_sides_have_one_timeline() -> None:
    tap = tap_of(FrameQueue(100))
    speak(tap, 0)
    frames = collected(tap, 10.1)
    assert [(frame.side, frame.start_sample, frame.is_filled) for frame in frames] == [
        ("callee", 0, False),
        ("callee", 160, True),
        ("us", 0, True),
        ("us", 160, True),
    ]
    speak(tap, 1, side="us")
    assert collected(tap, 10.12)[-1].payload == b"\1" * 160


def test_what_does_not_fit_the_queue_is_counted_and_the_rest_is_not_held_up() -> None:
    queue = FrameQueue(2)
    tap = tap_of(queue)
    for number in range(3):
        speak(tap, number)
        queue.take_frames([frame for frame in collected(tap, 10.0) if frame.side == "callee"])
    assert queue.dropped_frames == 1
    first = queue.get(1.0)
    assert isinstance(first, list)
    assert first[0].start_sample == 0
    speak(tap, 3)
    queue.take_frames([frame for frame in collected(tap, 10.0) if frame.side == "callee"])
    assert queue.dropped_frames == 1
    queue.end_tap(tap)
    starts = []
    while isinstance(item := queue.get(0), list):
        starts += [frame.start_sample for frame in item]
    assert starts == [160, 480], "the gap is seen"
    assert item is tap
    assert queue.get(0) is None


def test_another_thread_gets_every_frame_in_order() -> None:
    queue = FrameQueue(10_000)
    tap = tap_of(queue)
    got: list[int] = []

    def read() -> None:
        while isinstance(item := queue.get(10.0), list):
            got.extend(frame.start_sample for frame in item)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(500):
        speak(tap, number)
        queue.take_frames([frame for frame in collected(tap, 10.0) if frame.side == "callee"])
    queue.end_tap(tap)
    reader.join(20)
    assert got == [160 * number for number in range(500)]
    assert queue.dropped_frames == 0
