"""What can be said of a trunk without placing a call: its name, and its answer to OPTIONS."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from campaigns.findings import Finding, found
from campaigns.trunk_models import Trunk
from dialer.net.options import ask_trunk
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


async def check_trunks(
    trunks: Sequence[Trunk], *, bind_host: str, rng: Callable[[int], bytes], seconds: float = ANSWER_SECONDS
) -> list[Finding]:
    """Ask all of them at once; the findings come in the order of the trunks."""
    if not trunks:
        return [found("no_trunks")]
    async with asyncio.TaskGroup() as tasks:
        checks = [
            tasks.create_task(
                check_trunk(trunk, bind_host=bind_host, rng=rng, seconds=seconds),
                name=f"trunk-{trunk.trunk_id}",
            )
            for trunk in trunks
        ]
    return [finding for check in checks for finding in check.result()]


async def check_trunk(
    trunk: Trunk, *, bind_host: str, rng: Callable[[int], bytes], seconds: float
) -> list[Finding]:
    place: dict[str, str | int] = {"trunk": trunk.name, "host": trunk.host, "port": trunk.port}
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            host = await resolve(trunk.host)
    except (OSError, TimeoutError, UnicodeError) as error:
        return [found("trunk_unknown_host", **place, error=str(error) or type(error).__name__)]
    if is_loopback(bind_host) and not is_loopback(host):
        return [found("trunk_beyond_loopback", **place, bind_host=bind_host)]
    config = trunk.config(host)
    try:
        answer = await ask_trunk(config, bind_host=bind_host, seconds=seconds, rng=rng)
    except OSError as error:
        return [found("sip_address_unusable", host=bind_host, error=error.strerror or str(error))]
    return read_answer(answer, place, has_password=trunk.password is not None, seconds=seconds)


async def resolve(host: str) -> str:
    """Return the address that a node would send to (`campaigns.plan`). Raises OSError, UnicodeError."""
    try:
        ip_address(host)
    except ValueError:
        loop = asyncio.get_running_loop()
        found_addresses = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        return str(found_addresses[0][4][0])
    return host


def read_answer(
    answer: TrunkAnswer, place: dict[str, str | int], *, has_password: bool, seconds: float
) -> list[Finding]:
    """Turn an answer into findings; where OPTIONS cannot tell, that is said, too."""
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
