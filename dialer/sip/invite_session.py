"""
The caller's side of one INVITE: its identity, offer, credentials, transactions and the dialogs that answers open.

It builds requests and keeps facts. What to send when is decided above (`dialer.call`), what arrives is matched by
`SipUserAgent`.
"""

from collections.abc import Callable
from typing import Final

from dialer.config import CallRequest, Identity, TrunkConfig, split_place
from dialer.errors import InvalidSdp
from dialer.sip.dialog import Dialog
from dialer.sip.digest import Challenge, Credentials, authorization, parse_challenges, strongest
from dialer.sip.early_dialog import EarlyDialog
from dialer.sip.fields import Headers
from dialer.sip.grammar import Params
from dialer.sip.hop import Address, Hop, bracketed, hop_of, hop_towards
from dialer.sip.identity import contact_user_of, from_of, identity_headers
from dialer.sip.message import Message, Request, Response
from dialer.sip.redirect import redirect_target
from dialer.sip.sdp import NegotiatedMedia, answer_offer, build_offer, media_from_answer, parse_sdp
from dialer.sip.server_transaction import InviteServerTransaction
from dialer.sip.session_timer import TIMER_OPTION, SessionTimer, min_se_of
from dialer.sip.transaction import (
    InviteClientTransaction,
    NonInviteClientTransaction,
    State,
)
from dialer.sip.uri import SipUri
from dialer.transport_config import Transport

ALLOWED_METHODS: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE"
MAX_DATAGRAM_BYTES: Final = 1_300
"""RFC 3261 §18.1.1, where the path's MTU is not known."""
_MAX_REALMS: Final = 4
"""Proxies on the way that may each ask who we are (RFC 3261 §22.3)."""
_MAX_TAGS: Final = 16
"""Dialogs that one INVITE may open; more is no fork but an attack."""
_CHALLENGE_HEADERS: Final = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}

_PLAIN: Final = Identity()

Rng = Callable[[int], bytes]
"""`rng(n)` gives n random bytes."""


class _Answered:
    """A challenge that our requests answer."""

    __slots__ = ("challenge", "nonce_count", "was_renewed")

    def __init__(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.nonce_count = 0
        self.was_renewed = False


class InviteSession:
    """Everything of one Call-ID. `user` is whose call it is, opaque here."""

    __slots__ = (
        "_answered", "_credentials", "_extensions", "_listening", "_redirects", "_rng", "_sent_by", "_trunk", "allows_update", "bye", "call_id",
        "contact", "cseq_number", "description", "destination", "dialog", "dialogs", "early", "ended_tags", "from_", "has_lost_connection",
        "invite", "is_released", "local_tag", "may_go_by_tcp", "media", "min_se_seconds", "open_transactions", "refresh", "refresh_ack",
        "reinvite", "rtp_address", "sdp_version", "session_id", "timer", "to", "transaction", "uri", "user",
        "user_agent",
    )  # fmt: skip

    def __init__(
        self,
        request: CallRequest,
        call_id: str,
        *,
        rtp_address: Address,
        local_address: Address,
        user_agent: str,
        rng: Rng,
        user: object,
        listening: frozenset[Transport] = frozenset(),
    ) -> None:
        trunk = request.trunk
        self.user = user
        self.user_agent = user_agent
        self.call_id = call_id
        self.destination = hop_of(trunk)
        self.rtp_address = rtp_address
        self.local_tag = rng(8).hex()
        self.cseq_number = 0
        self.session_id = int.from_bytes(rng(4), "big")
        self.sdp_version = self.session_id
        self.description = build_offer(rtp_address[0], rtp_address[1], self.session_id)
        """What we said last, as offer or answer."""
        self.media: NegotiatedMedia | None = None
        """What offer and answer agreed so far, early media included."""
        self._trunk = trunk
        self._rng = rng
        self._credentials = (
            None
            if trunk.username is None or trunk.password is None
            else Credentials(trunk.username, trunk.password)
        )
        self._answered: dict[tuple[str, str], _Answered] = {}
        self._listening = listening

        asked, asked_port = split_place(trunk.domain) if trunk.domain else (trunk.host, trunk.port)
        host = bracketed(asked)
        caller = request.caller_id or trunk.caller_id
        scheme = "sips" if trunk.uses_sips else "sip"
        port = None if asked_port == (5061 if trunk.uses_sips else 5060) else asked_port
        self.uri = str(SipUri(scheme, request.number, None, host, port))
        self.to = f"<{SipUri(scheme, request.number, None, host, None)}>"
        domain = trunk.from_domain or host
        self.from_ = from_of(trunk.identity, caller, domain, self.local_tag)
        user = contact_user_of(trunk.identity, caller)
        self._sent_by = f"{bracketed(local_address[0])}:{local_address[1]}"
        params: Params = {} if trunk.uses_sips or trunk.transport == "udp" else {"transport": trunk.transport}
        ours = SipUri(scheme, user, None, bracketed(local_address[0]), local_address[1], params)
        self.contact = f"<{ours}>"
        self.may_go_by_tcp = trunk.transport == "udp" and trunk.sends_large_by_tcp
        self._extensions = _extension_headers(trunk, caller, domain)
        self._redirects: set[str] = set()
        """Every Request-URI that a 3xx has led to."""
        self.min_se_seconds: int | None = None
        """What a 422 asked for (RFC 4028 §7.3)."""

        self.transaction: InviteClientTransaction | None = None
        """Of the newest INVITE; credentials begin another one."""
        self.invite: Request | None = None
        self.early: dict[str, EarlyDialog] = {}
        """By remote tag, until a 2xx confirms it."""
        self.dialogs: dict[str, Dialog] = {}
        """The confirmed ones, by remote tag."""
        self.dialog: Dialog | None = None
        """The first answer's: the call's own."""
        self.ended_tags: set[str] = set()
        """Callees whose BYE overtook their 2xx."""
        self.bye: NonInviteClientTransaction | None = None
        """The BYE of `dialog`."""
        self.reinvite: InviteServerTransaction | None = None
        """The peer's newest re-INVITE."""
        self.timer: SessionTimer | None = None
        """Of `dialog`, once a 2xx has agreed on one."""
        self.refresh: InviteClientTransaction | NonInviteClientTransaction | None = None
        """Our newest UPDATE or re-INVITE for the timer."""
        self.refresh_ack: tuple[bytes, Hop] | None = None
        self.allows_update = False
        """The peer of a session that we refresh takes UPDATE (RFC 3311 §4)."""
        self.has_lost_connection = False
        """The connection broke after the INVITE had left: whether it arrived, nobody knows."""
        self.open_transactions = 0
        self.is_released = False
        """The call is over; the session stays until its transactions are."""

    @property
    def is_reinviting(self) -> bool:
        """A re-INVITE of ours, which holds an offer, has no final response."""
        ours = self.refresh
        return isinstance(ours, InviteClientTransaction) and ours.state in {State.CALLING, State.PROCEEDING}

    @property
    def has_open_offer(self) -> bool:
        """An offer of ours, in a re-INVITE or in the 2xx of an empty one, has no answer (RFC 3264 §4)."""
        theirs = self.reinvite
        return self.is_reinviting or (
            theirs is not None and theirs.state is State.ACCEPTED and not theirs.request.body
        )

    def via(self, hop: Hop) -> str:
        """
        Make the Via of one request (§18.1.1). `rport` asks where it came from, of connections too (RFC 3581 §3); `alias`
        says that the connection leads to the listener that the Via names (RFC 5923 §5).
        """
        alias = ";alias" if hop.transport in self._listening else ""
        branch = self._rng(8).hex()
        return f"SIP/2.0/{hop.transport.upper()} {self._sent_by};rport{alias};branch=z9hG4bK{branch}"

    def build_invite(self) -> Request:
        """Build the INVITE, or its successor after a `retry`: same Call-ID and tag, next CSeq (§22.2)."""
        self.cseq_number += 1
        self.early.clear()
        headers = Headers()
        headers.add("Via", self.via(self.destination))
        headers.add("Max-Forwards", "70")
        headers.add("From", self.from_)
        headers.add("To", self.to)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{self.cseq_number} INVITE")
        headers.add("Contact", self.contact)
        headers.add("Allow", ALLOWED_METHODS)
        headers.add("User-Agent", self.user_agent)
        for name, value in self._extensions:
            headers.add(name, value)
        headers.add("Content-Type", "application/sdp")
        self.invite = Request("INVITE", self.uri, headers, self.description)
        self.authorize(self.invite)
        if self.may_go_by_tcp and len(self.invite.to_bytes()) > MAX_DATAGRAM_BYTES:
            self.destination = self.destination._replace(transport="tcp")
            headers.set("Via", self.via(self.destination))
        return self.invite

    def falls_back_to_udp(self) -> bool:
        """Whether an INVITE that could not leave by TCP goes by UDP after all (§18.1.1); it does so for good."""
        is_trial = self.may_go_by_tcp and self.destination.transport == "tcp"
        if is_trial:
            self.may_go_by_tcp = False
            self.destination = self.destination._replace(transport="udp")
        return is_trial

    def build_cancel(self, reason: str) -> Request:
        """Same Request-URI, top Via, CSeq number, From and To as the INVITE (§9.1)."""
        assert self.invite is not None
        headers = Headers()
        headers.add("Via", str(self.invite.via))
        headers.add("Max-Forwards", "70")
        headers.add("From", self.from_)
        headers.add("To", self.to)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{self.cseq_number} CANCEL")
        headers.add("Reason", reason)
        return Request("CANCEL", self.uri, headers)

    def dialog_of(self, response: Response, source: Hop) -> Dialog | None:
        """Find, or open, the dialog of a 2xx. None when there are more than any fork makes."""
        assert self.invite is not None
        tag = response.to.tag or ""
        dialog = self.dialogs.get(tag)
        if dialog is None and len(self.dialogs) < _MAX_TAGS:
            early = self.early.pop(tag, None)
            if early is None or early.dialog is None:
                dialog = Dialog.of_answer(self.invite, response, source)
            else:
                dialog = early.dialog
                dialog.confirm(response, source)
            self.dialogs[tag] = dialog
            dialog.has_ended = tag in self.ended_tags
        return dialog

    def early_dialog_of(self, response: Response, source: Hop) -> EarlyDialog | None:
        """Find, or begin, the early dialog of an 18x (§12.1). None without a To-tag, or beyond what any fork makes."""
        tag = response.to.tag
        if tag is None or tag in self.dialogs:
            return None
        early = self.early.get(tag)
        if early is None and len(self.early) < _MAX_TAGS:
            early = self.early[tag] = EarlyDialog(response, source)
        return early

    def note_allow(self, message: Message) -> None:
        """Note whether the peer takes UPDATE; a message without Allow says nothing of it (RFC 3261 §20.5)."""
        if "Allow" in message.headers:
            self.allows_update = "UPDATE" in message.headers.get_all("Allow")

    def note_ended_tag(self, tag: str) -> None:
        """Remember a BYE of a dialog whose 2xx has not been seen."""
        if len(self.ended_tags) < _MAX_TAGS:
            self.ended_tags.add(tag)

    def read_answer(self, response: Response) -> NegotiatedMedia | None:
        """Take the SDP answer out of a response to our offer; None where it has none, or none of use."""
        if not response.body:
            return None
        try:
            self.media = media_from_answer(parse_sdp(response.body))
        except InvalidSdp:
            return None
        return self.media

    def answer(self, request: Request) -> tuple[bytes, NegotiatedMedia]:
        """
        Answer the offer of a re-INVITE (RFC 3264 §8).

        Raises:
            InvalidSdp: it cannot be read, or offers nothing that we speak.
        """
        self.description, media = answer_offer(
            parse_sdp(request.body), *self.rtp_address, self.session_id, self.sdp_version + 1
        )
        self.sdp_version += 1
        return self.description, media

    def offer_again(self) -> bytes:
        """Our offer for a re-INVITE that brings none."""
        self.sdp_version += 1
        self.description = build_offer(*self.rtp_address, self.session_id, version=self.sdp_version)
        return self.description

    def retry(self, response: Response) -> bool:
        """Prepare the next INVITE, if the refusal asks for one that we can and may send."""
        status_code = response.status_code
        if status_code in _CHALLENGE_HEADERS:
            return self.answer_challenge(response)
        if status_code == 422:
            return self._lengthen(min_se_of(response))
        return status_code < 400 and self._redirect(response)

    def _lengthen(self, min_se_seconds: int | None) -> bool:
        """Ask for a longer session, once (RFC 4028 §7.3)."""
        if min_se_seconds is None or self.min_se_seconds is not None:
            return False
        self.min_se_seconds = min_se_seconds
        policy = self._trunk.sip
        expires = max(policy.session_expires_seconds or 0, min_se_seconds)
        self._extensions = [entry for entry in self._extensions if entry[0] != "Session-Expires"]
        self._extensions += [("Session-Expires", str(expires)), ("Min-SE", str(min_se_seconds))]
        return True

    def _redirect(self, response: Response) -> bool:
        """Go on to another address of the trunk (§8.1.3.4)."""
        if len(self._redirects) >= self._trunk.sip.max_redirects:
            return False
        names = {self._trunk.host, split_place(self._trunk.domain or "")[0]}
        target = redirect_target(response, names, self._redirects | {self.uri})
        if target is None:
            return False
        self.uri = str(target)
        self._redirects.add(self.uri)
        self.destination = hop_towards(self.uri, self.destination) or self.destination
        return True

    def answer_challenge(self, response: Response) -> bool:
        """
        Prepare credentials for a 401 or 407 (§22.2, §22.3). False where asking again would be of no use.

        Each realm is answered once, and once more if it only calls our nonce stale (RFC 7616 §3.3).
        """
        names = _CHALLENGE_HEADERS.get(response.status_code)
        if names is None or self._credentials is None:
            return False
        challenges = parse_challenges(response.headers.get_all(names[0]))
        is_prepared = False
        for realm in dict.fromkeys([challenge.realm for challenge in challenges]):
            challenge = strongest([candidate for candidate in challenges if candidate.realm == realm])
            key = (names[1], realm)
            before = self._answered.get(key)
            if challenge is None or (before is None and len(self._answered) >= _MAX_REALMS):
                return False
            if before is None:
                self._answered[key] = _Answered(challenge)
            elif challenge.is_stale and not before.was_renewed:
                before.challenge, before.nonce_count, before.was_renewed = challenge, 0, True
            else:
                return False
            is_prepared = True
        return is_prepared

    def authorize(self, request: Request) -> None:
        """Add credentials for every challenge so far."""
        if self._credentials is None:
            return
        for (name, _), answered in self._answered.items():
            answered.nonce_count += 1
            value = authorization(
                answered.challenge,
                self._credentials,
                request.method,
                request.uri,
                request.body,
                self._rng(8).hex(),
                answered.nonce_count,
            )
            request.headers.add(name, value)


def authorize_ack(ack: Request, invite: Request) -> None:
    """Repeat the credentials of the INVITE in the ACK of its 2xx (§13.2.2.4)."""
    for _, name in _CHALLENGE_HEADERS.values():
        for value in invite.headers.get_all(name):
            ack.headers.add(name, value)


def _extension_headers(trunk: TrunkConfig, caller: str, domain: str) -> list[tuple[str, str]]:
    """What the trunk's profile adds to every INVITE."""
    policy = trunk.sip
    headers = []
    options = []
    if policy.has_reliable_provisionals:
        options.append("100rel")
    if policy.has_session_timer:
        options.append(TIMER_OPTION)
        if policy.session_expires_seconds is not None:
            headers.append(("Session-Expires", str(policy.session_expires_seconds)))
    if options:
        headers.append(("Supported", ", ".join(options)))
    if trunk.identity != _PLAIN:
        headers += identity_headers(trunk.identity, caller, domain)
    return headers
