"""
The same port over pyVoIP 1.6.8 (docs/adr/0005): for trunks that ask for it, and as a peer to measure against.

pyVoIP knows of an outgoing call only DIALING, ANSWERED and ENDED, and ENDED only after a BYE, a 404 or a 503. Every
other refusal leaves it DIALING for ever, and it has no CANCEL. So each call has a watchdog here: when ringing has
lasted long enough, or somebody hangs up, the call waits another 64*T1 for an answer (which gets a BYE at once and is
`abandoned`) and then ends as `unknown`, for its phone may ring on. What pyVoIP cannot do stands, with the reason of
each, in tests/dialer/test_port.py and tests/lab/test_port.py as strict xfail.

`DialerConfig`: `bind_port`, `user_agent`, `limits` and `faults` have no effect here; each call has a port of its own.
"""

import asyncio
import contextlib
import importlib
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVarTuple, Unpack

import structlog

from dialer.config import CallRequest, DialerConfig, TrunkConfig
from dialer.errors import DialerClosed, LocalProtocolError
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallId,
    CallTimings,
    DtmfReceived,
    PlaybackFinished,
)
from dialer.media.prompt import Prompt
from dialer.net.ports import PortPool, ReservedPort
from dialer.outcome import (
    Cancellation,
    Outcome,
    outcome_of_abandonment,
    outcome_of_answer,
    outcome_of_local_failure,
    outcome_of_refusal,
)
from dialer.port import OnEvent, OnTrunkEvent
from dialer.rtp.tap import CLASSIFIER_DEPTH_MS, AudioSink, AudioTap
from dialer.sip.trace import TraceRecord

if TYPE_CHECKING:
    from dialer.pyvoip_phone import Over, PhoneCall, Told

log = structlog.get_logger()

Ts = TypeVarTuple("Ts")

_SAMPLES_PER_MS: Final = 8
_BIND_ATTEMPTS: Final = 20
_JOIN_SECONDS: Final = 2.0
"""A phone looks at its orders every 10 ms."""

GIVE_UP_REASONS: Final[dict[Cancellation, str]] = {
    "hang_up": "pyvoip_cannot_cancel",
    "ring_timeout": "pyvoip_still_dialing",
}
"""We gave up, and nothing came: refused long ago, ringing on, or never there; pyVoIP does not say which."""


def _import_phones() -> ModuleType | None:
    """Import pyVoIP. None where it cannot be: Python 3.13 has no `audioop`."""
    try:
        return importlib.import_module("dialer.pyvoip_phone")
    except ImportError:
        log.exception("pyvoip.not_importable")
        return None


class PyvoipCall:
    """One call of a `PyvoipEngine`."""

    def __init__(
        self, engine: "PyvoipEngine", request: CallRequest, call_id: CallId, on_event: OnEvent
    ) -> None:
        self.call_id = call_id
        self.request = request
        self.on_event = on_event
        self.timings = CallTimings(invite_sent_at=engine.now())
        self.phone: PhoneCall | None = None
        self.port: ReservedPort | None = None
        self.given_up: Cancellation | None = None
        self.end_reason = "normal"
        self.timer: asyncio.TimerHandle | None = None
        self._engine = engine

    @property
    def played_ms(self) -> int:
        return 0 if self.phone is None else self.phone.played_samples // _SAMPLES_PER_MS

    def open_tap(self, sink: AudioSink, *, depth_ms: int = CLASSIFIER_DEPTH_MS) -> AudioTap | None:  # noqa: ARG002 - of the port
        """Nobody can listen in: pyVoIP keeps its sound to itself."""
        return None

    def close_tap(self, tap: AudioTap) -> None:
        """There is none."""

    def play(self, prompt: Prompt) -> None:
        """Send a prompt once the call is answered; pyVoIP has no early media."""
        if self.phone is not None:
            self.phone.play(prompt.ulaw)

    def stop_playing(self) -> None:
        if self.phone is not None:
            self.phone.stop_playing()

    def hang_up(self) -> None:
        """BYE; before the answer nothing can be sent, and the answer is waited for (module docstring)."""
        self._engine.hang_up(self, "hang_up")

    def records(self) -> list[TraceRecord]:
        return [] if self.phone is None else list(self.phone.records)


class PyvoipEngine:
    """Implements `dialer.port.Engine`. pyVoIP is imported by the first call, which costs the loop 0.1 s once."""

    def __init__(self, config: DialerConfig, *, rng: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._config = config
        self._rng = rng
        self._ports = PortPool(config.rtp_port_min, config.rtp_port_max, rng(8))
        self._calls: dict[CallId, PyvoipCall] = {}
        self._threads: set[threading.Thread] = set()
        self._nobody_talks = asyncio.Event()
        self._nobody_talks.set()
        self._loop: asyncio.AbstractEventLoop
        self._is_open = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
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
        finally:
            self._is_open = False
            for call in list(self._calls.values()):
                self._end(call, self._outcome_of_closing(call))
            await asyncio.to_thread(self._join)

    @property
    def live_calls(self) -> int:
        return len(self._calls)

    def now(self) -> float:
        return self._loop.time()

    def wall_time(self, at: float) -> datetime:
        return datetime.now(UTC) - timedelta(seconds=self._loop.time() - at)

    def place_call(self, request: CallRequest, on_event: OnEvent) -> PyvoipCall:
        """See `dialer.port.Engine`. The INVITE leaves from the call's own thread, a moment after this has returned."""
        if not self._is_open:
            raise DialerClosed
        call_id = CallId(request.call_id or self._rng(16).hex())
        if call_id in self._calls:
            raise LocalProtocolError(f"the Call-ID {call_id} is in use")
        trunk = request.trunk
        identity = trunk.username or request.caller_id or trunk.caller_id
        if not (identity + call_id + trunk.host).isprintable():
            raise LocalProtocolError("a field would break a header line")
        phones = _import_phones()
        call = PyvoipCall(self, request, call_id, on_event)
        self._calls[call_id] = call
        self._nobody_talks.clear()
        failure = self._begin(call, identity, phones)
        if failure is not None:
            self._loop.call_soon(self._end, call, outcome_of_local_failure(failure))
        return call

    def hang_up(self, call: PyvoipCall, why: Cancellation) -> None:
        """Say BYE, or begin to wait for the answer that will get one."""
        if self._calls.get(call.call_id) is not call or call.given_up is not None:
            return
        if call.phone is not None:
            call.phone.stop_playing()
            call.phone.hang_up()
        if call.timings.answered_at is None:
            call.given_up = why
            self._arm(call, 64 * self._config.timers.t1_seconds, self._stop_waiting, call)

    def watch(self, trunks: Sequence[TrunkConfig], on_event: OnTrunkEvent) -> None:  # noqa: ARG002 - the port's signature
        """
        Tell nothing: pyVoIP cannot send OPTIONS, and its REGISTER belongs to a phone that listens for calls, of which
        there is none here (one phone per call). Settings refuse to register a pyVoIP trunk.
        """
        if not self._is_open:
            raise DialerClosed

    def hang_up_all(self) -> None:
        for call in list(self._calls.values()):
            call.hang_up()

    async def drain(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._nobody_talks.wait()
        except TimeoutError:
            log.warning("dialer.drain_timed_out", live_calls=self.live_calls)

    def _begin(self, call: PyvoipCall, identity: str, phones: ModuleType | None) -> str | None:
        """Start the call's thread; return the reason where that cannot be."""
        request, trunk = call.request, call.request.trunk
        if ":" in trunk.host + self._config.bind_host:
            return "pyvoip_has_no_ipv6"
        if request.trunk.transport != "udp":
            return f"pyvoip_has_no_{request.trunk.transport}"
        if phones is None:
            return "pyvoip_not_importable"
        call.port = self._reserve_port()
        if call.port is None:
            return "no_rtp_port"
        order = phones.PhoneOrder(
            call_id=call.call_id,
            number=request.number,
            trunk=(trunk.host, trunk.port),
            username=identity,
            password=trunk.password or "",
            bind_host=self._config.bind_host,
            rtp_port=call.port,
            is_traced=self._config.trace,
        )
        call.phone = phones.PhoneCall(order, lambda told: self._hear_from_thread(call, told))
        thread = threading.Thread(target=call.phone.run, name=f"pyVoIP {call.call_id}", daemon=True)
        self._threads = {each for each in self._threads if each.is_alive()} | {thread}
        self._arm(call, request.ring_timeout_seconds, self.hang_up, call, "ring_timeout")
        thread.start()
        return None

    def _hear_from_thread(self, call: PyvoipCall, told: "Told") -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._hear, call, told)

    def _hear(self, call: PyvoipCall, told: "Told") -> None:
        from dialer.pyvoip_phone import Answered, Digit, Over, Played  # noqa: PLC0415 (see _begin)

        if self._calls.get(call.call_id) is not call:
            return
        now = self._loop.time()
        match told:
            case Answered() if call.given_up is None:
                call.timings.answered_at = now
                self._arm(call, call.request.max_talk_seconds, self._end_talk, call)
                self._deliver(call, CallAnswered(call_id=call.call_id, at=now))
            case Digit(digit=digit):
                self._deliver(call, DtmfReceived(call_id=call.call_id, at=now, digit=digit))
            case Played():
                self._deliver(call, PlaybackFinished(call_id=call.call_id, at=now))
            case Over():
                if told.crash is not None:
                    log.error("pyvoip.crashed", call_id=call.call_id, error=told.crash)
                self._end(call, self._outcome(call, told))
            case _:
                pass

    def _end_talk(self, call: PyvoipCall) -> None:
        call.end_reason = "max_talk"
        self.hang_up(call, "hang_up")

    def _stop_waiting(self, call: PyvoipCall) -> None:
        if call.phone is not None:
            call.phone.close()

    @staticmethod
    def _outcome(call: PyvoipCall, over: "Over") -> Outcome:
        if over.crash is not None:
            if call.timings.answered_at is not None:
                return outcome_of_answer(200, ended_by="us", reason="pyvoip_crashed")
            if over.is_invite_sent:  # its phone may ring
                return Outcome(result="unknown", reason="pyvoip_crashed", fault="local", ended_by="us")
            return outcome_of_local_failure("pyvoip_crashed")
        if over.refusal_status is not None:
            return outcome_of_refusal(over.refusal_status)
        if over.was_answered:
            if call.given_up is not None:
                return outcome_of_abandonment(200, call.given_up)
            return outcome_of_answer(200, ended_by="us" if over.is_ours else "callee", reason=call.end_reason)
        reason = GIVE_UP_REASONS[call.given_up or "hang_up"]
        return Outcome(result="unknown", reason=reason, fault="indeterminate", ended_by="us")

    @staticmethod
    def _outcome_of_closing(call: PyvoipCall) -> Outcome:
        if call.timings.answered_at is not None:
            return outcome_of_answer(200, ended_by="us", reason="dialer_closed")
        return Outcome(result="unknown", reason="dialer_closed", fault="local", ended_by="us")

    def _arm(
        self, call: PyvoipCall, seconds: float | None, act: Callable[[Unpack[Ts]], None], *args: *Ts
    ) -> None:
        """Give a call its next deadline in place of the last one."""
        if call.timer is not None:
            call.timer.cancel()
        call.timer = None if seconds is None else self._loop.call_later(seconds, act, *args)

    def _deliver(self, call: PyvoipCall, event: CallEvent) -> None:
        """Hand an event to whoever placed the call. A handler that crashes costs its own call, nobody else's."""
        try:
            call.on_event(event)
        except Exception:
            log.exception("call.handler_crashed", call_id=call.call_id)
            call.hang_up()

    def _end(self, call: PyvoipCall, outcome: Outcome) -> None:
        if self._calls.get(call.call_id) is not call:
            return
        self._arm(call, None, self._stop_waiting, call)
        if call.phone is not None:
            call.phone.close()
        now = call.timings.ended_at = self._loop.time()
        if call.port is not None:
            call.port.release()
            self._ports.give_back(call.port.number, now)
        self._deliver(call, CallEnded(call_id=call.call_id, at=now, outcome=outcome, timings=call.timings))
        del self._calls[call.call_id]
        if not self._calls:
            self._nobody_talks.set()

    def _reserve_port(self) -> ReservedPort | None:
        """Take an RTP port that nobody holds now; None when there is none."""
        now = self._loop.time()
        for _ in range(_BIND_ATTEMPTS):
            number = self._ports.take(now)
            if number is None:
                return None
            try:
                return ReservedPort(self._config.bind_host, number)
            except OSError:
                self._ports.give_back(number, now)
        return None

    def _join(self) -> None:
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        if left := [thread.name for thread in self._threads if thread.is_alive()]:
            log.warning("pyvoip.threads_left", threads=left)
