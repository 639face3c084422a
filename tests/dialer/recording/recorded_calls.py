"""Calls over real RTP sockets on loopback, recorded by the real writer; and what must be true of their files."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from dialer.call_media import CallMedia, MediaPlane
from dialer.events import CallId, NegotiatedMedia
from dialer.media.prompt import Prompt
from dialer.net.ports import PortPool
from dialer.recording.container import MISSED, Gap
from dialer.recording.keyring import Keyring
from dialer.recording.reader import G711, Recording
from dialer.recording.recorder import ClosedRecording, Recorder, relative_path
from tests.dialer.recording.talkers import sound_of

OURS, THEIRS = "127.0.0.36", "127.0.0.37"
KEYRING = Keyring("k1", {"k1": bytes(range(32))})
SILENCE = b"\xff"
STARTED = datetime(2026, 11, 25, 12, tzinfo=UTC)


class RecordedCalls:
    """Calls with their recorder; `closed` fills as they end."""

    def __init__(self, directory: Path, *, keep_free_bytes: int = 0, max_frames: int = 600_000) -> None:
        loop = asyncio.get_running_loop()
        self.directory = directory
        self.plane = MediaPlane(loop, OURS, PortPool(20_000, 29_999, b"test"), None, os.urandom)
        self.calls: list[CallMedia] = []
        self.ports: list[int] = []
        self.closed: dict[int, ClosedRecording] = {}
        self.recorder = Recorder(
            loop, directory, KEYRING, node_name="test", keep_free_bytes=keep_free_bytes, rng=os.urandom,
            on_closed=lambda closed: self.closed.update({closed.recording_id: closed}), max_frames=max_frames,
        )  # fmt: skip

    def begin(self, count: int, packets: int) -> None:
        """Connect and record calls in which we say as much as the others."""
        for number in range(count):
            call = self.plane.open_call(CallId(f"call {number}"), lambda _event: None)
            assert call is not None
            call.obey(
                NegotiatedMedia(
                    remote_host=THEIRS, remote_port=call.port, payload_type=0, telephone_event_payload_type=101
                )
            )  # fmt: skip
            said = sound_of(call.port, packets, "us")
            self.calls.append(call)
            self.ports.append(call.port)
            assert self.recorder.begin(call, number, STARTED, b"") is not None
            call.play(Prompt(duration_ms=20 * packets, ulaw=said, alaw=said))

    async def talk(self, packets: int) -> None:
        """Let everybody say their part, and wait until it has come."""
        talkers = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.dialer.recording.talkers", THEIRS, OURS, str(packets),
            ",".join(map(str, self.ports)),
        )  # fmt: skip
        assert await talkers.wait() == 0
        async with asyncio.timeout(30):
            while not all(
                call.rtp.packets_received >= packets and not call.rtp.outgoing.is_playing
                for call in self.calls
            ):
                await asyncio.sleep(0.02)

    async def hang_up(self) -> None:
        """End all calls and their recordings."""
        for call in self.calls:
            call.close()
        self.plane.close()
        assert await self.recorder.close(60.0)

    def path(self, recording_id: int) -> Path:
        return self.directory / relative_path(recording_id, STARTED)

    def sound(self, recording_id: int) -> tuple[G711, list[Gap]]:
        recording = Recording.open(self.path(recording_id), KEYRING)
        assert isinstance(recording, Recording)
        with recording:
            sound = recording.read_g711(0, recording.samples)
            assert isinstance(sound, G711)
            return sound, recording.gaps


@asynccontextmanager
async def recorded_calls(directory: Path, *, count: int, packets: int) -> AsyncIterator[RecordedCalls]:
    """Make calls, let both sides speak, and hang up."""
    calls = RecordedCalls(directory)
    calls.begin(count, packets)
    await calls.talk(packets)
    await calls.hang_up()
    yield calls


def spoken(side: bytes) -> bytes:
    """
    Leave out silence, sample by sample.

    Where a busy machine sends late, its pause stands in the recording, and not always at the edge of a frame.
    """
    return side.replace(SILENCE, b"")


def missing_samples(side: bytes, marks: bytes, said: bytes) -> int:
    """Hold every stretch that was recorded against what was said, in its order; return how much of it is missing."""
    found, at = 0, 0
    for is_missed, stretch in itertools.groupby(range(len(marks)), lambda index: bool(marks[index] & MISSED)):
        indices = list(stretch)
        sound = spoken(side[160 * indices[0] : 160 * (indices[-1] + 1)])
        if is_missed or not sound:
            continue
        place = said.find(sound, at)
        assert place >= 0, (
            f"{len(sound)} samples from frame {indices[0]} were never said, or not in this order"
        )
        at, found = place + len(sound), found + len(sound)
    return len(said) - found
