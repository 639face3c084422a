"""
One UDP socket on the event loop, for signalling and for audio alike.

Plain sockets with a reader callback: a transport object per call would cost more than the call's signalling. With
IP_RECVERR Linux also tells *which* peer refused a datagram (ICMP), which an unconnected socket would not say otherwise.
"""

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Final

from dialer.config import NetworkFaults

Address = tuple[str, int]
OnDatagram = Callable[[bytes, Address], None]
OnRefused = Callable[[Address], None]

_MAX_DATAGRAM_BYTES: Final = 65_535
_READS_PER_WAKE: Final = 32
"""Bounded, so that one busy socket cannot starve the others."""
_RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
_IP_RECVERR: Final = 11
"""linux/in.h; the socket module names it only from Python 3.14 on."""


class Loss:
    """Drops a share of datagrams, reproducibly. For tests and the demo (`NetworkFaults`)."""

    def __init__(self, faults: NetworkFaults) -> None:
        self._share = faults.loss
        self._random = random.Random(faults.seed)

    def drops(self) -> bool:
        return self._random.random() < self._share


class UdpSocket:
    """Bound from the start, reading until `close`. Raises OSError when the address cannot be bound."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        local: Address,
        on_datagram: OnDatagram,
        *,
        on_refused: OnRefused | None = None,
        loss: Loss | None = None,
    ) -> None:
        self._loop = loop
        self._on_datagram = on_datagram
        self._on_refused = on_refused
        self._loss = loss
        self.send_errors = 0
        """Datagrams that the system would not take; UDP loses datagrams, so the protocol above repeats them."""
        family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            if on_refused is not None:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
                if family == socket.AF_INET:
                    self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            self._socket.bind(local)
        except OSError:
            self._socket.close()
            raise
        loop.add_reader(self._socket, self._read)

    @property
    def local_address(self) -> Address:
        host, port = self._socket.getsockname()[:2]
        return host, port

    def send(self, data: bytes, addr: Address) -> None:
        """Send one datagram now, or lose it."""
        if self._loss is not None and self._loss.drops():
            return
        try:
            self._socket.sendto(data, addr)
        except ConnectionRefusedError:
            # the error belongs to an earlier datagram: report that one, send this one
            self._read_refusals()
            self._send_again(data, addr)
        except OSError:
            self.send_errors += 1

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _send_again(self, data: bytes, addr: Address) -> None:
        try:
            self._socket.sendto(data, addr)
        except OSError:
            self.send_errors += 1

    def _read(self) -> None:
        for _ in range(_READS_PER_WAKE):
            if self._socket.fileno() < 0:
                return  # a datagram's handler closed us
            try:
                data, addr = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._read_refusals()
                return
            if self._loss is None or not self._loss.drops():
                self._on_datagram(data, addr[:2])

    def _read_refusals(self) -> None:
        """Empty the error queue; each entry carries the address that its datagram was sent to (ip(7))."""
        for _ in range(_READS_PER_WAKE):
            try:
                addr = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)[3]
            except OSError:
                return
            if self._on_refused is not None and addr is not None:
                # not from within send(): its caller is in the middle of something
                self._loop.call_soon(self._on_refused, addr[:2])
