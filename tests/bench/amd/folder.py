"""`--classify FOLDER`: a verdict for each sound file, one line each: path, verdict, milliseconds from the start of the file."""

import sys
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.errors import InvalidAudio
from dialer.media.g711 import decode
from dialer.media.prompt import read_audio
from tests.bench.amd.hearing import BATCH, hear

RAW: Final = {".ulaw": 0, ".ul": 0, ".pcmu": 0, ".mulaw": 0, ".alaw": 8, ".al": 8, ".pcma": 8}
"""Headerless G.711 at 8 kHz, by its payload type."""
SOUND: Final = {".wav", ".flac", ".ogg", ".mp3", ".au"}


def classify_folder(folder: Path) -> int:
    """Print PATH<TAB>VERDICT<TAB>MS for every file below the folder; return 1 when one could not be read."""
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SOUND or path.suffix.lower() in RAW
    )
    if not paths:
        print(f"no sound files ({', '.join(sorted(SOUND | RAW.keys()))}) in {folder}", file=sys.stderr)
        return 1
    failed = False
    for start in range(0, len(paths), BATCH):
        readable, clips = [], []
        for path in paths[start : start + BATCH]:
            try:
                clips.append(read_samples(path))
                readable.append(path)
            except InvalidAudio as error:
                failed = True
                print(f"{path}: {error}", file=sys.stderr)
        for path, result in zip(readable, hear(clips), strict=True):
            verdict = result.verdict
            print(
                path,
                verdict.answered_by if verdict else "silence",
                verdict.verdict_ms if verdict else 0,
                sep="\t",
            )
    return int(failed)


def read_samples(path: Path) -> NDArray[np.int16]:
    """Read any rate and any number of channels to 8 kHz mono; raises InvalidAudio."""
    payload_type = RAW.get(path.suffix.lower())
    if payload_type is not None:
        return decode(path.read_bytes(), payload_type)
    return np.frombuffer(read_audio(path.read_bytes()), dtype="<i2")
