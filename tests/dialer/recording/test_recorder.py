"""The recorder at work: real sockets, real files, and disks that fail as disks do."""

import asyncio
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from dialer.recording.container import slot_at
from dialer.recording.reader import G711, Recording
from dialer.recording.recorder import part_directory
from dialer.recording.salvage import examine, forget_parts, parts_left
from tests.dialer.recording.recorded_calls import (
    KEYRING,
    RecordedCalls,
    missing_samples,
    recorded_calls,
    spoken,
)
from tests.dialer.recording.talkers import sound_of
from tests.layers import not_available


@pytest.mark.timeout(180)
async def test_two_hundred_calls_at_once_are_recorded_byte_for_byte(tmp_path: Path) -> None:
    packets = 400
    async with recorded_calls(tmp_path, count=200, packets=packets) as calls:
        assert len(calls.closed) == 200
        for number, port in enumerate(calls.ports):
            file = calls.closed[number].file
            assert (file.cause, file.gaps) == (None, ())
            sound, gaps = calls.sound(number)
            assert gaps == []
            assert spoken(sound.callee) == sound_of(port, packets)
            assert spoken(sound.us) == sound_of(port, packets, "us")
            assert file.size_bytes == calls.path(number).stat().st_size
        # the first names stay for who writes the rows
        assert len(list(part_directory(tmp_path, "test").iterdir())) == 200
        forget_parts(tmp_path, "test", range(200))
        assert not list(part_directory(tmp_path, "test").iterdir())
        assert {calls.path(number).stat().st_mode & 0o777 for number in range(200)} == {0o600}


async def test_a_loop_that_stands_still_says_its_part_late_and_all_of_it_is_recorded(tmp_path: Path) -> None:
    """After 0.33 s our side begins a new talkspurt, not at the edge of a frame."""
    packets = 150
    calls = RecordedCalls(tmp_path)
    calls.begin(3, packets)
    for seconds in (0.9, 1.7):
        asyncio.get_running_loop().call_later(seconds, time.sleep, 0.333)
    await calls.talk(packets)
    await calls.hang_up()
    for number, port in enumerate(calls.ports):
        sound, gaps = calls.sound(number)
        assert gaps == []
        assert spoken(sound.callee) == sound_of(port, packets)
        assert spoken(sound.us) == sound_of(port, packets, "us")


@contextmanager
def mounted(config: pytest.Config, directory: Path, *arguments: str) -> Iterator[Path]:
    """A filesystem of its own."""
    if os.getuid():
        pytest.skip("only root may mount; a full disk is also tested by a limit on the size of files")
    directory.mkdir()
    done = subprocess.run(["mount", *arguments, str(directory)], check=False, capture_output=True, text=True)
    if done.returncode:
        not_available(config, "disk", f"a filesystem cannot be mounted: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def disk_that_can_stall(config: pytest.Config, folder: Path) -> Iterator[Path]:
    image = folder / "image"
    image.write_bytes(bytes(32 << 20))
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(config, folder / "disk", "-o", "loop", str(image)) as disk:
        yield disk


def freeze(disk: Path, how: str) -> None:
    """Let every write to a filesystem hang, or go on: as a dead file server does."""
    subprocess.run(["fsfreeze", how, str(disk)], check=True)


def check_calls(calls: RecordedCalls, packets: int) -> int:
    """Nobody noticed anything in the calls, and only what is told is missing; return the samples that are, of all calls."""
    missing = 0
    for number, call in enumerate(calls.calls):
        assert call.rtp.packets_received == packets
        assert call.rtp.outgoing.played_ms == 20 * packets
        file = calls.closed[number].file
        sound, gaps = calls.sound(number)
        assert tuple(gaps) == file.gaps
        port = calls.ports[number]
        told = sum(gap.samples for gap in gaps)
        lost = missing_samples(sound.callee, sound.callee_marks, sound_of(port, packets))
        lost_of_ours = missing_samples(sound.us, sound.us_marks, sound_of(port, packets, "us"))
        assert max(lost, lost_of_ours) <= told
        missing += lost + lost_of_ours
    return missing


async def test_on_a_full_disk_calls_go_on_and_the_gap_is_told_and_ends_with_the_trouble(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    packets = 400
    with mounted(pytestconfig, tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(800_000))
        calls = RecordedCalls(disk)
        calls.begin(4, packets)

        async def make_room() -> None:
            await asyncio.sleep(6.0)
            filler.unlink()

        with structlog.testing.capture_logs() as logs:
            await asyncio.gather(calls.talk(packets), make_room())
            await calls.hang_up()
        files = [calls.closed[number].file for number in range(4)]
        assert {file.cause for file in files} == {"disk_full"}
        assert check_calls(calls, packets) > 0
        ends = [file.gaps[-1].end_sample < file.samples for file in files]
    assert any(ends), "when there was room again, recording went on"
    events = [entry["event"] for entry in logs]
    assert events.count("recordings.interrupted") == events.count("recordings.resumed") >= 1


async def test_what_must_stay_free_for_others_stays_free(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    packets = 200
    with mounted(pytestconfig, tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as disk:
        calls = RecordedCalls(disk, keep_free_bytes=900_000)
        calls.begin(4, packets)
        await calls.talk(packets)
        await calls.hang_up()
        assert check_calls(calls, packets) > 0
        assert {calls.closed[number].file.cause for number in range(4)} == {"disk_full"}
        # a look a second, four calls of 16 kB a second
        assert shutil.disk_usage(disk).free > 900_000 - 3 * 4 * 16_200


async def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    packets = 300
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    calls = RecordedCalls(tmp_path)
    calls.begin(1, packets)
    resource.setrlimit(resource.RLIMIT_FSIZE, (slot_at(2) + 5_000, hard))
    try:
        await calls.talk(packets)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await calls.hang_up()
    file = calls.closed[0].file
    assert (file.cause, file.gaps[0].start_sample) == ("disk_full", 16_000)
    assert check_calls(calls, packets) > 0


async def test_a_directory_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    packets = 300
    directory = tmp_path / "recordings"
    calls = RecordedCalls(directory)
    calls.begin(2, packets)

    async def take_away() -> None:
        await asyncio.sleep(2.5)
        shutil.rmtree(directory)
        directory.write_text("in the way")
        await asyncio.sleep(2.0)
        directory.unlink()

    await asyncio.gather(calls.talk(packets), take_away())
    await calls.hang_up()
    assert check_calls(calls, packets) > 0
    for number in range(2):
        file = calls.closed[number].file
        assert (file.cause, file.gaps[0].start_sample) == ("unreachable", 0)
        assert file.gaps[-1].end_sample < file.samples, "when it was there again, recording went on"


async def test_a_disk_that_stalls_makes_nobody_wait_and_loses_nothing_that_the_queue_holds(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    packets = 300
    with disk_that_can_stall(pytestconfig, tmp_path) as disk:
        calls = RecordedCalls(disk)
        calls.begin(4, packets)

        async def stall() -> None:
            await asyncio.sleep(1.5)
            freeze(disk, "--freeze")
            try:
                await asyncio.sleep(3.0)
            finally:
                freeze(disk, "--unfreeze")

        await asyncio.gather(calls.talk(packets), stall())
        await calls.hang_up()
        assert check_calls(calls, packets) == 0
        assert {calls.closed[number].file.cause for number in range(4)} == {None}


async def test_a_disk_that_stalls_for_too_long_costs_a_gap_and_no_call(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    packets = 300
    with disk_that_can_stall(pytestconfig, tmp_path) as disk:
        calls = RecordedCalls(disk, max_frames=2 * 100 * 2)  # two seconds of two calls
        calls.begin(2, packets)

        async def stall() -> None:
            await asyncio.sleep(0.5)
            freeze(disk, "--freeze")
            try:
                await asyncio.sleep(5.0)
            finally:
                freeze(disk, "--unfreeze")

        await asyncio.gather(calls.talk(packets), stall())
        await calls.hang_up()
        assert check_calls(calls, packets) > 0
        assert {calls.closed[number].file.cause for number in range(2)} == {"overload"}


async def test_a_stop_does_not_wait_for_ever_for_a_disk(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    with disk_that_can_stall(pytestconfig, tmp_path) as disk:
        calls = RecordedCalls(disk)
        freeze(disk, "--freeze")
        try:
            calls.begin(1, 60)
            await calls.talk(60)
            calls.calls[0].close()
            assert not await calls.recorder.close(0.5)
        finally:
            freeze(disk, "--unfreeze")
        assert await calls.recorder.close(30.0)
        calls.plane.close()
    assert calls.closed[0].file.cause is None


async def test_what_a_killed_process_left_is_read_to_its_last_whole_second(tmp_path: Path) -> None:
    """The end of a call that never comes: the thread has written, and nobody has closed."""
    packets = 180
    calls = RecordedCalls(tmp_path)
    calls.begin(1, packets)
    await calls.talk(packets)
    (path,) = parts_left(tmp_path, "test")
    left = path.with_name("left.part")
    left.write_bytes(path.read_bytes() + bytes(100))  # and half a chunk
    await calls.hang_up()
    found = examine(left, KEYRING)
    assert found is not None
    assert (found.recording_id, found.file.cause, found.file.samples % 8_000) == (0, "cut", 0)
    assert found.file.samples >= 8_000
    assert found.file.size_bytes == slot_at(found.file.samples // 8_000) == left.stat().st_size
    recording = Recording.open(left, KEYRING)
    assert isinstance(recording, Recording)
    with recording:
        sound = recording.read_g711(0, recording.samples)
    assert isinstance(sound, G711)
    whole, _ = calls.sound(0)
    assert whole.callee.startswith(sound.callee)


def test_what_is_no_recording_is_left_alone(tmp_path: Path) -> None:
    assert parts_left(tmp_path, "test") == []
    (tmp_path / "x.part").write_text("not ours")
    assert examine(tmp_path / "x.part", KEYRING) is None
    assert examine(tmp_path / "missing.part", KEYRING) is None
