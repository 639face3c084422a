"""What a stored trunk is: its settings, checked when they are made, and which of them stand in the profile."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from campaigns.errors import InvalidSettings, Problem
from campaigns.problems import empty_or_long, not_positive, out_of_range
from dialer.config import HealthPolicy, Identity, Registration, Secret, SipPolicy, TrunkConfig
from dialer.errors import ConfigError, ConfigProblem
from dialer.net.resolve import is_address
from dialer.transport_config import DEFAULT_PORTS, KeepAlive, TlsConfig, Transport

EngineName = Literal["native", "pyvoip"]
COLUMNS: Final = (
    "name", "host", "port", "username", "password", "caller_id", "max_calls_per_second", "max_channels",
)  # fmt: skip
"""Settings with a column of their own; all others are in `trunks.profile`."""
NOT_OF_THE_DIALER: Final = ("max_calls_per_second", "max_channels")
"""What `TrunkConfig` does not have; every other setting has the same name there."""


class NewTrunk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a carrier peer to add. Raises `InvalidSettings` naming everything that is wrong."""

    name: str
    host: str
    """IP address or name; a name without a port is resolved by SRV first (RFC 3263 §4.2)."""
    port: int | None = None
    """Null: what SRV records say (docs/transports.md), else the transport's own, 5060 or 5061."""
    username: str | None = None
    password: str | None = None
    caller_id: str = "anonymous"
    max_calls_per_second: float = 10.0
    max_channels: int = 100
    transport: Transport = "udp"
    """docs/transports.md tells this and the following."""
    tls: TlsConfig = TlsConfig()
    uses_sips: bool = False
    keep_alive: KeepAlive = KeepAlive()
    sends_large_by_tcp: bool = False
    external_signalling_address: str | None = None
    external_media_address: str | None = None
    from_domain: str | None = None
    """Host part of From; the trunk's host when null."""
    identity: Identity = Identity()
    sip: SipPolicy = SipPolicy()
    engine: EngineName = "native"
    registration: Registration | None = None
    """Null: the trunk knows us by our address, or asks for the password at each call."""
    health: HealthPolicy = HealthPolicy()

    def __post_init__(self) -> None:
        problems = trunk_problems(self)
        if problems:
            raise InvalidSettings(*problems)


class TrunkPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings to change; what is unset stays. Objects (`identity`, `sip`, ...) are replaced whole."""

    name: str | UnsetType = UNSET
    host: str | UnsetType = UNSET
    port: int | UnsetType | None = UNSET
    username: str | UnsetType | None = UNSET
    password: str | UnsetType | None = UNSET
    caller_id: str | UnsetType = UNSET
    max_calls_per_second: float | UnsetType = UNSET
    max_channels: int | UnsetType = UNSET
    transport: Transport | UnsetType = UNSET
    tls: TlsConfig | UnsetType = UNSET
    uses_sips: bool | UnsetType = UNSET
    keep_alive: KeepAlive | UnsetType = UNSET
    sends_large_by_tcp: bool | UnsetType = UNSET
    external_signalling_address: str | UnsetType | None = UNSET
    external_media_address: str | UnsetType | None = UNSET
    from_domain: str | UnsetType | None = UNSET
    identity: Identity | UnsetType = UNSET
    sip: SipPolicy | UnsetType = UNSET
    engine: EngineName | UnsetType = UNSET
    registration: Registration | UnsetType | None = UNSET
    health: HealthPolicy | UnsetType = UNSET

    def changes(self) -> dict[str, object]:
        """Return the set fields by name."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier peer as stored. The password is for the dialer alone: no page and no API answer shows it."""

    trunk_id: int
    name: str
    host: str
    port: int | None
    username: str | None
    password: str | None
    caller_id: str
    max_calls_per_second: float
    max_channels: int
    created_time: datetime
    transport: Transport = "udp"
    tls: TlsConfig = TlsConfig()
    uses_sips: bool = False
    keep_alive: KeepAlive = KeepAlive()
    sends_large_by_tcp: bool = False
    external_signalling_address: str | None = None
    external_media_address: str | None = None
    from_domain: str | None = None
    identity: Identity = Identity()
    sip: SipPolicy = SipPolicy()
    engine: EngineName = "native"
    registration: Registration | None = None
    health: HealthPolicy = HealthPolicy()

    def settings(self) -> NewTrunk:
        """Return the part that can be chosen."""
        return NewTrunk(**{name: getattr(self, name) for name in NewTrunk.__struct_fields__})

    def config(self, host: str | None = None, port: int | None = None) -> TrunkConfig:
        """Return what the dialer is told; `host` and `port` are of one address that the name has."""
        return config_of(self, host or self.host, port or self.port or DEFAULT_PORTS[self.transport])


def config_of(settings: "NewTrunk | Trunk", host: str, port: int) -> TrunkConfig:
    """Raise `ConfigError` when settings contradict each other."""
    names = [name for name in NewTrunk.__struct_fields__ if name not in NOT_OF_THE_DIALER]
    values = {name: getattr(settings, name) for name in names}
    if values["password"] is not None:
        values["password"] = Secret(values["password"])
    if not is_address(settings.host):
        values["from_domain"] = settings.from_domain or settings.host
        is_default = settings.port in {None, DEFAULT_PORTS[settings.transport]}
        values["domain"] = settings.host if is_default else f"{settings.host}:{settings.port}"
        if settings.tls.server_name is None:
            # the name is what the certificate must hold, not the address that it stands for (RFC 5922 §4)
            values["tls"] = msgspec.structs.replace(settings.tls, server_name=settings.host)
    return TrunkConfig(**{**values, "host": host, "port": port})


def to_trunk(row: Any) -> Trunk:
    """Read a row of `trunks`."""
    facts = dict(row)
    return msgspec.convert({**facts, **facts.pop("profile")}, Trunk)


def profile_of(trunk: NewTrunk) -> dict[str, object]:
    """Return what goes into `trunks.profile`."""
    return {name: getattr(trunk, name) for name in trunk.__struct_fields__ if name not in COLUMNS}


def trunk_problems(trunk: NewTrunk) -> list[Problem]:
    """Return everything that is wrong with the settings as a whole, each with a stable code."""
    problems = [
        *empty_or_long("name", trunk.name, 100),
        *empty_or_long("host", trunk.host, 253),
        *empty_or_long("caller_id", trunk.caller_id, 100),
        *([] if trunk.port is None else out_of_range("port", trunk.port, 1, 65_535)),
        *not_positive("max_calls_per_second", trunk.max_calls_per_second),
        *not_positive("max_channels", trunk.max_channels),
    ]
    if trunk.host.strip() and any(letter.isspace() or letter in "/@<>\"'" for letter in trunk.host.strip()):
        problems.append(Problem("host", "not_a_host"))
    if trunk.password is not None and trunk.username is None:
        problems.append(Problem("username", "password_without_username"))
    # one line break would let a setting forge a header
    texts = {"username": trunk.username, "from_domain": trunk.from_domain, "caller_id": trunk.caller_id}
    for name, value in texts.items():
        if value is not None and not value.isprintable():
            problems.append(Problem(name, "invalid"))
    try:
        config_of(trunk, trunk.host, trunk.port or DEFAULT_PORTS[trunk.transport])
    except ConfigError as error:
        problems += [
            Problem(problem.field, problem.code, dict(problem.params))
            if isinstance(problem, ConfigProblem)
            else Problem("transport", "invalid")
            for problem in error.problems
        ]
    return problems
