"""The same calls over TCP, TLS and IPv6, to a real Asterisk and through Kamailio."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest

from dialer import (
    Call,
    CallAnswered,
    CallEvent,
    CallRequest,
    CallRinging,
    Dialer,
    DialerConfig,
    Secret,
    TlsConfig,
    TrunkConfig,
)
from dialer.config import Identity
from dialer.net.options import ask_trunk
from dialer.sip.message import Request, parse_message, response_to
from dialer.transport_config import Transport
from tests.lab.conftest import ASTERISK, OUT, PROXY, Line, asterisk
from tests.lab.container import LAB
from tests.lab.prefixes import number
from tests.lab.test_calls import check_prefixes, hang_up_after
from tests.layers import not_available

pytestmark = pytest.mark.lab


def over(name: str) -> TrunkConfig:
    """Asterisk, reached so; the From user chooses the endpoint that has this transport."""
    transport: Transport = "tls" if name == "tls" else "tcp" if "tcp" in name else "udp"
    return msgspec.structs.replace(
        ASTERISK,
        host="::1" if name.endswith("6") else ASTERISK.host,
        port=5061 if name == "tls" else 5060 + LAB.number if name.endswith("6") else 5060,
        transport=transport,
        tls=TlsConfig(ca_file=str(OUT / "authority.pem")),
        caller_id=f"over-{name}",
    )


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(params=["tcp", "tls", "udp6", "tcp6", "kamailio over tcp"])
def trunk(request: pytest.FixtureRequest) -> TrunkConfig:
    name: str = request.param
    if name == "kamailio over tcp":
        return msgspec.structs.replace(PROXY, transport="tcp")
    if name.endswith("6") and not has_ipv6():
        not_available(request.config, "lab", "this machine has no IPv6 loopback address (::1)")
    return over(name)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A dialer with both IP families; afterwards nothing may be left, neither here nor in Asterisk."""
    config = DialerConfig(bind_host="127.0.0.1", bind_host_ipv6="::1" if has_ipv6() else None, trace=True)
    async with Dialer(config) as dialer:
        yield Line(dialer)
        assert dialer.live_calls == 0
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(lambda: asterisk("core show channels count").startswith("0 ")):
            await asyncio.sleep(0.2)


async def test_each_prefix_comes_out_as_the_dialplan_dictates(line: Line, trunk: TrunkConfig) -> None:
    """Answered, refused, hung up by either side, given up at the ring timeout, keys pressed."""
    await check_prefixes(line, trunk)
    assert line.dialer.counters == {}


async def test_a_ringing_call_is_cancelled(line: Line, trunk: TrunkConfig) -> None:
    request = CallRequest(number=number("7905", 21), trunk=trunk)
    _, ended = await line.call(request, hang_up_after(0.2, on=CallRinging))
    assert (ended.outcome.result, ended.outcome.sip_status) == ("cancelled", 487)


@pytest.mark.parametrize("name", ["tcp", "tls"])
async def test_a_401_is_answered_over_a_connection(line: Line, name: str) -> None:
    trunk = msgspec.structs.replace(
        over(name), caller_id="secured", username="secured", password=Secret("lab-password")
    )
    # its endpoint is bound to UDP for what Asterisk sends itself; only what we send is looked at here
    request = CallRequest(number=number("7901", 22), trunk=trunk)
    _, ended = await line.call(request, hang_up_after(0.5))
    assert ended.outcome.result == "answered"


async def test_asterisks_certificate_is_checked() -> None:
    """Against the system's authorities it is nobody's; for another name it is not accepted."""
    failures = []
    for tls in (TlsConfig(), TlsConfig(ca_file=str(OUT / "authority.pem"), server_name="example.com")):
        trunk = msgspec.structs.replace(over("tls"), tls=tls)
        answer = await ask_trunk(trunk, bind_host="127.0.0.1", seconds=10, rng=secrets.token_bytes)
        failures.append(answer.failure)
    assert failures == ["certificate_of_unknown_authority", "certificate_for_another_name"]


async def test_options_are_answered_over_every_transport(trunk: TrunkConfig) -> None:
    answer = await ask_trunk(
        trunk, bind_host="127.0.0.1", seconds=10, rng=secrets.token_bytes, bind_host_ipv6="::1"
    )
    assert (answer.verdict, answer.failure) == ("answered", None)


async def test_a_large_invite_goes_by_tcp_and_a_port_without_tcp_gets_it_by_udp(line: Line) -> None:
    """RFC 3261 §18.1.1: Asterisk listens on both, a scripted far end of the benchmarks on neither."""
    large = msgspec.structs.replace(
        ASTERISK,
        sends_large_by_tcp=True,
        identity=Identity(display_name="Long " * 100, has_asserted_identity=True),
    )
    calls = []

    def hang_up(call: Call, event: CallEvent) -> None:
        calls.append(call)
        if isinstance(event, CallAnswered):
            asyncio.get_running_loop().call_later(0.3, call.hang_up)

    _, ended = await line.call(CallRequest(number=number("7901", 24), trunk=large), hang_up)
    assert ended.outcome.result == "answered"
    assert {record.transport for record in calls[0].records()} == {"tcp"}

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp_only:
        udp_only.bind(("127.0.0.47", 0))
        udp_only.setblocking(False)
        host, port = udp_only.getsockname()
        lonely = msgspec.structs.replace(large, host=host, port=port)
        waiting = asyncio.create_task(
            line.call(CallRequest(number=number("7901", 25), trunk=lonely), hang_up)
        )
        data, sender = await asyncio.wait_for(asyncio.get_running_loop().sock_recvfrom(udp_only, 65_535), 10)
        invite = parse_message(data)
        assert isinstance(invite, Request)
        udp_only.sendto(response_to(invite, 486, to_tag="x").to_bytes(), sender)
        _, ended = await waiting
    assert (ended.outcome.result, invite.via.transport) == ("busy", "UDP")
    assert [record.transport for record in calls[-1].records()] == ["tcp", "udp", "udp", "udp"]
