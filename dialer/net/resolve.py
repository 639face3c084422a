"""
Where the name of a trunk leads (RFC 3263 §4.2): SRV records say hosts and ports, A and AAAA records their addresses.

A port that is written skips SRV. NAPTR (§4.1) is for those who do not know the transport; a trunk has one. A name that
stands in /etc/hosts is taken from there, as the system would.
"""

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
import msgspec

from dialer.config import DialerConfig
from dialer.transport_config import DEFAULT_PORTS, Transport, parse_external_address

_SERVICES: Final[dict[Transport, str]] = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}
"""RFC 3263 §4.1, RFC 2782."""
_VERSIONS: Final = {"A": 4, "AAAA": 6}
_HOSTS_FILE: Final = Path("/etc/hosts")
_HOSTS_TTL_SECONDS: Final = 60.0
_MAX_SERVERS: Final = 16
"""Of one SRV answer are followed; a single carrier has two to eight."""
_MAX_TARGETS: Final = 32

Address = tuple[str, int]
FailureCode = Literal["no_such_name", "dns_silent", "service_refused", "other_ip_family"]


class Target(msgspec.Struct, frozen=True):
    """One address of a trunk."""

    host: str
    port: int
    rank: int = 0
    """The lowest goes first; the next one when all of it have failed."""
    weight: int = 1
    """Its share of the calls among those of its rank."""

    @property
    def address(self) -> Address:
        return self.host, self.port


class Resolved(msgspec.Struct, frozen=True):
    """What a name stands for, by rank, and for how many seconds that is good."""

    targets: tuple[Target, ...]
    ttl_seconds: float
    unknown_hosts: tuple[str, ...] = ()
    """Of an SRV answer, those that have no address: the others are used without them."""


class ResolveError(OSError):
    """A name leads nowhere. `name` is the one that was asked for at last, e.g. the host of an SRV record."""

    def __init__(self, code: FailureCode, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code: FailureCode = code
        self.name = name


class _Found(NamedTuple):
    hosts: list[str]
    ttl_seconds: float


def parse_dns_server(text: str) -> Address:
    """
    Read the address of a DNS server, with a port or without: 53 (RFC 1035 §4.2).

    Raises:
        ValueError: no IP address; a name would need a DNS server to be found.
    """
    address = parse_external_address(text)
    return address.host, address.port or 53


class _Server(NamedTuple):
    """One SRV record."""

    priority: int
    weight: int
    host: str
    port: int


class Resolver:
    """
    Asks DNS. `dns_servers` are those of the system's /etc/resolv.conf when empty; addresses of an IP family that this
    node does not have are left out.
    """

    def __init__(
        self, dns_servers: Sequence[Address] = (), *, has_ipv4: bool = True, has_ipv6: bool = False
    ) -> None:
        self._dns_servers = tuple(dns_servers)
        self._kinds = [kind for kind, is_there in (("A", has_ipv4), ("AAAA", has_ipv6)) if is_there]

    @classmethod
    def of(cls, config: DialerConfig) -> Self:
        """Return the one of a node with these settings."""
        hosts = [host for host in (config.bind_host, config.bind_host_ipv6) if host is not None]
        has_ipv6 = [":" in host for host in hosts]
        return cls(config.dns_servers, has_ipv4=not all(has_ipv6), has_ipv6=any(has_ipv6))

    async def resolve(self, host: str, port: int | None, transport: Transport) -> Resolved:
        """
        Find the addresses.

        Raises:
            ResolveError: there are none.
        """
        if is_address(host):
            return Resolved((Target(host, port or DEFAULT_PORTS[transport]),), float("inf"))
        asks, in_file = await asyncio.to_thread(self._prepare, host)
        if in_file:
            found = _Found(in_file, _HOSTS_TTL_SECONDS)
        elif port is None and (services := await _services(asks, f"{_SERVICES[transport]}.{host}")):
            return await self._addresses_of(asks, services)
        else:
            found = await self._addresses(asks, host, is_relative=True)
        server = _Server(0, 0, host, port or DEFAULT_PORTS[transport])
        return Resolved(_targets([(server, found.hosts)]), found.ttl_seconds)

    def _prepare(self, host: str) -> tuple[dns.asyncresolver.Resolver, list[str]]:
        """Read the system's files, which change while a node runs; what /etc/hosts says of the name."""
        try:
            asks = dns.asyncresolver.Resolver(configure=not self._dns_servers)
        except dns.resolver.NoResolverConfiguration as error:
            raise ResolveError("dns_silent", host, "/etc/resolv.conf names no DNS server") from error
        if self._dns_servers:
            asks.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._dns_servers]
        try:
            text = _HOSTS_FILE.read_text(errors="replace")
        except OSError:
            text = ""
        versions = {_VERSIONS[kind] for kind in self._kinds}
        return asks, [one for one in hosts_of(text, host) if ip_address(one).version in versions]

    async def _addresses_of(
        self, asks: dns.asyncresolver.Resolver, services: "tuple[list[_Server], float]"
    ) -> Resolved:
        servers, ttl_seconds = services
        answers = await asyncio.gather(
            *(self._addresses(asks, server.host, is_relative=False) for server in servers),
            return_exceptions=True,
        )
        found, errors = [], []
        for server, answer in zip(servers, answers, strict=True):
            if isinstance(answer, ResolveError):
                errors.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.append((server, answer.hosts))
                ttl_seconds = min(ttl_seconds, answer.ttl_seconds)
        if not found:
            raise errors[0]
        return Resolved(_targets(found), ttl_seconds, tuple(sorted({error.name for error in errors})))

    async def _addresses(self, asks: dns.asyncresolver.Resolver, host: str, *, is_relative: bool) -> _Found:
        """Ask for every family of ours at once; `is_relative` tries the system's search domains, too."""
        answers = await asyncio.gather(
            *(_ask(asks, host, kind, is_relative=is_relative) for kind in self._kinds)
        )
        there = [answer for answer in answers if answer is not None]
        if there:
            hosts = [record.address for answer in there for record in answer]
            return _Found(hosts, min(_ttl_of(answer) for answer in there))
        for kind in _VERSIONS.keys() - set(self._kinds):
            if await _ask(asks, host, kind, is_relative=is_relative) is not None:
                family, setting = (
                    ("IPv6", "OBZVON_SIP_HOST_IPV6") if kind == "AAAA" else ("IPv4", "OBZVON_SIP_HOST")
                )
                raise ResolveError(
                    "other_ip_family", host, f"{host} has {family} addresses only: set {setting}"
                )
        raise ResolveError("no_such_name", host, f"no address of {host} in DNS")


def is_address(host: str) -> bool:
    """Tell an IP address from a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def hosts_of(hosts_file: str, name: str) -> list[str]:
    """Find the addresses of a name in the text of an /etc/hosts, IPv4 first."""
    found = []
    for line in hosts_file.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if name.lower().rstrip(".") in [one.lower() for one in names] and is_address(address):
            found.append(address)
    return sorted(dict.fromkeys(found), key=lambda one: ip_address(one).version)


async def _services(asks: dns.asyncresolver.Resolver, name: str) -> "tuple[list[_Server], float] | None":
    """Ask for SRV records, first choice first. None: there are none, and the name itself is the host."""
    answer = await _ask(asks, name, "SRV", is_relative=False)
    if answer is None:
        return None
    servers = sorted(
        _Server(record.priority, record.weight, record.target.to_text(omit_final_dot=True), record.port)
        for record in answer
        if record.target != dns.name.root and record.port
    )
    if not servers:  # RFC 2782: a target of "." says that there is no such service
        raise ResolveError("service_refused", name, f"{name} says that there is no such service")
    return servers[:_MAX_SERVERS], _ttl_of(answer)


async def _ask(
    asks: dns.asyncresolver.Resolver, name: str, kind: str, *, is_relative: bool
) -> dns.resolver.Answer | None:
    """Return the answer; None where there is no such name or no such record."""
    try:
        return await asks.resolve(name, kind, search=is_relative)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except (dns.resolver.NoNameservers, dns.exception.Timeout) as error:
        raise ResolveError("dns_silent", name, f"no DNS server answers for {name} {kind}") from error
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ResolveError("no_such_name", name, f"{name} is no name that DNS can have: {error}") from error


def _ttl_of(answer: dns.resolver.Answer) -> float:
    """Of the whole chain of aliases."""
    return float(answer.chaining_result.minimum_ttl)


def _targets(found: Iterable[tuple[_Server, Sequence[str]]]) -> tuple[Target, ...]:
    """
    Give ranks: by priority, in each IPv4 before IPv6. The same records come out in the same order, however DNS turns them.

    A server's weight is shared by its addresses. RFC 2782: a weight of 0 is to have a very small chance beside others:
    here, a hundredth of what 1 has.
    """
    groups: dict[tuple[int, int], list[Target]] = {}
    for server, hosts in found:
        for host in hosts:
            weight = max(1, server.weight * 100 // len(hosts))
            target = Target(host, server.port, 0, weight)
            groups.setdefault((server.priority, ip_address(host).version), []).append(target)
    ranked: dict[Address, Target] = {}
    for rank, (_, group) in enumerate(sorted(groups.items())):
        for target in sorted(group, key=lambda one: (-one.weight, one.host, one.port)):
            ranked.setdefault(target.address, msgspec.structs.replace(target, rank=rank))
    return tuple(ranked.values())[:_MAX_TARGETS]
