"""
The UDP sockets of audio and its reports, and the reading of all of them at once.

This is the hot path: every call costs a packet each way every 20 ms. So no socket is registered in the event loop; the
media clock asks one epoll for all that have something, reads into one buffer, and hands it on before the next is read. What
is only relayed leaves from that buffer at once, its header written over (`rtp.outgoing.Onward`).
And a socket is connected as soon as only one sender is believed: strangers are then refused by the system, and neither
reading nor sending has an address to translate.

Measured on one core of an AMD EPYC virtual machine, Python 3.11, CPU microseconds per packet of 172 bytes, loopback:

    sendto 3.9, send on a connected socket 2.8 (in C: 2.8, 2.4; sendmmsg 2.35: no gain worth a C extension)
    recvfrom 1.4, recvfrom_into 1.3, recv_into on a connected socket 0.84 (in C: 0.7, 0.6; recvmmsg 0.43)
    a read that finds nothing 1.1 (the exception), epoll 0.16 per ready socket: hence epoll, and one read each
    a receive time from the system 0.5: hence for one packet in eight only, which is enough for the jitter

It never hears of ICMP before it is connected, and then only counts: audio that nobody takes is no verdict on a call.
"""

import contextlib
import ctypes
import fcntl
import functools
import select
import socket
import struct
from collections.abc import Callable
from typing import Final

from dialer.net.faults import Faults
from dialer.rtp.packet import HEADER_BYTES
from dialer.rtp.session import Lane

Address = tuple[str, int]

_MAX_PACKET_BYTES: Final = 2_048
"""Ten times a G.711 packet; what is longer is cut, and is no audio of ours."""
_PASSES: Final = 16
"""How many packets of one socket are read at a tick at most; the rest waits in the system, which bounds it."""
_MAX_READY: Final = 1_024
_HEADER_AS_WORDS: Final = struct.Struct("!III")
"""What begins with version, kind and sequence; timestamp; SSRC."""
_UNTIMED: Final = 7
"""Bits of a sequence number: where one is set, the packet's arrival is not asked for."""
_GET_RECEIVE_TIME: Final = 0x8907
"""SIOCGSTAMPNS: when the last packet read had arrived (Linux socket(7))."""
_TIMESPEC: Final = struct.Struct("qq")
"""Seconds and nanoseconds."""

OnAny = Callable[[bytes, Address, float], None]
"""`(data, sender, now)`, from a socket that hears everybody."""
OnKnown = Callable[[bytearray, int, float, float | None], None]
"""
`(buffer, size, now, arrival)`, where it can only be the connected peer's. The buffer is the next packet's, too.

`arrival` is in seconds of the system's wall clock, of every eighth packet.
"""


class RtpSocket(Lane):
    """Bound from the start. Raises OSError when the address cannot be bound."""

    __slots__ = ("_faults", "_is_timed", "_poll", "_receive_time", "_socket", "is_connected", "is_filtered", "on_any", "on_known", "port", "recv_into", "send_errors", "send_known")  # fmt: skip

    def __init__(
        self,
        poll: "RtpPoll",
        local: Address,
        on_any: OnAny,
        on_known: OnKnown,
        *,
        faults: Faults | None = None,
    ) -> None:
        super().__init__()
        self._poll = poll
        self._faults = faults
        self._receive_time = bytearray(_TIMESPEC.size)
        self._is_timed = False
        self.on_any = on_any
        self.on_known = on_known
        self.port = local[1]
        self.is_connected = False
        self.is_filtered = False
        """Connected, and read empty since: what is read now can only be the peer's."""
        self.send_errors = 0
        """Packets that the system would not take, or that nobody took: lost, as on any network."""
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in local[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        self.recv_into = self._socket.recv_into
        self.send_known: Callable[[memoryview], object] = self._socket.send
        """To the peer of a connected socket. Raises OSError."""
        try:
            self._socket.setblocking(False)
            self._socket.bind(local)
            poll.add(self)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """-1 once closed."""
        return self._socket.fileno()

    def connect(self, peer: Address) -> None:
        """Talk to this address only; a system that will not leaves things as they are."""
        with contextlib.suppress(OSError):
            self._socket.connect(peer)
            self.is_connected = True
            if self._faults is None:  # with faults of our own every packet takes the long way
                self._poll.filter_soon(self)

    def disconnect(self) -> None:
        """Listen to everybody again. Python has no word for it; connecting to no family is POSIX's."""
        if self.is_connected:
            self.is_connected = self.is_filtered = False
            _libc().connect(self._socket.fileno(), bytes(16), 16)  # a sockaddr of family AF_UNSPEC

    def send(self, data: bytes | bytearray, addr: Address) -> None:
        """Send one packet now, or lose it."""
        if self._faults is None:
            self._send(data, addr)
        else:
            self._faults.carry(self._send, bytes(data), addr)  # the caller's buffer is used again

    def _send(self, data: bytes | bytearray, addr: Address) -> None:
        try:
            if self.is_connected:
                self._socket.send(data)
            else:
                self._socket.sendto(data, addr)
        except OSError:
            self.send_errors += 1

    def read_any(self, buffer: bytearray, now: float) -> None:
        """Read one packet of whomever and hand it on; nothing if there is none."""
        try:
            size, sender = self._socket.recvfrom_into(buffer)
        except BlockingIOError:
            return
        except OSError:  # ICMP: nobody takes what we send
            self.send_errors += 1
            return
        if self._faults is None:
            self.on_any(bytes(buffer[:size]), sender[:2], now)
        else:
            self._faults.carry(self._arrive, bytes(buffer[:size]), sender[:2], now)

    def _arrive(self, data: bytes, sender: Address, now: float) -> None:
        if self.fileno() >= 0:
            self.on_any(data, sender, now)

    def received_at(self) -> float | None:
        """When the packet that was read last had arrived; None = not known."""
        try:
            fcntl.ioctl(self._socket, _GET_RECEIVE_TIME, self._receive_time)
        except OSError:
            self._is_timed = (
                True  # the first question makes the system begin to note it, and has no answer yet
            )
            return None
        if not self._is_timed:
            self._is_timed = True
            return None
        seconds: int
        nanoseconds: int
        seconds, nanoseconds = _TIMESPEC.unpack(self._receive_time)
        return seconds + nanoseconds * 1e-9

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._poll.remove(self)
            self._socket.close()


class RtpPoll:
    """All audio sockets of a process."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, RtpSocket] = {}
        self._to_filter: list[RtpSocket] = []
        self._buffer = bytearray(_MAX_PACKET_BYTES)
        self._view = memoryview(self._buffer)

    def add(self, rtp_socket: RtpSocket) -> None:
        self._epoll.register(rtp_socket, select.EPOLLIN)
        self._sockets[rtp_socket.fileno()] = rtp_socket

    def remove(self, rtp_socket: RtpSocket) -> None:
        del self._sockets[rtp_socket.fileno()]
        self._epoll.unregister(rtp_socket)

    def filter_soon(self, rtp_socket: RtpSocket) -> None:
        """Trust a connected socket as soon as nothing is left that had arrived before."""
        self._to_filter.append(rtp_socket)

    def read_all(self, now: float) -> None:
        """Hand on everything that has arrived. A handler may close sockets."""
        sockets, buffer, view = self._sockets, self._buffer, self._view
        for _ in range(_PASSES):
            ready = self._epoll.poll(0, _MAX_READY)
            for number, _event in ready:
                rtp_socket = sockets.get(number)
                if rtp_socket is None:
                    continue
                if not rtp_socket.is_filtered:
                    rtp_socket.read_any(buffer, now)
                    continue
                try:
                    size = rtp_socket.recv_into(buffer)
                except OSError:  # ICMP: nobody takes what we send
                    rtp_socket.send_errors += 1
                    continue
                word, timestamp, ssrc = _HEADER_AS_WORDS.unpack_from(buffer)
                if word == rtp_socket.expects and ssrc == rtp_socket.ssrc and size >= HEADER_BYTES:
                    onward = rtp_socket.onward
                    if onward is None or size == onward.size:
                        rtp_socket.expects = word + 1
                        if not word & _UNTIMED and (arrival := rtp_socket.received_at()) is not None:
                            rtp_socket.time(timestamp, arrival)
                        if onward is not None:
                            onward.count += 1
                            onward.sent_at = now
                            onward.timestamp = timestamp = (timestamp + onward.timestamp_offset) & 0xFFFFFFFF
                            sequence = (word + onward.sequence_offset) & 0xFFFF
                            _HEADER_AS_WORDS.pack_into(
                                buffer, 0, onward.first_word | sequence, timestamp, onward.ssrc
                            )
                            target = onward.socket
                            try:
                                target.send_known(view[:size])
                            except OSError:
                                target.send_errors += 1
                        continue
                rtp_socket.on_known(
                    buffer, size, now, None if buffer[3] & _UNTIMED else rtp_socket.received_at()
                )
            if not ready:
                for rtp_socket in self._to_filter:
                    rtp_socket.is_filtered = rtp_socket.is_connected
                self._to_filter.clear()
                return

    def close(self) -> None:
        self._epoll.close()


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
