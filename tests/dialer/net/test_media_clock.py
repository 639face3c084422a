"""The clock with a loop whose time the test moves: no sleeping, no thresholds."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import uvloop

from dialer.net.media_clock import MediaClock


class ScriptedLoop:
    """As much of an event loop as the clock uses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pending: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Any:
        entry = (when, callback)
        self.pending.append(entry)
        loop = self

        class Handle:
            def cancel(self) -> None:
                loop.pending.remove(entry)

        return Handle()

    def wake(self, late: float = 0.0) -> None:
        (when, callback) = self.pending.pop()
        self.now = when + late
        callback()


def clock() -> tuple[ScriptedLoop, MediaClock]:
    loop = ScriptedLoop()
    return loop, MediaClock(cast("asyncio.AbstractEventLoop", loop))


def noting(ticks: list[float]) -> Callable[[float], bool]:
    def tick(now: float) -> bool:
        ticks.append(now)
        return True

    return tick


def test_a_clock_that_nobody_uses_does_not_run() -> None:
    loop, media_clock = clock()
    assert loop.pending == []
    media_clock.add(lambda _now: False)
    loop.wake()
    assert loop.pending == []


def test_ticks_do_not_drift_however_late_each_comes() -> None:
    loop, media_clock = clock()
    ticks: list[float] = []
    media_clock.add(noting(ticks))
    for _ in range(500):
        loop.wake(late=0.003)
    assert len(ticks) == 500
    assert abs(ticks[-1] - ticks[0] - 499 * 0.02) < 1e-6


def test_a_short_stall_is_caught_up_at_once() -> None:
    loop, media_clock = clock()
    ticks: list[float] = []
    media_clock.add(noting(ticks))
    loop.wake()
    loop.wake(late=0.065)
    assert len(ticks) == 1 + 4


def test_a_long_stall_does_not_burst() -> None:
    loop, media_clock = clock()
    ticks: list[float] = []
    media_clock.add(noting(ticks))
    loop.wake()
    loop.wake(late=5.0)
    assert len(ticks) <= 1 + 6


def test_a_tick_may_remove_itself_and_others() -> None:
    loop, media_clock = clock()
    seen: list[str] = []

    def first(_now: float) -> bool:
        seen.append("first")
        media_clock.remove(first)
        return True

    def second(_now: float) -> bool:
        seen.append("second")
        return True

    media_clock.add(first)
    media_clock.add(second)
    loop.wake()
    loop.wake()
    assert seen == ["first", "second", "second"]
    media_clock.close()
    assert loop.pending == []


class CountingClock(MediaClock):
    """Counts how often the loop wakes it."""

    wakes = 0

    def _run(self) -> None:
        self.wakes += 1
        super()._run()


def test_on_uvloop_it_wakes_once_per_frame_and_does_not_spin() -> None:
    """uvloop counts in milliseconds, and a timer that is early by less comes back at once."""

    async def play() -> tuple[int, int]:
        clock = CountingClock(asyncio.get_running_loop())
        frames: list[float] = []
        over = asyncio.Event()

        def tick(now: float) -> bool:
            frames.append(now)
            if len(frames) == 30:
                over.set()
            return len(frames) < 30

        clock.add(tick)
        await over.wait()
        return clock.wakes, len(frames)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        wakes, frames = runner.run(play())
    assert wakes <= frames
