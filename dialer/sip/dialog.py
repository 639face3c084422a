"""
One side of a dialog (RFC 3261 §12): whom to address, over which proxies, under which number.

Two callees may answer one INVITE when a proxy forks it: each answer is a dialog of its own.
"""

from collections.abc import Callable
from functools import lru_cache

from dialer.errors import InvalidHeader, RemoteProtocolError
from dialer.sip.fields import Headers
from dialer.sip.headers import NameAddr
from dialer.sip.hop import Hop, hop_towards
from dialer.sip.message import Message, Request, Response
from dialer.sip.uri import parse_uri


class Dialog:
    """
    What an in-dialog request of ours is made of.

    `source` is where the 2xx came from: the next hop where the proper one is a name, since nothing is resolved here.
    """

    __slots__ = (
        "ack", "ack_destination", "call_id", "has_ended", "is_bye_sent", "local", "local_cseq", "remote", "remote_cseq",
        "remote_tag", "remote_target", "route_set", "source",
    )  # fmt: skip

    def __init__(
        self,
        *,
        call_id: str,
        local: str,
        remote: str,
        remote_tag: str,
        local_cseq: int,
        route_set: list[NameAddr],
        remote_target: str,
        source: Hop,
    ) -> None:
        self.call_id = call_id
        self.local = local
        """From of our requests, with our tag."""
        self.remote = remote
        """To of our requests."""
        self.remote_tag = remote_tag
        self.local_cseq = local_cseq
        self.remote_cseq: int | None = None
        self.route_set = route_set
        self.remote_target = remote_target
        self.source = source
        self.ack = b""
        """The ACK of the 2xx, kept to repeat it for every retransmission (§13.2.2.4)."""
        self.ack_destination = source
        self.is_bye_sent = False
        self.has_ended = False
        """The peer's BYE has been answered."""

    @classmethod
    def of_answer(cls, invite: Request, response: Response, source: Hop) -> "Dialog":
        """
        Open the dialog of a 2xx, or of an 18x with a To-tag (§12.1.2).

        A 2xx without a usable Contact or Record-Route breaks the RFC, but has a callee on the line: it is addressed
        as the INVITE was.
        """
        to = response.to
        try:
            contact = response.contact
            route_set = response.record_route[::-1]
        except InvalidHeader:
            contact, route_set = None, []
        return cls(
            call_id=invite.call_id,
            local=str(invite.from_),
            remote=str(to),
            remote_tag=to.tag or "",
            local_cseq=invite.cseq.number,
            route_set=route_set,
            remote_target=invite.uri if contact is None else contact.uri,
            source=source,
        )

    def confirm(self, response: Response, source: Hop) -> None:
        """Take route set and target from the 2xx, whatever the 18x before it said (§13.2.2.4)."""
        self.source = self.ack_destination = source
        try:
            contact = response.contact
            self.route_set = response.record_route[::-1]
        except InvalidHeader:
            return
        if contact is not None:
            self.remote_target = contact.uri

    def accepts(self, cseq_number: int) -> bool:
        """Check and note the number of a request of the peer: it may not fall (§12.2.2)."""
        if self.remote_cseq is not None and cseq_number < self.remote_cseq:
            return False
        self.remote_cseq = cseq_number
        return True

    def refresh_target(self, message: Message) -> None:
        """Follow the peer to the Contact of its re-INVITE or UPDATE, or of its 2xx to ours (§12.2.1.2, §12.2.2)."""
        try:
            contact = message.contact
        except InvalidHeader:
            return
        if contact is not None:
            self.remote_target = contact.uri

    def request(
        self, method: str, via: Callable[[Hop], str], *, cseq_number: int | None = None
    ) -> tuple[Request, Hop]:
        """
        Build an in-dialog request and say where it goes (§12.2.1.1); `via` makes the Via of that hop.

        `cseq_number` is the INVITE's for an ACK; every other request takes the next one.
        """
        if cseq_number is None:
            self.local_cseq += 1
            cseq_number = self.local_cseq
        first = self.route_set[0].uri if self.route_set else self.remote_target
        hop = hop_towards(first, self.source) or self.source
        headers = Headers()
        headers.add("Via", via(hop))
        headers.add("Max-Forwards", "70")
        headers.add("From", self.local)
        headers.add("To", self.remote)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{cseq_number} {method}")
        if not self.route_set:
            return Request(method, self.remote_target, headers), hop
        if _is_loose(first):
            for route in self.route_set:
                headers.add("Route", str(route))
            return Request(method, self.remote_target, headers), hop
        # A strict router (RFC 2543) finds itself in the Request-URI and the target last in the Route.
        for route in self.route_set[1:]:
            headers.add("Route", str(route))
        headers.add("Route", f"<{self.remote_target}>")
        return Request(method, first, headers), hop


@lru_cache(maxsize=1024)
def _is_loose(uri: str) -> bool:
    try:
        return parse_uri(uri).is_loose_router
    except RemoteProtocolError:
        return True  # unreadable: keep the peer's target in the Request-URI
