"""Even ports for RTP (RFC 3550 §11); the odd one above each is left free for its RTCP."""

import socket
from collections import deque
from typing import Final

import numpy as np

QUARANTINE_SECONDS: Final = 10.0
"""A late packet of the last call must not reach the next one: longer than any peer goes on after a BYE."""


class PortPool:
    """
    Ports in the order they became free. `now` is monotonic seconds.

    The first order is shuffled by `seed`: nodes of one machine that share a range seldom try each other's ports.
    """

    def __init__(self, port_min: int, port_max: int, seed: bytes) -> None:
        ports = np.arange(port_min + port_min % 2, port_max, 2)
        shuffled = np.random.default_rng(list(seed)).permutation(ports)  # 20 times as fast as `random`
        self._free: deque[int] = deque(shuffled.tolist())
        self._resting: deque[tuple[float, int]] = deque()

    def take(self, now: float) -> int | None:
        """Take a port that has rested; None when all are in use or resting."""
        while self._resting and self._resting[0][0] <= now:
            self._free.append(self._resting.popleft()[1])
        return self._free.popleft() if self._free else None

    def give_back(self, port: int, now: float) -> None:
        self._resting.append((now + QUARANTINE_SECONDS, port))


class ReservedPort:
    """
    A UDP port of IPv4 that is held until somebody else binds it: pyVoIP does at the answer, and does not say when it cannot.

    Raises:
        OSError: another socket has the port, or the address is not ours.
    """

    def __init__(self, host: str, number: int) -> None:
        self.number = number
        self._holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._holder.bind((host, number))
        except OSError:
            self._holder.close()
            raise

    def release(self) -> None:
        """Let go of the port. Any number of times, from any thread."""
        self._holder.close()
