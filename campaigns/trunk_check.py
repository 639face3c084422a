"""What can be said of a trunk without placing a call: its name, and its answer to OPTIONS."""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from campaigns.findings import Finding, found
from campaigns.trunk_models import Trunk
from dialer.net.options import ask_trunk
from dialer.net.resolve import resolve
from dialer.sip.options import TrunkAnswer

ANSWER_SECONDS: Final = 4.0
"""Three repetitions fit in (RFC 3261 §17.1.2.2)."""
RESOLVE_SECONDS: Final = 5.0
VERDICTS: Final = {
    "silent": "trunk_silent",
    "unreachable": "trunk_unreachable",
    "password_missing": "trunk_password_missing",
    "password_wrong": "trunk_password_wrong",
    "challenge_unknown": "trunk_challenge_unknown",
}
FAILURES: Final = {
    "refused": "trunk_unreachable",
    "unreachable": "trunk_unreachable",
    "timed_out": "trunk_connect_timed_out",
    "lost": "trunk_connection_lost",
}
"""Codes of `dialer.net.connect_failure`; each of the others is a finding of its own name."""


async def check_trunks(
    trunks: Sequence[Trunk],
    *,
    bind_host: str,
    rng: Callable[[int], bytes],
    seconds: float = ANSWER_SECONDS,
    bind_host_ipv6: str | None = None,
) -> list[Finding]:
    """Ask all of them at once; the findings come in the order of the trunks."""
    if not trunks:
        return [found("no_trunks")]
    async with asyncio.TaskGroup() as tasks:
        checks = [
            tasks.create_task(
                check_trunk(
                    trunk, bind_host=bind_host, rng=rng, seconds=seconds, bind_host_ipv6=bind_host_ipv6
                ),
                name=f"trunk-{trunk.trunk_id}",
            )
            for trunk in trunks
        ]
    return [finding for check in checks for finding in check.result()]


async def check_trunk(
    trunk: Trunk,
    *,
    bind_host: str,
    rng: Callable[[int], bytes],
    seconds: float,
    bind_host_ipv6: str | None = None,
) -> list[Finding]:
    place: dict[str, str | int] = {"trunk": trunk.name, "host": trunk.host, "port": trunk.port}
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            host, port = (await resolve(trunk.host, trunk.port)).addresses[0]
    except (OSError, TimeoutError, UnicodeError) as error:
        return [found("trunk_unknown_host", **place, error=str(error) or type(error).__name__)]
    ours = bind_host_ipv6 if ":" in host and bind_host_ipv6 is not None else bind_host
    if is_loopback(ours) and not is_loopback(host):
        return [found("trunk_beyond_loopback", **place, bind_host=ours)]
    config = trunk.config(host, port)
    try:
        answer = await ask_trunk(
            config, bind_host=bind_host, seconds=seconds, rng=rng, bind_host_ipv6=bind_host_ipv6
        )
    except OSError as error:
        return [found("sip_address_unusable", host=ours, error=error.strerror or str(error))]
    findings = read_answer(answer, place, has_password=trunk.password is not None, seconds=seconds)
    if config.transport == "tls" and config.tls.insecure_accepts_any_certificate:
        findings.append(found("trunk_certificate_unchecked", **place))
    return findings


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
