"""
Where a 3xx may lead (RFC 3261 §8.1.3.4): to the trunk's own host and nowhere else.

A redirection to a stranger would let whoever answers for the trunk send our calls, and the bill, anywhere. So the
Contacts are only another way into the same host: the best one (§20.10 `q`) that has not been tried.
"""

from collections.abc import Container
from typing import Final

from dialer.errors import RemoteProtocolError
from dialer.sip.headers import NameAddr, parse_name_addr
from dialer.sip.message import Response
from dialer.sip.uri import SipUri, parse_uri

FOLLOWED_STATUSES: Final = frozenset({300, 301, 302})
"""305 (use a proxy) and 380 (another service) ask for more than another address."""
_MAX_CONTACTS: Final = 8
"""How many are looked at."""


def redirect_target(response: Response, hosts: Container[str], tried: Container[str]) -> SipUri | None:
    """The next Request-URI, None where the response is no redirection or leads out of `hosts`, which are names of one."""
    if response.status_code not in FOLLOWED_STATUSES:
        return None
    found: list[tuple[float, SipUri]] = []
    for value in response.headers.get_all("Contact")[:_MAX_CONTACTS]:
        try:
            contact = parse_name_addr(value)
            uri = parse_uri(contact.uri)
            rank = _rank(contact)
        except (RemoteProtocolError, ValueError):
            continue
        # The headers and the method of a Contact would be ours to obey (§19.1.5): neither is.
        params = {name: text for name, text in uri.params.items() if name != "method"}
        target = SipUri(uri.scheme, uri.user, None, uri.host, uri.port, params)
        if uri.scheme == "sip" and target.address[0] in hosts and str(target) not in tried:
            found.append((rank, target))
    return max(found, key=lambda entry: entry[0])[1] if found else None


def _rank(contact: NameAddr) -> float:
    rank = float(contact.params.get("q") or 1.0)
    if not 0.0 <= rank <= 1.0:
        raise ValueError(rank)
    return rank
