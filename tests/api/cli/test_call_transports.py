"""`obzvon call` over TCP, TLS and IPv6, to carriers in processes of their own."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.api.cli.test_call import SEED, number_of, obzvon, report_of
from tests.dialer.certificates import Authority
from tests.dialer.net.dns_server import dns_server


@contextmanager
def carrier(folder: Path, host: str, *options: str) -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "dialer.testing.carrier", "--host", host, "--port", "0", *options]
    process = subprocess.Popen(
        [*command, "--seed", str(SEED), "--truth", folder / "truth.jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["port"]
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def answered(*arguments: str) -> dict[str, Any]:
    done = obzvon("call", number_of("listens"), *arguments, "--talk", "0.2", "--json")
    report = report_of(done)
    assert (done.returncode, report["result"], report["ended_by"]) == (0, "answered", "us"), done.stderr
    return report


@pytest.mark.parametrize("written", ["--transport tcp", ";transport=tcp"])
def test_a_call_over_tcp(tmp_path: Path, written: str) -> None:
    with carrier(tmp_path, "127.0.0.35", "--transport", "tcp") as port:
        uri = f"sip:127.0.0.35:{port}{written if written.startswith(';') else ''}"
        options = [] if written.startswith(";") else written.split()
        report = answered("--trunk", uri, *options)
    assert report["transport"] == "tcp"
    assert {message["transport"] for message in report["messages"]} == {"tcp"}


def test_a_call_over_ipv6(tmp_path: Path) -> None:
    with carrier(tmp_path, "::1") as port:
        report = answered("--trunk", f"sip:[::1]:{port}")
    assert report["trunk"] == f"sip:[::1]:{port}"
    assert {message["remote"] for message in report["messages"]} == {f"[::1]:{port}"}


def test_a_call_over_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    options = ("--transport", "tls", "--certificate", str(authority.issue("127.0.0.35")))
    with carrier(tmp_path, "127.0.0.35", *options) as port:
        secure = answered("--trunk", f"sips:127.0.0.35:{port}", "--tls-ca", str(authority.file))
        by_option = ("--trunk", f"sip:127.0.0.35:{port}", "--transport", "tls")
        careless = answered(*by_option, "--insecure-accept-any-certificate")
        refused = obzvon("call", number_of("listens"), *by_option, "--json")
    assert secure["messages"][0]["first_line"].startswith("INVITE sips:")
    assert {message["transport"] for message in (*secure["messages"], *careless["messages"])} == {"tls"}
    assert report_of(refused)["result"] == "unreachable"
    assert "certificate_of_unknown_authority" in refused.stderr + refused.stdout


async def test_a_name_is_looked_up_by_srv_at_the_servers_that_are_told(tmp_path: Path) -> None:
    async with dns_server() as dns:
        with carrier(tmp_path, "127.0.0.36") as port:
            dns.add("_sip._udp.carrier.test", "SRV", f"10 1 {port} one.carrier.test.")
            dns.add("one.carrier.test", "A", "127.0.0.36")
            server = f"{dns.address[0]}:{dns.address[1]}"
            report = await asyncio.to_thread(answered, "--trunk", "sip:carrier.test", "--dns-servers", server)
    assert report["trunk"] == f"sip:127.0.0.36:{port}"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--trunk", "sip:127.0.0.8;transport=sctp"), "sip:127.0.0.8;transport=sctp"),
        (("--trunk", "sip:127.0.0.8", "--tls-key", "key.pem"), "certificate_file"),
        (("--trunk", "sip:carrier.test", "--dns-servers", "dns.example.com"), "--dns-servers"),
        (("--trunk", "sip:127.0.0.8", "--external", "sip.example.com"), "external_signalling_address"),
    ],
)
def test_wrong_options_are_explained(arguments: tuple[str, ...], sentence: str) -> None:
    done = obzvon("call", "+79000000001", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
