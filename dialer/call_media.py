"""
The audio of all calls of a process, and of each: sockets, the 20 ms clock, what is played, what is heard.

The engine opens a `CallMedia` before it sends an INVITE, tells it what each offer and answer settled, and closes it at
the end; keys and finished prompts come back as events. Nothing here knows of SIP.

At each tick of the clock everything that has arrived is read, then everything that is due is sent, then the taps get
their frames. The clock runs while any call knows where its audio goes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from dialer.events import CallEvent, CallId, DtmfReceived, NegotiatedMedia, PlaybackFinished
from dialer.media.dtmf_tones import tones_of
from dialer.media.g711 import transcoding
from dialer.media.prompt import Prompt
from dialer.net.faults import Faults
from dialer.net.media_clock import MediaClock
from dialer.net.ports import PortPool
from dialer.net.rtp_socket import OnAny, OnKnown, RtpPoll, RtpSocket
from dialer.rtp.outgoing import FRAME_SECONDS
from dialer.rtp.quality import MediaQuality
from dialer.rtp.relay import Relay
from dialer.rtp.session import Address, RtpSession
from dialer.rtp.tap import CLASSIFIER_DEPTH_MS, AudioSink, AudioTap, TapFrame
from dialer.tone_keys import ToneKeys, ToneListener

log = structlog.get_logger()

_MAX_PORT: Final = 65_535
_BIND_ATTEMPTS: Final = 20
"""How many RTP ports may be taken by other programs before a call fails."""
_BETWEEN_TICKS_SECONDS: Final = FRAME_SECONDS / 2
"""While legs are connected arrivals are looked for between the ticks, too: what is said waits 5 ms on average, not 10."""
_TICKS_PER_ROUND: Final = 25
"""Every half second reports are sent where they are due, and silent sources forgotten."""


class MediaPlane:
    """What the calls share: the clock, the ports, the reading. `rng(n)` gives n random bytes."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        ports: PortPool,
        faults: Faults | None,
        rng: Callable[[int], bytes],
        *,
        hears_tone_keys: bool = True,
    ) -> None:
        self.loop = loop
        self.tone_keys = ToneKeys() if hears_tone_keys else None
        self.sending: dict[CallMedia, None] = {}
        """Calls with something to send at the next tick."""
        self._clock = MediaClock(loop)
        self._between: asyncio.TimerHandle | None = None
        self._poll = RtpPoll()
        self._active: dict[CallMedia, None] = {}
        """Calls whose audio has somewhere to go."""
        self._tapped: dict[CallMedia, None] = {}
        self._relayed: dict[CallMedia, None] = {}
        self._host = host
        self._ports = ports
        self._faults = faults
        self._rng = rng
        self._ticks = 0

    def open_call(
        self, call_id: CallId, tell: Callable[[CallEvent], None], host: str | None = None
    ) -> "CallMedia | None":
        """Bind a port for one call, at `host` if it is another; None when there is none. `tell` gets what is heard and played."""
        media = CallMedia(self, call_id, tell, RtpSession(self._rng), host or self._host)
        for _ in range(_BIND_ATTEMPTS):
            port = self._ports.take(self.loop.time())
            if port is None:
                return None
            socket = self.bind((media.host, port), media.receive_any, media.receive_known)
            if socket is not None:
                media.socket = media.rtp.lane = socket
                return media
            self.give_back(port)  # another program has it: later perhaps
        return None

    def bind(self, local: Address, on_any: OnAny, on_known: OnKnown) -> RtpSocket | None:
        try:
            return RtpSocket(self._poll, local, on_any, on_known, faults=self._faults)
        except OSError:
            return None

    def give_back(self, port: int) -> None:
        self._ports.give_back(port, self.loop.time())

    def activate(self, media: "CallMedia") -> None:
        """Read and send for this call from now on."""
        if media not in self._active:
            self._active[media] = None
            self._clock.add(self._tick)

    def note_taps(self, media: "CallMedia") -> None:
        """Look at a call's taps at each tick, or no more."""
        if media.taps:
            self._tapped[media] = None
        else:
            self._tapped.pop(media, None)

    def connect(self, one: "CallMedia", other: "CallMedia") -> None:
        """Let two calls hear each other, each ending what it was connected to before; nothing if one is closed."""
        for media in (one, other):
            media.stop_relay()
        if one is other or one.socket is None or other.socket is None:
            return
        for media, peer in ((one, other), (other, one)):
            media.relay = Relay(media.rtp, peer.rtp, peer.send_relayed, peer.connected_socket, transcoding)
            media.relayed_to = peer
            self._relayed[media] = None

    def disconnect(self, media: "CallMedia") -> None:
        """End the connection of this call and its peer."""
        for leg in (media, media.relayed_to):
            if leg is not None and leg.relay is not None:
                leg.relay.close()
                leg.relay = leg.relayed_to = None
                self._relayed.pop(leg, None)

    def forget(self, media: "CallMedia") -> None:
        self.sending.pop(media, None)
        self._tapped.pop(media, None)
        self._active.pop(media, None)

    def close(self) -> None:
        """Stop the clock. Calls close themselves."""
        self._clock.close()
        if self._between is not None:
            self._between.cancel()
        self._poll.close()

    def deliver_frames(self, frames: list[TapFrame]) -> None:
        """Give each sink its frames in one list. A sink that crashes loses them, and costs nobody else."""
        by_sink: dict[int, list[TapFrame]] = {}
        for frame in frames:
            by_sink.setdefault(id(frame.tap.sink), []).append(frame)
        for batch in by_sink.values():
            try:
                batch[0].tap.sink.take_frames(batch)
            except Exception:
                log.exception("tap.sink_crashed", frames=len(batch))

    def _read_between(self) -> None:
        self._between = None
        self._poll.read_all(self.loop.time())

    def _tick(self, now: float) -> bool:
        self._poll.read_all(now)
        if self._relayed and self._between is None:
            self._between = self.loop.call_at(now + _BETWEEN_TICKS_SECONDS, self._read_between)
        for media in list(self.sending):
            media.send_due(now)
        if self.tone_keys is not None:
            self.tone_keys.tick()
        if self._tapped:
            frames: list[TapFrame] = []
            for media in self._tapped:
                for tap in media.taps:
                    tap.collect(now, frames)
            self.deliver_frames(frames)
        self._ticks += 1
        if self._ticks % _TICKS_PER_ROUND == 0:
            for media in list(self._active):
                media.make_round(now)
        return bool(self._active)


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
        """RTCP; bound when the first report is due, because most calls are over by then."""
        self.taps: list[AudioTap] = []
        self.relay: Relay | None = None
        self.relayed_to: CallMedia | None = None
        self._plane = plane
        self._call_id = call_id
        self._tell = tell
        self._tones: ToneListener | None = None
        self._is_playing = False
        self._has_media = False

    @property
    def port(self) -> int:
        """The local one, for SDP; 0 once closed."""
        return 0 if self.socket is None else self.socket.port

    @property
    def quality(self) -> MediaQuality | None:
        """The figures so far; None when no offer and answer ever settled where audio goes."""
        return self.rtp.quality() if self._has_media else None

    def play(self, prompt: Prompt) -> None:
        """Send a prompt, at once; `PlaybackFinished` follows its last packet unless something replaces or stops it."""
        if self.socket is None:
            return
        self.rtp.outgoing.play(prompt.ulaw, prompt.alaw)
        self._is_playing = True
        self._plane.sending[self] = None
        self._plane.activate(self)

    def stop_playing(self) -> None:
        self._is_playing = False
        self.rtp.outgoing.stop_playing()

    def obey(self, media: NegotiatedMedia) -> None:
        """Send where, and in which encoding, the last offer and answer settled."""
        if self.socket is None:
            return
        self.socket.disconnect()
        self.rtp.set_media(
            (media.remote_host, media.remote_port),
            payload_type=media.payload_type,
            telephone_event=media.telephone_event_payload_type,
            can_send=media.can_send,
            ptime_ms=media.ptime_ms,
        )
        self._has_media = True
        self._plane.activate(self)
        self._listen_for_tones(is_needed=media.telephone_event_payload_type is None)

    def send_digits(self, digits: str) -> None:
        """
        Press keys: as events, or as tones where no events were agreed on; a prompt waits meanwhile.

        Raises:
            ValueError: a character that is no key, or too many waiting.
        """
        if self.socket is None:
            return
        event_type = self.rtp.telephone_event
        if event_type is None:
            tones = tones_of(digits)
            self.rtp.outgoing.interject(tones.ulaw, tones.alaw)
        else:
            self.rtp.outgoing.send_digits(digits, event_type)
        self._plane.sending[self] = None
        self._plane.activate(self)

    def open_tap(self, sink: AudioSink, *, depth_ms: int = CLASSIFIER_DEPTH_MS) -> AudioTap | None:
        """Let a consumer hear both sides from now on (`rtp.tap`); None once closed."""
        if self.socket is None:
            return None
        outgoing = self.rtp.outgoing
        now = self._plane.loop.time()
        tap = AudioTap(
            str(self._call_id), sink, now=now, depth_ms=depth_ms, payload_type=outgoing.payload_type
        )
        self.taps.append(tap)
        self.rtp.add_listener(tap.heard.put)
        outgoing.add_listener(tap.said.put)
        self._plane.note_taps(self)
        return tap

    def close_tap(self, tap: AudioTap) -> None:
        """End it, after its last frames; nothing if it has ended."""
        if tap not in self.taps:
            return
        self.taps.remove(tap)
        self.rtp.remove_listener(tap.heard.put)
        self.rtp.outgoing.listeners.remove(tap.said.put)
        self._plane.note_taps(self)
        frames: list[TapFrame] = []
        tap.flush(frames)
        self._plane.deliver_frames(frames)
        tap.sink.end_tap(tap)

    def connect(self, other: "CallMedia") -> None:
        """Let the two hear each other (`rtp.relay`) until `stop_relay`, another `connect`, or the end of either."""
        self._plane.connect(self, other)

    def stop_relay(self) -> None:
        self._plane.disconnect(self)

    def send_relayed(self, data: bytes) -> None:
        """Send what the other leg said."""
        destination = self.rtp.destination
        if self.socket is not None and destination is not None:
            self.socket.send(data, destination)

    def connected_socket(self) -> RtpSocket | None:
        """Where packets can leave without a look at where they go; None = nowhere now."""
        return self.socket if self.socket is not None and self.socket.is_filtered else None

    def close(self) -> None:
        """Fall silent, let go of the sockets, and give the port back."""
        if self.socket is None:
            return
        self.stop_playing()
        self.stop_relay()
        self._listen_for_tones(is_needed=False)
        for tap in list(self.taps):
            self.close_tap(tap)
        self._plane.forget(self)
        self._plane.give_back(self.socket.port)
        self.socket.close()
        self.socket = None
        if self.report_socket is not None:
            self.report_socket.close()
            self.report_socket = None

    def receive_known(self, buffer: bytearray, size: int, now: float, arrival: float | None) -> None:
        """Take a datagram that can only be the peer's (`rtp_socket.OnKnown`)."""
        digit = self.rtp.receive_from_source(buffer, size, now, arrival)
        if digit is not None:
            self._tell_digit(digit)

    def receive_any(self, data: bytes, sender: Address, now: float) -> None:
        """Take a datagram of whomever (`rtp_socket.OnAny`)."""
        digit = self.rtp.receive(data, sender, now)
        if self.socket is not None and not self.socket.is_connected and self.rtp.is_source_certain:
            self.socket.connect(sender)
        if digit is not None:
            self._tell_digit(digit)

    def send_due(self, now: float) -> None:
        """Send what this tick asks for."""
        outgoing, socket, destination = self.rtp.outgoing, self.socket, self.rtp.destination
        if destination is not None and socket is not None:
            while (data := outgoing.next_packet(now)) is not None:
                socket.send(data, destination)
                if not outgoing.is_short:
                    break
        if outgoing.is_playing or outgoing.is_sending_digits:
            return
        if self._is_playing:
            self._is_playing = False
            self._tell(PlaybackFinished(call_id=self._call_id, at=now))
        if not outgoing.is_playing:  # the handler may have started another one
            self._plane.sending.pop(self, None)

    def _listen_for_tones(self, *, is_needed: bool) -> None:
        """Keys that do not come as events come as sound."""
        keys = self._plane.tone_keys
        if keys is None:
            return
        if is_needed and self._tones is None:
            self._tones = keys.listen(self._tell_digit)
            self.rtp.add_listener(self._tones.put)
        elif not is_needed and self._tones is not None:
            self.rtp.remove_listener(self._tones.put)
            keys.forget(self._tones)
            self._tones = None

    def _tell_digit(self, digit: str) -> None:
        self._tell(DtmfReceived(call_id=self._call_id, at=self._plane.loop.time(), digit=digit))

    def make_round(self, now: float) -> None:
        """What is done twice a second."""
        if self.socket is None:
            return
        if self.rtp.forget_silent_source(now):
            self.rtp.outgoing.close_onward()  # which sends to nobody but a connected peer
            self.socket.disconnect()
        destination = self.rtp.report_destination
        if destination is None or destination[1] > _MAX_PORT:
            return
        report = self.rtp.next_report(now, str(self._call_id))
        if report is None:
            return
        if self.report_socket is None:
            # the port above (RFC 3550 §11); where another program has it, the call goes without reports
            self.report_socket = self._plane.bind(
                (self.host, self.socket.port + 1), self._receive_report, self._receive_known_report
            )
        if self.report_socket is not None:
            self.report_socket.send(report, destination)

    def _receive_report(self, data: bytes, sender: Address, now: float) -> None:
        self.rtp.receive_report(data, sender, now)

    def _receive_known_report(
        self, _buffer: bytearray, _size: int, _now: float, _arrival: float | None
    ) -> None:
        raise AssertionError("the socket of reports is never connected")
