"""A recording as a file outside: deciphered, for the one user alone, whole or not at all."""

import os
from pathlib import Path
from typing import Final

from campaigns.errors import Conflict
from dialer.recording.reader import Forged, Recording
from dialer.recording.wav import read_wav, wav_size

BLOCK_BYTES: Final = 960_000


def write_wav(recording: Recording, place: Path) -> int:
    """
    Write the sound as WAV; return the bytes. What is there already stays. Blocking.

    Raises:
        FileExistsError
        Conflict: `recording_unreadable`: a second of it is not ours; nothing is left.
        OSError: nothing is left either.
    """
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    size = wav_size(recording)
    try:
        with os.fdopen(fd, "wb") as file:
            for start in range(0, size, BLOCK_BYTES):
                file.write(sound_of(recording, start, min(start + BLOCK_BYTES, size)))
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    return size


def sound_of(recording: Recording, start: int, stop: int) -> bytes:
    block = read_wav(recording, start, stop)
    if isinstance(block, Forged):
        raise Conflict("recording_unreadable", reason="forged")
    return block
