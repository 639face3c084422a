"""Faults that we do to our own datagrams, for tests and the demo: loss, duplication, reordering, jitter."""

import asyncio
import random
from collections.abc import Callable
from typing import ParamSpec

from dialer.config import NetworkFaults

P = ParamSpec("P")


class Faults:
    """
    Carries datagrams as a bad network does, reproducibly by seed. One for all sockets of a process, both directions.

    Each copy of a datagram is delayed on its own, and those that are held back are overtaken by what follows.
    """

    def __init__(self, faults: NetworkFaults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)

    def carry(self, deliver: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `deliver` now, later, twice or never."""
        for delay in self.delays():
            if delay:
                loop = asyncio.get_running_loop()
                loop.call_later(delay, lambda: deliver(*args, **kwargs))
            else:
                deliver(*args, **kwargs)

    def delays(self) -> list[float]:
        """Draw the seconds after which each copy of the next datagram arrives; none if it is lost."""
        faults, chance = self._faults, self._random.random
        if chance() < faults.loss:
            return []
        copies = 2 if chance() < faults.duplication else 1
        return [
            chance() * faults.jitter_seconds + (chance() < faults.reordering) * faults.reordering_seconds
            for _ in range(copies)
        ]
