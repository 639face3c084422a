"""What campaigns and the command line need of an engine, whichever one places the calls."""

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from dialer.config import CallRequest, TrunkConfig
from dialer.events import CallEvent, CallId, TrunkEvent
from dialer.media.prompt import Prompt
from dialer.rtp.tap import CLASSIFIER_DEPTH_MS, AudioSink, AudioTap
from dialer.sip.trace import TraceRecord

OnEvent = Callable[[CallEvent], None]
OnTrunkEvent = Callable[[TrunkEvent], None]


class PlacedCall(Protocol):
    """One call. All methods may be called at any time; after the end they do nothing."""

    @property
    def call_id(self) -> CallId: ...

    @property
    def played_ms(self) -> int:
        """How much of the last prompt the callee was sent."""
        ...

    def play(self, prompt: Prompt) -> None: ...

    def stop_playing(self) -> None: ...

    def open_tap(self, sink: AudioSink, *, depth_ms: int = CLASSIFIER_DEPTH_MS) -> AudioTap | None:
        """Let a consumer hear both sides from now on (`rtp.tap`); None when there is no audio (any more), or no way to it."""
        ...

    def close_tap(self, tap: AudioTap) -> None:
        """Let a consumer hear no more, after its last frames; the end of the call does so, too. Not from within the sink."""
        ...

    def hang_up(self) -> None:
        """End the call by whatever its state asks for; `CallEnded` follows."""
        ...

    def records(self) -> list[TraceRecord]:
        """Every SIP message so far, when `DialerConfig.trace` is on."""
        ...


class Engine(Protocol):
    """
    Places calls and tells what happens to them. An async context manager: leaving it hangs up what is left.

    Of every placed call exactly one `CallEnded` is told, last, on the loop that entered the engine.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    @property
    def live_calls(self) -> int:
        """Calls whose end has not been told yet."""
        ...

    def now(self) -> float:
        """Monotonic seconds, the clock of every event's `at`."""
        ...

    def wall_time(self, at: float) -> datetime:
        """Turn the `at` of an event into UTC."""
        ...

    def place_call(self, request: CallRequest, on_event: OnEvent) -> PlacedCall:
        """
        Begin a call and return at once; `on_event` gets everything that happens, after this has returned.

        Raises:
            DialerClosed: before entering or after leaving.
            LocalProtocolError: the Call-ID is in use, or a field would break a header line.
        """
        ...

    def watch(self, trunks: Sequence[TrunkConfig], on_event: OnTrunkEvent) -> None:
        """
        Register with these trunks and ask them by OPTIONS, as each one's settings say, and with no others.

        `on_event` gets what is news of them; leaving the engine takes every binding back. The same trunk with the same
        settings again changes nothing.

        Raises:
            DialerClosed: before entering or after leaving.
        """
        ...

    def hang_up_all(self) -> None: ...

    async def drain(self, seconds: float) -> None:
        """Wait until no call is live, at most so long."""
        ...
