"""Faults that we do to ourselves, for tests and the demo."""

import random

from dialer.config import NetworkFaults


class Loss:
    """Drops a share of datagrams, reproducibly by seed. One for all sockets of a process, both directions."""

    def __init__(self, faults: NetworkFaults) -> None:
        self._share = faults.loss
        self._random = random.Random(faults.seed)

    def drops(self) -> bool:
        return self._random.random() < self._share
