"""
The dialer as a program uses it: calls that are placed, followed and hung up. SIP is in `signalling`, audio in `call_media`.

No task per call: everything happens in callbacks of the loop that entered the dialer.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Final, Self

import msgspec
import structlog

from dialer.answer_listener import AnswerListener
from dialer.call_media import CallMedia, MediaPlane
from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.errors import DialerClosed
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallId,
    CallRinging,
    CallTimings,
    MediaChanged,
    MediaQuality,
    TrunkEvent,
)
from dialer.media.prompt import Prompt
from dialer.net.faults import Faults
from dialer.net.ports import PortPool
from dialer.outcome import Outcome, outcome_of_answer, outcome_of_local_failure
from dialer.rtp.tap import CLASSIFIER_DEPTH_MS, AudioSink, AudioTap
from dialer.signalling import Signalling
from dialer.sip.hop import Address
from dialer.sip.trace import TraceRecord

log = structlog.get_logger()

OnEvent = Callable[[CallEvent], None]
OnTrunkEvent = Callable[[TrunkEvent], None]

_UNREGISTER_SECONDS: Final = 2.0


class Call:
    """One call of a `Dialer`. All methods may be called at any time; after the end they do nothing."""

    def __init__(self, dialer: "Dialer", call_id: CallId, on_event: OnEvent, *, is_classified: bool) -> None:
        self.call_id = call_id
        self.is_classified = is_classified
        self.on_event = on_event
        self.media: CallMedia | None = None
        """None for a call that got no RTP port."""
        self._dialer = dialer
        self.timings = CallTimings(invite_sent_at=dialer.now())
        """What the events have told, for a call that its dialer does not outlive."""

    @property
    def played_ms(self) -> int:
        """How much of the last prompt the callee was sent."""
        return 0 if self.media is None else self.media.rtp.outgoing.played_ms

    def play(self, prompt: Prompt) -> None:
        """Send a prompt, at once; `PlaybackFinished` follows its last packet unless something replaces or stops it."""
        if self.media is not None:
            self.media.play(prompt)

    def stop_playing(self) -> None:
        if self.media is not None:
            self.media.stop_playing()

    def open_tap(self, sink: AudioSink, *, depth_ms: int = CLASSIFIER_DEPTH_MS) -> AudioTap | None:
        """Let a consumer hear both sides from now on (`rtp.tap`); None when there is no audio (any more)."""
        return None if self.media is None else self.media.open_tap(sink, depth_ms=depth_ms)

    def close_tap(self, tap: AudioTap) -> None:
        """End it, after its last frames; the end of the call does so, too."""
        if self.media is not None:
            self.media.close_tap(tap)

    def connect(self, other: "Call") -> None:
        """Let two calls hear each other, until `disconnect`, another `connect`, or the end of either."""
        if self.media is not None and other.media is not None:
            self.media.connect(other.media)

    def disconnect(self) -> None:
        if self.media is not None:
            self.media.stop_relay()

    def send_digits(self, digits: str) -> None:
        """
        Press keys, in the callee's ear: as events (RFC 4733), or as tones where none were agreed on; a prompt waits.

        Raises:
            ValueError: a character that is no key (0-9 * # A-D), or too many waiting.
        """
        if self.media is not None:
            self.media.send_digits(digits)

    def hang_up(self) -> None:
        """CANCEL or BYE, whichever the call's state asks for, and silence; `CallEnded` follows."""
        self.stop_playing()
        self._dialer.hang_up(self)

    def records(self) -> list[TraceRecord]:
        """Every SIP message so far, when `DialerConfig.trace` is on."""
        return self._dialer.records(self.call_id)

    def tell(self, event: CallEvent) -> None:
        """Hand on an event of the media."""
        self._dialer.deliver(self, event)

    def close_media(self) -> MediaQuality | None:
        """Let go of the audio; tell how well it could be heard."""
        if self.media is None:
            return None
        self.media.close()
        return self.media.quality


class Dialer:
    """
    Places calls and tells what happens to them. An async context manager: leaving it hangs up what is left.

    `rng(n)` gives n random bytes; branches, tags and Call-IDs come from it, so it must be unpredictable in production.
    """

    def __init__(self, config: DialerConfig, *, rng: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._config = config
        self._rng = rng
        self._ports = PortPool(config.rtp_port_min, config.rtp_port_max, rng(8))
        self._faults = Faults(config.faults) if config.faults is not None else None
        self._calls: dict[CallId, Call] = {}
        self._nobody_talks = asyncio.Event()
        self._nobody_talks.set()
        self._loop: asyncio.AbstractEventLoop
        self._signalling: Signalling
        self._media: MediaPlane
        self._listener: AnswerListener
        self._is_open = False

    async def __aenter__(self) -> Self:
        """Bind the signalling sockets. Raises `TransportError` when an address cannot be bound."""
        self._loop = asyncio.get_running_loop()
        self._signalling = Signalling(self._config, self._tell, self._rng, self._faults)
        await self._signalling.open()
        self._media = MediaPlane(
            self._loop,
            self._config.bind_host,
            self._ports,
            self._faults,
            self._rng,
            hears_tone_keys=self._config.hears_tone_keys,
        )
        self._listener = AnswerListener(self._loop)
        self._is_open = True
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.hang_up_all()
        try:
            await self.drain(self._config.close_timeout_seconds)
            await self._signalling.unregister(min(_UNREGISTER_SECONDS, self._config.close_timeout_seconds))
        finally:
            self._close()
            await self._listener.close()
            await self._signalling.close()

    @property
    def live_calls(self) -> int:
        """Calls whose end has not been told yet."""
        return len(self._calls)

    @property
    def local_address(self) -> Address:
        """Of the UDP socket of the signalling."""
        return self._signalling.local_address

    @property
    def counters(self) -> Counter[str]:
        """What arrived and was of no use, by kind."""
        return self._signalling.counters

    def now(self) -> float:
        """Monotonic seconds, the clock of every event's `at`."""
        return self._loop.time()

    def wall_time(self, at: float) -> datetime:
        """Turn the `at` of an event into UTC."""
        return datetime.now(UTC) - timedelta(seconds=self._loop.time() - at)

    def place_call(self, request: CallRequest, on_event: OnEvent) -> Call:
        """
        Send the INVITE and return at once; `on_event` gets everything that happens, last one `CallEnded`.

        A call that cannot begin here (no RTP port) ends too: result `failed`, fault `local`, after this has returned.

        Raises:
            DialerClosed: before entering or after leaving the dialer.
            LocalProtocolError: the Call-ID is in use, or a field would break a header line.
        """
        if not self._is_open:
            raise DialerClosed
        call_id = CallId(request.call_id or self._rng(16).hex())
        if request.call_id is None:
            request = msgspec.structs.replace(request, call_id=call_id)
        call = Call(self, call_id, on_event, is_classified=request.classify)
        media_host = self._signalling.media_host(request)
        call.media = self._media.open_call(call_id, call.tell, media_host)
        if call.media is None:
            self._adopt(call)
            self._loop.call_soon(self._end_locally, call, outcome_of_local_failure("no_rtp_port"))
            return call
        try:
            self._signalling.place_call(request, (media_host, call.media.port))
        except BaseException:
            call.close_media()
            raise
        self._adopt(call)
        return call

    def watch(self, trunks: Sequence[TrunkConfig], on_event: OnTrunkEvent) -> None:
        """
        Register with these trunks and ask them by OPTIONS, as each one's settings say, and with no others.

        Raises:
            DialerClosed: before entering or after leaving the dialer.
        """
        if not self._is_open:
            raise DialerClosed

        def tell(event: TrunkEvent) -> None:
            try:
                on_event(event)
            except Exception:
                log.exception("trunk.handler_crashed", trunk=event.trunk)

        self._signalling.watch(trunks, tell)

    def hang_up(self, call: Call) -> None:
        if self._is_open:
            self._signalling.hang_up(call.call_id)

    def hang_up_all(self) -> None:
        for call in list(self._calls.values()):
            call.hang_up()

    async def drain(self, seconds: float) -> None:
        """Wait until no call is live, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._nobody_talks.wait()
        except TimeoutError:
            log.warning("dialer.drain_timed_out", live_calls=self.live_calls)

    def records(self, call_id: CallId) -> list[TraceRecord]:
        return self._signalling.records(call_id)

    def deliver(self, call: Call, event: CallEvent) -> None:
        """Hand an event to whoever placed the call. A handler that crashes costs its own call, nobody else's."""
        try:
            call.on_event(event)
        except Exception:
            log.exception("call.handler_crashed", call_id=call.call_id)
            call.hang_up()

    def _tell(self, event: CallEvent) -> None:
        call = self._calls.get(event.call_id)
        if call is None:
            return
        if isinstance(event, MediaChanged):
            if call.media is not None:
                call.media.obey(event.media)
                if call.is_classified and event.is_early:
                    self._listener.listen(call.media, call.call_id, call.tell, is_early=True)
        elif isinstance(event, CallRinging):
            call.timings.ringing_at = event.at
        elif isinstance(event, CallAnswered):
            call.timings.answered_at = event.at
            if call.media is not None:
                call.media.rtp.note_answered()
                if call.is_classified:
                    self._listener.listen(call.media, call.call_id, call.tell, is_early=False)
        elif isinstance(event, CallEnded):
            event = msgspec.structs.replace(event, media=call.close_media())
        self.deliver(call, event)
        if isinstance(event, CallEnded):
            self._forget(call)

    def _adopt(self, call: Call) -> None:
        self._calls[call.call_id] = call
        self._nobody_talks.clear()

    def _forget(self, call: Call) -> None:
        self._calls.pop(call.call_id, None)
        if not self._calls:
            self._nobody_talks.set()

    def _end_locally(self, call: Call, outcome: Outcome) -> None:
        """End a call that the core knows nothing of, or never will again."""
        if self._calls.get(call.call_id) is not call:
            return
        quality = call.close_media()
        call.timings.ended_at = now = self._loop.time()
        ended = CallEnded(call_id=call.call_id, at=now, outcome=outcome, timings=call.timings, media=quality)
        self.deliver(call, ended)
        self._forget(call)

    def _close(self) -> None:
        """Leave nothing behind; calls that would not end in time end here."""
        self._is_open = False
        for call in list(self._calls.values()):
            if call.timings.answered_at is not None:
                outcome = outcome_of_answer(
                    200, ended_by="us", reason="dialer_closed"
                )  # our BYE has no answer
            else:
                # An INVITE is out there: its phone may ring on, and even be answered.
                outcome = Outcome(result="unknown", reason="dialer_closed", fault="local", ended_by="us")
            self._end_locally(call, outcome)
        self._media.close()
