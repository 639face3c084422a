"""Real phones as callees: what each of them needs, and what it has heard."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import soundfile

from tests.lab.container import LAB

PHONE_HERTZ: Final = 440
"""What a phone plays when it has answered."""
_BARESIP_PEER: Final = 90
"""Kamailio takes +7999090... to it."""
_BARESIP_NUMBER: Final = f"+79990{_BARESIP_PEER}0001"
_PYVOIP_PORT: Final = 25_060
_PYVOIP_SCRIPT: Final = Path(__file__).with_name("pyvoip_callee.py")


class Phone(Protocol):
    """A callee that answers at once, plays `PHONE_HERTZ` and keeps what it hears."""

    async def hang_up(self) -> None: ...

    async def heard_hertz(self) -> float:
        """The loudest tone that it has heard, once the call is over."""


def loudest_hertz(samples: "np.typing.NDArray[np.float64]", rate: int = 8_000) -> float:
    """Name the tone of a sound, of at least half a second."""
    assert len(samples) >= rate / 2, f"{len(samples)} samples are no sound to speak of"
    spectrum = np.abs(np.fft.rfft(samples - samples.mean()))
    return float(np.fft.rfftfreq(len(samples), 1 / rate)[int(np.argmax(spectrum))])


def purity(samples: "np.typing.NDArray[np.float64]", hertz: float, rate: int = 8_000) -> float:
    """The share of a sound's power that is one unbroken tone: a frame too many, too few or misplaced breaks its phase."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(samples), 1 / rate) - hertz) < 2
    return float(power[near].sum() / power.sum())


class Baresip:
    """baresip in the container: Debian's package, with tones and files instead of a sound card, told over TCP what to do."""

    number = _BARESIP_NUMBER
    host = LAB.peer_host(_BARESIP_PEER)
    _CONTROL_PORT: Final = 4444

    def __init__(self) -> None:
        self.folder = LAB.out / "baresip"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "heard.wav").unlink(missing_ok=True)
        (self.folder / "accounts").write_text(
            f"<sip:{self.number}@{self.host}>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1\n"
        )
        (self.folder / "config").write_text(f"""\
sip_listen {self.host}:5060
net_interface {self.host}
rtp_ports 26000-26100
audio_source ausine,{PHONE_HERTZ}
audio_player aufile,/out/baresip/heard.wav
audio_alert none
ausrc_srate 48000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module aufile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {self.host}:{self._CONTROL_PORT}
""")

    async def hang_up(self) -> None:
        await self.command("hangup")

    async def heard_hertz(self) -> float:
        return loudest_hertz(await self.heard())

    async def heard(self) -> "np.typing.NDArray[np.float64]":
        """Everything that it has heard, at 8 kHz, once the call is over."""
        file = self.folder / "heard.wav"
        async with asyncio.timeout(5):  # it is written at the end of the call, its header last
            while not file.exists() or file.stat().st_size == 0 or not soundfile.info(file).frames:
                await asyncio.sleep(0.1)
        samples, rate = await asyncio.to_thread(soundfile.read, file)
        assert rate == 8_000
        return np.asarray(samples, dtype=np.float64)

    async def command(self, name: str) -> None:
        """Say one command of its own, in a netstring, and wait for what it says."""
        reader, writer = await asyncio.open_connection(self.host, self._CONTROL_PORT)
        text = json.dumps({"command": name})
        writer.write(f"{len(text)}:{text},".encode())
        async with asyncio.timeout(5):
            await reader.readuntil(b",")
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def baresip() -> AsyncIterator[Baresip]:
    phone = Baresip()
    log = (phone.folder / "log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *LAB.command("exec", "baresip", "-f", "/out/baresip", "-v"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        async with asyncio.timeout(15):
            while True:
                try:
                    await phone.command("reginfo")
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        yield phone
    finally:
        await phone.command("quit")
        await process.wait()
        log.close()


class PyvoipPhone:
    """pyVoIP in a process of its own, registered with the lab's Asterisk, which calls it for 7919."""

    number = "+79190000001"

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, word: str) -> str:
        """Wait for a line that begins so; return the rest of it."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            while line := (await self._process.stdout.readline()).decode():
                if line.startswith(word):
                    return line.removeprefix(word).strip()
        raise AssertionError(f"pyVoIP ended before {word!r}")

    async def hang_up(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"hang up\n")
        await self._process.stdin.drain()

    async def heard_hertz(self) -> float:
        return float(await self.until("heard"))


@asynccontextmanager
async def pyvoip_phone() -> AsyncIterator[PyvoipPhone]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        str(_PYVOIP_SCRIPT),
        LAB.asterisk_host,
        str(_PYVOIP_PORT + LAB.number),
        str(PHONE_HERTZ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        phone = PyvoipPhone(process)
        await phone.until("registered")
        yield phone
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
