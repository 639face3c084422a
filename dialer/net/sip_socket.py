"""
The one UDP socket for signalling.

Datagrams leave by `sendto` on the socket itself, so that an error names its destination. What ICMP says later, Linux
keeps in the socket's error queue together with the address that the datagram went to (IP_RECVERR, ip(7)): an
unconnected socket would otherwise never hear that a trunk is gone. Elsewhere Timer B finds out.

TRICKY: receiving is a transport's, not `add_reader`'s: uvloop stops a reader for good at the first POLLERR.
"""

import asyncio
import errno
import socket
import sys
from collections.abc import Callable
from typing import Final, Self

from dialer.net.faults import Faults
from dialer.sip.hop import Address, Hop

_RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
_RECVERR: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
"""linux/in.h, linux/in6.h; the socket module names them only from Python 3.14 on."""
_UNREACHABLE: Final = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN})
"""RFC 3261 §18.4. Anything else (a path MTU, a full buffer) is no verdict on the peer."""
_ERRORS_PER_WAKE: Final = 64
_REFUSED_BYTES: Final = 512
"""So much of a datagram that was refused: the Via is in it."""
_DATAGRAMS_PER_ERROR: Final = 10_000
_MAX_DATAGRAM_BYTES: Final = 65_535
"""What a peer can have sent before it died, at most what the buffer holds."""


class SipSocket(asyncio.DatagramProtocol):
    """`open` binds it; then `on_datagram` gets what arrives, `on_unreachable` whom a datagram could not reach, and its beginning."""

    def __init__(
        self,
        on_datagram: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop, bytes], None],
        faults: Faults | None,
    ) -> None:
        self._on_datagram = on_datagram
        self._on_unreachable = on_unreachable
        self._faults = faults
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket
        self._transport: asyncio.BaseTransport
        self.local_address: Address
        self.send_errors = 0
        """Datagrams that the system would not take; the transactions above repeat them."""

    @classmethod
    async def open(
        cls,
        local: Address,
        on_datagram: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop, bytes], None],
        *,
        faults: Faults | None = None,
    ) -> Self:
        """Bind; port 0 lets the system choose. Raises OSError."""
        self = cls(on_datagram, on_unreachable, faults)
        family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
        self._socket = udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            if sys.platform == "linux":
                udp.setsockopt(*_RECVERR[family], 1)
            udp.bind(local)
            self.local_address = udp.getsockname()[:2]
            self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=udp)
        except BaseException:
            udp.close()
            raise
        return self

    def send(self, data: bytes, hop: Hop) -> None:
        """Send one datagram now, or lose it."""
        if self._faults is None:
            self._send(data, hop)
        else:
            self._faults.carry(self._send, data, hop)

    def _send(self, data: bytes, hop: Hop) -> None:
        try:
            self._socket.sendto(data, hop.address)
        except ConnectionRefusedError:
            # The error belongs to an earlier datagram, whoever it went to: note that one, then send this one.
            self._read_errors()
            self._send_once(data, hop)
        except OSError as error:
            self._count(error, hop, data)

    def close(self) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive (RFC 5626 §3.5.1 and what phones make of it)
        source = Hop(addr[0], addr[1])
        if self._faults is None:
            self._on_datagram(data, source)
        else:
            self._faults.carry(self._on_datagram, data, source)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 (asyncio's signature; the queue says more)
        self._read_errors()

    def _send_once(self, data: bytes, hop: Hop) -> None:
        try:
            self._socket.sendto(data, hop.address)
        except OSError as error:
            self._count(error, hop, data)

    def _count(self, error: OSError, hop: Hop, data: bytes) -> None:
        self.send_errors += 1
        if error.errno in _UNREACHABLE:
            self._report(hop, data)

    def _read_errors(self) -> None:
        if sys.platform != "linux":
            return
        for _ in range(_ERRORS_PER_WAKE):
            try:
                refused, ancillary, _, addr = self._socket.recvmsg(_REFUSED_BYTES, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            # struct sock_extended_err begins with the errno
            if addr and any(
                int.from_bytes(data[:4], sys.byteorder) in _UNREACHABLE for _, _, data in ancillary
            ):
                self._report(Hop(addr[0], addr[1]), refused)

    def _report(self, hop: Hop, refused: bytes) -> None:
        # Not from within send(): its caller is in the middle of something.
        self._loop.call_soon(self._tell_unreachable, hop, refused)

    def _tell_unreachable(self, hop: Hop, refused: bytes) -> None:
        """
        Tell it after everything that has arrived: the system hands out errors first, though a peer that dies may have
        answered before, and whether it had decides whether a call was placed.
        """
        for _ in range(_DATAGRAMS_PER_ERROR):
            if self._transport.is_closing():
                return
            try:
                data, addr = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError:
                continue  # one more error, which has its own place in the queue
            self.datagram_received(data, addr)
        self._on_unreachable(hop, refused)
