"""
Which address of ours others are told: the one we are bound to, the one in the settings, or the one that the trunk sees.

A trunk writes into the Via of its responses where our request came from (`received`, `rport`: RFC 3261 §18.2.1,
RFC 3581 §4). Where a setting says `auto` that is believed, of a response to a request of ours only, from the next
call on: the Contact of the call that has taught it has left already.
"""

from ipaddress import ip_address
from typing import Final

from dialer.config import DialerConfig, TrunkConfig
from dialer.sip.headers import Via
from dialer.sip.hop import Address, Hop, hop_of
from dialer.transport_config import AUTO, OFF, ExternalAddress, parse_external_address

_MAX_HOPS: Final = 1_000
"""Trunks that may teach; more is a mistake, and is not learned from."""


class PublicAddresses:
    """What is told to each trunk."""

    def __init__(self, config: DialerConfig) -> None:
        self._signalling = config.external_signalling_address
        self._media = config.external_media_address
        self._learned: dict[Hop, ExternalAddress | None] = {}
        """Of every trunk that is to teach; None until it has."""

    @property
    def is_learning(self) -> bool:
        """Whether any trunk is to teach us."""
        return bool(self._learned)

    def signalling(self, trunk: TrunkConfig, local: Address) -> Address:
        """What Via and Contact say."""
        return self._address(trunk, trunk.external_signalling_address or self._signalling, local)

    def media(self, trunk: TrunkConfig, local: Address) -> Address:
        """What SDP says; the port is the call's own."""
        return self._address(trunk, trunk.external_media_address or self._media, local)[0], local[1]

    def learn(self, hop: Hop, via: Via) -> None:
        """Take the top Via of a response that `hop` gave to a request of ours."""
        if hop not in self._learned:
            return
        host, port = via.params.get("received") or via.host.strip("[]"), via.params.get("rport") or ""
        try:
            ip_address(host)
        except ValueError:
            return
        is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65_535
        self._learned[hop] = ExternalAddress(host, int(port) if is_port else None)

    def _address(self, trunk: TrunkConfig, setting: str | None, local: Address) -> Address:
        if setting is None or setting == OFF:
            return local
        if setting == AUTO:
            hop = hop_of(trunk)
            if hop not in self._learned and len(self._learned) < _MAX_HOPS:
                self._learned[hop] = None
            address = self._learned.get(hop)
        else:
            address = parse_external_address(setting)
        return local if address is None else (address.host, address.port or local[1])
