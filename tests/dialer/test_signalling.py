"""Calls over connections of a real dialer: lost, coming back, taken by strangers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from dialer.config import DialerConfig, TimerConfig, TrunkConfig
from dialer.engine import Dialer
from dialer.events import CallAnswered, CallRinging
from dialer.net.tls import client_context, server_context
from dialer.sip.message import Request, Response, parse_message, response_to
from dialer.transport_config import KeepAlive, StreamLimits, TlsConfig, TlsListener
from tests.dialer.certificates import Authority
from tests.dialer.net.far_end import FarEnd, far_end
from tests.dialer.port_calls import Watched, hang_up_on

QUICK = DialerConfig(
    bind_host="127.0.0.44",
    timers=TimerConfig(t1_seconds=0.02),
    streams=StreamLimits(retry_min_seconds=0.05, retry_max_seconds=0.1),
    close_timeout_seconds=1.0,
)
ANSWER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.42\r\ns=-\r\nc=IN IP4 127.0.0.42\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
)


def trunk_of(end: FarEnd) -> TrunkConfig:
    host, port = end.address
    return TrunkConfig(name="t", host=host, port=port, transport="tcp", keep_alive=KeepAlive(method="off"))


class Trunk:
    """The far end of one connection, message by message."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> Request | Response:
        head = await self.reader.readuntil(b"\r\n\r\n")
        message = parse_message(head.replace(b"Content-Length: ", b"Old-Length: "))
        body = await self.reader.readexactly(int(message.headers.get("Old-Length") or 0))
        return parse_message(head + body)

    async def request(self, method: str) -> Request:
        message = await self.read()
        assert isinstance(message, Request)
        assert message.method == method
        return message

    def answer(self, asked: Request, status_code: int, body: bytes = b"") -> None:
        response = response_to(asked, status_code, to_tag="callee")
        if asked.method == "INVITE":
            host, port = self.writer.get_extra_info("sockname")[:2]
            response.headers.add("Contact", f"<sip:callee@{host}:{port};transport=tcp>")
        if body:
            response.headers.add("Content-Type", "application/sdp")
        response.body = body
        self.writer.write(response.to_bytes())


@asynccontextmanager
async def trunk(config: DialerConfig = QUICK) -> AsyncIterator[tuple[FarEnd, Dialer]]:
    async with far_end() as end, Dialer(config) as dialer:
        yield end, dialer


async def test_an_answered_call_outlives_its_connection() -> None:
    async with trunk() as (end, dialer):
        watched = Watched(dialer, trunk_of(end))
        first = Trunk(*await end.take())
        first.answer(await first.request("INVITE"), 200, ANSWER)
        await first.request("ACK")
        await watched.until(CallAnswered)
        first.writer.close()
        await first.writer.wait_closed()
        await asyncio.sleep(0.05)
        assert dialer.live_calls == 1
        watched.call.hang_up()
        second = Trunk(*await end.take())
        second.answer(await second.request("BYE"), 200)
        ended = await watched.end()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "us")


async def test_a_ringing_call_ends_with_its_connection() -> None:
    async with trunk() as (end, dialer):
        watched = Watched(dialer, trunk_of(end))
        far = Trunk(*await end.take())
        far.answer(await far.request("INVITE"), 180)
        await watched.until(CallRinging)
        far.writer.close()
        ended = await watched.end()
        assert end.accepted == 1
    assert (ended.outcome.result, ended.outcome.reason) == ("unreachable", "connection_lost")


async def test_a_trunk_that_takes_no_connection_is_unreachable_and_calls_do_not_hammer_it() -> None:
    async with far_end() as gone:
        pass
    config = msgspec.structs.replace(QUICK, streams=StreamLimits(retry_min_seconds=30.0))
    async with Dialer(config) as dialer:
        outcomes = [(await Watched(dialer, trunk_of(gone)).end()).outcome for _ in range(3)]
    assert [(outcome.result, outcome.fault) for outcome in outcomes] == [("unreachable", "trunk")] * 3


async def test_a_peer_may_end_the_call_over_a_connection_of_its_own() -> None:
    """RFC 3261 §18.1.1, §18.2.1: it is answered on that connection."""
    config = msgspec.structs.replace(QUICK, listens_on_tcp=True)
    async with trunk(config) as (end, dialer):
        watched = Watched(dialer, trunk_of(end))
        far = Trunk(*await end.take())
        invite = await far.request("INVITE")
        far.answer(invite, 200, ANSWER)
        await far.request("ACK")
        assert invite.contact is not None
        host, port = dialer.local_address
        assert invite.contact.uri == f"sip:anonymous@{host}:{port};transport=tcp"
        assert "alias" in invite.via.params
        theirs = Trunk(*await asyncio.open_connection(host, port))
        theirs.writer.write(bye_of(invite, "TCP"))
        answer = await theirs.read()
        ended = await watched.end()
        theirs.writer.close()
    assert isinstance(answer, Response)
    assert answer.status_code == 200
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "callee")


def bye_of(invite: Request, transport: str) -> bytes:
    """The callee's BYE."""
    assert invite.contact is not None
    return (
        f"BYE {invite.contact.uri} SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.42:1;branch=z9hG4bKtheirs\r\n"
        f"From: {invite.to.with_tag('callee')}\r\nTo: {invite.from_}\r\nCall-ID: {invite.call_id}\r\n"
        "CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
    ).encode()


class OverTls:
    """A TLS trunk in a talk: its own context, the INVITE that it has got, the connection that this came over."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.authority = str(authority.file)
        self.certificate = str(authority.issue("127.0.0.42", "127.0.0.44"))
        self.context = server_context(TlsListener(certificate_file=self.certificate))
        self.listener = TlsListener(port=0, certificate_file=self.certificate)

    async def talk(self, end: FarEnd, dialer: Dialer) -> tuple[Watched, Request, Trunk]:
        host, port = end.address
        settings = TrunkConfig(
            name="t", host=host, port=port, transport="tls", tls=TlsConfig(ca_file=self.authority),
            keep_alive=KeepAlive(method="off"),
        )  # fmt: skip
        watched = Watched(dialer, settings)
        far = Trunk(*await end.take())
        invite = await far.request("INVITE")
        far.answer(invite, 200, ANSWER)
        await far.request("ACK")
        await watched.until(CallAnswered)
        return watched, invite, far

    async def connect(self, invite: Request) -> Trunk:
        """Open a connection to where Contact says, as RFC 3261 §18.1.1 has it, and check our certificate."""
        assert invite.contact is not None
        assert invite.contact.uri.endswith(";transport=tls")
        host, _, port = invite.contact.uri.partition("@")[2].partition(";")[0].rpartition(":")
        context = client_context(TlsConfig(ca_file=self.authority))
        return Trunk(*await asyncio.open_connection(host, int(port), ssl=context, server_hostname=host))


async def test_a_tls_peer_ends_the_call_over_the_connection_that_is_there(tmp_path: Path) -> None:
    over = OverTls(tmp_path)
    async with far_end(over.context) as end, Dialer(QUICK) as dialer:
        watched, invite, far = await over.talk(end, dialer)
        far.writer.write(bye_of(invite, "TLS"))
        answer = await far.read()
        ended = await watched.end()
        assert end.accepted == 1
    assert isinstance(answer, Response)
    assert answer.status_code == 200
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "callee")


@pytest.mark.parametrize("has_listener", [False, True])
async def test_a_tls_connection_breaks_in_the_talk(tmp_path: Path, *, has_listener: bool) -> None:
    """The peer's BYE needs a listener of ours; without one it finds nobody, and the talk lasts until we end it."""
    over = OverTls(tmp_path)
    config = msgspec.structs.replace(QUICK, tls_listener=over.listener if has_listener else None)
    async with far_end(over.context) as end, Dialer(config) as dialer:
        watched, invite, far = await over.talk(end, dialer)
        assert ("alias" in invite.via.params) is has_listener
        far.writer.transport.abort()
        await asyncio.sleep(0.05)
        assert dialer.live_calls == 1
        if has_listener:
            theirs = await over.connect(invite)
            theirs.writer.write(bye_of(invite, "TLS"))
            answer = await theirs.read()
            assert isinstance(answer, Response)
            assert answer.status_code == 200
        else:
            with pytest.raises(ConnectionRefusedError):
                await over.connect(invite)
            watched.call.hang_up()
            theirs = Trunk(*await end.take())
            theirs.answer(await theirs.request("BYE"), 200)
        ended = await watched.end()
        theirs.writer.close()
    assert (ended.outcome.result, ended.outcome.ended_by) == ("answered", "callee" if has_listener else "us")


async def is_shown_out(over: OverTls, invite: Request) -> bool:
    """Whether a peer without a certificate hears nothing; by TLS 1.3 it learns so after its own handshake."""
    try:
        stranger = await over.connect(invite)
    except OSError:
        return True
    stranger.writer.write(bye_of(invite, "TLS"))
    try:
        return await stranger.reader.read(1) == b""
    except OSError:
        return True
    finally:
        stranger.writer.close()


async def test_a_listener_that_asks_for_certificates_takes_no_other_peer(tmp_path: Path) -> None:
    over = OverTls(tmp_path)
    strict = msgspec.structs.replace(over.listener, ca_file=over.authority)
    async with (
        far_end(over.context) as end,
        Dialer(msgspec.structs.replace(QUICK, tls_listener=strict)) as dialer,
    ):
        watched, invite, _ = await over.talk(end, dialer)
        assert await is_shown_out(over, invite)
        assert dialer.live_calls == 1
        watched.call.hang_up()


async def test_a_stranger_who_breaks_the_framing_is_told_so_and_shown_out() -> None:
    config = msgspec.structs.replace(QUICK, listens_on_tcp=True)
    async with trunk(config) as (_, dialer):
        stranger = Trunk(*await asyncio.open_connection(*dialer.local_address))
        head = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.42:1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=a\r\n"
        stranger.writer.write(head + b"To: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n")
        answer = await stranger.read()
        assert await stranger.reader.read() == b""
        stranger.writer.close()
    assert isinstance(answer, Response)
    assert answer.status_code == 400
    assert dialer.counters["malformed"] == 1


async def test_many_calls_over_one_connection_leave_nothing() -> None:
    async with trunk() as (end, dialer):
        calls = [Watched(dialer, trunk_of(end), hang_up_on(CallAnswered)) for _ in range(20)]
        far = Trunk(*await end.take())
        ended = 0
        while ended < 20:
            message = await far.read()
            assert isinstance(message, Request)
            if message.method != "ACK":
                far.answer(message, 200, ANSWER if message.method == "INVITE" else b"")
            ended += message.method == "BYE"
        assert [(await call.end()).outcome.result for call in calls] == ["answered"] * 20
        assert end.accepted == 1
