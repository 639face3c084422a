"""
The audio socket of one call.

A plain socket with a reader callback: a transport per call would cost more than all its signalling. It never hears of
ICMP (no IP_RECVERR), because audio that nobody takes is no verdict on a call.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from dialer.net.faults import Loss

Address = tuple[str, int]

_MAX_PACKET_BYTES: Final = 2_048
"""Ten times a G.711 packet; what is longer is cut, and is no audio of ours."""
_READS_PER_WAKE: Final = 32
"""Bounded, so that one busy socket cannot starve the others."""


class RtpSocket:
    """Bound from the start, reading until `close`. Raises OSError when the address cannot be bound."""

    __slots__ = ("_loop", "_loss", "_on_packet", "_socket", "port", "send_errors")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        local: Address,
        on_packet: Callable[[bytes, Address], None],
        *,
        loss: Loss | None = None,
    ) -> None:
        self._loop = loop
        self._on_packet = on_packet
        self._loss = loss
        self.port = local[1]
        self.send_errors = 0
        """Packets that the system would not take: lost, as on any network."""
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in local[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        try:
            self._socket.setblocking(False)
            self._socket.bind(local)
            loop.add_reader(self._socket, self._read)
        except BaseException:
            self._socket.close()
            raise

    def send(self, data: bytes, addr: Address) -> None:
        """Send one packet now, or lose it."""
        if self._loss is not None and self._loss.drops():
            return
        try:
            self._socket.sendto(data, addr)
        except OSError:
            self.send_errors += 1

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_READS_PER_WAKE):
            if self._socket.fileno() < 0:
                return  # a packet's handler has closed us
            try:
                data, addr = self._socket.recvfrom(_MAX_PACKET_BYTES)
            except OSError:
                return
            if self._loss is None or not self._loss.drops():
                self._on_packet(data, addr[:2])
