"""
Who calls, as the headers of one INVITE say it: From, Contact, P-Asserted-Identity (RFC 3325), Remote-Party-ID
(draft-ietf-sip-privacy-04), Privacy (RFC 3323) and Diversion (RFC 5806).
"""

from typing import Final

from dialer.config import Identity
from dialer.sip.headers import NameAddr
from dialer.sip.uri import SipUri

_ANONYMOUS: Final = NameAddr("Anonymous", "sip:anonymous@anonymous.invalid")
"""RFC 3323 §4.1.1.3."""


def from_of(identity: Identity, caller_id: str, domain: str, tag: str) -> str:
    """The From of every request of the call."""
    if identity.is_anonymous:
        return str(_ANONYMOUS.with_tag(tag))
    uri = SipUri("sip", caller_id, None, domain, None)
    if identity.display_name is None:
        return f"<{uri}>;tag={tag}"
    return f"{NameAddr(identity.display_name, str(uri))};tag={tag}"


def contact_user_of(identity: Identity, caller_id: str) -> str:
    """The user part of Contact, which must not tell what From hides (RFC 3323 §4.1.1.3)."""
    return "anonymous" if identity.is_anonymous else caller_id


def identity_headers(identity: Identity, caller_id: str, domain: str) -> list[tuple[str, str]]:
    """What an INVITE carries besides From and Contact."""
    headers = []
    user = identity.network_user or caller_id
    network = NameAddr(identity.display_name or "", str(SipUri("sip", user, None, domain, None)))
    if identity.has_asserted_identity:
        headers.append(("P-Asserted-Identity", str(network)))
    if identity.has_remote_party_id:
        is_hidden = identity.is_anonymous or bool({"id", "user"} & set(identity.privacy))
        privacy = "full" if is_hidden else "off"
        headers.append(("Remote-Party-ID", f"{network};party=calling;screen=yes;privacy={privacy}"))
    if identity.privacy:
        headers.append(("Privacy", ";".join(identity.privacy)))
    if identity.diversion is not None:
        diverted = SipUri("sip", identity.diversion, None, domain, None)
        headers.append(("Diversion", f"<{diverted}>;reason={identity.diversion_reason};counter=1"))
    return headers
