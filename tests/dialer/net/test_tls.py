"""TLS against a real server: what is accepted, and what each refusal is called."""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import pytest

from dialer.errors import ConfigError
from dialer.net.tls import client_context
from dialer.sip.hop import Hop
from dialer.transport_config import TlsConfig
from tests.dialer.certificates import Authority
from tests.dialer.net.far_end import LOOPS, FarEnd, LoopFactory, Told, far_end, run
from tests.dialer.net.test_streams import MESSAGE, streams

FAR_HOST = "127.0.0.42"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def server_context(certificate: Path, *, clients_of: Authority | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if clients_of is not None:
        context.load_verify_locations(clients_of.file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def hop_to(end: FarEnd, tls: TlsConfig) -> Hop:
    return Hop(*end.address, "tls", tls)


def trusting(
    authority: Authority, *, server_name: str | None = None, certificate: Path | None = None
) -> TlsConfig:
    return TlsConfig(
        ca_file=str(authority.file),
        server_name=server_name,
        certificate_file=None if certificate is None else str(certificate),
    )


async def code_of(end: FarEnd, tls: TlsConfig) -> str:
    """Try to send, and say what the failure is called."""
    told = Told()
    hop = hop_to(end, tls)
    async with streams(told) as ours:
        ours.send(MESSAGE, hop)
        assert await told.failed.get() == hop
        failure = ours.failure(hop)
    assert failure is not None
    assert failure.detail
    return failure.code


async def assert_accepted(end: FarEnd, tls: TlsConfig) -> None:
    told = Told()
    async with streams(told) as ours:
        ours.send(MESSAGE, hop_to(end, tls))
        reader, writer = await end.take()
        assert await reader.readexactly(len(MESSAGE)) == MESSAGE
        writer.write(MESSAGE)
        assert await told.messages.get() == (MESSAGE, hop_to(end, tls))


def shake_hands(server: socket.socket, context: ssl.SSLContext) -> None:
    """As OpenSSL does it by itself; asyncio's servers swallow the alert that says why."""
    connection, _ = server.accept()
    with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True):
        pytest.fail("the client has shown a certificate")


@LOOPS
def test_an_address_in_the_certificate_is_accepted(loop_factory: LoopFactory, authority: Authority) -> None:
    async def test() -> None:
        async with far_end(server_context(authority.issue(FAR_HOST))) as end:
            await assert_accepted(end, trusting(authority))

    run(loop_factory, test)


@LOOPS
def test_a_name_is_looked_for_where_one_is_set(loop_factory: LoopFactory, authority: Authority) -> None:
    async def test() -> None:
        async with far_end(server_context(authority.issue("sip.example.com"))) as end:
            await assert_accepted(end, trusting(authority, server_name="sip.example.com"))

    run(loop_factory, test)


@LOOPS
@pytest.mark.parametrize(
    ("hosts", "days", "code"),
    [
        ((FAR_HOST,), (-9, -2), "certificate_expired"),
        ((FAR_HOST,), (2, 9), "certificate_not_yet_valid"),
        (("127.0.0.43",), (-1, 5), "certificate_for_another_name"),
        (("sip.example.com",), (-1, 5), "certificate_for_another_name"),
    ],
)
def test_a_wrong_certificate_is_named(
    loop_factory: LoopFactory, authority: Authority, hosts: tuple[str, ...], days: tuple[int, int], code: str
) -> None:
    async def test() -> None:
        certificate = authority.issue(*hosts, from_days=days[0], to_days=days[1])
        async with far_end(server_context(certificate)) as end:
            assert await code_of(end, trusting(authority)) == code

    run(loop_factory, test)


@LOOPS
def test_an_authority_that_the_system_does_not_know_is_named(
    loop_factory: LoopFactory, authority: Authority
) -> None:
    """Without a setting the certificate is checked, against the system's authorities."""

    async def test() -> None:
        async with far_end(server_context(authority.issue(FAR_HOST))) as end:
            assert await code_of(end, TlsConfig()) == "certificate_of_unknown_authority"

    run(loop_factory, test)


@LOOPS
def test_only_the_loudly_named_setting_accepts_anything(
    loop_factory: LoopFactory, authority: Authority
) -> None:
    async def test() -> None:
        expired = authority.issue("sip.example.com", from_days=-9, to_days=-2)
        async with far_end(server_context(expired)) as end:
            await assert_accepted(end, TlsConfig(insecure_accepts_any_certificate=True))

    run(loop_factory, test)


@LOOPS
def test_a_server_that_asks_who_we_are_is_shown_our_certificate(
    loop_factory: LoopFactory, authority: Authority
) -> None:
    async def test() -> None:
        context = server_context(authority.issue(FAR_HOST), clients_of=authority)
        ours = authority.issue("dialer.example.com")
        async with far_end(context) as end:
            await assert_accepted(end, trusting(authority, certificate=ours))

    run(loop_factory, test)


@LOOPS
def test_without_one_the_connection_is_lost_and_the_reason_named(
    loop_factory: LoopFactory, authority: Authority
) -> None:
    """In TLS 1.3 the server says so after the handshake, so the connection was open a moment."""

    async def test() -> None:
        told = Told()
        context = server_context(authority.issue(FAR_HOST), clients_of=authority)
        with socket.create_server((FAR_HOST, 0)) as server:
            host, port = server.getsockname()
            hop = Hop(host, port, "tls", trusting(authority))
            async with streams(told) as ours:
                ours.send(MESSAGE, hop)
                await asyncio.to_thread(shake_hands, server, context)
                assert await told.lost.get() == hop
                failure = ours.failure(hop)
        assert failure is not None
        assert failure.code == "our_certificate_wanted"

    run(loop_factory, test)


@LOOPS
def test_a_server_that_speaks_no_tls_is_named(loop_factory: LoopFactory, authority: Authority) -> None:
    async def test() -> None:
        async with far_end() as end:
            told = Told()
            hop = hop_to(end, trusting(authority))
            async with streams(told) as ours:
                ours.send(MESSAGE, hop)
                _, writer = await end.take()
                writer.write(b"SIP/2.0 400 Bad Request\r\n\r\n")
                await told.failed.get()
                failure = ours.failure(hop)
            assert failure is not None
            assert failure.code == "not_tls"

    run(loop_factory, test)


@LOOPS
def test_a_file_of_ours_that_is_missing_is_named(loop_factory: LoopFactory) -> None:
    async def test() -> None:
        async with far_end() as end:
            assert await code_of(end, TlsConfig(ca_file="no-such-file.pem")) == "tls_files_unusable"

    run(loop_factory, test)


def test_files_that_are_none_are_named_with_what_is_wrong(authority: Authority, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"ca_file .*nonsense\.pem cannot be used"):
        client_context(TlsConfig(ca_file=str(nonsense)))
    with pytest.raises(ConfigError, match=r"certificate and key cannot be used from .*nonsense\.pem"):
        client_context(trusting(authority, certificate=nonsense))
    with pytest.raises(ConfigError, match=r"nonsense\.pem"):
        client_context(TlsConfig(certificate_file=str(authority.file), key_file=str(nonsense)))


def test_old_protocols_are_refused() -> None:
    assert client_context(TlsConfig()).minimum_version >= ssl.TLSVersion.TLSv1_2
