"""
Requests to a trunk outside any dialog (OPTIONS, REGISTER): one Call-ID and From tag, CSeq counting up, and credentials
once they were asked for (RFC 3261 §8.1.1, §10.2, §22.2). It builds, and decides nothing.
"""

from collections.abc import Callable
from typing import Final, Literal

from dialer.config import TrunkConfig, split_place
from dialer.sip.digest import Challenge, Credentials, authorization, parse_challenges, strongest
from dialer.sip.fields import Headers
from dialer.sip.grammar import Params
from dialer.sip.hop import Address, Hop, bracketed
from dialer.sip.message import Request, Response
from dialer.sip.uri import SipUri

Rng = Callable[[int], bytes]
Refusal = Literal["password_missing", "password_wrong", "challenge_unknown"]

CHALLENGES: Final = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class OutOfDialog:
    """`local` is what Via and Contact say; `user` names us in From and Contact."""

    def __init__(self, trunk: TrunkConfig, local: Address, rng: Rng, user: str) -> None:
        self.call_id = rng(16).hex()
        self._trunk = trunk
        self._rng = rng
        self._tag = rng(8).hex()
        self._cseq_number = 0
        self._challenge: tuple[str, Challenge] | None = None
        self._nonce_count = 0
        self._is_renewed = False
        """The challenge at hand came in answer to the request before."""
        self._sent_by = f"{bracketed(local[0])}:{local[1]}"
        scheme = "sips" if trunk.uses_sips else "sip"
        domain = trunk.from_domain or bracketed(trunk.host)
        self.address_of_record = str(SipUri(scheme, user, None, domain, None))
        params: Params = {} if trunk.uses_sips or trunk.transport == "udp" else {"transport": trunk.transport}
        self.contact = str(SipUri(scheme, user, None, bracketed(local[0]), local[1], params))

    @property
    def has_credentials(self) -> bool:
        """The last request proved who we are."""
        return self._challenge is not None

    def begin(self) -> None:
        """A new round: a challenge is answered once in each (§22.2), however often the nonce has changed."""
        self._is_renewed = False

    def request(self, method: str, target: str, hop: Hop, *, to: str) -> Request:
        """Build the next request; `to` is the URI of To."""
        self._cseq_number += 1
        headers = Headers()
        branch = f"z9hG4bK{self._rng(8).hex()}"
        headers.add("Via", f"SIP/2.0/{hop.transport.upper()} {self._sent_by};rport;branch={branch}")
        headers.add("Max-Forwards", "70")
        headers.add("From", f"<{self.address_of_record}>;tag={self._tag}")
        headers.add("To", f"<{to}>")
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{self._cseq_number} {method}")
        headers.add("Contact", f"<{self.contact}>")
        trunk = self._trunk
        if self._challenge is not None and trunk.username is not None and trunk.password is not None:
            name, challenge = self._challenge
            self._nonce_count += 1
            credentials = Credentials(trunk.username, trunk.password)
            cnonce = self._rng(8).hex()
            value = authorization(challenge, credentials, method, target, b"", cnonce, self._nonce_count)
            headers.add(name, value)
        return Request(method, target, headers)

    def meet_challenge(self, response: Response) -> Refusal | None:
        """Prepare credentials for a 401 or 407. None: the next request has them; else why asking again is of no use."""
        asked, answered = CHALLENGES[response.status_code]
        challenge = strongest(parse_challenges(response.headers.get_all(asked)))
        if self._is_renewed and not (challenge is not None and challenge.is_stale):
            return "password_wrong"
        if challenge is None:
            return "challenge_unknown"
        if self._trunk.username is None or self._trunk.password is None:
            return "password_missing"
        self._challenge = answered, challenge
        self._nonce_count = 0
        self._is_renewed = True
        return None


def uri_of(trunk: TrunkConfig, hop: Hop) -> str:
    """
    The Request-URI of a trunk itself (§10.2, §11.1): its name, wherever that leads, else the address of the hop.

    A default port is not written.
    """
    scheme, default = ("sips", 5061) if trunk.uses_sips else ("sip", 5060)
    host, port = split_place(trunk.domain) if trunk.domain else hop.address
    return str(SipUri(scheme, None, None, bracketed(host), None if port == default else port))
