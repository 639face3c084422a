import asyncio
import random
import secrets
import socket
from datetime import UTC, datetime
from typing import cast

import msgspec
import pytest

from campaigns.trunk_check import check_trunks, is_loopback, read_answer
from campaigns.trunk_models import Trunk
from dialer.config import DialerConfig, Registration
from dialer.sip.digest import DigestVerifier
from dialer.sip.message import Request, parse_message, response_to
from dialer.sip.options import TrunkAnswer, Verdict
from tests.dialer.net.dns_server import dns_server

PLACE: dict[str, str | int] = {"trunk": "t", "host": "h", "port": 5060}


def trunk(host: str, *, trunk_id: int = 1, port: int = 5060) -> Trunk:
    return Trunk(
        trunk_id=trunk_id,
        name=f"trunk {trunk_id}",
        host=host,
        port=port,
        username=None,
        password=None,
        caller_id="anonymous",
        max_calls_per_second=1,
        max_channels=1,
        created_time=datetime.now(UTC),
    )


def codes(answer: TrunkAnswer, *, has_password: bool = False) -> list[str]:
    return [finding.code for finding in read_answer(answer, PLACE, has_password=has_password, seconds=4)]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("silent", "trunk_silent"),
        ("unreachable", "trunk_unreachable"),
        ("password_missing", "trunk_password_missing"),
        ("password_wrong", "trunk_password_wrong"),
        ("challenge_unknown", "trunk_challenge_unknown"),
    ],
)
def test_each_verdict_has_its_finding(verdict: Verdict, code: str) -> None:
    assert codes(TrunkAnswer(verdict=verdict)) == [code]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, "trunk_answers"),
        (404, "trunk_answers"),
        (405, "trunk_answers"),
        (501, "trunk_answers"),
        (403, "trunk_forbids"),
        (500, "trunk_unavailable"),
        (503, "trunk_unavailable"),
        (603, "trunk_unavailable"),
    ],
)
def test_a_status_is_read_as_carriers_mean_it(status: int, code: str) -> None:
    assert codes(TrunkAnswer(verdict="answered", status_code=status, speaks_our_codec=True)) == [code]


def test_a_codec_that_is_not_ours_is_a_problem_and_silence_about_it_is_said() -> None:
    def about(*, speaks: bool | None) -> list[str]:
        return codes(
            TrunkAnswer(verdict="answered", status_code=200, speaks_our_codec=speaks, codecs=("18",))
        )

    assert about(speaks=True) == ["trunk_answers"]
    assert about(speaks=False) == ["trunk_codec_mismatch"]
    assert about(speaks=None) == ["trunk_answers", "trunk_codec_unknown"]


def test_a_password_that_nobody_asked_for_is_not_called_right() -> None:
    unasked = TrunkAnswer(verdict="answered", status_code=200, speaks_our_codec=True)
    asked = TrunkAnswer(verdict="answered", status_code=200, speaks_our_codec=True, was_challenged=True)
    assert codes(unasked, has_password=True) == ["trunk_answers", "trunk_password_not_asked"]
    assert codes(asked, has_password=True) == ["trunk_answers"]


async def test_no_trunks_is_said() -> None:
    assert [finding.code for finding in await check_trunks([], DialerConfig(), rng=bytes)] == ["no_trunks"]


async def test_trunks_are_told_in_their_order_each_with_what_is_wrong_with_it() -> None:
    trunks = [
        trunk("nowhere.invalid"),
        trunk("192.0.2.1", trunk_id=2),
        trunk("127.0.0.8", trunk_id=3, port=9),
    ]
    async with dns_server() as dns:
        findings = await check_trunks(trunks, DialerConfig(dns_servers=(dns.address,)), rng=bytes)
    assert [(finding.code, finding.facts["trunk"]) for finding in findings] == [
        ("trunk_unknown_host", "trunk 1"),
        ("trunk_beyond_loopback", "trunk 2"),
        ("trunk_unreachable", "trunk 3"),
    ]


async def test_every_name_that_does_not_resolve_is_named_with_the_reason() -> None:
    named = [
        msgspec.structs.replace(trunk(host, trunk_id=index), port=None)
        for index, host in enumerate(("lost.test", "refused.test", "six.test", "slow.test"), 1)
    ]
    half = msgspec.structs.replace(
        trunk("half.test", trunk_id=5), port=None, registration=Registration(registrars=("gone.test",))
    )
    async with dns_server() as dns:
        dns.add("_sip._udp.lost.test", "SRV", "0 0 5060 gone.lost.test.")
        dns.add("_sip._udp.refused.test", "SRV", "0 0 0 .")
        dns.add("six.test", "AAAA", "2001:db8::6")
        dns.silent_about.add("_sip._udp.slow.test")
        dns.add("_sip._udp.half.test", "SRV", "0 0 9 a.half.test.", "1 0 9 gone.half.test.")
        dns.add("a.half.test", "A", "127.0.0.8")
        findings = await check_trunks([*named, half], DialerConfig(dns_servers=(dns.address,)), rng=bytes)
    found = [
        (one.code, one.facts["trunk"], one.facts.get("name", one.facts.get("names"))) for one in findings
    ]
    assert found == [
        ("trunk_unknown_host", "trunk 1", "gone.lost.test"),
        ("trunk_service_refused", "trunk 2", "_sip._udp.refused.test"),
        ("trunk_other_ip_family", "trunk 3", "six.test"),
        ("trunk_dns_silent", "trunk 4", "_sip._udp.slow.test"),
        ("trunk_srv_host_unknown", "trunk 5", ["gone.half.test"]),
        ("trunk_unknown_host", "trunk 5", "gone.test"),
        ("trunk_unreachable", "trunk 5", None),
    ]


async def test_an_address_that_cannot_be_bound_is_the_finding() -> None:
    (finding,) = await check_trunks([trunk("127.0.0.8")], DialerConfig(bind_host="192.0.2.1"), rng=bytes)
    assert finding.code == "sip_address_unusable"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.5", True), ("::1", True), ("localhost", True), ("192.0.2.1", False), ("x", False)],
)
def test_loopback_is_known(*, host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


class AskingTrunk(asyncio.DatagramProtocol):
    """A trunk on a real socket that wants a password and then says that it speaks G.729 alone."""

    def __init__(self) -> None:
        self.verifier = DigestVerifier("trunk", {"alice": "right"}, random.Random(3).randbytes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none in Python 3.11

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = parse_message(data)
        assert isinstance(request, Request)
        value = request.headers.get("Authorization")
        if value is None or self.verifier.verify(value, request.method, b"") is None:
            response = response_to(request, 401, to_tag="trunk")
            response.headers.add("WWW-Authenticate", self.verifier.challenge())
        else:
            response = response_to(request, 200, to_tag="trunk")
            response.headers.add("Content-Type", "application/sdp")
            response.body = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 18\r\n"
        self.transport.sendto(response.to_bytes(), addr)


@pytest.mark.parametrize(
    ("password", "code"), [("right", "trunk_codec_mismatch"), ("wrong", "trunk_password_wrong")]
)
async def test_a_wrong_password_and_a_foreign_codec_are_found_over_the_network(
    password: str, code: str
) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        transport, _ = await loop.create_datagram_endpoint(AskingTrunk, sock=udp)
        settings = msgspec.structs.replace(
            trunk("127.0.0.1", port=udp.getsockname()[1]), username="alice", password=password
        )
        (finding,) = await check_trunks([settings], DialerConfig(), rng=secrets.token_bytes)
        transport.close()
    assert finding.code == code
