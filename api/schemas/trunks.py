"""Trunks as the API shows them."""

from datetime import datetime

import msgspec

from campaigns.trunk_models import EngineName, Trunk
from dialer.config import HealthPolicy, Identity, Registration, SipPolicy


class TrunkView(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier peer; its password is never shown."""

    trunk_id: int
    name: str
    host: str
    port: int
    username: str | None
    has_password: bool
    caller_id: str
    max_calls_per_second: float
    max_channels: int
    created_time: datetime
    from_domain: str | None
    identity: Identity
    sip: SipPolicy
    engine: EngineName
    registration: Registration | None
    health: HealthPolicy


class TrunkList(msgspec.Struct, frozen=True, kw_only=True):
    """All carrier peers."""

    items: list[TrunkView]


def trunk_view(trunk: Trunk) -> TrunkView:
    facts = msgspec.structs.asdict(trunk)
    facts["has_password"] = facts.pop("password") is not None
    return TrunkView(**facts)
