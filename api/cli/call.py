"""`obzvon call`: one call, no database. The technician's tool, and the way to try any far end by hand."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

import click
import msgspec

from api.catalogue import language_of_environment, text
from api.cli.front import log_warnings_only
from dialer import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallRequest,
    CallRinging,
    ConfigError,
    DialerConfig,
    DtmfReceived,
    InvalidAudio,
    PlacedCall,
    PlaybackFinished,
    Prompt,
    RemoteProtocolError,
    Secret,
    TransportError,
    TrunkConfig,
    TrunkDialer,
    read_audio,
)
from dialer.config import MIN_RING_TIMEOUT_SECONDS
from dialer.net.resolve import ResolveError, Resolver, is_address, parse_dns_server
from dialer.sip.hop import bracketed
from dialer.sip.pcap import capture
from dialer.sip.trace import TraceRecord, ladder
from dialer.sip.uri import SipUri, parse_uri
from dialer.transport_config import AUTO, DEFAULT_PORTS, TlsConfig, Transport, parse_external_address

LANGUAGE: Final = language_of_environment(os.environ)
TRANSPORTS: Final[dict[str, Transport]] = {name: name for name in DEFAULT_PORTS}
TALK_SECONDS: Final = 5.0
"""Without a sound and without --talk."""


@click.command("call", help=text("cli.call.help", LANGUAGE))
@click.argument("number")
@click.option("--trunk", "trunk_uri", required=True, help=text("cli.call.trunk.help", LANGUAGE))
@click.option("--user", "username", help=text("cli.call.user.help", LANGUAGE))
@click.option("--password", envvar="OBZVON_SIP_PASSWORD", help=text("cli.call.password.help", LANGUAGE))
@click.option(
    "--ring-timeout",
    type=click.FloatRange(min=MIN_RING_TIMEOUT_SECONDS),
    default=30.0,
    show_default=True,
    help=text("cli.call.ring_timeout.help", LANGUAGE),
)
@click.option(
    "--talk", "talk_seconds", type=click.FloatRange(min=0), help=text("cli.call.talk.help", LANGUAGE)
)
@click.option(
    "--play", "sound_file", type=click.Path(path_type=Path), help=text("cli.call.play.help", LANGUAGE)
)
@click.option("--caller-id", help=text("cli.call.caller_id.help", LANGUAGE))
@click.option(
    "--transport", type=click.Choice(["udp", "tcp", "tls"]), help=text("cli.call.transport.help", LANGUAGE)
)
@click.option("--tls-ca", "ca_file", metavar="FILE", help=text("cli.call.tls_ca.help", LANGUAGE))
@click.option(
    "--tls-certificate",
    "certificate_file",
    metavar="FILE",
    help=text("cli.call.tls_certificate.help", LANGUAGE),
)
@click.option("--tls-key", "key_file", metavar="FILE", help=text("cli.call.tls_key.help", LANGUAGE))
@click.option("--tls-name", "server_name", metavar="NAME", help=text("cli.call.tls_name.help", LANGUAGE))
@click.option(
    "--insecure-accept-any-certificate", is_flag=True, help=text("cli.call.tls_insecure.help", LANGUAGE)
)
@click.option("--external", "external_address", metavar="IP", help=text("cli.call.external.help", LANGUAGE))
@click.option("--bind", "bind_host", help=text("cli.call.bind.help", LANGUAGE))
@click.option(
    "--dns-servers",
    metavar="IP[:PORT],...",
    default="",
    envvar="OBZVON_DNS_SERVERS",
    callback=lambda _context, _parameter, value: read_dns_servers(value),
    help=text("cli.call.dns_servers.help", LANGUAGE),
)
@click.option(
    "--pcap", "pcap_file", type=click.Path(path_type=Path), help=text("cli.call.pcap.help", LANGUAGE)
)
@click.option(
    "--engine",
    type=click.Choice(["native", "pyvoip"]),
    default="native",
    show_default=True,
    help=text("cli.call.engine.help", LANGUAGE),
)
@click.option("--json", "as_json", is_flag=True, help=text("cli.call.json.help", LANGUAGE))
def call(
    number: str,
    trunk_uri: str,
    username: str | None,
    password: str | None,
    ring_timeout: float,
    talk_seconds: float | None,
    sound_file: Path | None,
    caller_id: str | None,
    transport: Transport | None,
    ca_file: str | None,
    certificate_file: str | None,
    key_file: str | None,
    server_name: str | None,
    insecure_accept_any_certificate: bool,
    external_address: str | None,
    bind_host: str | None,
    dns_servers: list[tuple[str, int]],
    pcap_file: Path | None,
    engine: Literal["native", "pyvoip"],
    as_json: bool,
) -> None:
    log_warnings_only()
    if not number.removeprefix("+").isascii() or not number.removeprefix("+").isdigit():
        refuse("cli.call.bad_number", value=number)
    uri, transport = read_trunk(trunk_uri, transport)
    host, port = find(uri, transport, dns_servers)
    prompt = None if sound_file is None else read_prompt(sound_file)
    try:
        trunk = TrunkConfig(
            name="cli",
            host=host,
            port=port,
            transport=transport,
            tls=TlsConfig(
                ca_file=ca_file,
                certificate_file=certificate_file,
                key_file=key_file,
                server_name=server_name or (None if is_address(uri.address[0]) else uri.address[0]),
                insecure_accepts_any_certificate=insecure_accept_any_certificate,
            ),
            uses_sips=uri.scheme == "sips",
            domain=None if is_address(uri.address[0]) else domain_of(uri),
            external_signalling_address=external_address,
            external_media_address=media_address_of(external_address),
            username=username,
            password=None if password is None else Secret(password),
            engine=engine,
        )
        request = CallRequest(
            number=number, trunk=trunk, caller_id=caller_id, ring_timeout_seconds=ring_timeout
        )
        config = DialerConfig(bind_host=bind_host or local_host_towards(host, port))
    except ConfigError as error:
        refuse("cli.call.bad_setting", error=error)
    if pcap_file is not None:
        write_capture(pcap_file, b"")  # what cannot be written is said before the call, not after it
    conversation = Conversation(prompt, talk_seconds, is_told=not as_json)
    try:
        asyncio.run(conversation.hold(config, request))
    except (TransportError, OSError) as error:
        refuse("cli.call.cannot_bind", error=error)
    report = conversation.report(request)
    if pcap_file is not None:
        write_capture(pcap_file, conversation.capture)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo("\n".join(sentences(report)))
        click.echo(ladder(conversation.records))
    sys.exit(0 if report["result"] == "answered" else 1)


class Conversation:
    """One call followed to its end."""

    def __init__(self, prompt: Prompt | None, talk_seconds: float | None, *, is_told: bool) -> None:
        self._prompt = prompt
        self._talk_seconds = talk_seconds
        if prompt is None and talk_seconds is None:
            self._talk_seconds = TALK_SECONDS
        self._is_told = is_told
        self._started_at = 0.0
        self._call: PlacedCall | None = None
        self._ended: CallEnded | None = None
        self._digits = ""
        self._played_ms: int | None = None
        self.records: list[TraceRecord] = []
        self.capture = b""
        """The same messages as a pcap file."""

    async def hold(self, config: DialerConfig, request: CallRequest) -> None:
        """Place the call and return when it is over. The first SIGINT or SIGTERM hangs up."""
        loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        async with TrunkDialer(config) as dialer:
            self._started_at = loop.time()
            self._call = dialer.place_call(request, self._on_event)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._call.hang_up)
            await self._over.wait()
            self.records = self._call.records()
            epoch = dialer.wall_time(0.0).timestamp()
            self.capture = capture(self.records, local=dialer.local_address, epoch=epoch)

    def _on_event(self, event: CallEvent) -> None:
        assert self._call is not None, "no event comes before place_call has returned"
        seconds = f"{event.at - self._started_at:6.2f}"
        match event:
            case CallRinging():
                self._tell("cli.call.ringing", seconds=seconds, status=event.sip_status)
            case CallAnswered():
                self._tell("cli.call.answered", seconds=seconds)
                if self._talk_seconds is not None:
                    asyncio.get_running_loop().call_later(self._talk_seconds, self._call.hang_up)
                if self._prompt is not None:
                    self._call.play(self._prompt)
            case DtmfReceived():
                self._digits += event.digit
                self._tell("cli.call.digit", seconds=seconds, digit=event.digit)
            case PlaybackFinished() if self._talk_seconds is None:
                self._call.hang_up()
            case CallEnded():
                self._ended = event
                self._played_ms = None if self._prompt is None else self._call.played_ms
                self._over.set()
            case _:
                pass

    def _tell(self, key: str, **params: object) -> None:
        if self._is_told:
            click.echo(text(key, LANGUAGE, **params), err=True)

    def report(self, request: CallRequest) -> dict[str, Any]:
        """Everything known of the call. Times are milliseconds; None = did not happen."""
        assert self._ended is not None
        outcome, timings = self._ended.outcome, self._ended.timings
        answered_at = timings.answered_at
        return {
            "number": request.number,
            "trunk": f"sip:{bracketed(request.trunk.host)}:{request.trunk.port}",
            "transport": request.trunk.transport,
            "call_id": self._ended.call_id,
            **msgspec.structs.asdict(outcome),
            "pdd_ms": timings.pdd_ms,
            "answer_ms": None
            if answered_at is None
            else round((answered_at - timings.invite_sent_at) * 1000),
            "talk_ms": timings.talk_ms,
            "played_ms": self._played_ms,
            "digits": self._digits,
            "messages": [
                {
                    "at_ms": round((record.at - self.records[0].at) * 1000, 1),
                    "direction": record.direction,
                    "first_line": record.first_line,
                    "cseq": record.cseq,
                    "size_bytes": record.size_bytes,
                    "remote": f"{bracketed(record.remote[0])}:{record.remote[1]}",
                    "transport": record.transport,
                }
                for record in self.records
            ],
        }


def sentences(report: dict[str, Any]) -> list[str]:
    """Say for people what the report holds; what did not happen is left out."""
    lines = [
        text(
            "cli.call.outcome",
            LANGUAGE,
            result=text(f"pages.result.{report['result']}", LANGUAGE),
            reason=report["reason"],
        )
    ]
    facts = [
        ("cli.call.status", "status", report["sip_status"]),
        ("cli.call.q850", "cause", report["q850_cause"]),
        ("cli.call.ended_by", "who", text(f"cli.call.who.{report['ended_by']}", LANGUAGE)),
        ("cli.call.fault", "fault", text(f"cli.call.fault.{report['fault']}", LANGUAGE)),
        ("cli.call.pdd", "ms", report["pdd_ms"]),
        ("cli.call.answer_time", "ms", report["answer_ms"]),
        ("cli.call.talk", "ms", report["talk_ms"]),
        ("cli.call.played", "ms", report["played_ms"]),
        ("cli.call.digits", "digits", report["digits"] or None),
    ]
    return lines + [text(key, LANGUAGE, **{name: value}) for key, name, value in facts if value is not None]


def refuse(key: str, **params: object) -> NoReturn:
    """Say what is wrong with the command line, exit code 2."""
    click.echo(text(key, LANGUAGE, **params), err=True)
    sys.exit(2)


def read_trunk(uri: str, transport: Transport | None) -> tuple[SipUri, Transport]:
    """Read sip:HOST:PORT or sips:HOST:PORT; the transport is that of the option, of the URI, or UDP."""
    try:
        parsed = parse_uri(uri if uri.lower().startswith(("sip:", "sips:")) else f"sip:{uri}")
    except RemoteProtocolError:
        refuse("cli.call.bad_trunk", value=uri)
    written = (parsed.params.get("transport") or "").lower()
    if parsed.scheme == "sips":
        return parsed, "tls"
    if transport is None and written:
        transport = TRANSPORTS.get(written) or refuse("cli.call.bad_trunk", value=uri)
    return parsed, transport or "udp"


def read_dns_servers(value: str) -> list[tuple[str, int]]:
    """Read addresses separated by commas, as a node does."""
    servers = []
    for part in filter(None, map(str.strip, value.split(","))):
        try:
            servers.append(parse_dns_server(part))
        except ValueError:
            refuse("cli.setting.not_a_dns_server", name="--dns-servers", value=part)
    return servers


def find(uri: SipUri, transport: Transport, dns_servers: list[tuple[str, int]]) -> tuple[str, int]:
    """Turn a URI into an IP address and a port, by SRV where it has none (RFC 3263 §4.2)."""
    host = uri.address[0]
    try:
        found = asyncio.run(Resolver(dns_servers, has_ipv6=True).resolve(host, uri.port, transport))
    except ResolveError as error:
        refuse("cli.call.unknown_host", host=host, error=error)
    return found.targets[0].address


def domain_of(uri: SipUri) -> str:
    """What the Request-URI says of a trunk with a name."""
    return uri.host if uri.port is None else f"{uri.host}:{uri.port}"


def media_address_of(external_address: str | None) -> str | None:
    """Leave out the port, which is the signalling's."""
    if external_address is None or external_address == AUTO:
        return external_address
    try:
        return parse_external_address(external_address).host
    except ValueError:
        return None  # named by `TrunkConfig`, once


def local_host_towards(host: str, port: int) -> str:
    """Return the address of ours that the system would send from."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, port))  # sends nothing
        except OSError as error:
            refuse("cli.call.cannot_bind", error=error.strerror or error)
        return str(probe.getsockname()[0])


def write_capture(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        refuse("cli.call.file_unwritable", file=path, error=error.strerror or error)


def read_prompt(path: Path) -> Prompt:
    try:
        return Prompt.from_pcm(read_audio(path.read_bytes()))
    except InvalidAudio as error:
        refuse(
            "cli.call.bad_sound",
            file=path,
            title=text(f"problems.{error.code}.title", LANGUAGE),
            detail=text(f"problems.{error.code}.detail", LANGUAGE),
        )
    except OSError as error:
        refuse("cli.call.file_unreadable", file=path, error=error.strerror or error)
