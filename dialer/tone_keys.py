"""
Keys as tones in calls that did not agree on events, for all such calls of a process together.

Not a tap: order and holes matter little to it, and only the callee's side is looked at. It still costs 6 to 9 µs of CPU per
packet received (100 calls, busy machine), more than all else that is done with the packet.
"""

from collections.abc import Callable

from dialer.media.dtmf_tones import FRAME_SAMPLES, ToneKeyEar
from dialer.rtp.outgoing import PCMA, PCMU

_TYPE = 0x7F


class ToneListener:
    """Hears one call. `put` is an `outgoing.PacketListener`; `on_key` is called at the beginning of each press."""

    __slots__ = ("_into", "_part", "on_key")

    def __init__(self, into: "list[tuple[ToneListener, int, bytes]]", on_key: Callable[[str], None]) -> None:
        self._into = into
        self._part = b""
        self.on_key = on_key

    def put(self, kind: int, _sequence: int, _timestamp: int, payload: bytes, *_rest: object) -> None:
        payload_type = kind & _TYPE
        if payload_type not in (PCMU, PCMA):
            return
        if self._part or len(payload) != FRAME_SAMPLES:
            payload = self._part + payload
            whole = len(payload) - len(payload) % FRAME_SAMPLES
            self._part = payload[whole:]
            for start in range(0, whole, FRAME_SAMPLES):
                self._into.append((self, payload_type, payload[start : start + FRAME_SAMPLES]))
        else:
            self._into.append((self, payload_type, payload))


class ToneKeys:
    """All calls that are listened to. `tick` looks at what has come since the last one."""

    def __init__(self) -> None:
        self._ear = ToneKeyEar()
        self._frames: list[tuple[ToneListener, int, bytes]] = []

    def listen(self, on_key: Callable[[str], None]) -> ToneListener:
        return ToneListener(self._frames, on_key)

    def forget(self, listener: ToneListener) -> None:
        self._ear.forget(listener)

    def tick(self) -> None:
        if self._frames:
            frames = list(self._frames)
            self._frames.clear()  # the same list: the listeners know it
            self._ear.receive(frames, lambda listener, key: listener.on_key(key))
