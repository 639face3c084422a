"""Keys as tones in calls that did not agree on events: a consumer of taps that tells each call its keys."""

from collections.abc import Callable

from dialer.media.dtmf_tones import ToneKeyEar
from dialer.rtp.tap import AudioTap, TapFrame


class ToneKeys:
    """An `AudioSink` for all such calls of a process, so that a tick's frames are looked at together."""

    def __init__(self) -> None:
        self._ear = ToneKeyEar()
        self._on_key: dict[AudioTap, Callable[[str], None]] = {}

    def listen(self, tap: AudioTap, on_key: Callable[[str], None]) -> None:
        """Call `on_key` at the beginning of each press that is heard on this tap of ours."""
        self._on_key[tap] = on_key

    def take_frames(self, frames: list[TapFrame]) -> None:
        self._ear.receive(
            [(frame.tap, frame.payload_type, frame.payload) for frame in frames if frame.side == "callee"],
            self._tell,
        )

    def end_tap(self, tap: AudioTap) -> None:
        self._on_key.pop(tap, None)
        self._ear.forget(tap)

    def _tell(self, stream: object, key: str) -> None:
        if isinstance(stream, AudioTap) and stream in self._on_key:
            self._on_key[stream](key)
