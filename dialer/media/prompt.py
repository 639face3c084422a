"""A message to play, compressed once when it is loaded; and the reading of any sound file into one."""

import io
from typing import Final

import msgspec
import numpy as np
import soundfile
import soxr

from dialer.errors import InvalidAudio
from dialer.media.g711 import to_alaw, to_ulaw

SAMPLE_RATE_HZ: Final = 8_000
MAX_PROMPT_SECONDS: Final = 600
"""Ten minutes: nobody listens longer, and it bounds what an upload may cost (9.6 MB as PCM)."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """8 kHz mono sound, ready to send: one byte a sample in each encoding."""

    duration_ms: int
    ulaw: bytes
    alaw: bytes

    @classmethod
    def from_pcm(cls, pcm_s16le_8khz: bytes) -> "Prompt":
        """Compress little-endian 16-bit mono samples at 8 kHz, as `read_audio` returns them."""
        return cls(
            duration_ms=len(pcm_s16le_8khz) * 1000 // (2 * SAMPLE_RATE_HZ),
            ulaw=to_ulaw(pcm_s16le_8khz),
            alaw=to_alaw(pcm_s16le_8khz),
        )


def read_audio(data: bytes) -> bytes:
    """
    Turn a sound file (WAV, FLAC, OGG, MP3; any rate, any number of channels) into 16-bit mono PCM at 8 kHz.

    Raises:
        InvalidAudio: code `audio_unreadable`, `audio_empty` or `audio_too_long`.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            rate_hz = sound.samplerate
            if sound.frames > MAX_PROMPT_SECONDS * rate_hz:
                raise InvalidAudio("audio_too_long", f"the sound is longer than {MAX_PROMPT_SECONDS} s")
            samples = sound.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise InvalidAudio(
            "audio_unreadable", "not a sound file that can be read (WAV, FLAC, OGG, MP3)"
        ) from error
    if not len(samples):
        raise InvalidAudio("audio_empty", "the sound file holds no sound")
    mono = samples.mean(axis=1)
    narrow = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ) if rate_hz != SAMPLE_RATE_HZ else mono
    pcm: bytes = (np.clip(narrow, -1.0, 1.0) * 32_767).astype("<i2").tobytes()
    return pcm
