"""Any sound file in, 8 kHz mono out; what is no sound is said by a code."""

import io

import numpy as np
import pytest
import soundfile

from dialer.errors import InvalidAudio
from dialer.media.prompt import MAX_PROMPT_SECONDS, Prompt, read_audio


def sound_file(rate: int, *, seconds: float = 1.0, channels: int = 1, file_format: str = "WAV") -> bytes:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    file = io.BytesIO()
    soundfile.write(file, np.stack([wave] * channels, axis=1), rate, format=file_format)
    return file.getvalue()


@pytest.mark.parametrize(
    ("rate", "channels", "file_format"),
    [(8000, 1, "WAV"), (16_000, 1, "WAV"), (44_100, 2, "WAV"), (48_000, 2, "FLAC"), (11_025, 1, "OGG")],
)
def test_any_rate_and_any_channels_become_8_khz_mono(rate: int, channels: int, file_format: str) -> None:
    pcm = read_audio(sound_file(rate, channels=channels, file_format=file_format))

    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    loudest_hertz = np.fft.rfftfreq(len(samples), 1 / 8000)[np.argmax(np.abs(np.fft.rfft(samples)))]
    assert len(samples) == pytest.approx(8000, abs=80)
    assert loudest_hertz == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(16_384, rel=0.05)


def test_a_prompt_knows_its_duration_and_has_a_byte_per_sample() -> None:
    prompt = Prompt.from_pcm(bytes(2 * 8000))
    assert (prompt.duration_ms, len(prompt.ulaw), len(prompt.alaw)) == (1000, 8000, 8000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "audio_unreadable"),
        (b"number;name\n", "audio_unreadable"),
        (sound_file(8000)[:20], "audio_unreadable"),
        (sound_file(8000, seconds=0), "audio_empty"),
        (sound_file(1000, seconds=MAX_PROMPT_SECONDS + 1), "audio_too_long"),
    ],
    ids=["no_bytes", "text", "cut", "no_samples", "too_long"],
)
def test_what_cannot_be_played_is_refused_by_code(data: bytes, code: str) -> None:
    with pytest.raises(InvalidAudio) as refusal:
        read_audio(data)
    assert refusal.value.code == code
