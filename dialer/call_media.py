"""
The audio of all calls of a process, and of each: sockets, the 20 ms clock, what is played, what is heard.

The engine opens a `CallMedia` before it sends an INVITE, tells it what each offer and answer settled, and closes it at
the end; keys and finished prompts come back as events. Nothing here knows of SIP.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from dialer.events import CallEvent, CallId, DtmfReceived, NegotiatedMedia, PlaybackFinished
from dialer.media.prompt import Prompt
from dialer.net.faults import Loss
from dialer.net.media_clock import MediaClock
from dialer.net.ports import PortPool
from dialer.net.rtp_socket import RtpSocket
from dialer.rtp.session import Address, RtpSession

_MAX_PORT: Final = 65_535
_BIND_ATTEMPTS: Final = 20
"""How many RTP ports may be taken by other programs before a call fails."""


class MediaPlane:
    """What the calls share: the clock, the ports. `rng(n)` gives n random bytes."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        ports: PortPool,
        loss: Loss | None,
        rng: Callable[[int], bytes],
    ) -> None:
        self.loop = loop
        self.clock = MediaClock(loop)
        self._host = host
        self._ports = ports
        self._loss = loss
        self._rng = rng

    def open_call(
        self, call_id: CallId, tell: Callable[[CallEvent], None], host: str | None = None
    ) -> "CallMedia | None":
        """Bind a port for one call, at `host` if it is another; None when there is none. `tell` gets what is heard and played."""
        media = CallMedia(self, call_id, tell, RtpSession(self._rng), host or self._host)
        for _ in range(_BIND_ATTEMPTS):
            port = self._ports.take(self.loop.time())
            if port is None:
                return None
            socket = self.bind((media.host, port), media.receive_rtp)
            if socket is not None:
                media.socket = socket
                return media
            self.give_back(port)  # another program has it: later perhaps
        return None

    def bind(self, local: Address, on_datagram: Callable[[bytes, Address], None]) -> RtpSocket | None:
        try:
            return RtpSocket(self.loop, local, on_datagram, loss=self._loss)
        except OSError:
            return None

    def give_back(self, port: int) -> None:
        self._ports.give_back(port, self.loop.time())

    def close(self) -> None:
        """Stop the clock. Calls close themselves."""
        self.clock.close()


class CallMedia:
    """One call's audio. After `close` all methods do nothing."""

    def __init__(
        self,
        plane: MediaPlane,
        call_id: CallId,
        tell: Callable[[CallEvent], None],
        rtp: RtpSession,
        host: str,
    ) -> None:
        self.rtp = rtp
        self.host = host
        self.socket: RtpSocket | None = None
        self.report_socket: RtpSocket | None = None
        """RTCP; bound at the first prompt, because a call that plays nothing has nothing to report."""
        self._plane = plane
        self._call_id = call_id
        self._tell = tell
        self._is_playing = False

    @property
    def port(self) -> int:
        """The local one, for SDP; 0 once closed."""
        return 0 if self.socket is None else self.socket.port

    def play(self, prompt: Prompt) -> None:
        """Send a prompt, at once; `PlaybackFinished` follows its last packet unless something replaces or stops it."""
        if self.socket is None:
            return
        if self.report_socket is None:
            # the port above (RFC 3550 §11); where another program has it, the call goes without reports
            self.report_socket = self._plane.bind((self.host, self.socket.port + 1), self.rtp.receive_report)
        self.rtp.play(prompt.ulaw, prompt.alaw)
        self._is_playing = True
        self._plane.clock.add(self._tick)

    def stop_playing(self) -> None:
        self._is_playing = False
        self.rtp.stop_playing()
        self._plane.clock.remove(self._tick)

    def obey(self, media: NegotiatedMedia) -> None:
        """Send where, and in which encoding, the last offer and answer settled."""
        self.rtp.set_media(
            (media.remote_host, media.remote_port),
            payload_type=media.payload_type,
            telephone_event=media.telephone_event_payload_type,
            can_send=media.can_send,
        )

    def close(self) -> None:
        """Fall silent, let go of the sockets, and give the port back."""
        if self.socket is None:
            return
        self.stop_playing()
        self._plane.give_back(self.socket.port)
        self.socket.close()
        self.socket = None
        if self.report_socket is not None:
            self.report_socket.close()
            self.report_socket = None

    def receive_rtp(self, data: bytes, addr: Address) -> None:
        digit = self.rtp.receive(data, addr)
        if digit is not None:
            self._tell(DtmfReceived(call_id=self._call_id, at=self._plane.loop.time(), digit=digit))

    def _tick(self, now: float) -> bool:
        data = self.rtp.next_packet(now)
        destination = self.rtp.destination
        if data is not None and destination is not None and self.socket is not None:
            self.socket.send(data, destination)
            self._report(now)
        if self.rtp.is_playing:
            return True
        if self._is_playing:
            self._is_playing = False
            self._tell(PlaybackFinished(call_id=self._call_id, at=now))
        return self.rtp.is_playing  # the handler may have started another one

    def _report(self, now: float) -> None:
        destination = self.rtp.report_destination
        if self.report_socket is None or destination is None or destination[1] > _MAX_PORT:
            return
        report = self.rtp.next_report(now, str(self._call_id))
        if report is not None:
            self.report_socket.send(report, destination)
