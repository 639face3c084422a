"""The transports of a node together: which socket, which address, which keep-alive."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from dialer.config import DialerConfig, TrunkConfig
from dialer.errors import TransportError
from dialer.net.sip_transport import SipTransport
from dialer.net.tls import client_context
from dialer.sip.hop import Hop
from dialer.transport_config import KeepAlive, TlsConfig, TlsListener
from tests.dialer.certificates import Authority
from tests.dialer.net.far_end import CONFIG, HOST, Told, far_end
from tests.dialer.sip.messages import request

MESSAGE = request("OPTIONS").to_bytes()


@asynccontextmanager
async def transport(told: Told, config: DialerConfig = CONFIG) -> AsyncIterator[SipTransport]:
    made = SipTransport(config, told, random.Random(1).randbytes)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def udp_peer(host: str = "127.0.0.42") -> socket.socket:
    peer = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind((host, 0))
    peer.setblocking(False)
    return peer


async def heard_by(peer: socket.socket) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(peer, 65_535), 10)


def trunk_at(address: tuple[str, int], **settings: object) -> TrunkConfig:
    base = TrunkConfig(name="t", host=address[0], port=address[1])
    return msgspec.structs.replace(base, **settings)


async def test_each_family_has_its_udp_socket() -> None:
    config = msgspec.structs.replace(CONFIG, bind_host_ipv6="::1")
    with udp_peer() as four, udp_peer("::1") as six:
        async with transport(Told(), config) as ours:
            for peer in (four, six):
                address = peer.getsockname()[:2]
                ours.send(MESSAGE, Hop(*address))
                assert await heard_by(peer) == MESSAGE
                assert ours.media_host(trunk_at(address)) == ours.towards(trunk_at(address))[0]
            assert ours.towards(trunk_at(six.getsockname()[:2]))[0] == "::1"
            assert ours.local_address[0] == HOST


async def test_a_family_that_we_have_no_address_of_cannot_be_reached() -> None:
    told = Told()
    async with transport(told) as ours:
        hop = Hop("::1", 9)
        ours.send(MESSAGE, hop)
        assert await told.failed.get() == hop


async def test_over_a_connection_we_are_our_end_of_it() -> None:
    async with far_end() as end, transport(Told()) as ours:
        local = ours.towards(trunk_at(end.address, transport="tcp"))
        _, writer = await end.take()
        assert local == writer.get_extra_info("peername")
        assert ours.failure(end.hop()) is None


async def test_a_listener_has_the_port_of_the_udp_socket_and_is_what_contact_says() -> None:
    told = Told()
    config = msgspec.structs.replace(CONFIG, listens_on_tcp=True)
    async with far_end() as end, transport(told, config) as ours:
        assert ours.towards(trunk_at(end.address, transport="tcp")) == ours.local_address
        _, writer = await asyncio.open_connection(*ours.local_address)
        writer.write(MESSAGE)
        data, source = await told.messages.get()
        assert (data, source.is_inbound) == (MESSAGE, True)
        assert ours.counters == {}
        writer.close()


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        config = msgspec.structs.replace(CONFIG, bind_port=port, listens_on_tcp=True)
        with pytest.raises(TransportError, match=f"cannot bind {HOST}:{port}"):
            async with transport(Told(), config):
                pass


async def test_a_tls_listener_has_a_port_of_its_own_which_contact_says_to_tls_trunks(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    listener = TlsListener(port=0, certificate_file=str(authority.issue(HOST)))
    config = msgspec.structs.replace(CONFIG, tls_listener=listener)
    told = Told()
    async with far_end() as end, transport(told, config) as ours:
        host, port = ours.towards(trunk_at(end.address, transport="tls"))
        assert (host, port != ours.local_address[1]) == (HOST, True)
        assert ours.towards(trunk_at(end.address, transport="tcp"))[1] != port
        context = client_context(TlsConfig(ca_file=str(authority.file)))
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=HOST)
        writer.write(MESSAGE)
        data, source = await told.messages.get()
        assert (data, source.transport, source.is_inbound) == (MESSAGE, "tls", True)
        writer.close()


async def test_a_tls_listener_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    missing = TlsListener(port=0, certificate_file=str(tmp_path / "none.pem"))
    with pytest.raises(TransportError, match=r"none\.pem"):
        async with transport(Told(), msgspec.structs.replace(CONFIG, tls_listener=missing)):
            pass
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        listener = TlsListener(port=port, certificate_file=str(Authority(tmp_path).issue(HOST)))
        with pytest.raises(TransportError, match=f"port {port} for TLS"):
            async with transport(Told(), msgspec.structs.replace(CONFIG, tls_listener=listener)):
                pass


async def test_an_ipv6_address_that_is_not_ours_is_named_in_brackets() -> None:
    config = msgspec.structs.replace(CONFIG, bind_host_ipv6="2001:db8::1")
    with pytest.raises(TransportError, match=r"cannot bind \[2001:db8::1\]:0"):
        async with transport(Told(), config):
            pass


async def test_a_udp_trunk_is_kept_alive_by_crlf_where_its_settings_say_so() -> None:
    with udp_peer() as kept, udp_peer() as left:
        async with transport(Told()) as ours:
            ours.towards(trunk_at(left.getsockname()))
            ours.towards(
                trunk_at(kept.getsockname(), keep_alive=KeepAlive(method="crlf", interval_seconds=1.0))
            )
            assert await heard_by(kept) == b"\r\n\r\n"
            assert await heard_by(kept) == b"\r\n\r\n"
            with pytest.raises(BlockingIOError):
                left.recv(100)
