"""Mail to a real SMTP server on loopback: plain, STARTTLS (RFC 3207), implicit TLS (RFC 8314), with login (RFC 4954)."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from api.delivery_error import DeliveryError
from api.mail import MailFailed, MailServer, compose_mail, read_mail_server, send_mail
from tests.dialer.certificates import Authority

USER, PASSWORD = "us@example.org", "p:w/ü"


class Box(Message):
    """Keeps what it is handed, and whether it came over TLS."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mails: list[EmailMessage] = []
        self.was_tls: list[bool] = []
        self.refused: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - the verb
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802 - the verb
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert server.transport is not None
        self.was_tls.append(server.transport.get_extra_info("ssl_object") is not None)
        return await super().handle_DATA(server, session, envelope)

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=is_right, handled=False)  # the server answers


@contextlib.asynccontextmanager
async def serving(
    box: Box, *, context: ssl.SSLContext | None = None, is_implicit: bool = False, wants_login: bool = False
) -> AsyncIterator[int]:
    """Serve on a free port; `context` is for STARTTLS, or for TLS from the first byte."""

    def session() -> SMTP:
        with warnings.catch_warnings():
            # of TLS from the first byte it knows nothing, and warns of a login without
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                box,
                hostname="mail.test",
                tls_context=None if is_implicit else context,
                authenticator=check,
                auth_required=wants_login,
                auth_require_tls=not is_implicit,
                auth_exclude_mechanism=["LOGIN"],
                loop=asyncio.get_running_loop(),
            )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=context if is_implicit else None
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this process trusts, as it does those of its system."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


@pytest.fixture
def context(authority: Authority) -> ssl.SSLContext:
    return server_context(authority.issue("127.0.0.1"))


def server_context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def server_at(scheme: str, port: int, *, login: str = "") -> MailServer:
    server = read_mail_server(f"{scheme}://{login}127.0.0.1:{port}", "reports@example.org")
    assert server is not None
    return server


def mail_for(server: MailServer, *recipients: str) -> EmailMessage:
    return compose_mail(
        server, recipients, subject="Итоги", text="Всё хорошо.", message_id="report-1", attachment=None
    )


LOGIN = "us%40example.org:p%3Aw%2F%C3%BC@"
WRONG = "us%40example.org:wrong@"


async def test_without_login_a_mail_is_handed_in_plain_where_nothing_else_is_offered() -> None:
    box = Box()
    async with serving(box) as port:
        server = server_at("smtp", port)
        assert await send_mail(server, mail_for(server, "owner@example.org")) is None
    assert box.was_tls == [False]
    assert box.mails[0]["X-RcptTo"] == "owner@example.org"


async def test_starttls_is_used_where_it_is_offered(context: ssl.SSLContext) -> None:
    box = Box()
    async with serving(box, context=context) as port:
        server = server_at("smtp", port)
        await send_mail(server, mail_for(server, "owner@example.org"))
    assert box.was_tls == [True]


async def test_login_over_starttls(context: ssl.SSLContext) -> None:
    box = Box()
    async with serving(box, context=context, wants_login=True) as port:
        server = server_at("smtp", port, login=LOGIN)
        await send_mail(server, mail_for(server, "owner@example.org"))
    assert box.was_tls == [True]
    assert len(box.mails) == 1


async def test_login_over_implicit_tls(context: ssl.SSLContext) -> None:
    box = Box()
    async with serving(box, context=context, is_implicit=True, wants_login=True) as port:
        server = server_at("smtps", port, login=LOGIN)
        await send_mail(server, mail_for(server, "owner@example.org"))
    assert box.was_tls == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_wrong_password_is_said_and_is_not_in_the_words(context: ssl.SSLContext, scheme: str) -> None:
    box = Box()
    async with serving(box, context=context, is_implicit=scheme == "smtps", wants_login=True) as port:
        server = server_at(scheme, port, login=WRONG)
        with pytest.raises(MailFailed, match="535") as caught:
            await send_mail(server, mail_for(server, "owner@example.org"))
    assert "wrong" not in str(caught.value)
    assert box.mails == []


async def test_a_password_never_goes_over_a_line_that_is_not_encrypted() -> None:
    box = Box()
    async with serving(box) as port:
        server = server_at("smtp", port, login=LOGIN)
        with pytest.raises(MailFailed, match="STARTTLS"):
            await send_mail(server, mail_for(server, "owner@example.org"))
    assert box.mails == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("wrong", ["another_name", "another_authority", "over"])
async def test_a_certificate_that_is_wrong_is_refused(
    authority: Authority, tmp_path: Path, scheme: str, wrong: str
) -> None:
    certificate = {
        "another_name": lambda: authority.issue("192.0.2.1"),
        "another_authority": lambda: Authority(tmp_path, "nobody").issue("127.0.0.1"),
        "over": lambda: authority.issue("127.0.0.1", from_days=-5, to_days=-2),
    }[wrong]()
    box = Box()
    async with serving(box, context=server_context(certificate), is_implicit=scheme == "smtps") as port:
        server = server_at(scheme, port)
        with pytest.raises(MailFailed, match="certificate"):
            await send_mail(server, mail_for(server, "owner@example.org"))
    assert box.mails == []


async def test_who_was_refused_is_named_and_the_others_have_it_once() -> None:
    box = Box()
    box.refused = {"gone@example.org"}
    async with serving(box) as port:
        server = server_at("smtp", port)
        note = await send_mail(server, mail_for(server, "owner@example.org", "gone@example.org"))
        assert note == DeliveryError("mail_partly_refused", "gone@example.org")
        with pytest.raises(MailFailed, match="550"):
            await send_mail(server, mail_for(server, "gone@example.org"))
    assert [mail["X-RcptTo"] for mail in box.mails] == ["owner@example.org"]


async def test_a_server_that_is_not_there_is_said() -> None:
    server = server_at("smtp", 1)
    with pytest.raises(MailFailed, match=r"127\.0\.0\.1"):
        await send_mail(server, mail_for(server, "owner@example.org"))
