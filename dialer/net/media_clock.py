"""A clock of the process: at each 20 ms tick what has arrived is read and what is due is sent."""

import asyncio
from collections.abc import Callable
from typing import Final

from dialer.rtp.outgoing import FRAME_SECONDS

Tick = Callable[[float], bool]
"""Sends what is due at this time; False = nothing more to send, forget me."""

_MAX_CATCH_UP_FRAMES: Final = 5
"""After a stall of the loop at most 100 ms are sent at once; a longer one moves the clock."""

_GRAIN_SECONDS: Final = 0.0005
"""TRICKY: uvloop counts in milliseconds, so that a timer comes a hair before its time. Told to wait for the rest, it
comes back at once, again and again, until the millisecond is over; so what is due within half of one is due."""


class MediaClock:
    """Runs only while somebody needs it, and does not drift: ticks are multiples of the period from the first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, period_seconds: float = FRAME_SECONDS) -> None:
        self._loop = loop
        self._period = period_seconds
        self._ticks: dict[Tick, None] = {}
        self._next_at = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def add(self, tick: Tick) -> None:
        """Call `tick` every period, the first time at once, until it returns False."""
        self._ticks[tick] = None
        if self._handle is None:
            self._next_at = self._loop.time()
            self._handle = self._loop.call_at(self._next_at, self._run)

    def remove(self, tick: Tick) -> None:
        self._ticks.pop(tick, None)

    def close(self) -> None:
        self._ticks.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self) -> None:
        now = self._loop.time() + _GRAIN_SECONDS
        self._next_at = max(self._next_at, now - _MAX_CATCH_UP_FRAMES * self._period)
        while self._next_at <= now:
            for tick in list(self._ticks):
                if not tick(self._next_at):
                    self._ticks.pop(tick, None)
            self._next_at += self._period
        self._handle = self._loop.call_at(self._next_at, self._run) if self._ticks else None
