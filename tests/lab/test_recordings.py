"""A call to the real Asterisk, recorded by us and by Asterisk itself: both recordings hold the same sound on both sides."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dialer import Call, CallAnswered, CallEvent, CallRequest, PlaybackFinished, Prompt
from dialer.media.g711 import decode
from dialer.recording.keyring import new_entry, parse_keyring
from dialer.recording.reader import Recording
from dialer.recording.recorder import ClosedRecording, Recorder, relative_path
from tests.lab.conftest import ASTERISK, OUT, Line
from tests.lab.prefixes import number

pytestmark = pytest.mark.lab

CHANCE = np.random.default_rng(4)
SAID = Prompt.from_pcm((CHANCE.standard_normal(6 * 8_000) * 3_000).astype("<i2").tobytes())
"""Noise: it fits itself in one place alone."""
STARTED = datetime(2026, 11, 25, 12, tzinfo=UTC)


async def test_our_recording_and_asterisks_own_hold_the_same_sound(line: Line, tmp_path: Path) -> None:
    """7918 says words from its own files and records what it hears and what it says."""
    callee = number("7918", 1)
    theirs = {side: OUT / f"{callee[1:]}-{side}.wav" for side in ("in", "out")}
    for path in theirs.values():
        path.unlink(missing_ok=True)
    keyring = parse_keyring(new_entry("lab", os.urandom))
    closed: list[ClosedRecording] = []
    recorder = Recorder(
        asyncio.get_running_loop(), tmp_path, keyring, node_name="lab", keep_free_bytes=0, rng=os.urandom,
        on_closed=closed.append,
    )  # fmt: skip

    def act(call: Call, event: CallEvent) -> None:
        if isinstance(event, CallAnswered):
            assert recorder.begin(call, 1, STARTED, b"") is not None
            call.play(SAID)
        elif isinstance(event, PlaybackFinished):
            call.hang_up()

    _, ended = await line.call(CallRequest(number=callee, trunk=ASTERISK), act)
    assert await recorder.close(30.0)
    (one,) = closed
    assert (one.file.cause, one.file.gaps) == (None, ())
    recording = Recording.open(tmp_path / relative_path(1, STARTED), keyring)
    assert isinstance(recording, Recording)
    with recording:
        pcm = recording.read_pcm(0, recording.samples)
    assert isinstance(pcm, bytes)
    ours = np.frombuffer(pcm, "<i2").reshape(-1, 2)
    await asyncio.sleep(1.0)  # Asterisk closes its files after our BYE

    assert ended.media is not None
    said = decode(SAID.ulaw, 0)
    assert holds(ours[:, 1], said)
    spoken = ours[:, 1][np.flatnonzero(ours[:, 1])[0] :][: 5 * 8_000]
    # MixMonitor puts silence for a frame that comes late, which on a busy machine is one in some seconds
    assert sum(holds(read(theirs["in"]), second) for second in np.split(spoken, 5)) >= 4
    words = read(theirs["out"])
    first = np.flatnonzero(np.abs(words) > 500)[0]
    # a second of the first file: between two files MixMonitor drops silence that was on the wire
    assert holds(ours[:, 0], words[first : first + 8_000])


def read(path: Path) -> NDArray[np.int16]:
    samples: NDArray[np.int16] = soundfile.read(path, dtype="int16")[0]
    return samples


def holds(whole: NDArray[np.int16], part: NDArray[np.int16]) -> bool:
    """Tell whether the whole has the part, sample by sample: no difference is larger than a step of G.711."""
    length = 1 << (len(whole) + len(part)).bit_length()
    likeness = np.fft.irfft(
        np.fft.rfft(whole.astype(float), length) * np.conj(np.fft.rfft(part.astype(float), length)), length
    )
    at = int(np.argmax(likeness[: len(whole) - len(part) + 1]))
    found, wanted = whole[at : at + len(part)].astype(int), part.astype(int)
    step = np.maximum(16, np.abs(wanted) // 16)
    return bool((np.abs(found - wanted) <= step).all())
