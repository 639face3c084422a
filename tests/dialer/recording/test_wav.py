"""The WAV file of a recording: any stretch of it is the same as that stretch of the whole."""

import io
import secrets
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.media.g711 import decode
from dialer.recording.keyring import Keyring
from dialer.recording.reader import G711, Recording, Unreadable
from dialer.recording.recording_file import write_recording
from dialer.recording.wav import HEADER_BYTES, millisecond_at, read_wav, wav_header, wav_size

KEYRING = Keyring("k1", {"k1": bytes(32)})
SAMPLES = 160 * 101  # not a whole second


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("wav") / "1.obz"
    callee, us = secrets.token_bytes(SAMPLES), secrets.token_bytes(SAMPLES)
    write_recording(
        path, KEYRING, recording_id=1, callee=callee, us=us, started_ms=0, rng=secrets.token_bytes
    )
    opened = Recording.open(path, KEYRING)
    assert not isinstance(opened, Unreadable)
    return opened


def test_it_is_a_wav_file_with_the_callee_left_and_us_right(recording: Recording) -> None:
    whole = read_wav(recording, 0, wav_size(recording))
    g711 = recording.read_g711(0, SAMPLES)
    assert isinstance(whole, bytes)
    assert isinstance(g711, G711)
    with wave.open(io.BytesIO(whole)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        assert file.getnframes() == SAMPLES
        frames = file.readframes(SAMPLES)
    assert frames[0::4] == decode(g711.callee, 0).astype("<i2").tobytes()[0::2]
    assert frames[3::4] == decode(g711.us, 0).astype("<i2").tobytes()[1::2]


@given(st.data())
def test_any_stretch_is_that_of_the_whole(recording: Recording, data: st.DataObject) -> None:
    size = wav_size(recording)
    whole = read_wav(recording, 0, size)
    assert isinstance(whole, bytes)
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(start, size))
    assert read_wav(recording, start, stop) == whole[start:stop]


def test_an_empty_one_is_a_header() -> None:
    with wave.open(io.BytesIO(wav_header(0))) as file:
        assert file.getnframes() == 0


@pytest.mark.parametrize(("offset", "moment"), [(0, 0), (HEADER_BYTES, 0), (HEADER_BYTES + 32_000, 1000)])
def test_a_byte_belongs_to_a_moment(offset: int, moment: int) -> None:
    assert millisecond_at(offset) == moment


def test_a_changed_second_is_told(tmp_path: Path) -> None:
    path = tmp_path / "2.obz"
    write_recording(
        path, KEYRING, recording_id=2, callee=bytes(16_000), us=bytes(16_000), started_ms=0, rng=secrets.token_bytes
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with Recording.open(path, KEYRING) as opened:  # type: ignore[union-attr]
        assert not isinstance(read_wav(opened, 0, 100), bytes)
