"""Trunks as the API shows them."""

from datetime import datetime

import msgspec

from analytics.trunks import TrunkState
from campaigns.trunk_models import EngineName, Trunk
from dialer.config import HealthPolicy, Identity, Registration, SipPolicy
from dialer.transport_config import KeepAlive, TlsConfig, Transport


class TrunkView(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier peer; its password is never shown."""

    trunk_id: int
    name: str
    host: str
    port: int | None
    username: str | None
    has_password: bool
    caller_id: str
    max_calls_per_second: float
    max_channels: int
    created_time: datetime
    transport: Transport
    tls: TlsConfig
    uses_sips: bool
    keep_alive: KeepAlive
    sends_large_by_tcp: bool
    external_signalling_address: str | None
    external_media_address: str | None
    from_domain: str | None
    identity: Identity
    sip: SipPolicy
    engine: EngineName
    registration: Registration | None
    health: HealthPolicy


class TrunkList(msgspec.Struct, frozen=True, kw_only=True):
    """All carrier peers."""

    items: list[TrunkView]


class TrunkHealthList(msgspec.Struct, frozen=True, kw_only=True):
    """How every trunk is just now."""

    items: list[TrunkState]


def trunk_view(trunk: Trunk) -> TrunkView:
    facts = msgspec.structs.asdict(trunk)
    facts["has_password"] = facts.pop("password") is not None
    return TrunkView(**facts)
