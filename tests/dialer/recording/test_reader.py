"""A real file, read by stretches; and whatever becomes of a file on a disk is a value."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.media.g711 import decode, to_alaw, to_ulaw
from dialer.recording.container import HEADER_BYTES, SLOT_BYTES, Gap
from dialer.recording.keyring import Keyring
from dialer.recording.reader import G711, Forged, Recording, Unreadable
from dialer.recording.recording_file import ClosedFile, RecordingFile, write_recording

KEYRING = Keyring("k1", {"k1": b"1" * 32})
FRAMES = 130
"""2.6 s."""
CHANCE = random.Random(1)
CALLEE, US = CHANCE.randbytes(160 * FRAMES), CHANCE.randbytes(160 * FRAMES)


def make(path: Path, callee: bytes = CALLEE, us: bytes = US, *, is_alaw: bool = False) -> ClosedFile:
    return write_recording(
        path, KEYRING, recording_id=9, callee=callee, us=us, started_ms=1_000, rng=CHANCE.randbytes, is_alaw=is_alaw
    )  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "2026" / "9.obz"
    closed = make(path)
    assert closed.size_bytes == path.stat().st_size
    return path


def opened(path: Path) -> Recording:
    recording = Recording.open(path, KEYRING)
    assert isinstance(recording, Recording)
    return recording


def test_the_sound_comes_back_byte_for_byte(path: Path) -> None:
    with opened(path) as recording:
        assert (recording.samples, recording.is_cut, recording.gaps) == (160 * FRAMES, False, [])
        assert (recording.recording_id, recording.key_id, recording.started_ms) == (9, "k1", 1_000)
        sound = recording.read_g711(0, 10**9)
    assert isinstance(sound, G711)
    assert (sound.callee, sound.us) == (CALLEE, US)
    assert sound.callee_marks == sound.us_marks == bytes(FRAMES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-10, 160 * FRAMES + 10), st.integers(0, 30_000))
def test_any_stretch_is_that_part_of_the_whole(path: Path, start: int, count: int) -> None:
    part = slice(max(0, start), max(0, start + count))
    with opened(path) as recording:
        sound = recording.read_g711(start, count)
        pcm = recording.read_pcm(start, count)
    assert isinstance(sound, G711)
    assert (sound.callee, sound.us) == (CALLEE[part], US[part])
    assert isinstance(pcm, bytes)
    samples = np.frombuffer(pcm, "<i2").reshape(-1, 2)
    assert (samples[:, 0] == decode(CALLEE[part], 0)).all()
    assert (samples[:, 1] == decode(US[part], 0)).all()


@pytest.mark.parametrize("is_alaw", [False, True])
def test_a_player_hears_what_was_said(tmp_path: Path, *, is_alaw: bool) -> None:
    said = (8_000 * np.sin(np.arange(16_000) / 5)).astype("<i2")
    wire = (to_alaw if is_alaw else to_ulaw)(said.tobytes())
    make(tmp_path / "1.obz", wire, wire, is_alaw=is_alaw)
    with opened(tmp_path / "1.obz") as recording:
        pcm = recording.read_pcm(0, 16_000)
    assert isinstance(pcm, bytes)
    heard = np.frombuffer(pcm, "<i2").reshape(-1, 2)
    assert np.abs(heard - said[:, None].astype(np.int32)).max() < 300  # a step of G.711 at this level is 256


def test_the_waveform_shows_where_somebody_speaks(tmp_path: Path) -> None:
    loud, silent = to_ulaw(np.full(8_000, 30_000, "<i2").tobytes()), b"\xff" * 8_000
    make(tmp_path / "1.obz", silent + loud, loud + silent)
    with opened(tmp_path / "1.obz") as recording:
        peaks = recording.waveform(4)
    assert not isinstance(peaks, Forged)
    assert peaks.tolist() == [[0, 0, 234, 234], [234, 234, 0, 0]]


def test_an_empty_recording_has_nothing_to_hear(tmp_path: Path) -> None:
    file = RecordingFile(
        tmp_path / "1.part", tmp_path / "1.obz", KEYRING, recording_id=1, started_ms=0, owner=b"", rng=CHANCE.randbytes
    )  # fmt: skip
    assert file.close(0, []) == ClosedFile(samples=0, gaps=(), cause="no_sound", size_bytes=None, sha256=None)
    assert Recording.open(tmp_path / "1.obz", KEYRING) == Unreadable("missing")


def test_without_the_key_nothing_is_read(path: Path) -> None:
    assert Recording.open(path, Keyring("k2", {"k2": b"1" * 32})) == Unreadable("unknown_key", "k1")
    assert Recording.open(path, Keyring("k1", {"k1": b"2" * 32})) == Unreadable("forged", "k1")


def test_after_a_change_of_keys_the_older_recordings_open_and_the_newer_are_sealed_anew(
    path: Path, tmp_path: Path
) -> None:
    changed = Keyring("k2", {"k2": b"2" * 32, "k1": b"1" * 32})
    old = Recording.open(path, changed)
    assert isinstance(old, Recording)
    old.close()
    write_recording(
        tmp_path / "2.obz", changed, recording_id=2, callee=CALLEE, us=US, started_ms=0, rng=CHANCE.randbytes
    )
    new = Recording.open(tmp_path / "2.obz", changed)
    assert isinstance(new, Recording)
    new.close()
    assert (old.key_id, new.key_id) == ("k1", "k2")
    assert Recording.open(tmp_path / "2.obz", KEYRING) == Unreadable("unknown_key", "k2")


@given(st.integers(0, 3 * SLOT_BYTES + 200))
def test_a_cut_file_is_read_to_its_last_whole_second(path: Path, size: int) -> None:
    data = path.read_bytes()[: -1 - size]
    cut = path.with_name("cut.obz")
    cut.write_bytes(data)
    recording = Recording.open(cut, KEYRING)
    if len(data) < HEADER_BYTES:
        assert recording == Unreadable("not_a_recording")
        return
    assert isinstance(recording, Recording)
    with recording:
        assert recording.is_cut
        whole = (len(data) - HEADER_BYTES) // SLOT_BYTES
        assert recording.samples == 8_000 * whole
        sound = recording.read_g711(0, 10**9)
    assert isinstance(sound, G711)
    assert sound.callee[: len(CALLEE)] == CALLEE[: 8_000 * whole]


@given(st.data())
def test_a_changed_byte_is_a_value_and_never_other_sound(path: Path, data: st.DataObject) -> None:
    raw = bytearray(path.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    changed = path.with_name("changed.obz")
    changed.write_bytes(raw)
    recording = Recording.open(changed, KEYRING)
    if isinstance(recording, Unreadable):
        return
    with recording:
        sound = recording.read_g711(0, 10**9)
        pcm = recording.read_pcm(0, 10**9)
        peaks = recording.waveform(10)
    if isinstance(sound, G711):  # the end mark itself was hit: a cut file, all of its seconds whole
        assert recording.is_cut
        assert sound.callee[: len(CALLEE)] == CALLEE
        return
    assert sound == pcm == peaks


@given(st.binary(max_size=300), st.booleans())
def test_any_file_is_a_value(tmp_path_factory: pytest.TempPathFactory, data: bytes, has_header: bool) -> None:  # noqa: FBT001
    path = tmp_path_factory.getbasetemp() / "any.obz"
    header = b"obzvrec\x01" + bytes(8) + b"k1".ljust(16, b"\0") if has_header else b""
    path.write_bytes(header + data)
    recording = Recording.open(path, KEYRING)
    if isinstance(recording, Recording):
        with recording:
            recording.read_pcm(0, 10**9)


def test_a_second_that_was_not_written_is_a_gap_and_blanking_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "1.obz"
    file = RecordingFile(
        tmp_path / "1.part", path, KEYRING, recording_id=1, started_ms=0, owner=b"", rng=CHANCE.randbytes
    )  # fmt: skip
    second = CALLEE[:16_000] + bytes(100)
    assert file.write(0, second) is None
    file.miss(1, "disk_full")
    assert file.write(2, second) is None
    closed = file.close(24_000, [])
    assert (closed.gaps, closed.cause) == ((Gap(8_000, 8_000, "disk_full"),), "disk_full")
    with opened(path) as recording:
        assert recording.gaps == [Gap(8_000, 8_000, "disk_full")]
        assert recording.read_pcm(8_000, 8_000) == bytes(32_000)
        assert isinstance(recording.read_g711(16_000, 8_000), G711)
    raw = bytearray(path.read_bytes())
    raw[HEADER_BYTES : HEADER_BYTES + SLOT_BYTES] = bytes(SLOT_BYTES)
    path.write_bytes(raw)
    with opened(path) as recording:
        assert recording.read_pcm(0, 1) == Forged(0)
