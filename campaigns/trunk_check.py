"""What can be said of a trunk without placing a call: its name, and its answer to OPTIONS."""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from campaigns.findings import Finding, found
from campaigns.trunk_models import Trunk
from campaigns.trunk_names import TIMEOUT_SECONDS
from dialer.config import DialerConfig, split_place
from dialer.net.options import ask_trunk
from dialer.net.resolve import ResolveError, Resolver, Target
from dialer.sip.options import TrunkAnswer

ANSWER_SECONDS: Final = 4.0
"""Three repetitions fit in (RFC 3261 §17.1.2.2)."""
VERDICTS: Final = {
    "silent": "trunk_silent",
    "unreachable": "trunk_unreachable",
    "password_missing": "trunk_password_missing",
    "password_wrong": "trunk_password_wrong",
    "challenge_unknown": "trunk_challenge_unknown",
}
NAMES: Final = {
    "no_such_name": "trunk_unknown_host",
    "dns_silent": "trunk_dns_silent",
    "service_refused": "trunk_service_refused",
    "other_ip_family": "trunk_other_ip_family",
}
"""Codes of `dialer.net.resolve`."""
FAILURES: Final = {
    "refused": "trunk_unreachable",
    "unreachable": "trunk_unreachable",
    "timed_out": "trunk_connect_timed_out",
    "lost": "trunk_connection_lost",
}
"""Codes of `dialer.net.connect_failure`; each of the others is a finding of its own name."""


async def check_trunks(
    trunks: Sequence[Trunk],
    dialer: DialerConfig,
    *,
    rng: Callable[[int], bytes],
    seconds: float = ANSWER_SECONDS,
) -> list[Finding]:
    """Ask all of them at once, from where `dialer` says; the findings come in the order of the trunks."""
    if not trunks:
        return [found("no_trunks")]
    async with asyncio.TaskGroup() as tasks:
        checks = [
            tasks.create_task(
                check_trunk(trunk, dialer, rng=rng, seconds=seconds), name=f"trunk-{trunk.trunk_id}"
            )
            for trunk in trunks
        ]
    return [finding for check in checks for finding in check.result()]


async def check_trunk(
    trunk: Trunk, dialer: DialerConfig, *, rng: Callable[[int], bytes], seconds: float
) -> list[Finding]:
    resolver = Resolver.of(dialer)
    names, targets = await check_name(trunk, trunk.host, trunk.port, resolver)
    for place in () if trunk.registration is None else trunk.registration.registrars:
        names += (await check_name(trunk, *split_place(place), resolver))[0]
    if not targets:
        return names
    host, port = targets[0].address
    facts: dict[str, str | int] = {"trunk": trunk.name, "host": trunk.host, "port": port}
    ours = dialer.bind_host_ipv6 if ":" in host and dialer.bind_host_ipv6 is not None else dialer.bind_host
    if is_loopback(ours) and not is_loopback(host):
        return [*names, found("trunk_beyond_loopback", **facts, bind_host=ours)]
    config = trunk.config(host, port)
    try:
        answer = await ask_trunk(
            config,
            bind_host=dialer.bind_host,
            seconds=seconds,
            rng=rng,
            bind_host_ipv6=dialer.bind_host_ipv6,
        )
    except OSError as error:
        return [*names, found("sip_address_unusable", host=ours, error=error.strerror or str(error))]
    findings = names + read_answer(answer, facts, has_password=trunk.password is not None, seconds=seconds)
    if config.transport == "tls" and config.tls.insecure_accepts_any_certificate:
        findings.append(found("trunk_certificate_unchecked", **facts))
    return findings


async def check_name(
    trunk: Trunk, host: str, port: int | None, resolver: Resolver
) -> tuple[list[Finding], Sequence[Target]]:
    """Say what is wrong with a name of a trunk, or of a registrar of its; return where it leads, too."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            resolved = await resolver.resolve(host, port, trunk.transport)
    except ResolveError as error:
        return [found(NAMES[error.code], trunk=trunk.name, host=host, name=error.name)], ()
    except TimeoutError:
        return [found("trunk_dns_silent", trunk=trunk.name, host=host, name=host)], ()
    findings = []
    if resolved.unknown_hosts:
        names = list(resolved.unknown_hosts)
        findings.append(found("trunk_srv_host_unknown", trunk=trunk.name, host=host, names=names))
    return findings, resolved.targets


def read_answer(
    answer: TrunkAnswer, place: dict[str, str | int], *, has_password: bool, seconds: float
) -> list[Finding]:
    """Turn an answer into findings; where OPTIONS cannot tell, that is said, too."""
    if answer.failure is not None:
        failure = FAILURES.get(answer.failure, f"trunk_{answer.failure}")
        return [found(failure, **place, error=answer.failure_detail)]
    if (code := VERDICTS.get(answer.verdict)) is not None:
        return [found(code, **place, seconds=seconds)]
    status = answer.status_code or 0
    if status == 403:
        return [found("trunk_forbids", **place, status=status)]
    if status >= 500 and status != 501:  # 501: no OPTIONS there, but somebody who says so
        return [found("trunk_unavailable", **place, status=status)]
    if answer.speaks_our_codec is False:
        return [found("trunk_codec_mismatch", **place, codecs=list(answer.codecs))]
    findings = [found("trunk_answers", **place, status=status)]
    if answer.speaks_our_codec is None:
        findings.append(found("trunk_codec_unknown", **place))
    if has_password and not answer.was_challenged:
        findings.append(found("trunk_password_not_asked", **place))
    return findings


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
