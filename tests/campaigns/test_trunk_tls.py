"""What `obzvon doctor` says of trunks that are reached over TCP and TLS: real servers, each wrong in one way."""

import asyncio
import random
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from campaigns.findings import LEVELS
from campaigns.trunk_check import FAILURES, check_trunks
from campaigns.trunk_models import Trunk
from dialer.config import DialerConfig
from dialer.net.connect_failure import FailureCode
from dialer.sip.digest import DigestVerifier
from dialer.sip.message import Request, parse_message, response_to
from dialer.transport_config import TlsConfig, Transport
from tests.campaigns.test_trunk_check import trunk
from tests.dialer.certificates import Authority

HOST = "127.0.0.46"
SYSTEM = TlsConfig()
G729 = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 18\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Want a password, and then say that G.729 alone is spoken."""
    verifier = DigestVerifier("trunk", {"alice": "right"}, random.Random(3).randbytes)
    try:
        while True:
            request = parse_message(await reader.readuntil(b"\r\n\r\n"))
            assert isinstance(request, Request)
            value = request.headers.get("Authorization")
            if value is None or verifier.verify(value, request.method, b"") is None:
                response = response_to(request, 401, to_tag="trunk")
                response.headers.add("WWW-Authenticate", verifier.challenge())
            else:
                response = response_to(request, 200, to_tag="trunk")
                response.headers.add("Content-Type", "application/sdp")
                response.body = G729
            writer.write(response.to_bytes())
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@asynccontextmanager
async def server(certificate: Path | None, *, clients_of: Authority | None = None) -> AsyncIterator[int]:
    """Its port; plain TCP without a certificate."""
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        if clients_of is not None:
            context.load_verify_locations(clients_of.file)
            context.verify_mode = ssl.CERT_REQUIRED
    made = await asyncio.start_server(serve, HOST, 0, ssl=context)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        await asyncio.sleep(0.01)


def reached(
    port: int,
    transport: Transport,
    tls: TlsConfig = SYSTEM,
    password: str = "right",
) -> Trunk:
    return msgspec.structs.replace(
        trunk(HOST, port=port), transport=transport, tls=tls, username="alice", password=password
    )


async def codes_of(checked: Trunk) -> list[str]:
    findings = await check_trunks([checked], DialerConfig(), rng=secrets.token_bytes)
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("hosts", "days", "code"),
    [
        ((HOST,), (-9, -2), "trunk_certificate_expired"),
        ((HOST,), (2, 9), "trunk_certificate_not_yet_valid"),
        (("sip.example.com",), (-1, 5), "trunk_certificate_for_another_name"),
    ],
)
async def test_a_wrong_certificate_is_named(
    authority: Authority, hosts: tuple[str, ...], days: tuple[int, int], code: str
) -> None:
    certificate = authority.issue(*hosts, from_days=days[0], to_days=days[1])
    async with server(certificate) as port:
        assert await codes_of(reached(port, "tls", TlsConfig(ca_file=str(authority.file)))) == [code]


async def test_an_unknown_authority_is_named_and_a_known_one_is_not(authority: Authority) -> None:
    async with server(authority.issue(HOST)) as port:
        assert await codes_of(reached(port, "tls")) == ["trunk_certificate_of_unknown_authority"]
        trusted = TlsConfig(ca_file=str(authority.file))
        assert await codes_of(reached(port, "tls", trusted)) == ["trunk_codec_mismatch"]


async def test_the_name_of_the_host_is_what_the_certificate_must_hold(authority: Authority) -> None:
    async with server(authority.issue("localhost")) as port:
        named = msgspec.structs.replace(
            reached(port, "tls", TlsConfig(ca_file=str(authority.file), server_name="localhost"))
        )
        assert await codes_of(named) == ["trunk_codec_mismatch"]
    by_name = msgspec.structs.replace(named, host="localhost", tls=TlsConfig())
    assert by_name.config("127.0.0.1").tls.server_name == "localhost"


async def test_a_wrong_password_is_named_over_tls_too(authority: Authority) -> None:
    async with server(authority.issue(HOST)) as port:
        trusted = TlsConfig(ca_file=str(authority.file))
        assert await codes_of(reached(port, "tls", trusted, "wrong")) == ["trunk_password_wrong"]


async def test_a_certificate_that_nobody_checks_is_said(authority: Authority) -> None:
    async with server(authority.issue("x", from_days=-9, to_days=-2)) as port:
        careless = TlsConfig(insecure_accepts_any_certificate=True)
        assert await codes_of(reached(port, "tls", careless)) == [
            "trunk_codec_mismatch",
            "trunk_certificate_unchecked",
        ]


async def test_files_of_ours_are_named(authority: Authority) -> None:
    async with server(authority.issue(HOST)) as port:
        assert await codes_of(reached(port, "tls", TlsConfig(ca_file="no-such-file.pem"))) == [
            "trunk_tls_files_unusable"
        ]


async def test_a_server_that_speaks_plain_tcp_is_named(authority: Authority) -> None:
    def hang_up_rudely(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SIP/2.0 400 Bad Request\r\n\r\n")
            connection.recv(1)

    with socket.create_server((HOST, 0)) as listener:
        waiting = asyncio.create_task(asyncio.to_thread(hang_up_rudely, listener))
        assert await codes_of(reached(listener.getsockname()[1], "tls")) == ["trunk_not_tls"]
        await waiting


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_port_where_nobody_listens_is_named(transport: Transport) -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        assert await codes_of(reached(unused.getsockname()[1], transport)) == ["trunk_unreachable"]


async def test_a_host_that_takes_no_connection_is_named() -> None:
    with socket.socket() as deaf:
        deaf.bind((HOST, 0))
        deaf.listen(0)
        checked = reached(deaf.getsockname()[1], "tls")
        findings = await check_trunks([checked], DialerConfig(), rng=secrets.token_bytes, seconds=1.0)
    assert [finding.code for finding in findings] == ["trunk_connect_timed_out"]


async def test_tcp_is_asked_like_udp() -> None:
    async with server(None) as port:
        assert await codes_of(reached(port, "tcp")) == ["trunk_codec_mismatch"]
        assert await codes_of(reached(port, "tcp", password="wrong")) == ["trunk_password_wrong"]


def test_every_failure_is_a_finding() -> None:
    codes = get_args(FailureCode)
    assert len(codes) == 13
    assert {FAILURES.get(code, f"trunk_{code}") for code in codes} <= LEVELS.keys()
