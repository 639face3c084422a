"""`obzvon call` as a technician runs it: a process of its own against a carrier of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dialer.testing.population import Behaviour, plan_for

SEED = 7


def number_of(behaviour: Behaviour, *, first: int = 0) -> str:
    """Find a number whose callee behaves so."""
    numbers = (f"+7900{index:07}" for index in range(first, first + 10_000))
    return next(number for number in numbers if plan_for(number, SEED).behaviour == behaviour)


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    truth = tmp_path_factory.mktemp("carrier") / "truth.jsonl"
    command = [sys.executable, "-m", "dialer.testing.carrier", "--host", "127.0.0.34", "--port", "0"]
    carrier = subprocess.Popen(
        [*command, "--seed", str(SEED), "--truth", truth], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert carrier.stdout is not None
    ready = json.loads(carrier.stdout.readline())
    yield f"sip:{ready['host']}:{ready['port']}"
    carrier.terminate()
    carrier.wait(timeout=10)
    carrier.stdout.close()


def obzvon(*arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli.main", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "OBZVON_LANG": language},
    )


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def test_an_answered_call_exits_0_and_prints_all_of_it(trunk: str) -> None:
    done = obzvon("call", number_of("listens"), "--trunk", trunk, "--talk", "0.5", "--json")

    report = report_of(done)
    assert done.returncode == 0, done.stderr
    assert (report["result"], report["sip_status"], report["ended_by"]) == ("answered", 200, "us")
    assert report["talk_ms"] >= 500
    assert report["answer_ms"] >= report["pdd_ms"] > 0
    assert report["played_ms"] is None
    assert report["messages"][0]["first_line"].startswith("INVITE sip:")
    assert {"sent", "received"} == {message["direction"] for message in report["messages"]}


def test_pyvoip_places_the_call_where_it_is_asked_to(trunk: str) -> None:
    done = obzvon(
        "call", number_of("listens"), "--trunk", trunk, "--talk", "0.5", "--engine", "pyvoip", "--json"
    )

    report = report_of(done)
    assert done.returncode == 0, done.stderr
    assert (report["result"], report["sip_status"], report["ended_by"]) == ("answered", 200, "us")
    assert report["pdd_ms"] is None, "pyVoIP tells no ringing"
    assert report["messages"][0]["first_line"].startswith("INVITE sip:")


def test_a_sound_file_is_played_to_its_end(trunk: str, tmp_path: Path) -> None:
    sound = tmp_path / "hello.wav"
    soundfile.write(sound, np.zeros(22_050), 44_100)

    done = obzvon("call", number_of("listens"), "--trunk", trunk, "--play", str(sound), "--json")

    report = report_of(done)
    assert (done.returncode, report["played_ms"], report["ended_by"]) == (0, 500, "us")


def test_the_messages_can_be_kept_as_a_capture(trunk: str, tmp_path: Path) -> None:
    file = tmp_path / "call.pcap"

    done = obzvon("call", number_of("busy"), "--trunk", trunk, "--pcap", str(file), "--json")

    kept = file.read_bytes()
    assert kept.startswith(bytes.fromhex("d4c3b2a1"))  # the magic number, little-endian
    for message in report_of(done)["messages"]:
        assert f"{message['first_line']}\r\n".encode() in kept


def test_pressed_keys_are_printed(trunk: str) -> None:
    done = obzvon("call", number_of("presses_1"), "--trunk", trunk, "--talk", "5", "--json")
    assert report_of(done)["digits"] == "1"


def test_a_refused_call_exits_1_and_says_so_in_words(trunk: str) -> None:
    done = obzvon("call", number_of("busy"), "--trunk", trunk, language="ru")
    assert done.returncode == 1
    assert "Код SIP: 486" in done.stdout
    assert "Завершил: абонент" in done.stdout
    assert "◀── SIP/2.0 486" in done.stdout


def test_an_unreachable_trunk_is_an_outcome() -> None:
    done = obzvon("call", "+79000000001", "--trunk", "sip:127.0.0.8:9", "--json")
    report = report_of(done)
    assert (done.returncode, report["result"], report["reason"]) == (1, "unreachable", "transport_error")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("call", "letters", "--trunk", "sip:127.0.0.8:9"),
        ("call", "+79000000001", "--trunk", "tel:+7900"),
        ("call", "+79000000001", "--trunk", "sip:"),
        ("call", "+79000000001", "--trunk", "sip:nowhere.invalid"),
        ("call", "+79000000001", "--trunk", "sip:127.0.0.8:9", "--play", "no-such-file.wav"),
        ("call", "+79000000001", "--trunk", "sip:127.0.0.8:9", "--play", __file__),
        ("call", "+79000000001", "--trunk", "sip:127.0.0.8:9", "--ring-timeout", "5"),
        ("call", "+79000000001", "--trunk", "sip:127.0.0.8:9", "--bind", "192.0.2.1"),
        ("call", "+79000000001", "--trunk", "sip:127.0.0.8:9", "--pcap", "no-such-folder/call.pcap"),
        ("call", "+79000000001"),
    ],
    ids=[
        "number",
        "scheme",
        "trunk",
        "host",
        "no_file",
        "no_sound",
        "ring_timeout",
        "bind",
        "pcap",
        "no_trunk",
    ],
)
def test_wrong_usage_is_explained_and_exits_2(arguments: tuple[str, ...], language: str) -> None:
    done = obzvon(*arguments, language=language)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_call_can_be_interrupted_and_is_given_up(trunk: str) -> None:
    command = [sys.executable, "-m", "api.cli.main", "call", number_of("no_answer"), "--trunk", trunk]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    process.stderr.readline()  # it rings
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "CANCEL sip:" in output


def test_a_port_of_ours_is_no_trunk_that_answers() -> None:
    """A far end that is there but says nothing is not refused: it is waited for, here until we give up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        command = [sys.executable, "-m", "api.cli.main", "call", "+79000000001", "--json"]
        process = subprocess.Popen(
            [*command, "--trunk", f"sip:127.0.0.1:{far.getsockname()[1]}"], stdout=subprocess.PIPE
        )
        assert far.recv(4096).startswith(b"INVITE sip:+79000000001@127.0.0.1")
        process.kill()
        process.communicate()
