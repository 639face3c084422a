"""
What one leg of a call says becomes what the other hears: an answered callee and an agent, without transcoding.

Every packet is forwarded as it comes, under our own SSRC, sequence numbers and timestamps, with its gaps and its order, so
that the far jitter buffer sees what ours would have seen. Where the legs speak different laws, samples are looked up in a
table. Digits (RFC 4733) go on under the type that the other leg negotiated, or not at all where it has none. Comfort noise
(RFC 3389), which we never offer, is left out: a receiver fills the pause.
"""

from collections.abc import Callable
from typing import Final

from dialer.rtp.outgoing import PCMA, PCMU, ConnectedSocket
from dialer.rtp.packet import MARKER
from dialer.rtp.session import OFFERED_TELEPHONE_EVENT, RtpSession

_TYPE: Final = 0x7F


class Relay:
    """
    One direction. Listens to `source` until `close`; `send` takes each packet for the other leg.

    `way()` is the other leg's socket if it is connected and packets may leave there without more ado: most of them then are sent
    by who reads them (`outgoing.Onward`) and never come here. `transcoding(from, to)` gives the table between two laws (`media.g711.transcoding`).
    """

    __slots__ = ("_restarts", "_send", "_source", "_target", "_transcoding", "_way")

    def __init__(
        self,
        source: RtpSession,
        target: RtpSession,
        send: Callable[[bytes], None],
        way: Callable[[], ConnectedSocket | None],
        transcoding: Callable[[int, int], bytes | None],
    ) -> None:
        self._source = source
        self._target = target
        self._send = send
        self._way = way
        self._transcoding = transcoding
        self._restarts = source.reception.restarts
        target.outgoing.restart_forwarding()
        source.add_relay(self._forward, target.outgoing.onward)

    def close(self) -> None:
        self._source.remove_relay(self._forward)
        self._target.outgoing.close_onward()

    def _forward(
        self,
        kind: int,
        sequence: int,
        timestamp: int,
        payload: bytes,
        is_in_turn: bool,  # noqa: FBT001 (a PacketListener)
        now: float,
    ) -> None:
        outgoing = self._target.outgoing
        outgoing.close_onward()
        if self._source.reception.restarts != self._restarts:
            self._restarts = self._source.reception.restarts
            outgoing.restart_forwarding()
        if not outgoing.can_send:
            return
        is_straight = is_in_turn and kind == outgoing.payload_type
        payload_type = kind & _TYPE
        if payload_type != outgoing.payload_type:
            if payload_type in (PCMU, PCMA):
                table = self._transcoding(payload_type, outgoing.payload_type)
                payload, payload_type = payload.translate(table), outgoing.payload_type
            elif payload_type in (OFFERED_TELEPHONE_EVENT, self._source.telephone_event):
                if self._target.telephone_event is None:
                    return
                payload_type = self._target.telephone_event
            else:
                return
            kind = (kind & MARKER) | payload_type
        self._send(outgoing.forward(kind, sequence, timestamp, payload, now))
        if is_straight and (way := self._way()) is not None:
            outgoing.open_onward(len(payload), way)
