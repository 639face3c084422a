"""A mail server for tests: speaks SMTP (RFC 5321) over a socket and keeps what it is handed."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage


class SmtpServer:
    """Answers as told; `answers` are taken one per mail, then 250."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answers: list[str] = []
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["SmtpServer"]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 test ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    writer.write(b"250-test\r\n250 8BITMIME\r\n")
                case "RCPT":
                    recipients.append(rest.partition("<")[2].rstrip(">"))
                    writer.write(b"250 ok\r\n")
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    answer = self.answers.pop(0) if self.answers else "250 ok"
                    if answer.startswith("250"):
                        text = data[:-5].replace(b"\r\n..", b"\r\n.")
                        self.mails.append(email.message_from_bytes(text, policy=email.policy.default))
                        self.recipients.append(recipients)
                    writer.write(f"{answer}\r\n".encode())
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 ok\r\n")
            await writer.drain()
        writer.close()
