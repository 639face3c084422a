"""
Responses of ours: what every one of them carries, and where it goes (RFC 3261 §8.2.6, §18.2.2).

To-tags are derived, not drawn, so that a retransmission from a stranger gets the same one without any state.
"""

from hashlib import blake2s

from dialer.config import DialerConfig
from dialer.errors import RemoteProtocolError
from dialer.sip.hop import Hop
from dialer.sip.invite_session import Rng
from dialer.sip.message import Request, Response, refuse_malformed, response_to
from dialer.sip.transaction_layer import TransactionLayer, server_key


class Responder:
    """Builds responses, and sends those that need no transaction."""

    def __init__(self, config: DialerConfig, rng: Rng, layer: TransactionLayer) -> None:
        self._server = config.user_agent
        self._layer = layer
        self._tag_key = rng(16)

    def answer(
        self,
        request: Request,
        status_code: int,
        now: float,
        *headers: tuple[str, str],
        max_bytes: int | None = None,
    ) -> None:
        """
        Answer without keeping state: a retransmission is answered anew (§8.2.7).

        Beyond `max_bytes` everything is left out that a response need not carry: a stranger may be asking in another's name.
        """
        response = self.response(request, status_code, *headers)
        if max_bytes is not None and len(response.to_bytes()) > max_bytes:
            for name in ("Server", *dict(headers)):
                response.headers.remove(name)
        assert request.reply_to is not None
        self._layer.send(response.to_bytes(), request.reply_to, now, request.call_id)

    def response(self, request: Request, status_code: int, *headers: tuple[str, str]) -> Response:
        to_tag = None
        if request.to.tag is None:
            to_tag = self._tag_of(" ".join(server_key(request)).encode("utf-8", "surrogateescape"))
        response = response_to(request, status_code, to_tag=to_tag)
        response.headers.add("Server", self._server)
        for name, value in headers:
            response.headers.add(name, value)
        return response

    def refuse_malformed(self, data: bytes, error: RemoteProtocolError, hop: Hop, now: float) -> None:
        """Answer an unreadable request, if enough of it can be read (§18.3, §21.4.1)."""
        response = refuse_malformed(data, error, to_tag=self._tag_of(data))
        if response is not None:
            self._layer.send(response.to_bytes(), hop, now, "")  # no ladder holds what cannot be read

    def _tag_of(self, identity: bytes) -> str:
        return blake2s(identity, key=self._tag_key, digest_size=8).hexdigest()


def response_hop(request: Request, source: Hop) -> Hop:
    """Where a response goes (§18.2.2; RFC 3581 §4): over a connection back on it, over UDP as the Via says."""
    if source.is_reliable:
        return source
    via = request.via
    host = via.params.get("received") or via.host.strip("[]")
    return Hop(host, source.port if "rport" in via.params else via.port or 5060)
