"""Mail by SMTP (RFC 5321), with a file attached where there is one."""

from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
import msgspec

from api.delivery_error import DeliveryError, NotSent
from dialer.config import Secret

TIMEOUT_SECONDS: Final = 30.0
DEFAULT_PORTS: Final[Mapping[str, int]] = {"smtp": 587, "smtps": 465}


class MailFailed(NotSent):
    """The server did not take it this time."""


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in."""

    host: str
    port: int
    is_tls: bool
    """From the first byte; else by STARTTLS, which has to be there for a login and is used wherever it is offered."""
    username: str | None
    password: Secret | None
    sender: str


def read_mail_server(url: str, sender: str) -> MailServer | None:
    """Read `smtp://USER:PASSWORD@HOST:PORT` or `smtps://...`; None for anything else."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            return None
        return MailServer(
            host=parts.hostname,
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            is_tls=parts.scheme == "smtps",
            username=unquote(parts.username) if parts.username else None,
            password=Secret(unquote(parts.password)) if parts.password else None,
            sender=sender,
        )
    except ValueError:
        return None


def is_address(text: str) -> bool:
    """Tell whether this is one address and nothing else: no name, no second one, no line of a header."""
    local, _, domain = text.rpartition("@")
    return (
        text.isascii()
        and text.isprintable()
        and " " not in text
        and parseaddr(text) == ("", text)
        and bool(local)
        and "." in domain.strip(".")
        and len(text) <= 254
    )


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a mail."""

    content: bytes
    file_name: str
    media_type: str


def compose_mail(
    server: MailServer,
    recipients: Sequence[str],
    *,
    subject: str,
    text: str,
    message_id: str,
    attachment: Attachment | None,
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = server.sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = subject
    # the same at every try, so that a mailbox can tell a repeated one
    mail["Message-ID"] = f"<{message_id}@obzvon>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834
    mail.set_content(text)
    if attachment is not None:
        main, _, sub = attachment.media_type.partition(";")[0].partition("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.file_name)
    return mail


async def send_mail(server: MailServer, mail: EmailMessage) -> DeliveryError | None:
    """
    Hand a mail in. Return what is wrong if some of the recipients were refused: the others have it, so that it is not tried again.

    Raises:
        MailFailed: the server is not there, or refused it or every recipient.
    """
    try:
        refused, _ = await aiosmtplib.send(
            mail,
            hostname=server.host,
            port=server.port,
            use_tls=server.is_tls,
            # a password is never sent in the open, whoever stands between and hides the offer
            start_tls=True if server.password is not None and not server.is_tls else None,
            username=server.username,
            password=server.password,
            timeout=TIMEOUT_SECONDS,
        )
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPTimeoutError, OSError) as error:
        raise MailFailed("mail_server_away", f"{type(error).__name__}: {error}"[:200]) from error
    except aiosmtplib.SMTPException as error:
        raise MailFailed("mail_refused", f"{type(error).__name__}: {error}"[:200]) from error
    return DeliveryError("mail_partly_refused", ", ".join(sorted(refused))[:200]) if refused else None
